"""OpenAI's SDK for Python: client secrets, through valetkey and at the stand-in, and sessions."""

import time
import unittest

import openai
from openai import AsyncOpenAI, OpenAI

from sandbox import Sandbox

MODEL = "grok-voice-latest"
SESSION = {"type": "realtime", "model": MODEL}

valetkey = Sandbox()
# A key that was refused rests for a while.
refusing = Sandbox()
through = OpenAI(base_url=f"{valetkey.url}/v1", api_key="not-the-server's")
direct = OpenAI(base_url=f"{valetkey.stand_ins}/v1", api_key="xai-sandbox-key")


class Minting(unittest.TestCase):
    def setUp(self):
        valetkey.reset()
        self.addCleanup(valetkey.reset)

    def assert_lives(self, secret, seconds):
        """That `secret` can be used, and for about `seconds`."""
        self.assertRegex(secret.value, "^xai-realtime-client-secret-sandbox-")
        self.assertAlmostEqual(secret.expires_at - time.time(), seconds, delta=10)

    def test_through_valetkey(self):
        anchored = {"anchor": "created_at", "seconds": 120}
        for expires_after, seconds in (({"seconds": 120}, 120), (anchored, 120)):
            with self.subTest(expires_after):
                secret = through.realtime.client_secrets.create(expires_after=expires_after)
                self.assert_lives(secret, seconds)
        with self.subTest("nothing"):
            self.assert_lives(through.realtime.client_secrets.create(), 300)

    def test_a_session_is_refused_by_valetkey_and_the_message_says_why(self):
        with self.assertRaises(openai.UnprocessableEntityError) as raised:
            through.realtime.client_secrets.create(session=SESSION)
        self.assertIn("`session` is not taken here", str(raised.exception))
        self.assertEqual(raised.exception.code, "invalid_request")
        self.assertEqual(valetkey.history(), [])

    def test_what_only_the_operator_can_mend_is_not_tried_again(self):
        refusing.fail("xai/mint:status=401")
        client = OpenAI(base_url=f"{refusing.url}/v1", api_key="not-the-server's")
        with self.assertRaises(openai.InternalServerError) as raised:
            client.realtime.client_secrets.create()
        self.assertEqual(raised.exception.status_code, 502)
        self.assertEqual(raised.exception.code, "provider_refused")
        self.assertEqual(len(refusing.history()), 1)

    def test_a_rate_limit_is_waited_out_for_as_long_as_valetkey_says(self):
        valetkey.fail("xai/mint:status=429,retry_after=2,times=1")
        self.assert_lives(through.realtime.client_secrets.create(), 300)
        limited, minted = valetkey.history()
        self.assertEqual([limited["status"], minted["status"]], [429, 200])
        self.assertGreaterEqual(minted["at"] - limited["at"], 1900)

    def test_the_stand_in_ignores_a_session_as_xai_does(self):
        self.assert_lives(direct.realtime.client_secrets.create(session=SESSION), 600)

    def test_the_stand_in_refuses_a_wrong_key_as_xai_does(self):
        wrong = OpenAI(base_url=f"{valetkey.stand_ins}/v1", api_key="xai-wrong")
        with self.assertRaises(openai.BadRequestError) as raised:
            wrong.realtime.client_secrets.create()
        self.assertIn("Incorrect API key provided", raised.exception.body)


class Sessions(unittest.TestCase):
    def talk(self, client):
        with client.realtime.connect(model=MODEL) as connection:
            self.assertEqual(connection.recv().type, "session.created")
            connection.session.update(session={"type": "realtime", "output_modalities": ["text"]})
            self.assertEqual(connection.recv().type, "session.updated")
            content = [{"type": "input_text", "text": "Hello from Python."}]
            item = {"type": "message", "role": "user", "content": content}
            connection.conversation.item.create(item=item)
            connection.response.create()
            said = ""
            for event in connection:
                if event.type == "response.output_text.delta":
                    said += event.delta
                if event.type == "response.done":
                    self.assertEqual(event.response.status, "completed")
                    break
        self.assertEqual(said, "Hello from Python.")

    def test_a_token_from_valetkey_opens_a_session(self):
        token = valetkey.token("xai_realtime")["token"]
        self.talk(OpenAI(base_url=f"{valetkey.stand_ins}/v1", api_key=token))

    def test_with_a_base_url_for_sockets_alone(self):
        token = valetkey.token("xai_realtime")["token"]
        sockets = f"{valetkey.sockets}/v1"
        self.talk(OpenAI(websocket_base_url=sockets, api_key=token))


class AsyncSessions(unittest.IsolatedAsyncioTestCase):
    async def test_an_answer_is_spoken(self):
        token = valetkey.token("xai_realtime")["token"]
        client = AsyncOpenAI(websocket_base_url=f"{valetkey.sockets}/v1", api_key=token)
        seen = []
        async with client.realtime.connect(model=MODEL) as connection:
            await connection.response.create()
            async for event in connection:
                seen.append(event.type)
                if event.type == "response.done":
                    break
        self.assertEqual(seen[0], "session.created")
        self.assertIn("response.output_audio.delta", seen)


if __name__ == "__main__":
    unittest.main()
