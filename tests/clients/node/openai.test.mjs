// OpenAI's SDK, which xAI's users use too: client secrets from valetkey, and from the stand-in.
//
// Its sockets are always wss and the stand-ins speak plain ws, so here it only mints.

import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import OpenAI from "openai";

import { sandbox } from "./sandbox.mjs";

const valetkey = await sandbox();
// A key that was refused rests for a while.
const refusing = await sandbox();
beforeEach(() => valetkey.reset());
const through = new OpenAI({ baseURL: `${valetkey.url}/v1`, apiKey: "not-the-server's" });
const direct = new OpenAI({ baseURL: `${valetkey.standIns}/v1`, apiKey: "xai-sandbox-key" });

const session = { type: "realtime", model: "grok-voice-latest" };

/** That `secret` can be used, and for about `seconds`. */
function assertLives(secret, seconds) {
  assert.match(secret.value, /^xai-realtime-client-secret-sandbox-/);
  const left = secret.expires_at - Date.now() / 1000;
  assert.ok(left > seconds - 10 && left <= seconds + 1, `${left} s left`);
}

for (const [described, body, seconds] of [
  ["a lifetime", { expires_after: { seconds: 120 } }, 120],
  ["a lifetime and its anchor", { expires_after: { anchor: "created_at", seconds: 120 } }, 120],
  ["nothing", {}, 300],
]) {
  test(`through valetkey, asking for ${described}`, async () => {
    assertLives(await through.realtime.clientSecrets.create(body), seconds);
  });
}

test("a session is refused by valetkey, and the message says why", async () => {
  const create = through.realtime.clientSecrets.create({ session });
  await assert.rejects(create, (error) => {
    assert.ok(error instanceof OpenAI.UnprocessableEntityError);
    assert.match(error.message, /^422 `session` is not taken here/);
    assert.equal(error.code, "invalid_request");
    return true;
  });
  assert.deepEqual(await valetkey.history(), []);
});

test("a lifetime out of bounds is refused by valetkey, which names the bounds", async () => {
  const create = through.realtime.clientSecrets.create({ expires_after: { seconds: 7200 } });
  await assert.rejects(create, (error) => {
    assert.ok(error instanceof OpenAI.UnprocessableEntityError);
    assert.match(error.message, /3600/);
    return true;
  });
});

test("what only the operator can mend is not tried again", async () => {
  await refusing.fail("xai/mint:status=401");
  const client = new OpenAI({ baseURL: `${refusing.url}/v1`, apiKey: "not-the-server's" });
  await assert.rejects(client.realtime.clientSecrets.create({}), (error) => {
    assert.equal(error.status, 502);
    assert.equal(error.code, "provider_refused");
    assert.match(error.message, /^502 \w/);
    return true;
  });
  assert.equal((await refusing.history()).length, 1);
});

test("a rate limit is waited out for as long as valetkey says", async () => {
  await valetkey.fail("xai/mint:status=429,retry_after=2,times=1");
  assertLives(await through.realtime.clientSecrets.create({}), 300);
  const [limited, minted] = await valetkey.history();
  assert.deepEqual([limited.status, minted.status], [429, 200]);
  assert.ok(minted.at - limited.at >= 1900, `retried after ${minted.at - limited.at} ms`);
});

test("the stand-in ignores a session, as xAI does", async () => {
  assertLives(await direct.realtime.clientSecrets.create({ session }), 600);
  const expires_after = { anchor: "created_at", seconds: 60 };
  assertLives(await direct.realtime.clientSecrets.create({ expires_after, session }), 60);
});

test("the stand-in's refusals are shown with their text", async () => {
  const wrong = new OpenAI({ baseURL: `${valetkey.standIns}/v1`, apiKey: "xai-wrong" });
  await assert.rejects(wrong.realtime.clientSecrets.create({}), (error) => {
    assert.ok(error instanceof OpenAI.BadRequestError);
    assert.match(error.message, /Incorrect API key provided/);
    return true;
  });
  await valetkey.fail("xai/mint:status=401,times=1");
  await assert.rejects(direct.realtime.clientSecrets.create({}), (error) => {
    assert.ok(error instanceof OpenAI.AuthenticationError);
    assert.match(error.message, /^401 "\w/);
    return true;
  });
});
