"""A container Engine's API on a Unix socket, built from the documented framing, for what a real one will not do on
request: hang, end in the middle of a frame, answer with 10 MB or with garbage, refuse a version.

    with Engine(folder / "docker.sock") as engine:
        box = engine.add("ws-abc", image="box:1", logs=[(OUT, "hello\n"), (ERR, "oops\n")])
        box.hang = {"logs"}

As the real one: the log answer is chunked and without a content type; a container with a terminal has no framing;
a logging driver that cannot be read is 501; an unknown id is 404.
"""

import hashlib
import http.server
import json
import re
import socketserver
import struct
import threading
import urllib.parse

OUT, ERR = 1, 2
PART = 16384  # the Engine cuts lines into parts of this size, each with a time of its own


def frame(stream, payload):
    """One frame: stream, three zero bytes, length, payload."""
    return struct.pack(">BxxxL", stream, len(payload)) + payload


def when(number):
    """A time as the Engine writes it before each part: nanoseconds, nine digits."""
    return "2026-11-24T04:%02d:%02d.%09dZ" % (number // 60 % 60, number % 60, number)


def parts(logs):
    """(stream, time, bytes) of each part of each line; logs are (stream, text) or (stream, text, number of seconds)."""
    for number, entry in enumerate(logs):
        stream, text = entry[:2]
        at = entry[2] if len(entry) > 2 else number
        data = text if isinstance(text, bytes) else text.encode()
        for start in range(0, len(data), PART):
            yield stream, when(at), data[start:start + PART]


def framed(logs):
    return b"".join(frame(stream, time.encode() + b" " + data) for stream, time, data in parts(logs))


def raw(logs):
    """What a terminal's log looks like: no frames, lines end with CR LF."""
    return b"".join(time.encode() + b" " + data.replace(b"\n", b"\r\n") for _, time, data in parts(logs))


def json_file(logs):
    """The same as the json-file driver leaves it on disk."""
    names = {OUT: "stdout", ERR: "stderr"}
    return "".join(json.dumps({"log": data.decode(), "stream": names[stream], "time": time}) + "\n"
                   for stream, time, data in parts(logs))


class Container:
    def __init__(self, name, image, logs, env, labels, state, exit_code, created, tty):
        self.id = hashlib.sha256(name.encode()).hexdigest()
        self.name, self.image, self.logs, self.env, self.labels = name, image, logs, env, labels
        self.state, self.exit_code, self.created, self.tty = state, exit_code, created, tty
        self.oom_killed = False
        self.log_path = ""
        self.hang = set()        # of "inspect", "logs": no answer at all
        self.log_bytes = None    # instead of the framed logs
        self.log_ends_early = None  # end the answer in an orderly way behind so many bytes
        self.log_hangs_after = None
        self.log_answer = None   # (code, JSON) instead of a log
        self.padding = 0         # bytes that make the inspect answer large

    def listed(self):
        status = "Up 2 minutes" if self.state == "running" else f"Exited ({self.exit_code}) 2 minutes ago"
        return {"Id": self.id, "Names": ["/" + self.name], "Image": self.image, "ImageID": "sha256:" + self.id,
                "Command": "/bin/sh", "Created": self.created, "Ports": [], "Labels": self.labels,
                "State": self.state, "Status": status}

    def described(self):
        return {"Id": self.id, "Created": "2026-11-24T04:00:00.123456789Z", "Name": "/" + self.name,
                "State": {"Status": self.state, "Running": self.state == "running", "OOMKilled": self.oom_killed,
                          "ExitCode": self.exit_code, "Error": "", "StartedAt": "2026-11-24T04:00:01Z"},
                "Image": "sha256:" + self.id, "LogPath": self.log_path,
                "Config": {"Env": self.env, "Tty": self.tty, "Image": self.image, "Labels": self.labels},
                "HostConfig": {"LogConfig": {"Type": "json-file"}}, "Padding": "x" * self.padding}

    def on_disk(self):
        """As in config.v2.json: flags instead of a word for the state, other capitals in the id."""
        document = self.described()
        document["ID"] = document.pop("Id")
        del document["State"]["Status"], document["Padding"]
        return document


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def address_string(self):
        return "socket"

    def log_message(self, *args):
        pass

    def answer(self, code, document):
        body = document if isinstance(document, bytes) else json.dumps(document).encode()
        self.send_response(code)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def hang(self):
        self.server.double.released.wait()
        self.close_connection = True

    def chunk(self, data):
        if data:
            self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
            self.wfile.flush()

    def do_GET(self):
        double = self.server.double
        double.requests.append(self.path)
        url = urllib.parse.urlsplit(self.path)
        query = dict(urllib.parse.parse_qsl(url.query))
        version, path = re.fullmatch(r"(/v[0-9.]+)?(/.*)", url.path).groups()
        if double.garbage is not None:
            self.wfile.write(double.garbage)
            self.close_connection = True
        elif version is not None and double.refuses_version:
            self.answer(400, {"message": f"client version {version[2:]} is too old."})
        elif path == "/containers/json":
            self.list(double)
        else:
            self.one(double, path, query)

    def list(self, double):
        if "list" in double.hang:
            return self.hang()
        if double.list_answer is not None:
            return self.answer(*double.list_answer)
        return self.answer(200, [c.listed() for c in double.containers])

    def one(self, double, path, query):
        match = re.fullmatch(r"/containers/([^/]+)/(json|logs)", path)
        box = next((c for c in double.containers if match and match[1] in (c.id, c.name)), None)
        if box is None:
            return self.answer(404, {"message": "No such container: " + (match[1] if match else path)})
        if match[2] == "json":
            return self.hang() if "inspect" in box.hang else self.answer(200, box.described())
        if "logs" in box.hang:
            return self.hang()
        if box.log_answer is not None:
            return self.answer(*box.log_answer)
        return self.log(box, query)

    def log(self, box, query):
        logs = box.logs[-int(query["tail"]):] if query.get("tail", "all") != "all" else box.logs
        data = box.log_bytes if box.log_bytes is not None else raw(logs) if box.tty else framed(logs)
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        limit = box.log_ends_early if box.log_ends_early is not None else box.log_hangs_after
        # Odd sizes, so that headers and times are cut everywhere.
        for start in range(0, len(data) if limit is None else limit, 4099):
            self.chunk(data[start:min(start + 4099, len(data) if limit is None else limit)])
        if box.log_hangs_after is not None:
            self.hang()
        else:
            # After an early end the answer is whole as HTTP: only the framing can tell.
            self.wfile.write(b"0\r\n\r\n")


class Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True

    def get_request(self):
        connection, _ = super().get_request()
        return connection, ("socket", 0)

    def handle_error(self, request, client_address):
        pass  # the agent gave up on an answer; that is what some tests are about


class Engine:
    def __init__(self, path):
        path.parent.mkdir(parents=True, exist_ok=True)
        self.containers = []
        self.requests = []
        self.hang = set()        # "list"
        self.list_answer = None  # (code, document or bytes)
        self.garbage = None      # bytes instead of HTTP
        self.refuses_version = False
        self.released = threading.Event()
        self.server = Server(str(path), Handler)
        self.server.double = self
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.released.set()
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()

    def add(self, name, image="box:1", logs=(), env=(), labels=None, state="exited", exit_code=3, created=1795492800,
            tty=False):
        box = Container(name, image, list(logs), list(env), dict(labels or {}), state, exit_code, created, tty)
        self.containers.append(box)
        return box
