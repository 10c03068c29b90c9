"""The webhook: events arrive at least once, and a receiver that fails changes nothing else."""

import http.server
import json
import threading

import pytest

from conftest import free_port, wait_for


class Receiver:
    """Answers each POST with the next of `codes`, the last one for ever, and remembers what came."""

    def __init__(self, codes=(200,)):
        self.codes = list(codes)
        self.bodies = []
        self.headers = []
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.bodies.append(json.loads(body))
                receiver.headers.append(self.headers)
                code = receiver.codes.pop(0) if len(receiver.codes) > 1 else receiver.codes[0]
                self.send_response(code)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *args):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/hook"
        self.thread = threading.Thread(target=self.server.serve_forever)
        self.thread.start()

    def close(self):
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


@pytest.fixture
def make_receiver():
    made = []

    def make(codes=(200,)):
        made.append(Receiver(codes))
        return made[-1]

    yield make
    for receiver in made:
        receiver.close()


def pending(database):
    return database.query("SELECT count(*) FROM rescue.events WHERE delivered_at IS NULL")[0][0]


def test_each_verdict_arrives_with_its_ids_and_payload(make_sweeper, make_receiver, database, tmp_path):
    receiver = make_receiver()
    headers = tmp_path / "headers"
    headers.write_text("Authorization: Bearer of-the-hook\n\nX-From: rescue\n")
    make_sweeper(events={"webhook": {"url": receiver.url, "headers_file": str(headers)}}).migrate().start()
    workspace_id = database.add_workspace(age_s=700)
    wait_for("the event", lambda: receiver.bodies)
    capture, = database.captures(workspace_id)
    event_id, created = database.query("SELECT event_id::text, created_at FROM rescue.events")[0]
    body = receiver.bodies[0]
    payload = database.query("SELECT payload FROM structure_events")[0][0]
    assert body.pop("created_at").startswith(created.strftime("%Y-%m-"))
    assert body == {"event_type": "WORKSPACE_PROVISION_FAILED", "event_id": event_id, "workspace_id": workspace_id,
                    "org": "acme", "capture_id": capture["capture_id"], "payload": payload}
    assert receiver.headers[0]["Authorization"] == "Bearer of-the-hook"
    assert receiver.headers[0]["X-From"] == "rescue"
    assert receiver.headers[0]["Content-Type"] == "application/json"
    wait_for("the outbox to be empty", lambda: pending(database) == 0)


def test_a_failing_receiver_gets_the_event_again_until_it_takes_it(make_sweeper, make_receiver, database):
    receiver = make_receiver([500, 429, 302, 204])
    sweeper = make_sweeper(events={"webhook": {"url": receiver.url}}).migrate().start()
    database.add_workspace(age_s=700)
    wait_for("the outbox to be empty", lambda: database.query("SELECT 1 FROM rescue.events") and pending(database) == 0)
    assert len(receiver.bodies) == 4
    assert len({body["event_id"] for body in receiver.bodies}) == 1
    assert sweeper.log_text().count("event=webhook.failing") == 1


def test_a_receiver_that_is_not_there_changes_nothing(make_sweeper, database):
    url = f"http://127.0.0.1:{free_port()}/"
    sweeper = make_sweeper(events={"webhook": {"url": url}}).migrate().start()
    first = database.add_workspace(age_s=700)
    wait_for("an attempt", lambda: database.query("SELECT 1 FROM rescue.events WHERE attempts > 0"))
    second = database.add_workspace(age_s=700)
    wait_for("the second verdict", lambda: database.status(second) == "failed")
    assert database.status(first) == "failed"
    assert len(database.captures()) == 2
    assert database.query("SELECT count(*) FROM structure_events") == [(2,)]
    assert pending(database) == 2 and sweeper.running.alive()


def test_events_survive_the_sweeper(make_sweeper, make_receiver, database):
    receiver = make_receiver()
    sweeper = make_sweeper(events={"webhook": {"url": receiver.url}}).migrate()
    database.add_workspace(age_s=700)
    sweeper.sweep_once()
    assert pending(database) == 1 and receiver.bodies == []
    sweeper.start()
    wait_for("the event", lambda: receiver.bodies)


def test_without_a_webhook_nothing_stays_pending(make_sweeper, database):
    sweeper = make_sweeper().migrate()
    database.add_workspace(age_s=700)
    sweeper.sweep_once()
    assert database.query("SELECT count(*) FROM rescue.events") == [(1,)]
    assert pending(database) == 0
