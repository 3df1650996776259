"""The real program in front of its stand-ins, for one module of tests."""

import atexit
import json
import os
import subprocess
import threading
import urllib.request


class Sandbox:
    """valetkey on free ports, until this process ends."""

    def __init__(self):
        command = [os.environ["VALETKEY_BINARY"], "serve", "--sandbox"]
        for option in ("--listen", "--sandbox-listen"):
            command += [option, "127.0.0.1:0"]
        # Nothing of the developer's environment gets in.
        child = subprocess.Popen(
            command,
            env={"VALETKEY__SERVER__ADMIN_LISTEN": "off"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        atexit.register(child.wait)
        atexit.register(child.kill)
        seen = {}
        while not {"listen", "stand_ins"} <= seen.keys():
            line = child.stderr.readline()
            if not line:
                raise RuntimeError(f"valetkey does not serve: {seen}")
            seen.update(json.loads(line))
        # Its log is read on, so that it never blocks on it.
        threading.Thread(target=child.stderr.read, daemon=True).start()
        self.url = f"http://{seen['listen']}"
        self.stand_ins = f"http://{seen['stand_ins']}"
        self.sockets = f"ws://{seen['stand_ins']}"

    def token(self, token_type):
        """What `POST /tokens/{type}` answers."""
        return _send("POST", f"{self.url}/tokens/{token_type}")

    def fail(self, fault):
        """Makes the stand-ins fail."""
        _send("POST", f"{self.stand_ins}/_sandbox/faults", json.dumps([fault]).encode())

    def reset(self):
        """Ends all failing and forgets what reached the stand-ins."""
        for route in ("faults", "history"):
            _send("DELETE", f"{self.stand_ins}/_sandbox/{route}")

    def history(self):
        """What reached the stand-ins, oldest first."""
        return _send("GET", f"{self.stand_ins}/_sandbox/history")


def _send(method, url, data=None):
    with urllib.request.urlopen(urllib.request.Request(url, data, method=method)) as response:
        return json.loads(response.read() or "null")
