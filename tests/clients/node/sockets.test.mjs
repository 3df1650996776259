// A plain WebSocket is all a client needs: what POST /tokens/{type} answers goes into
// new WebSocket(url, protocols) as it is, and the session behind it begins.

import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";
import { WebSocket } from "ws";

import { closed, messages, upTo } from "./events.mjs";
import { sandbox } from "./sandbox.mjs";

const valetkey = await sandbox();

/** The status that the upgrade of `socket` is refused with. */
async function refusal(socket) {
  const [, { statusCode }] = await once(socket, "unexpected-response");
  // Giving it up is an error to ws, which nobody here needs to hear.
  socket.on("error", () => {}).terminate();
  return statusCode;
}

test("xai_realtime: the subprotocol is selected and a turn of text is answered", async () => {
  const { url, protocols } = await valetkey.token("xai_realtime");
  const socket = new WebSocket(url, protocols);
  const events = messages(socket);
  const created = await upTo(events, "type", "session.created");
  assert.equal(created.length, 1, "it comes first");
  assert.deepEqual([socket.protocol], protocols);

  socket.send(JSON.stringify({ type: "session.update", session: { voice: "ara" } }));
  const updated = (await upTo(events, "type", "session.updated")).at(-1);
  assert.equal(updated.session.voice, "ara");

  const content = [{ type: "input_text", text: "Does it talk?" }];
  const item = { type: "message", role: "user", content };
  socket.send(JSON.stringify({ type: "conversation.item.create", item }));
  socket.send(JSON.stringify({ type: "response.create" }));
  const turn = await upTo(events, "type", "response.done");
  const said = turn.filter((event) => event.type === "response.output_audio_transcript.delta");
  assert.equal(said.map((event) => event.delta).join(""), "Does it talk?");
  const audio = turn.find((event) => event.type === "response.output_audio.delta");
  assert.ok(Buffer.from(audio.delta, "base64").length > 0);

  socket.close(1000);
  assert.equal(await closed(socket), 1000);
});

test("xai_realtime: one token opens several sessions until it expires", async () => {
  const { url, protocols } = await valetkey.token("xai_realtime");
  for (const _ of [1, 2]) {
    const socket = new WebSocket(url, protocols);
    await upTo(messages(socket), "type", "session.created");
    socket.terminate();
  }
  await valetkey.expire();
  assert.equal(await refusal(new WebSocket(url, protocols)), 401);
});

test("xai_realtime: the url alone opens nothing", async () => {
  const { url } = await valetkey.token("xai_realtime");
  assert.equal(await refusal(new WebSocket(url)), 401);
});

test("realtime_scribe: audio is transcribed", async () => {
  const { url, protocols } = await valetkey.token("realtime_scribe");
  const socket = new WebSocket(url, protocols);
  const events = messages(socket);
  const [started] = await upTo(events, "message_type", "session_started");
  assert.equal(started.config.model_id, "scribe_v2_realtime");
  const audio_base_64 = Buffer.alloc(320).toString("base64");
  socket.send(
    JSON.stringify({ message_type: "input_audio_chunk", audio_base_64, commit: true }),
  );
  const heard = (await upTo(events, "message_type", "committed_transcript")).at(-1);
  assert.match(heard.text, /320 bytes/);
  socket.close(1000);
  assert.equal(await closed(socket), 1000);
});

test("tts_websocket: text becomes audio", async () => {
  const { url, protocols } = await valetkey.token("tts_websocket");
  const socket = new WebSocket(url, protocols);
  const events = messages(socket);
  await once(socket, "open");
  for (const text of [" ", "Hello from the test. ", ""]) socket.send(JSON.stringify({ text }));
  const spoken = await upTo(events, "isFinal", true);
  const audio = spoken.filter((message) => message.audio);
  assert.ok(audio.length > 0 && Buffer.from(audio[0].audio, "base64").length > 0);
  assert.equal(await closed(socket), 1000);
});

test("tts_websocket: a token opens one stream, and only one", async () => {
  const { url, protocols } = await valetkey.token("tts_websocket");
  const first = new WebSocket(url, protocols);
  await once(first, "open");
  const second = new WebSocket(url, protocols);
  const refused = messages(second);
  const end = closed(second);
  assert.equal((await upTo(refused, "error", "invalid_api_key")).length, 1);
  assert.equal(await end, 1008);
  first.terminate();
});
