// Waiting for what clients report.

import { on, once } from "node:events";

/** How long anything may take before a test gives up. */
const PATIENCE = 10_000;

/** The JSON messages of a socket of the package ws, from now on. */
export function messages(socket) {
  const signal = AbortSignal.timeout(PATIENCE);
  // Listening begins here; the generator below would only begin when it is first asked.
  const events = on(socket, "message", { signal, close: ["close"] });
  return (async function* parsed() {
    for await (const [data] of events) yield JSON.parse(data);
  })();
}

/** All messages up to the first whose `field` is `value`, which is the last. */
export async function upTo(messages, field, value) {
  const seen = [];
  for (;;) {
    const { value: message, done } = await messages.next();
    if (done) throw new Error(`closed before ${value}: ${JSON.stringify(seen)}`);
    seen.push(message);
    if (message[field] === value) return seen;
  }
}

/** The code that a socket of the package ws is closed with. */
export async function closed(socket) {
  const [code] = await once(socket, "close", { signal: AbortSignal.timeout(PATIENCE) });
  return code;
}

/** The first `event` that `emitter`, which has `on`, emits from now on. */
export function next(emitter, event) {
  return new Promise((resolve, reject) => {
    const late = setTimeout(() => reject(new Error(`no ${event} came`)), PATIENCE);
    emitter.on(event, (data) => {
      clearTimeout(late);
      resolve(data);
    });
  });
}
