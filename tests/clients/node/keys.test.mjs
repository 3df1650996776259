// The official SDKs, told a caller key where they expect a provider's: all that a user of theirs
// changes is the base URL and the key.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { beforeEach, test } from "node:test";
import { ElevenLabsClient } from "@elevenlabs/elevenlabs-js";
import OpenAI from "openai";

import { sandbox } from "./sandbox.mjs";

const KEY = "vk_cR2bH0Y2tR8mC6Qd1VxJ4uE9sPzA7nLkWfTgX5yO3iM";

const valetkey = await sandbox({
  VALETKEY__AUTH__KEYS__0__ID: "sdk",
  VALETKEY__AUTH__KEYS__0__SHA256: createHash("sha256").update(KEY).digest("hex"),
  VALETKEY__LIMITS__CALLER__MODE: "enforce",
  VALETKEY__LIMITS__CALLER__RATE: "off",
  VALETKEY__LIMITS__CALLER__QUOTA: "3/d",
});
beforeEach(() => valetkey.reset());

test("ElevenLabs' SDK sends it as xi-api-key", async () => {
  const client = new ElevenLabsClient({ baseUrl: valetkey.url, apiKey: KEY });
  const { token } = await client.tokens.singleUse.create("realtime_scribe");
  assert.match(token, /^sutkn_sandbox_/);
});

test("OpenAI's SDK sends it as a bearer token", async () => {
  const client = new OpenAI({ baseURL: `${valetkey.url}/v1`, apiKey: KEY });
  const secret = await client.realtime.clientSecrets.create({});
  assert.match(secret.value, /sandbox/);
});

test("a wrong key is each SDK's own kind of error, at once and once", async () => {
  const openai = new OpenAI({ baseURL: `${valetkey.url}/v1`, apiKey: "vk_wrong" });
  await assert.rejects(openai.realtime.clientSecrets.create({}), (error) => {
    assert.ok(error instanceof OpenAI.AuthenticationError);
    assert.equal(error.code, "unauthenticated");
    return true;
  });
  const elevenlabs = new ElevenLabsClient({ baseUrl: valetkey.url, apiKey: "vk_wrong" });
  await assert.rejects(elevenlabs.tokens.singleUse.create("realtime_scribe"), (error) => {
    assert.equal(error.statusCode, 401);
    assert.equal(error.body.code, "unauthenticated");
    return true;
  });
  assert.deepEqual(await valetkey.history(), []);
});

test("a quota that is used up is an error of its own, with the time to wait", async () => {
  // It would ask again after every other 429.
  const client = new OpenAI({ baseURL: `${valetkey.url}/v1`, apiKey: KEY });
  await client.realtime.clientSecrets.create({});
  await assert.rejects(client.realtime.clientSecrets.create({}), (error) => {
    assert.ok(error instanceof OpenAI.RateLimitError);
    assert.equal(error.code, "quota_exhausted");
    assert.ok(Number(error.headers.get("retry-after")) > 80_000);
    assert.equal(error.headers.get("x-should-retry"), "false");
    return true;
  });
});
