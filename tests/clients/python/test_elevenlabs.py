"""ElevenLabs' server SDK for Python, with valetkey or the stand-in as its base URL."""

import asyncio
import base64
import unittest

from elevenlabs import AudioFormat, RealtimeEvents
from elevenlabs.client import ElevenLabs
from elevenlabs.core.api_error import ApiError

from sandbox import Sandbox

TYPES = ("realtime_scribe", "batch_scribe", "tts_websocket")

valetkey = Sandbox()
through = ElevenLabs(base_url=valetkey.url, api_key="not-the-server's")
direct = ElevenLabs(base_url=valetkey.stand_ins, api_key="sk_sandbox_key")


class Minting(unittest.TestCase):
    def setUp(self):
        valetkey.reset()
        self.addCleanup(valetkey.reset)

    def test_every_type_is_minted_through_valetkey_with_the_servers_key(self):
        for token_type in TYPES:
            with self.subTest(token_type):
                valetkey.reset()
                token = through.tokens.single_use.create(token_type).token
                self.assertRegex(token, "^sutkn_sandbox_")
                (mint,) = valetkey.history()
                self.assertEqual(mint["path"], f"/v1/single-use-token/{token_type}")
                self.assertEqual(mint["headers"]["xi-api-key"], "<sandbox key>")

    def test_every_type_is_minted_at_the_stand_in(self):
        for token_type in TYPES:
            with self.subTest(token_type):
                token = direct.tokens.single_use.create(token_type).token
                self.assertRegex(token, "^sutkn_sandbox_")

    def test_a_type_that_valetkey_does_not_have_is_an_error_that_names_those_it_has(self):
        with self.assertRaises(ApiError) as raised:
            through.tokens.single_use.create("no_such_type")
        self.assertEqual(raised.exception.status_code, 404)
        self.assertEqual(raised.exception.body["code"], "unknown_token_type")
        self.assertIn("batch_scribe, realtime_scribe, tts_websocket", str(raised.exception))

    def test_the_stand_in_refuses_a_wrong_key_as_elevenlabs_does(self):
        with self.assertRaises(ApiError) as raised:
            wrong = ElevenLabs(base_url=valetkey.stand_ins, api_key="sk_wrong")
            wrong.tokens.single_use.create("realtime_scribe")
        self.assertEqual(raised.exception.status_code, 401)
        self.assertEqual(raised.exception.body["detail"]["code"], "invalid_api_key")

    def test_a_rate_limit_is_waited_out_for_as_long_as_valetkey_says(self):
        valetkey.fail("elevenlabs/mint:status=429,retry_after=2,times=1")
        token = through.tokens.single_use.create("realtime_scribe").token
        self.assertRegex(token, "^sutkn_sandbox_")
        limited, minted = valetkey.history()
        self.assertEqual([limited["status"], minted["status"]], [429, 200])
        self.assertGreaterEqual(minted["at"] - limited["at"], 1900)


class Scribe(unittest.IsolatedAsyncioTestCase):
    async def connect(self, token):
        # The SDK is made with some key, but sends none when it has a token.
        client = ElevenLabs(base_url=valetkey.stand_ins, api_key="unused")
        return await client.speech_to_text.realtime.connect(
            {
                "model_id": "scribe_v2_realtime",
                "audio_format": AudioFormat.PCM_16000,
                "sample_rate": 16000,
                "token": token,
            }
        )

    def next(self, connection, event):
        """The first `event` from now on."""
        future = asyncio.get_running_loop().create_future()
        connection.on(event, lambda data: future.done() or future.set_result(data))
        return asyncio.wait_for(future, 10)

    async def test_a_token_from_valetkey_opens_scribe(self):
        connection = await self.connect(valetkey.token("realtime_scribe")["token"])
        started = self.next(connection, RealtimeEvents.SESSION_STARTED)
        committed = self.next(connection, RealtimeEvents.COMMITTED_TRANSCRIPT)
        self.assertEqual((await started)["config"]["audio_format"], "pcm_16000")
        await connection.send({"audio_base_64": base64.b64encode(bytes(640)).decode()})
        await connection.commit()
        self.assertIn("640 bytes", (await committed)["text"])
        closed = self.next(connection, RealtimeEvents.CLOSE)
        await connection.close()
        self.assertEqual((await closed)["code"], 1000)

    async def test_a_token_of_another_type_is_refused_with_a_reason(self):
        connection = await self.connect(valetkey.token("tts_websocket")["token"])
        closed = self.next(connection, RealtimeEvents.CLOSE)
        refused = await self.next(connection, RealtimeEvents.AUTH_ERROR)
        self.assertIn("authenticated", refused["error"])
        self.assertEqual((await closed)["code"], 1008)


if __name__ == "__main__":
    unittest.main()
