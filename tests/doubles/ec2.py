"""EC2's GetConsoleOutput, STS's AssumeRole and the instance metadata service, as far as the sweeper speaks to them.

Signatures (AWS Signature Version 4) are computed here anew from the request as it came, with the standard library only,
so that a client that signs wrongly is refused as AWS would refuse it.
"""

import base64
import collections
import datetime
import hashlib
import hmac
import http.server
import re
import socketserver
import threading
import urllib.parse

Key = collections.namedtuple("Key", "secret token", defaults=(None,))
ROLE = "sweeper-role"
MAX_SKEW = datetime.timedelta(minutes=5)


class Refused(Exception):
    def __init__(self, code, status=400):
        super().__init__(code)
        self.code, self.status = code, status


def _hmac(key, text):
    return hmac.new(key, text.encode(), hashlib.sha256).digest()


def _encode(text):
    return urllib.parse.quote(text, safe="-._~")


def verify(method, target, headers, body, keys, region, service):
    """The key id that signed the request; Refused otherwise."""
    found = re.fullmatch(r"AWS4-HMAC-SHA256 Credential=([^/]+)/(\d{8})/([^/]+)/([^/]+)/aws4_request, ?"
                         r"SignedHeaders=([a-z0-9;-]+), ?Signature=([0-9a-f]{64})", headers.get("Authorization", ""))
    if not found:
        raise Refused("MissingAuthenticationToken", 403)
    key_id, day, signed_region, signed_service, signed, signature = found.groups()
    if key_id not in keys:
        raise Refused("AuthFailure", 401)
    key = keys[key_id]
    when = headers.get("X-Amz-Date", "")
    if not when.startswith(day) or (signed_region, signed_service) != (region, service):
        raise Refused("SignatureDoesNotMatch", 403)
    moment = datetime.datetime.strptime(when, "%Y%m%dT%H%M%SZ")
    if abs(datetime.datetime.utcnow() - moment) > MAX_SKEW:
        raise Refused("RequestExpired")
    if headers.get("X-Amz-Security-Token") != key.token:
        raise Refused("AuthFailure", 401)
    names = signed.split(";")
    needed = {"host", "x-amz-date"} | ({"x-amz-security-token"} if key.token else set())
    if names != sorted(names) or not needed <= set(names):
        raise Refused("SignatureDoesNotMatch", 403)
    path, _, query = target.partition("?")
    pairs = sorted((_encode(k), _encode(v)) for k, v in urllib.parse.parse_qsl(query, keep_blank_values=True))
    canonical = "\n".join([
        method, path or "/", "&".join(f"{k}={v}" for k, v in pairs),
        *(f"{name}:{' '.join(headers.get(name, '').split())}" for name in names), "", signed,
        headers.get("X-Amz-Content-Sha256") or hashlib.sha256(body).hexdigest(),
    ])
    scope = f"{day}/{region}/{service}/aws4_request"
    text = "\n".join(["AWS4-HMAC-SHA256", when, scope, hashlib.sha256(canonical.encode()).hexdigest()])
    secret = ("AWS4" + key.secret).encode()
    for part in (day, region, service, "aws4_request"):
        secret = _hmac(secret, part)
    if not hmac.compare_digest(_hmac(secret, text).hex(), signature):
        raise Refused("SignatureDoesNotMatch", 403)
    return key_id


