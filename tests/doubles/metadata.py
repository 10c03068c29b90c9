"""EC2's instance metadata service (IMDSv2) for one instance, with documents signed by a region's key of the test's own.

Only what the real one does: a session token first (PUT, with a time to live), 401 without one, no answer to what came
through a proxy, the document as bytes that are signed as they stand, the signature in base64 lines.
"""

import base64
import datetime
import http.server
import json
import secrets
import socketserver
import subprocess
import threading
import time

ACCOUNT = "012345678901"
REGION = "us-east-1"


def utc(seconds=0):
    """A document's time, so many seconds from now."""
    moment = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=seconds)
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


class Region:
    """A region's signing key and the certificate that AWS would publish for it."""

    def __init__(self, folder, bits=2048):
        folder.mkdir(parents=True, exist_ok=True)
        self.key, self.cert = folder / "region.key", folder / "region.pem"
        subprocess.run(["openssl", "req", "-x509", "-newkey", f"rsa:{bits}", "-nodes", "-keyout", self.key, "-out",
                        self.cert, "-days", "3650", "-subj", "/C=US/ST=Washington State/L=Seattle/O=Region of the tests"],
                       check=True, capture_output=True)

    def sign(self, document):
        raw = subprocess.run(["openssl", "dgst", "-sha256", "-sign", self.key], input=document, check=True,
                             capture_output=True).stdout
        text = base64.b64encode(raw).decode()
        return "\n".join(text[i:i + 76] for i in range(0, len(text), 76))


def make_document(instance_id, account=ACCOUNT, region=REGION, pending=None):
    """As EC2 writes it: keys in this order, a space on both sides of the colon, no newline at the end."""
    fields = {
        "accountId": account, "architecture": "x86_64", "availabilityZone": region + "a", "billingProducts": None,
        "devpayProductCodes": None, "marketplaceProductCodes": None, "imageId": "ami-0123456789abcdef0",
        "instanceId": instance_id, "instanceType": "m6i.large", "kernelId": None, "pendingTime": pending or utc(),
        "privateIp": "10.0.3.17", "ramdiskId": None, "region": region, "version": "2017-09-30",
    }
    return json.dumps(fields, indent=2, separators=(",", " : ")).encode()


class Metadata:
    """The service of one instance, on loopback."""

    def __init__(self, region, instance_id, **document):
        self.region = region
        self.instance_id = instance_id
        self.document = make_document(instance_id, **document)
        self.signature = region.sign(self.document)
        self.tokens = {}      # token: when it ends
        self.requests = []    # (method, path, status)
        self.silent = False   # takes connections and answers nothing
        self.server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), _handler(self))
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()

    def restart_instance(self, **document):
        """A stopped and started instance has a new pendingTime."""
        self.document = make_document(self.instance_id, **document)
        self.signature = self.region.sign(self.document)

    def answer(self, method, path, headers):
        """(status, body)"""
        if "X-Forwarded-For" in headers:
            return 403, ""
        if method == "PUT":
            return self.give_token(path, headers.get("X-aws-ec2-metadata-token-ttl-seconds"))
        if self.tokens.get(headers.get("X-aws-ec2-metadata-token"), 0) < time.monotonic():
            return 401, ""
        base = "/latest/dynamic/instance-identity/"
        content = {base + "document": self.document, base + "signature": self.signature.encode(),
                   "/latest/meta-data/instance-id": self.instance_id.encode()}.get(path)
        return (404, "") if content is None else (200, content)

    def give_token(self, path, ttl):
        if path != "/latest/api/token":
            return 404, ""
        if ttl is None or not ttl.isdigit() or not 1 <= int(ttl) <= 21600:
            return 400, ""
        token = base64.urlsafe_b64encode(secrets.token_bytes(42)).decode()
        self.tokens[token] = time.monotonic() + int(ttl)
        return 200, token


def _handler(metadata):
    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def serve(self):
            if metadata.silent:
                time.sleep(3600)
            length = int(self.headers.get("Content-Length", 0))
            self.rfile.read(length)
            code, body = metadata.answer(self.command, self.path, self.headers)
            body = body.encode() if isinstance(body, str) else body
            metadata.requests.append((self.command, self.path, code))
            self.send_response(code)
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Content-Type", "text/plain")
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_PUT = serve

        def log_message(self, *unused):
            pass

    return Handler
