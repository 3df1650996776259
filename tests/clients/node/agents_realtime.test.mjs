// OpenAI's Agents SDK, for voice agents: a token and a url from valetkey give it a whole session.

import assert from "node:assert/strict";
import { test } from "node:test";
import { OpenAIRealtimeWebSocket, RealtimeAgent, RealtimeSession } from "@openai/agents-realtime";

import { next } from "./events.mjs";
import { sandbox } from "./sandbox.mjs";

const valetkey = await sandbox();

test("an agent connects, hears a message and answers aloud", async () => {
  const { token, url } = await valetkey.token("xai_realtime");
  const agent = new RealtimeAgent({ name: "Test", instructions: "Be brief." });
  const transport = new OpenAIRealtimeWebSocket({ url });
  const session = new RealtimeSession(agent, { transport, model: "grok-voice-latest" });
  const errors = [];
  session.on("error", (error) => errors.push(error));
  const audio = next(session, "audio");
  const answer = new Promise((resolve) => {
    session.on("agent_end", (_context, _agent, text) => resolve(text));
  });
  await session.connect({ apiKey: token });
  session.sendMessage("Does the agent hear this?");
  assert.ok((await audio).data.byteLength > 0);
  assert.equal(await answer, "Does the agent hear this?");
  const [asked, answered] = session.history;
  assert.equal(asked.content[0].text, "Does the agent hear this?");
  assert.equal(answered.content[0].transcript, "Does the agent hear this?");
  assert.deepEqual(errors, []);
  session.close();
});
