"""Starts tests/doubles/loki.py as a process of its own and speaks to it."""

import contextlib
import gzip
import http.client
import json
import pathlib
import signal
import subprocess
import sys
import time
import urllib.parse

PROGRAM = pathlib.Path(__file__).resolve().parents[1] / "doubles" / "loki.py"
PUSH = "/loki/api/v1/push"
UNLIMITED = ("--tenant-rate", 10**9, "--tenant-burst", 10**9, "--stream-rate", 10**9, "--stream-burst", 10**9)
JSON_TYPE = {"Content-Type": "application/json"}


class Loki:
    def __init__(self, folder, *options, host="127.0.0.1"):
        self.host = host
        self.folder = folder
        self.options = options
        self.port = 0
        self.wal = folder / "loki.wal"
        self.process = None

    def start(self):
        port_file = self.folder / "loki.port"
        port_file.unlink(missing_ok=True)
        self.process = subprocess.Popen([sys.executable, str(PROGRAM), "--host", self.host, "--port", str(self.port), "--port-file",
                                         str(port_file), "--wal", str(self.wal), *map(str, self.options)],
                                        stdout=subprocess.DEVNULL)
        while not port_file.exists():
            assert self.process.poll() is None, "the double did not start"
            time.sleep(0.01)
        self.port = int(port_file.read_text())
        return self

    def stop(self, number=signal.SIGTERM):
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(number)
            self.process.wait()

    @property
    def url(self):
        return f"http://{self.host}:{self.port}"

    def request(self, method, path, body=None, headers=None):
        """(code, text)"""
        with contextlib.closing(http.client.HTTPConnection(self.host, self.port, timeout=60)) as connection:
            connection.request(method, path, body=body, headers=headers or {})
            answer = connection.getresponse()
            return answer.status, answer.read().decode()

    def push_raw(self, body, headers=None):
        return self.request("POST", PUSH, body, {**JSON_TYPE, **(headers or {})})

    def push(self, *values, labels=None, packed=False):
        """Each value: (ns, line) or (ns, line, metadata)."""
        stream = {"stream": {"kind": "rescue"} if labels is None else labels,
                  "values": [[str(value[0]), *value[1:]] for value in values]}
        body = json.dumps({"streams": [stream]}).encode()
        if packed:
            return self.push_raw(gzip.compress(body), {"Content-Encoding": "gzip"})
        return self.push_raw(body)

    def query(self, logql, **parameters):
        parameters = {"limit": 5000, "start": 0, "end": 2**62, "direction": "forward", **parameters}
        code, text = self.request("GET", "/loki/api/v1/query_range?" +
                                  urllib.parse.urlencode({"query": logql, **parameters}))
        return code, json.loads(text)["data"]["result"] if code == 200 else text

    def instant(self, logql, **parameters):
        """(code, the vector of a metric query or the error's text)"""
        code, text = self.request("GET", "/loki/api/v1/query?" + urllib.parse.urlencode({"query": logql, **parameters}))
        return code, json.loads(text)["data"]["result"] if code == 200 else text

    def label_values(self, name):
        return json.loads(self.request("GET", f"/loki/api/v1/label/{name}/values")[1])["data"]

    def lines(self, logql, **parameters):
        code, result = self.query(logql, **parameters)
        assert code == 200, result
        return [line for stream in result for _, line in stream["values"]]

    def entries(self):
        return self.entries_since(0)[0]

    def entries_since(self, number):
        """(entries that came after the first `number` ones, the number for next time)"""
        answer = json.loads(self.request("GET", f"/_double/entries?since={number}")[1])
        return answer["entries"], answer["next"]

    def requests(self):
        return json.loads(self.request("GET", "/_double/requests")[1])

    def fail(self, *faults):
        assert self.request("POST", "/_double/faults", json.dumps(faults))[0] == 204

    def heal(self):
        assert self.request("DELETE", "/_double/faults")[0] == 204

    def clock(self, frozen=False, advance_s=0):
        change = {"frozen": frozen, "advance_s": advance_s}
        assert self.request("POST", "/_double/clock", json.dumps(change))[0] == 204
