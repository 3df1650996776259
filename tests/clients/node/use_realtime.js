// A page of React's that talks through the AI SDK's hook; bundled for browser.test.mjs.

import { experimental_useRealtime as useRealtime } from "@ai-sdk/react";
import { createXai } from "@ai-sdk/xai";
import { createElement, useEffect, useState } from "react";
import { createRoot } from "react-dom/client";

const model = createXai({ apiKey: "unused" }).experimental_realtime("grok-voice-latest");
const sessionConfig = { voice: "ara", outputModalities: ["text"] };

/** Says `text` once connected, and shows all that is said, or what went wrong. */
function Talk({ token, text }) {
  const [error, setError] = useState(null);
  const onError = (error) => setError(error.message);
  const api = { token };
  const session = useRealtime({ model, api, sessionConfig, onError });
  useEffect(() => void session.connect().catch(onError), []);
  useEffect(() => {
    if (session.status === "connected") session.sendTextMessage(text);
  }, [session.status]);
  const said = session.messages.flatMap(({ role, parts }) =>
    parts.filter((part) => part.state === "done").map((part) => `${role}: ${part.text}`),
  );
  return createElement("pre", null, JSON.stringify({ error, said }));
}

/** Shows the page in `element`; `token` is the address that hands out tokens. */
globalThis.talk = (element, token, text) =>
  createRoot(element).render(createElement(Talk, { token, text }));
