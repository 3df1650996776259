// The AI SDK's xAI provider, which a server of one's own would use to mint.

import assert from "node:assert/strict";
import { test } from "node:test";
import { createXai } from "@ai-sdk/xai";
import { WebSocket } from "ws";

import { messages, upTo } from "./events.mjs";
import { sandbox } from "./sandbox.mjs";

const valetkey = await sandbox();
const xai = createXai({ baseURL: `${valetkey.url}/v1`, apiKey: "not-the-server's" });
const realtime = xai.experimental_realtime;
const model = "grok-voice-latest";

test("a token is minted through valetkey, and opens a session", async () => {
  const { token, expiresAt } = await realtime.getToken({ model });
  const left = expiresAt - Date.now() / 1000;
  assert.ok(left > 290 && left <= 301, `${left} s left`);

  // The provider's url is that of its base URL, where valetkey has no sockets: audio does not
  // pass through it. Where the provider is, POST /tokens/xai_realtime says.
  const { url } = await valetkey.token("xai_realtime");
  const socket = realtime(model).getWebSocketConfig({ token, url });
  const open = new WebSocket(socket.url, socket.protocols);
  await upTo(messages(open), "type", "session.created");
  assert.equal(open.protocol, `xai-client-secret.${token}`);
  open.terminate();
});

test("the lifetime asked for is had", async () => {
  const { expiresAt } = await realtime.getToken({ model, expiresAfterSeconds: 60 });
  const left = expiresAt - Date.now() / 1000;
  assert.ok(left > 50 && left <= 61, `${left} s left`);
});

test("a refusal is an error with its reason", async () => {
  const refused = realtime.getToken({ model, expiresAfterSeconds: 7200 });
  await assert.rejects(refused, /422 .*3600/);
});
