// ElevenLabs' server SDK for Node, with valetkey or the stand-in as its base URL.

import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { ElevenLabsClient } from "@elevenlabs/elevenlabs-js";

import { next } from "./events.mjs";
import { sandbox } from "./sandbox.mjs";

const TYPES = ["realtime_scribe", "batch_scribe", "tts_websocket"];

const valetkey = await sandbox();
// A key that was refused rests for a while.
const refusing = await sandbox();
beforeEach(() => valetkey.reset());
const through = new ElevenLabsClient({ baseUrl: valetkey.url, apiKey: "not-the-server's" });
const direct = new ElevenLabsClient({ baseUrl: valetkey.standIns, apiKey: "sk_sandbox_key" });

for (const type of TYPES) {
  test(`${type} is minted through valetkey, with the server's key`, async () => {
      const { token } = await through.tokens.singleUse.create(type);
    assert.match(token, /^sutkn_sandbox_/);
    const [mint, ...more] = await valetkey.history();
    assert.equal(mint.path, `/v1/single-use-token/${type}`);
    assert.deepEqual(more, [], "once only");
    assert.equal(mint.headers["xi-api-key"], "<sandbox key>");
  });

  test(`${type} is minted at the stand-in`, async () => {
    const { token } = await direct.tokens.singleUse.create(type);
    assert.match(token, /^sutkn_sandbox_/);
  });
}

test("the stand-in refuses a wrong key as ElevenLabs does", async () => {
  const wrong = new ElevenLabsClient({ baseUrl: valetkey.standIns, apiKey: "sk_wrong" });
  await assert.rejects(wrong.tokens.singleUse.create("realtime_scribe"), (error) => {
    assert.equal(error.statusCode, 401);
    assert.equal(error.body.detail.code, "invalid_api_key");
    return true;
  });
});

test("a rate limit is waited out for as long as valetkey says", async () => {
  await valetkey.fail("elevenlabs/mint:status=429,retry_after=2,times=1");
  const { token } = await through.tokens.singleUse.create("realtime_scribe");
  assert.match(token, /^sutkn_sandbox_/);
  const [limited, minted] = await valetkey.history();
  assert.deepEqual([limited.status, minted.status], [429, 200]);
  assert.ok(minted.at - limited.at >= 1900, `retried after ${minted.at - limited.at} ms`);
});

test("a key that the provider refuses is an error that says whom to tell", async () => {
  await refusing.fail("elevenlabs/mint:revoked");
  const client = new ElevenLabsClient({ baseUrl: refusing.url, apiKey: "not-the-server's" });
  await assert.rejects(client.tokens.singleUse.create("realtime_scribe"), (error) => {
    assert.equal(error.statusCode, 502);
    assert.equal(error.body.code, "provider_refused");
    assert.match(error.message, /whoever runs it/);
    return true;
  });
});

/** Opens Scribe with a token. */
async function scribe(token) {
  // The SDK is made with some key, but sends none when it has a token.
  const client = new ElevenLabsClient({ baseUrl: valetkey.standIns, apiKey: "unused" });
  const options = { modelId: "scribe_v2_realtime", audioFormat: "pcm_16000", sampleRate: 16_000 };
  return client.speechToText.realtime.connect({ ...options, token });
}

test("a token from valetkey opens Scribe", async () => {
  const { token } = await through.tokens.singleUse.create("realtime_scribe");
  const connection = await scribe(token);
  const [partial, committed] = ["partial_transcript", "committed_transcript"].map((event) =>
    next(connection, event),
  );
  const started = await next(connection, "session_started");
  assert.equal(started.config.audio_format, "pcm_16000");
  connection.send({ audioBase64: Buffer.alloc(640).toString("base64") });
  assert.match((await partial).text, /640 bytes/);
  connection.commit();
  assert.match((await committed).text, /640 bytes/);
  const closed = next(connection, "close");
  connection.close();
  await closed;
});

test("a token that was used is told so in band", async () => {
  const { token } = await valetkey.token("realtime_scribe");
  const first = await scribe(token);
  await next(first, "session_started");
  first.close();
  const second = await scribe(token);
  // The SDK reports it twice, and what nobody listens to would be thrown.
  second.on("error", () => {});
  const refused = await next(second, "auth_error");
  assert.match(refused.error, /authenticated/);
});
