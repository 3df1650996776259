// What the tests in browser.test.mjs use within the page.

/** What `POST /tokens/{type}` answers. */
async function mint(base, type) {
  return (await fetch(`${base}/tokens/${type}`, { method: "POST" })).json();
}

/** A function that waits for the next JSON message of `socket` whose `field` is `value`. */
function messages(socket) {
  const seen = [];
  let wake = () => {};
  socket.addEventListener("message", ({ data }) => {
    seen.push(JSON.parse(data));
    wake();
  });
  socket.addEventListener("close", ({ code }) => {
    seen.push({ closed: code });
    wake();
  });
  return async (field, value) => {
    for (;;) {
      while (seen.length === 0) await new Promise((resolve) => (wake = resolve));
      const message = seen.shift();
      if (message[field] === value) return message;
      if (message.closed) throw new Error(`closed with ${message.closed} before ${value}`);
    }
  };
}
