// Chromium, with pages that may ask and pages that may not: only a browser says truly which page it
// is, sends cookies along by itself, and keeps an answer from a page.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { createServer } from "node:http";
import { once } from "node:events";
import { after, beforeEach, test } from "node:test";

import { launch } from "./chromium.mjs";
import { sandbox } from "./sandbox.mjs";

const KEY = "vkp_cR2bH0Y2tR8mC6Qd1VxJ4uE9sPzA7nLkWfTgX5yO3iM";

/** A server on a free port that ends after the tests of this file. */
async function serve(handler) {
  const server = createServer(handler);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  after(() => server.close());
  return `http://127.0.0.1:${server.address().port}`;
}

const html = (_, response) => response.setHeader("content-type", "text/html").end("<!doctype html>");
/** A page that may ask, and one of a stranger. */
const friend = await serve(html);
const stranger = await serve(html);
/** An application with a session, as it would be asked. */
const application = await serve((request, response) => {
  const known = request.headers.cookie?.split("; ").includes("session=ada");
  if (known) response.setHeader("remote-user", "ada");
  response.writeHead(known ? 200 : 401).end();
});

const hash = createHash("sha256").update(KEY).digest("hex");
const limits = { VALETKEY__LIMITS__CALLER__MODE: "enforce", VALETKEY__LIMITS__CALLER__RATE: "2/h" };
const byKey = await sandbox({
  VALETKEY__ORIGINS__ALLOWED: "https://nobody.example",
  VALETKEY__AUTH__KEYS__0__ID: "page",
  VALETKEY__AUTH__KEYS__0__SHA256: hash,
  VALETKEY__AUTH__KEYS__0__PUBLISHABLE: "true",
  VALETKEY__AUTH__KEYS__0__ORIGINS: friend,
  ...limits,
});
const byCookie = await sandbox({
  VALETKEY__ORIGINS__ALLOWED: friend,
  VALETKEY__ORIGINS__CREDENTIALS: "true",
  VALETKEY__AUTH__FORWARD__URL: application,
});
const open = await sandbox({ VALETKEY__ORIGINS__ALLOWED: friend });
const browser = await launch(["--host-resolver-rules=MAP rebound.example 127.0.0.1"]);
const page = await browser.newPage();
beforeEach(() => Promise.all([byKey, byCookie, open].map((it) => it.reset())));

/** A page may wait for ever; a test of one may not. */
const PATIENCE = { timeout: 15_000 };

/** What a page at `origin` gets for its POST. */
async function ask(origin, url, options = {}) {
  await page.goto(origin);
  return page.evaluate(
    async ({ url, options }) => {
      try {
        const response = await fetch(url, { method: "POST", ...options });
        const headers = Object.fromEntries(response.headers);
        const body = response.type === "opaque" ? null : await response.json();
        return { status: response.status, headers, body };
      } catch (error) {
        return { failed: error.name };
      }
    },
    { url, options },
  );
}

test("a publishable key works from its page, and the page sees where it stands", PATIENCE, async () => {
  const options = { headers: { authorization: `Bearer ${KEY}` } };
  const first = await ask(friend, `${byKey.url}/session`, options);
  assert.equal(first.status, 200);
  assert.match(first.body.value, /sandbox/);
  assert.match(first.headers.ratelimit, /"caller";r=1/);
  await ask(friend, `${byKey.url}/session`, options);
  const third = await ask(friend, `${byKey.url}/session`, options);
  assert.deepEqual([third.status, third.body.code], [429, "rate_limited"]);
  assert.equal(third.headers["retry-after"], String(third.body.retry_after));
});

test("the same key is of no use to another page, and costs nothing", PATIENCE, async () => {
  const options = { headers: { authorization: `Bearer ${KEY}` } };
  assert.deepEqual(await ask(stranger, `${byKey.url}/session`, options), { failed: "TypeError" });
  assert.deepEqual(await byKey.history(), []);
});

test("a page can read that it is not known", PATIENCE, async () => {
  const { status, body } = await ask(friend, `${byKey.url}/session`);
  assert.deepEqual([status, body.code], [401, "unauthenticated"]);
});

test("a stranger's request that needs no preflight mints nothing either", PATIENCE, async () => {
  for (const options of [{ mode: "no-cors" }, {}]) {
    await ask(stranger, `${open.url}/session`, options);
    await ask(stranger, `${open.url}/tokens/realtime_scribe`, options);
  }
  assert.deepEqual(await open.history(), []);
  assert.equal((await ask(friend, `${open.url}/session`)).status, 200);
});

test("a form cannot borrow the server", PATIENCE, async () => {
  // A page of its own, because it is led away.
  const page = await browser.newPage();
  await page.goto(stranger);
  const answered = page.waitForResponse(`${open.url}/session`);
  await page.evaluate((action) => {
    const form = Object.assign(document.createElement("form"), { action, method: "POST" });
    document.body.append(form);
    form.submit();
  }, `${open.url}/session`);
  assert.equal((await answered).status(), 403);
  await page.close();
  assert.deepEqual(await open.history(), []);
});

test("a session's cookie opens for the application's page, not for another", PATIENCE, async () => {
  const url = `${byCookie.url}/session`;
  const credentials = { credentials: "include" };
  assert.equal((await ask(friend, url, credentials)).status, 401);
  await page.context().addCookies([{ name: "session", value: "ada", url: friend }]);
  assert.equal((await ask(friend, url, credentials)).status, 200);
  await byCookie.reset();
  assert.deepEqual(await ask(stranger, url, credentials), { failed: "TypeError" });
  assert.deepEqual(await byCookie.history(), []);
});

test("a name that an attacker points here is none of our pages", PATIENCE, async () => {
  const rebound = `http://rebound.example:${new URL(open.url).port}`;
  // Any document will do: the browser takes it for the attacker's own.
  const { status, body } = await ask(`${rebound}/healthz`, `${rebound}/session`);
  assert.deepEqual([status, body.code], [403, "origin_not_allowed"]);
  assert.deepEqual(await open.history(), []);
});
