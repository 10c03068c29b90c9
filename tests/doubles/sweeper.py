"""A sweeper that does what a test tells it: the agent's side of the gate over real TLS, with every request on record.

Without being told anything it behaves: a GET is held until there is an order or a stand-down, a PUT is stored.
"""

import collections
import hashlib
import http.server
import json
import socketserver
import ssl
import threading
import uuid

Answer = collections.namedtuple("Answer", "code headers body", defaults=({}, b""))
Request = collections.namedtuple("Request", "connection method path headers body uri serial code")


class SweeperDouble:
    def __init__(self, cert, key, ca, port=0):
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.verify_mode = ssl.CERT_REQUIRED
        self.context.load_verify_locations(str(ca))
        self.context.load_cert_chain(str(cert), str(key))
        self.port = port
        self.lock = threading.Condition()
        self.accepts = 0
        self.requests = []        # in the order of their answers
        self.held = 0             # GETs that are being held now
        self.gets = collections.deque()  # answers for the next GETs, the held one first
        self.puts = collections.deque()  # answers for the next PUTs
        self.put_always = None    # answer for every PUT when `puts` is empty
        self.pending = None       # the order that a GET is given until its bundle is stored
        self.stood_down = False
        self.stored = {}          # capture id: body
        self.server = None

    # What a test says.

    def start(self):
        self.server = _Server(("127.0.0.1", self.port), self)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        return self

    def stop(self):
        if self.server is None:
            return
        self.server.shutdown()
        self.server.server_close()
        with self.lock:
            self.server.closing = True
            self.lock.notify_all()
            for connection in list(self.server.connections):
                try:
                    connection.shutdown(2)
                except OSError:
                    pass
        self.server = None

    def order(self, workspace_id, capture_id=None, grace_until="2099-01-01T00:00:00Z"):
        capture_id = capture_id or str(uuid.uuid4())
        with self.lock:
            self.pending = {"capture_id": capture_id, "workspace_id": workspace_id,
                            "reason": "provision_timeout_sweep", "deadline_s": 45, "grace_until": grace_until}
            self.lock.notify_all()
        return capture_id

    def stand_down(self):
        with self.lock:
            self.stood_down = True
            self.lock.notify_all()

    def answer_get(self, code, headers=None, body=b""):
        with self.lock:
            self.gets.append(Answer(code, headers or {}, body))
            self.lock.notify_all()

    def seen(self, method):
        with self.lock:
            return [request for request in self.requests if request.method == method]

    # What it answers.

    def on_get(self, server, wait_s):
        with self.lock:
            self.held += 1
            try:
                self.lock.wait_for(lambda: server.closing or self.gets or self.pending or self.stood_down, wait_s)
                if self.gets:
                    return self.gets.popleft()
                if self.stood_down:
                    return Answer(410)
                if self.pending:
                    return Answer(200, {"Content-Type": "application/json"}, json.dumps(self.pending).encode())
                return Answer(204)
            finally:
                self.held -= 1

    def on_put(self, capture_id, body):
        with self.lock:
            if self.puts:
                return self.puts.popleft()
            if self.put_always is not None:
                return self.put_always
            before = self.stored.get(capture_id)
            if before is not None:
                return Answer(200 if hashlib.sha256(before).digest() == hashlib.sha256(body).digest() else 409)
            self.stored[capture_id] = body
            if self.pending and self.pending["capture_id"] == capture_id:
                self.pending = None
            return Answer(201)


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 64

    def __init__(self, address, double):
        self.double = double
        self.closing = False
        self.connections = set()
        super().__init__(address, _Handler)

    def handle_error(self, request, client_address):
        pass  # a handshake that failed, a peer that went away: the test looks at what was asked


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def setup(self):
        double = self.server.double
        self.request = double.context.wrap_socket(self.request, server_side=True)
        peer = self.request.getpeercert()
        self.uri = dict(peer["subjectAltName"]).get("URI")
        self.serial = peer["serialNumber"]
        with double.lock:
            double.accepts += 1
            self.number = double.accepts
            self.server.connections.add(self.request)
        super().setup()

    def finish(self):
        with self.server.double.lock:
            self.server.connections.discard(self.request)
        super().finish()

    def reply(self, answer, body=b""):
        double = self.server.double
        with double.lock:
            double.requests.append(Request(self.number, self.command, self.path, dict(self.headers), body, self.uri,
                                           self.serial, answer.code))
            double.lock.notify_all()
        self.send_response(answer.code)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        if answer.code != 204:
            self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        self.wfile.write(answer.body)

    def do_GET(self):
        path, _, query = self.path.partition("?wait=")
        if path != "/v1/orders/next" or not query.isdigit():
            self.reply(Answer(404))
            return
        answer = self.server.double.on_get(self.server, int(query))
        if self.server.closing:
            self.close_connection = True
            return
        self.reply(answer)

    def do_PUT(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        parts = self.path.split("/")
        if len(parts) != 5 or parts[:3] != ["", "v1", "captures"] or parts[4] != "bundle":
            self.reply(Answer(404), body)
            return
        self.reply(self.server.double.on_put(parts[3], body), body)

    def log_message(self, *args):
        pass
