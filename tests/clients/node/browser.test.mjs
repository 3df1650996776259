// Chromium, with a page of another origin than valetkey's and the providers': what an application's
// own page does. Only a browser enforces CORS, preflights and the choice of a subprotocol.

import assert from "node:assert/strict";
import { createReadStream } from "node:fs";
import { createServer } from "node:http";
import { once } from "node:events";
import { after, beforeEach, test } from "node:test";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

import { launch } from "./chromium.mjs";
import { sandbox } from "./sandbox.mjs";

const valetkey = await sandbox();
// A key that was limited rests for as long as it was told to.
const limited = await sandbox();
const browser = await launch();

/** Serves the page, and to it the SDKs as they are installed. */
const site = createServer((request, response) => {
  const modules = request.url.startsWith("/node_modules/");
  const path = modules ? `..${request.url}` : "page.html";
  const javascript = path.endsWith("js");
  response.setHeader("content-type", javascript ? "text/javascript" : "text/html");
  const file = createReadStream(fileURLToPath(new URL(path, import.meta.url)));
  file.on("error", () => response.writeHead(404).end()).pipe(response);
});
site.listen(0, "127.0.0.1");
await once(site, "listening");
after(() => site.close());

const page = await browser.newPage();
beforeEach(async () => {
  await valetkey.reset();
  await page.goto(`http://127.0.0.1:${site.address().port}/`);
  await page.addScriptTag({ path: fileURLToPath(new URL("in_page.js", import.meta.url)) });
});

/** A page may wait for ever; a test of one may not. */
const PATIENCE = { timeout: 15_000 };

test("xai_realtime: a session begins with the subprotocol that was offered", PATIENCE, async () => {
  const session = await page.evaluate(async (base) => {
    const { url, protocols } = await mint(base, "xai_realtime");
    const socket = new WebSocket(url, protocols);
    const next = messages(socket);
    const created = await next("type", "session.created");
    const content = [{ type: "input_text", text: "Hello from the page." }];
    const item = { type: "message", role: "user", content };
    socket.send(JSON.stringify({ type: "conversation.item.create", item }));
    socket.send(JSON.stringify({ type: "response.create" }));
    const done = await next("type", "response.done");
    socket.close();
    return { created, done, offered: protocols, selected: socket.protocol };
  }, valetkey.url);
  assert.match(session.created.session.id, /^sess/);
  assert.deepEqual([session.selected], session.offered);
  assert.equal(session.done.response.output[0].content[0].transcript, "Hello from the page.");
});

test("realtime_scribe: audio is transcribed", PATIENCE, async () => {
  const { started, committed } = await page.evaluate(async (base) => {
    const { url, protocols } = await mint(base, "realtime_scribe");
    const socket = new WebSocket(url, protocols);
    const next = messages(socket);
    const started = await next("message_type", "session_started");
    const audio_base_64 = btoa("\0".repeat(320));
    const chunk = { message_type: "input_audio_chunk", audio_base_64, commit: true };
    socket.send(JSON.stringify(chunk));
    const committed = await next("message_type", "committed_transcript");
    socket.close();
    return { started, committed };
  }, valetkey.url);
  assert.equal(started.config.model_id, "scribe_v2_realtime");
  assert.match(committed.text, /320 bytes/);
});

test("tts_websocket: text becomes audio, and the stream ends in order", PATIENCE, async () => {
  const { audio, code } = await page.evaluate(async (base) => {
    const { url, protocols } = await mint(base, "tts_websocket");
    const socket = new WebSocket(url, protocols);
    const closed = new Promise((resolve) => (socket.onclose = ({ code }) => resolve(code)));
    const next = messages(socket);
    await new Promise((resolve, reject) => {
      socket.onopen = resolve;
      socket.onerror = () => reject(new Error("the socket does not open"));
    });
    for (const text of [" ", "Hello from the page. ", ""]) socket.send(JSON.stringify({ text }));
    const { audio } = await next("isFinal", null);
    await next("isFinal", true);
    return { audio: atob(audio).length, code: await closed };
  }, valetkey.url);
  assert.ok(audio > 0);
  assert.equal(code, 1000);
});

test("batch_scribe: a file is uploaded", PATIENCE, async () => {
  const { status, body } = await page.evaluate(async (base) => {
    const { url } = await mint(base, "batch_scribe");
    const form = new FormData();
    form.set("model_id", "scribe_v1");
    form.set("file", new Blob([new Uint8Array(500)]), "speech.wav");
    const response = await fetch(url, { method: "POST", body: form });
    return { status: response.status, body: await response.json() };
  }, valetkey.url);
  assert.equal(status, 200);
  assert.match(body.text, /500 bytes/);
});

