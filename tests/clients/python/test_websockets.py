"""The package websockets, with a token as a Bearer and as a subprotocol."""

import json
import unittest

from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from sandbox import Sandbox

valetkey = Sandbox()


class XaiRealtime(unittest.TestCase):
    def talk(self, socket):
        """One turn, begun without waiting for the session, as xAI's own examples do."""
        content = [{"type": "input_text", "text": "Hello from Python."}]
        item = {"type": "message", "role": "user", "content": content}
        for event in (
            {"type": "session.update", "session": {"voice": "ara"}},
            {"type": "conversation.item.create", "item": item},
            {"type": "response.create"},
        ):
            socket.send(json.dumps(event))
        seen = {}
        while "response.done" not in seen:
            event = json.loads(socket.recv(timeout=10))
            seen.setdefault(event["type"], event)
        self.assertEqual(next(iter(seen)), "session.created")
        self.assertEqual(seen["session.updated"]["session"]["voice"], "ara")
        transcript = seen["response.output_audio_transcript.done"]["transcript"]
        self.assertEqual(transcript, "Hello from Python.")

    def test_a_token_as_bearer(self):
        minted = valetkey.token("xai_realtime")
        headers = {"Authorization": f"Bearer {minted['token']}"}
        with connect(minted["url"], additional_headers=headers) as socket:
            self.talk(socket)

    def test_a_token_as_subprotocol(self):
        minted = valetkey.token("xai_realtime")
        with connect(minted["url"], subprotocols=minted["protocols"]) as socket:
            self.assertEqual([socket.subprotocol], minted["protocols"])
            self.talk(socket)

    def test_a_made_up_token_is_refused(self):
        url = valetkey.token("xai_realtime")["url"]
        with self.assertRaises(InvalidStatus) as raised:
            with connect(url, additional_headers={"Authorization": "Bearer made-up"}):
                pass
        self.assertEqual(raised.exception.response.status_code, 400)


if __name__ == "__main__":
    unittest.main()