class Ec2Double:
    """`consoles`: {instance id: bytes}. What a test puts into `failures` is answered first, one a request."""

    def __init__(self, region="eu-central-1"):
        self.region = region
        self.keys = {"AKIDEXAMPLE0000USER1": Key("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")}
        self.consoles = {}
        self.allowed = None              # key ids that may see consoles; None: all
        self.old_kind = set()            # instances that refuse Latest
        self.failures = collections.deque()  # (status, code) or bytes to be answered with 200
        self.role_expires_s = 3600
        self.asked = []                  # (action, instance or role, key id, {query})
        self.tokens = 0
        self.server = _Server(("127.0.0.1", 0), self)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"

    def start(self):
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        return self

    def stop(self):
        self.server.shutdown()
        self.server.server_close()

    def new_key(self, token):
        key_id = f"ASIAEXAMPLE{len(self.keys):09d}"
        self.keys[key_id] = Key(f"secret/of+{key_id}", token)
        return key_id

    def expiry(self):
        end = datetime.datetime.utcnow() + datetime.timedelta(seconds=self.role_expires_s)
        return end.strftime("%Y-%m-%dT%H:%M:%SZ")

    def answer(self, method, target, headers, body):
        """(status, content type, body)"""
        if target.startswith("/latest/"):
            return self.metadata(method, target, headers)
        query = dict(urllib.parse.parse_qsl(target.partition("?")[2]))
        action = query.get("Action")
        service = "sts" if action == "AssumeRole" else "ec2"
        try:
            key_id = verify(method, target, headers, body, self.keys, self.region, service)
            self.asked.append((action, query.get("InstanceId") or query.get("RoleArn"), key_id, query))
            if self.failures:
                failure = self.failures.popleft()
                if isinstance(failure, bytes):
                    return 200, "text/xml", failure
                raise Refused(failure[1], failure[0])
            if action == "AssumeRole":
                return self.assume(query)
            if action == "GetConsoleOutput":
                return self.console(query, key_id)
            raise Refused("InvalidAction")
        except Refused as refused:
            text = (f"<?xml version='1.0' encoding='UTF-8'?>\n<Response><Errors><Error><Code>{refused.code}</Code>"
                    "<Message>as it is</Message></Error></Errors><RequestID>r-1</RequestID></Response>")
            return refused.status, "text/xml", text.encode()

    def metadata(self, method, target, headers):
        if target == "/latest/api/token":
            if method != "PUT" or "X-Aws-Ec2-Metadata-Token-Ttl-Seconds" not in headers:
                return 405, "text/plain", b""
            self.tokens += 1
            return 200, "text/plain", f"token-{self.tokens}".encode()
        if headers.get("X-Aws-Ec2-Metadata-Token") != f"token-{self.tokens}":
            return 401, "text/plain", b""
        base = "/latest/meta-data/iam/security-credentials/"
        if target == base:
            return 200, "text/plain", ROLE.encode()
        if target != base + ROLE:
            return 404, "text/plain", b""
        key_id = self.new_key("metadata/token+==")
        return 200, "text/plain", (f'{{"Code":"Success","AccessKeyId":"{key_id}","SecretAccessKey":'
                                   f'"{self.keys[key_id].secret}","Token":"{self.keys[key_id].token}",'
                                   f'"Expiration":"{self.expiry()}"}}').encode()

    def assume(self, query):
        if not re.fullmatch(r"[\w+=,.@-]{2,64}", query.get("RoleSessionName", "")):
            raise Refused("ValidationError")
        key_id = self.new_key("assumed/token+==")
        key = self.keys[key_id]
        return 200, "text/xml", (
            '<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult><AssumedRoleUser>'
            f"<AssumedRoleId>ARO:x</AssumedRoleId><Arn>{query['RoleArn']}</Arn></AssumedRoleUser><Credentials>"
            f"<AccessKeyId>{key_id}</AccessKeyId><SecretAccessKey>{key.secret}</SecretAccessKey>"
            f"<SessionToken>{key.token}</SessionToken><Expiration>{self.expiry()}</Expiration></Credentials>"
            "</AssumeRoleResult></AssumeRoleResponse>").encode()

    def console(self, query, key_id):
        instance = query.get("InstanceId", "")
        if self.allowed is not None and key_id not in self.allowed:
            raise Refused("UnauthorizedOperation", 403)
        if instance not in self.consoles:
            raise Refused("InvalidInstanceID.NotFound")
        if query.get("Latest") == "true" and instance in self.old_kind:
            raise Refused("UnsupportedOperation")
        # EC2 breaks the lines of its base64.
        output = base64.encodebytes(self.consoles[instance]).decode()
        return 200, "text/xml", (
            '<GetConsoleOutputResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"><requestId>r-1</requestId>'
            f"<instanceId>{instance}</instanceId><timestamp>2026-01-31T00:00:00.000Z</timestamp>"
            f"<output>{output}</output></GetConsoleOutputResponse>").encode()


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True

    def __init__(self, address, double):
        self.double = double
        super().__init__(address, _Handler)


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def handle_any(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        status, kind, text = self.server.double.answer(self.command, self.path, self.headers, body)
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    do_GET = do_PUT = handle_any

    def log_message(self, *_):
        pass