test("a request that needs a preflight is let through", PATIENCE, async () => {
  const { status, body } = await page.evaluate(async (base) => {
    const response = await fetch(`${base}/tokens/xai_realtime`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ expires_after: { seconds: 60 } }),
    });
    return { status: response.status, body: await response.json() };
  }, valetkey.url);
  assert.equal(status, 200);
  assert.equal(body.expires_in, 60);
});

test("a page can read a problem, with its headers", PATIENCE, async () => {
  const answer = await page.evaluate(async (base) => {
    const response = await fetch(`${base}/tokens/no_such_type`, { method: "POST" });
    const id = response.headers.get("x-request-id");
    return { status: response.status, body: await response.json(), id };
  }, valetkey.url);
  assert.equal(answer.status, 404);
  assert.equal(answer.body.code, "unknown_token_type");
  assert.equal(answer.id, answer.body.request_id);
});

test("a page can read when to come back", PATIENCE, async () => {
  await limited.fail("xai/mint:status=429,retry_after=7");
  const answer = await page.evaluate(async (base) => {
    const response = await fetch(`${base}/session`, { method: "POST" });
    const { code } = await response.json();
    return { status: response.status, code, wait: response.headers.get("retry-after") };
  }, limited.url);
  assert.deepEqual(answer, { status: 503, code: "provider_rate_limited", wait: "7" });
});

test("ElevenLabs' browser SDK opens Scribe", PATIENCE, async () => {
  await page.addScriptTag({ url: "/node_modules/@elevenlabs/client/dist/lib.iife.js" });
  const { config, text } = await page.evaluate(
    async ({ base, sockets }) => {
      const { Scribe, RealtimeEvents } = ElevenLabsClient;
      const { token } = await mint(base, "realtime_scribe");
      const connection = Scribe.connect({
        baseUri: sockets,
        token,
        modelId: "scribe_v2_realtime",
        audioFormat: "pcm_16000",
        sampleRate: 16_000,
      });
      const next = (event) => new Promise((resolve) => connection.on(event, resolve));
      const committed = next(RealtimeEvents.COMMITTED_TRANSCRIPT);
      const { config } = await next(RealtimeEvents.SESSION_STARTED);
      connection.send({ audioBase64: btoa("\0".repeat(640)) });
      connection.commit();
      const { text } = await committed;
      connection.close();
      return { config, text };
    },
    { base: valetkey.url, sockets: valetkey.sockets },
  );
  assert.equal(config.audio_format, "pcm_16000");
  assert.match(text, /640 bytes/);
});

test("OpenAI's Agents SDK, with a subprotocol of its own, hears an answer", PATIENCE, async () => {
  const heard = await page.evaluate(async (base) => {
    const path = "/node_modules/@openai/agents-realtime/dist/bundle/openai-realtime-agents.mjs";
    const { OpenAIRealtimeWebSocket, RealtimeAgent, RealtimeSession } = await import(path);
    const { token, url } = await mint(base, "xai_realtime");
    // Not a key but a token, which the SDK cannot know: only OpenAI's begin with ek_.
    const transport = new OpenAIRealtimeWebSocket({ url, useInsecureApiKey: true });
    const session = new RealtimeSession(new RealtimeAgent({ name: "Test" }), { transport });
    const audio = new Promise((resolve) => session.on("audio", resolve));
    await session.connect({ apiKey: token });
    session.sendMessage("Hello from the page.");
    const bytes = (await audio).data.byteLength;
    session.close();
    return bytes;
  }, valetkey.url);
  assert.ok(heard > 0);
});

test("OpenAI's SDK mints, with all the headers it adds in a page", PATIENCE, async () => {
  const secret = await page.evaluate(async (base) => {
    const { default: OpenAI } = await import("/node_modules/openai/index.mjs");
    const options = { baseURL: `${base}/v1`, apiKey: "unused", dangerouslyAllowBrowser: true };
    return new OpenAI(options).realtime.clientSecrets.create({ expires_after: { seconds: 60 } });
  }, valetkey.url);
  assert.match(secret.value, /^xai-realtime-client-secret-sandbox-/);
});

test("the AI SDK's React hook, which posts its session, hears an answer", PATIENCE, async () => {
  const bundle = await build({
    entryPoints: [fileURLToPath(new URL("use_realtime.js", import.meta.url))],
    bundle: true,
    define: { "process.env.NODE_ENV": '"production"' },
    write: false,
  });
  await page.addScriptTag({ content: bundle.outputFiles[0].text });
  const token = `${valetkey.url}/tokens/xai_realtime`;
  const shown = await page.evaluate(async (token) => {
    const element = document.body.appendChild(document.createElement("div"));
    talk(element, token, "Hello from React.");
    for (;;) {
      await new Promise((resolve) => setTimeout(resolve, 50));
      const shown = JSON.parse(element.textContent || '{"said":[]}');
      if (shown.error || shown.said.length === 2) return shown;
    }
  }, token);
  const said = ["user: Hello from React.", "assistant: Hello from React."];
  assert.deepEqual(shown, { error: null, said });
});
