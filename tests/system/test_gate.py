"""Many connections: sessions that are resumed at another replica, crowds, slow and vanishing peers."""

import concurrent.futures
import http.client
import json
import os
import random
import signal
import socket
import ssl
import struct
import uuid

import pytest

from conftest import ORG, TRUST_DOMAIN, WAIT_S, Authority, Client, wait_for
from test_bad_input import a_record, packed
from test_identity import openssl_certificate


class Visitor:
    """A client that keeps its session, and offers it the next time."""

    def __init__(self, authority, cert, key, version=None):
        self.context = ssl.create_default_context(cafile=str(authority.ca))
        self.context.load_cert_chain(str(cert), str(key))
        if version is not None:
            self.context.maximum_version = version
        self.session = None

    def connect(self, port):
        plain = socket.create_connection(("127.0.0.1", port), timeout=WAIT_S)
        return self.context.wrap_socket(plain, server_hostname="127.0.0.1", session=self.session)

    def visit(self, port):
        """(whether the session was resumed, the answer's status)"""
        with self.connect(port) as connection:
            connection.sendall(b"GET /v1/orders/next?wait=0 HTTP/1.1\r\nHost: x\r\n\r\n")
            status = int(connection.recv(65536).split()[1])
            self.session = connection.session
            return connection.session_reused, status


def reload_keys(sweeper):
    """SIGHUP; ready when the sweeper says that it has read its files again, and asks for the keys at the same time."""
    before = sweeper.log_text().count("event=gate.reloaded")
    sweeper.running.process.send_signal(signal.SIGHUP)
    wait_for("the reload", lambda: sweeper.log_text().count("event=gate.reloaded") > before)


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_session_is_resumed_at_another_replica_until_its_key_is_turned_out(make_sweeper, database, authority, version):
    one = make_sweeper().migrate().start()
    two = make_sweeper().start()
    workspace_id = database.add_workspace()
    visitor = Visitor(authority, *authority.issue("--workspace", workspace_id), version)
    assert visitor.visit(one.port) == (False, 204)
    assert visitor.visit(two.port) == (True, 204)
    assert visitor.visit(one.port) == (True, 204)
    assert (one.metric("rescue_handshakes_total", result="resumed"),
            two.metric("rescue_handshakes_total", result="resumed")) == (1, 1)
    # The key before the present one still opens tickets.
    database.execute("UPDATE rescue.ticket_keys SET begins_at = begins_at - interval '12 hours'")
    reload_keys(two)
    wait_for("a key of the new period", lambda: database.query("SELECT count(*) FROM rescue.ticket_keys") == [(3,)])
    old = visitor.session
    wait_for("the new key", lambda: visitor.visit(two.port) == (True, 204))
    visitor.session = old
    assert visitor.visit(two.port) == (True, 204)
    # After one more period it does not: the peer proves its certificate again, and is served.
    database.execute("UPDATE rescue.ticket_keys SET begins_at = begins_at - interval '36 hours'")
    reload_keys(two)

    def is_refused():
        visitor.session = old
        return visitor.visit(two.port) == (False, 204)

    wait_for("the ticket to be refused", is_refused)
    assert visitor.visit(two.port) == (True, 204)


