"""LiteLLM, which speaks to xAI in many a server's stead: client secrets through valetkey."""

import time
import unittest

import litellm

from sandbox import Sandbox

valetkey = Sandbox()


async def mint(base, key, **asked):
    """Asks the API at `base`; LiteLLM itself adds /v1 to it."""
    return await litellm.acreate_realtime_client_secret(
        model="xai/grok-voice-latest", api_base=base, api_key=key, **asked
    )


class Minting(unittest.IsolatedAsyncioTestCase):
    def assert_lives(self, answer, seconds):
        """That the secret can be used, and for about `seconds`."""
        secret = answer.json()
        self.assertRegex(secret["value"], "^xai-realtime-client-secret-sandbox-")
        self.assertAlmostEqual(secret["expires_at"] - time.time(), seconds, delta=10)

    async def test_through_valetkey(self):
        self.assert_lives(await mint(valetkey.url, "not-the-server's"), 300)
        asked = {"anchor": "created_at", "seconds": 120}
        answer = await mint(valetkey.url, "not-the-server's", expires_after=asked)
        self.assert_lives(answer, 120)

    async def test_at_the_stand_in_with_a_session(self):
        session = {"type": "realtime", "model": "xai/grok-voice-latest"}
        answer = await mint(valetkey.stand_ins, "xai-sandbox-key", session=session)
        self.assert_lives(answer, 600)

    async def test_a_session_is_refused_by_valetkey_with_a_reason(self):
        session = {"type": "realtime", "model": "xai/grok-voice-latest"}
        with self.assertRaises(Exception) as raised:
            await mint(valetkey.url, "not-the-server's", session=session)
        self.assertEqual(raised.exception.response.status_code, 422)
        self.assertIn("`session` is not taken here", raised.exception.response.text)


if __name__ == "__main__":
    unittest.main()
