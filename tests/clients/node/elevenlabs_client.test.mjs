// ElevenLabs' browser SDK, with a token from valetkey; in a page it is tested by browser.test.mjs.

import assert from "node:assert/strict";
import { test } from "node:test";
import { CommitStrategy, RealtimeEvents, Scribe } from "@elevenlabs/client";
import { WebSocket } from "ws";

import { next } from "./events.mjs";
import { sandbox } from "./sandbox.mjs";

// Node has one of its own only from version 22 on.
globalThis.WebSocket ??= WebSocket;

const valetkey = await sandbox();

/** Opens Scribe with `token`. */
function scribe(token) {
  return Scribe.connect({
    baseUri: valetkey.sockets,
    token,
    modelId: "scribe_v2_realtime",
    commitStrategy: CommitStrategy.MANUAL,
    audioFormat: "pcm_16000",
    sampleRate: 16_000,
  });
}

test("audio is transcribed", async () => {
  const { token } = await valetkey.token("realtime_scribe");
  const connection = scribe(token);
  const errors = [];
  connection.on(RealtimeEvents.ERROR, (error) => errors.push(error));
  const started = await next(connection, RealtimeEvents.SESSION_STARTED);
  assert.equal(started.config.commit_strategy, "manual");
  const committed = next(connection, RealtimeEvents.COMMITTED_TRANSCRIPT);
  connection.send({ audioBase64: Buffer.alloc(640).toString("base64") });
  connection.commit();
  assert.match((await committed).text, /640 bytes/);
  const closed = next(connection, RealtimeEvents.CLOSE);
  connection.close();
  assert.equal((await closed).code, 1000);
  assert.deepEqual(errors, []);
});

test("a token of another type is refused with a reason", async () => {
  const { token } = await valetkey.token("tts_websocket");
  const connection = scribe(token);
  const closed = next(connection, RealtimeEvents.CLOSE);
  const refused = await next(connection, RealtimeEvents.AUTH_ERROR);
  assert.match(refused.error, /authenticated/);
  assert.equal((await closed).code, 1008);
});