def test_a_resumed_session_is_the_certificates_workspace_and_nobody_else(sweeper, database, authority):
    mine, other = database.add_workspace(), database.add_workspace(age_s=700)
    capture = wait_for("the capture", lambda: database.captures(other))[0]
    visitor = Visitor(authority, *authority.issue("--workspace", mine))
    visitor.visit(sweeper.port)
    with visitor.connect(sweeper.port) as connection:
        assert connection.session_reused
        body = packed(a_record(capture["capture_id"], workspace_id=other))
        connection.sendall(f"PUT /v1/captures/{capture['capture_id']}/bundle HTTP/1.1\r\nHost: x\r\n"
                           f"Content-Encoding: gzip\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)
        assert connection.recv(65536).split()[1] == b"403"


def test_a_session_ends_with_its_certificate(sweeper, database, authority, tmp_path):
    workspace_id = database.add_workspace()
    uri = f"spiffe://{TRUST_DOMAIN}/org/{ORG}/workspace/{workspace_id}"
    visitor = Visitor(authority, *openssl_certificate(tmp_path, authority, uri, -1, 6 / 86400))
    assert visitor.visit(sweeper.port) == (False, 204)
    kept = visitor.connect(sweeper.port)
    assert kept.session_reused

    def is_over():
        try:
            visitor.visit(sweeper.port)
            return False
        except (OSError, IndexError):
            return True

    wait_for("the end of the certificate", is_over)
    kept.sendall(b"GET /v1/orders/next?wait=0 HTTP/1.1\r\nHost: x\r\n\r\n")
    assert kept.recv(65536).split()[1] == b"403"
    kept.close()
    wait_for("the reason", lambda: "certificate expired" in sweeper.log_text())


def test_other_authorities_forget_tickets_and_known_certificates(make_sweeper, database, authority, tmp_path):
    trusted = tmp_path / "client-ca.crt"
    trusted.write_bytes(authority.ca.read_bytes())
    sweeper = make_sweeper()
    sweeper.settings["tls"]["client_ca"] = str(trusted)
    sweeper.write_config()
    sweeper.migrate().start()
    workspace_id = database.add_workspace()
    visitor = Visitor(authority, *authority.issue("--workspace", workspace_id))
    assert visitor.visit(sweeper.port) == (False, 204)
    kept = visitor.connect(sweeper.port)
    assert kept.session_reused
    other = Authority(tmp_path / "other-ca")
    successor = Visitor(authority, *other.issue("--workspace", workspace_id))
    trusted.write_bytes(other.ca.read_bytes())
    reload_keys(sweeper)

    # On each of the loops, whichever takes the connection.
    def is_refused():
        try:
            visitor.visit(sweeper.port)
            return False
        except (OSError, IndexError):
            return True

    wait_for("the new authority", is_refused)
    for session in (visitor.session, None) * 5:
        visitor.session = session
        assert is_refused()
        assert successor.visit(sweeper.port)[1] == 204
    # What was let in stays in.
    kept.sendall(b"GET /v1/orders/next?wait=0 HTTP/1.1\r\nHost: x\r\n\r\n")
    assert kept.recv(65536).split()[1] == b"204"
    kept.close()


def test_the_agent_resumes_its_session_with_the_replica_that_follows(make_sweeper, make_agent, database):
    one = make_sweeper().migrate().start()
    workspace_id = database.add_workspace()
    agent = make_agent(workspace_id, [one.port]).start()
    wait_for("the agent", lambda: one.metric("rescue_held_agents") == 1)
    one.stop()
    two = make_sweeper(listen=one.settings["listen"])
    two.port = one.port
    two.start()
    wait_for("the agent to come back", lambda: two.metric("rescue_held_agents") == 1)
    assert two.metric("rescue_handshakes_total", result="resumed") == 1
    assert two.metric("rescue_handshakes_total", result="ok") == 0
    database.execute("UPDATE workspaces SET updated_at = now() - interval '1 hour' WHERE id = %s", workspace_id)
    wait_for("the bundle", lambda: database.captures(workspace_id)[0]["state"] == "shipped"
             if database.captures(workspace_id) else None)
    assert agent.running.alive()


def test_a_crowd_that_comes_back_leaves_the_held_agent_alone(sweeper, database, make_agent, authority):
    """Half of the crowd resumes its sessions and half does not; some give up in the middle."""
    workspace_id = database.add_workspace()
    make_agent(workspace_id, [sweeper.port]).start()
    wait_for("the agent", lambda: sweeper.metric("rescue_held_agents") == 1)
    pair = authority.issue("--workspace", database.add_workspace())
    visitors = [Visitor(authority, *pair) for _ in range(20)]

    def come(number):
        if number % 5 == 0:
            with socket.create_connection(("127.0.0.1", sweeper.port), timeout=WAIT_S) as plain:
                plain.sendall(b"\x16\x03\x01\x02\x00\x01\x00")
            return 204
        visitor = visitors[number % 20]
        if number % 2 == 0:
            visitor = Visitor(authority, *pair)
        return visitor.visit(sweeper.port)[1]

    with concurrent.futures.ThreadPoolExecutor(40) as pool:
        assert set(pool.map(come, range(400))) == {204}
    assert sweeper.metric("rescue_held_agents") == 1
    assert sweeper.metric("rescue_handshakes_total", result="resumed") > 50
    # The agent's connection is the one it had: 1 of its own, and the crowd's.
    assert sweeper.metric("rescue_handshakes_total", result="ok") + \
        sweeper.metric("rescue_handshakes_total", result="resumed") == 1 + 320
    database.execute("UPDATE workspaces SET updated_at = now() - interval '1 hour' WHERE id = %s", workspace_id)
    wait_for("the bundle", lambda: any(c["state"] == "shipped" for c in database.captures(workspace_id)))


def test_a_peer_that_reads_slowly_gets_everything_and_holds_up_nobody(sweeper, database, authority):
    database.execute("""INSERT INTO rescue.captures (capture_id, workspace_id, org, instance_id, reason, state,
                        deadline_at, grace_until, last_error)
                        SELECT gen_random_uuid(), 'w' || n, 'acme', 'i', 'bootstrap_watcher', 'refused', now(), now(),
                        repeat('x', 4000) FROM generate_series(1, 1000) n""")
    whole = sweeper.client("--operator").request("GET", "/v1/captures?limit=1000")[1]
    context = ssl.create_default_context(cafile=str(authority.ca))
    context.load_cert_chain(*map(str, authority.issue("--operator")))
    plain = socket.socket()
    plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    plain.settimeout(WAIT_S)
    plain.connect(("127.0.0.1", sweeper.port))
    with context.wrap_socket(plain, server_hostname="127.0.0.1") as slow:
        slow.sendall(b"GET /v1/captures?limit=1000 HTTP/1.1\r\nHost: x\r\n\r\n")
        answer = http.client.HTTPResponse(slow)
        answer.begin()
        body = answer.read(1000)
        for _ in range(20):
            assert sweeper.client("--operator").request("GET", "/v1/captures?limit=1")[0] == 200
            body += answer.read(20000)
        body += answer.read()
    assert json.loads(body) == whole


def test_agents_that_vanish_in_their_upload_leave_nothing_behind(sweeper, database, authority):
    workspace_id = database.add_workspace(age_s=700)
    capture_id = wait_for("the capture", lambda: database.captures(workspace_id))[0]["capture_id"]
    visitor = Visitor(authority, *authority.issue("--workspace", workspace_id))
    head = (f"PUT /v1/captures/{capture_id}/bundle HTTP/1.1\r\nHost: x\r\nContent-Encoding: gzip\r\n"
            "Content-Length: 1000000\r\n\r\n").encode()
    for number in range(40):
        connection = visitor.connect(sweeper.port)
        connection.sendall(head + b"x" * (1 + number * 10000))
        if number % 2 == 0:  # a reset instead of an end
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.close()
    wait_for("all to be gone", lambda: sweeper.metric("rescue_connections") == 0)
    assert database.captures(workspace_id)[0]["state"] == "ordered"
    client = Client(sweeper.port, authority.ca, *authority.issue("--workspace", workspace_id))
    body = packed(a_record(capture_id, workspace_id=workspace_id))
    assert client.request("PUT", f"/v1/captures/{capture_id}/bundle", body=body,
                          headers={"Content-Encoding": "gzip"})[0] == 201


def test_one_box_cannot_fill_the_memory_with_bodies(sweeper, database, authority):
    workspace_id, other = database.add_workspace(), database.add_workspace()
    greedy = Visitor(authority, *authority.issue("--workspace", workspace_id))
    head = (f"PUT /v1/captures/{uuid.uuid4()}/bundle HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n"
            f"Content-Length: {16 * 1024 * 1024}\r\n\r\n").encode()

    def begin(visitor):
        connection = visitor.connect(sweeper.port)
        connection.sendall(head)
        return connection, int(connection.recv(65536).split()[1])

    begun = [begin(greedy) for _ in range(4)]
    assert [code for _, code in begun] == [100, 100, 503, 503]
    connection, code = begin(Visitor(authority, *authority.issue("--workspace", other)))
    assert code == 100
    for left, _ in begun:
        left.close()
    wait_for("room again", lambda: sweeper.metric("rescue_connections") == 1)
    again, code = begin(greedy)
    assert code == 100
    # The answer gives the room back as well: there is no such capture.
    for at in (again, connection):
        at.sendall(bytes(16 * 1024 * 1024))
        assert at.recv(65536).split()[1] == b"404"
    assert [begin(greedy)[1] for _ in range(2)] == [100, 100]


def test_one_box_cannot_take_all_connections(make_sweeper, database, authority):
    most = 64
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, [min(cores)])  # one loop
    try:
        sweeper = make_sweeper().migrate().start()
    finally:
        os.sched_setaffinity(0, cores)
    visitor = Visitor(authority, *authority.issue("--workspace", database.add_workspace()))
    other = Visitor(authority, *authority.issue("--workspace", database.add_workspace()))
    first = other.connect(sweeper.port)
    begun = []
    for _ in range(most + 30):
        begun.append(visitor.connect(sweeper.port))
        begun[-1].sendall(b"GET /v1/orders/next?wait=60 HTTP/1.1\r\nHost: x\r\n\r\n")
    wait_for("the last one", lambda: sweeper.metric("rescue_connections_closed_total", cause="too_many") == 30)
    assert sweeper.metric("rescue_connections") == most + 1
    # The newest is the one that is alive, and who came first and is somebody else is still there.
    for at in (begun[-1], first):
        at.settimeout(0.2)
        with pytest.raises(TimeoutError):
            at.recv(1)
        at.close()


def test_a_peer_with_records_of_16_kib_is_understood_also_after_a_wait(sweeper, database, authority):
    workspace_id = database.add_workspace(age_s=700)
    capture_id = wait_for("the capture", lambda: database.captures(workspace_id))[0]["capture_id"]
    body = packed(a_record(capture_id, workspace_id=workspace_id, content=random.randbytes(40000).hex()))
    assert len(body) > 2 * 16384
    visitor = Visitor(authority, *authority.issue("--workspace", workspace_id))
    with visitor.connect(sweeper.port) as connection:
        for _ in range(3):
            connection.sendall(b"GET /v1/orders/next?wait=1 HTTP/1.1\r\nHost: x\r\n\r\n")
            assert connection.recv(65536).split()[1] == b"200"
        connection.sendall(f"PUT /v1/captures/{capture_id}/bundle HTTP/1.1\r\nHost: x\r\nContent-Encoding: gzip\r\n"
                           f"Content-Length: {len(body)}\r\n\r\n".encode() + body)
        assert connection.recv(65536).split()[1] == b"201"
