"""Bad input gets a clear error and costs nothing already held."""

import gzip
import json
import socket
import ssl
import subprocess
import time
import uuid

import pytest

from conftest import BIN, WAIT_S, free_port, wait_for

WS = "0b1c2d3e-0000-4000-8000-00000000000a"


def raw_tls(sweeper, *role):
    context = ssl.create_default_context(cafile=str(sweeper.authority.ca))
    context.load_cert_chain(*map(str, sweeper.authority.issue(*role)))
    plain = socket.create_connection(("127.0.0.1", sweeper.port), timeout=WAIT_S)
    return context.wrap_socket(plain, server_hostname="127.0.0.1")


def read_all(connection):
    data = b""
    try:
        while chunk := connection.recv(65536):
            data += chunk
    except (ssl.SSLError, ConnectionError):
        pass
    return data


@pytest.mark.parametrize("text, place, words", [
    ("trust_domain: x\nlisten: [", ":3:", "node content"),
    ("trust_domain: rescue.example\nlissten: 0.0.0.0:1\n", ":2:", "lissten"),
    ("sweep: {interval_s: soon}\n", ":1:", "interval_s"),
    ("sweep: {interval_s: 0}\n", ":1:", "interval_s"),
    ("sweep: 5\n", ":1:", "sweep"),
    ("events: {webhook: {url: ftp://x}}\n", ":1:", "url"),
    ("listen: nonsense\n", ":1:", "listen"),
    ("sinks: [{kind: fax}]\n", ":1:", "kind"),
    ("tenants: []\n", ":1:", "tenants"),
])
def test_a_sweeper_config_error_names_its_place_and_exits_2(tmp_path, text, place, words):
    config = tmp_path / "sweeper.yaml"
    config.write_text(text)
    done = subprocess.run([BIN / "rescue-sweeper", "--config", config, "check-config"], capture_output=True, text=True)
    assert done.returncode == 2
    assert f"{config}{place}" in done.stderr and words in done.stderr


@pytest.mark.parametrize("text, place, words", [
    ("sweepers: https://x\n", ":1:", "list"),
    ("sweepers: [http://x:1]\n", ":1:", "https"),
    ("sweepers: [https://x:1]\nspool: /x\n", ":2:", "spool"),
    ("sweepers: [https://x:1]\ncapture_deadline_s: 0\n", ":2:", "capture_deadline_s"),
    ("sweepers: [https://x:1]\nsections: {disable: [nonsense]}\n", ":2:", "disable"),
    ("sweepers: [https://x:1]\nsections: {extra: [{name: a/b, path: /x}]}\n", ":2:", "name"),
    ("sweepers: [https://x:1]\nsections: {extra: [{name: verdict, path: /x}]}\n", ":2:", "verdict"),
])
def test_an_agent_config_error_names_its_place_and_exits_2(tmp_path, text, place, words):
    config = tmp_path / "agent.yaml"
    config.write_text(text)
    done = subprocess.run([BIN / "rescue-agent", "--config", config, "check-config"], capture_output=True, text=True)
    assert done.returncode == 2
    assert f"{config}{place}" in done.stderr and words in done.stderr


@pytest.mark.parametrize("program", ["rescue-sweeper", "rescue-agent", "rescuectl"])
def test_usage_errors_exit_2_and_help_exits_0(program):
    assert subprocess.run([BIN / program, "--help"], capture_output=True).returncode == 0
    for args in (["--nonsense"], ["nonsense"]):
        done = subprocess.run([BIN / program, *args], capture_output=True, text=True)
        assert done.returncode == 2 and done.stderr
    assert subprocess.run([BIN / program, "version"], capture_output=True).returncode == 0


def test_a_missing_config_says_which_file(tmp_path):
    for program in ("rescue-sweeper", "rescue-agent"):
        done = subprocess.run([BIN / program, "--config", tmp_path / "none.yaml", "check-config"], capture_output=True,
                              text=True)
        assert done.returncode == 2 and "none.yaml" in done.stderr


def test_a_provision_timeout_that_is_no_number_is_a_config_error(make_sweeper):
    done = make_sweeper(env={"PROVISION_TIMEOUT_SECONDS": "soon"}).command("check-config")
    assert done.returncode == 2 and "PROVISION_TIMEOUT_SECONDS" in done.stderr


def test_an_unreachable_database_is_retried_and_not_ready(make_sweeper, database):
    sweeper = make_sweeper()
    sweeper.settings["tenants"][0]["database"] = f"host={sweeper.folder} dbname=nowhere password=hunter22"
    sweeper.write_config()
    sweeper.start(ready=False)
    wait_for("readyz to say so", lambda: sweeper.admin("/readyz")[0] == 503)
    assert sweeper.admin("/healthz")[0] == 200
    assert sweeper.running.alive()
    assert "hunter22" not in sweeper.log_text()
    assert sweeper.stop() == 0


def test_migrate_without_database_fails_with_words(make_sweeper):
    sweeper = make_sweeper()
    sweeper.settings["tenants"][0]["database"] = f"host={sweeper.folder} dbname=nowhere"
    sweeper.write_config()
    done = sweeper.command("migrate")
    assert done.returncode == 1 and done.stderr


def test_an_unreachable_sweeper_is_retried_and_sigterm_ends_it_cleanly(make_agent):
    agent = make_agent(WS, [free_port()]).start()
    wait_for("a retry in the log", lambda: agent.log_text().count("level=warn") >= 2)
    assert agent.running.alive()
    assert agent.stop() == 0


def test_garbage_and_half_handshakes_do_not_disturb_a_held_agent(sweeper, database, make_agent):
    make_agent(database.add_workspace(), [sweeper.port]).start()
    wait_for("the held agent", lambda: sweeper.metric("rescue_held_agents") == 1)
    for payload in (b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01\x00\x05hello", b"\0" * 1000, b"\xff" * 70000, b"\x16"):
        with socket.create_connection(("127.0.0.1", sweeper.port)) as plain:
            plain.sendall(payload)
    closed = sweeper.metric("rescue_connections_closed_total")
    wait_for("the garbage to be closed", lambda: sweeper.metric("rescue_connections") == 1)
    assert sweeper.metric("rescue_connections_closed_total") >= 5, closed
    assert sweeper.metric("rescue_held_agents") == 1
    assert sweeper.client("--workspace", WS).request("GET", "/v1/orders/next?wait=0")[0] == 204


BROKEN_REQUESTS = {
    "no HTTP": (b"GARBAGE\r\n\r\n", {400}),
    "another version": (b"GET / HTTP/9.9\r\n\r\n", {400, 505}),
    "long target": (b"GET /" + b"a" * 10000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", {414}),
    "many headers": (b"GET / HTTP/1.1\r\nHost: x\r\n" + b"".join(b"A%d: b\r\n" % n for n in range(500)) + b"\r\n", {431}),
    "length and chunked": (b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
                           {400}),
    "two lengths": (b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello", {400}),
    "huge length": (b"PUT /v1/captures/x/bundle HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999\r\n\r\n", {404, 413}),
}


@pytest.mark.parametrize("request_bytes, codes", BROKEN_REQUESTS.values(), ids=BROKEN_REQUESTS.keys())
def test_a_request_that_breaks_the_rules_is_answered_and_closed(sweeper, request_bytes, codes):
    with raw_tls(sweeper, "--workspace", WS) as connection:
        connection.sendall(request_bytes)
        answer = read_all(connection)
    assert int(answer.split(b" ", 2)[1]) in codes


def test_two_requests_in_one_write_are_answered_in_order(sweeper):
    one = b"GET /v1/orders/next?wait=0 HTTP/1.1\r\nHost: x\r\n\r\n"
    last = b"GET /nothing HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    with raw_tls(sweeper, "--workspace", WS) as connection:
        connection.sendall(one + last)
        answer = read_all(connection)
    assert [line.split()[1] for line in answer.split(b"\r\n") if line.startswith(b"HTTP/1.1")] == [b"204", b"404"]


@pytest.fixture
def uploader(sweeper, database):
    """put(body, **headers) uploads to the open capture of WS."""
    database.add_workspace(WS, age_s=700)
    capture_id = wait_for("the capture", lambda: database.captures(WS))[0]["capture_id"]
    client = sweeper.client("--workspace", WS)

    def put(body, **headers):
        return client.request("PUT", f"/v1/captures/{capture_id}/bundle", body=body,
                              headers={"Content-Encoding": "gzip", **headers})
    put.capture_id = capture_id
    return put


def a_record(capture_id, **changes):
    import hashlib
    content = changes.get("content", "hello")
    return {"ts": "2026-01-31T00:00:00Z", "event_type": "rescue.bundle", "kind": "rescue", "org": "acme",
            "workspace_id": WS, "instance_id": "", "capture_id": capture_id, "reason": "provision_timeout_sweep",
            "section": "verdict", "part": 1, "parts": 1, "outcome": "ok", "redacted": True, "redactions": 0,
            "sha256": hashlib.sha256(content.encode()).hexdigest(), "content": content, **changes}


def packed(*records):
    return gzip.compress(b"".join(json.dumps(record).encode() + b"\n" for record in records))


@pytest.mark.parametrize("changes, word", [
    ({"redacted": False}, "redacted"),
    ({"workspace_id": "other"}, "workspace_id"),
    ({"org": "globex"}, "org"),
    ({"reason": "bootstrap_watcher"}, "reason"),
    ({"section": "host"}, "verdict"),
    ({"sha256": "0" * 64}, "sha256"),
    ({"extra": 1}, "field"),
    ({"part": 2}, "part"),
    ({"outcome": "great"}, "outcome"),
])
def test_an_invalid_record_is_422_and_named(uploader, database, changes, word):
    status, answer = uploader(packed(a_record(uploader.capture_id, **changes)))
    assert status == 422 and word in answer["error"]
    assert database.query("SELECT bundle IS NULL FROM rescue.captures") == [(True,)]


@pytest.mark.parametrize("body", [b"not gzip", gzip.compress(b"")[:-3], gzip.compress(b"x"), gzip.compress(b"\n"),
                                  gzip.compress(b"{}") + b"tail", b""])
def test_a_damaged_body_is_422(uploader, body):
    assert uploader(body)[0] == 422


def test_a_gzip_bomb_is_413_and_cheap(uploader):
    assert uploader(gzip.compress(b"\0" * (200 * 1024 * 1024)))[0] == 413


def test_a_good_bundle_is_201_then_200_and_another_one_409(uploader):
    good = packed(a_record(uploader.capture_id))
    assert uploader(good)[0] == 201
    assert uploader(good)[0] == 200
    assert uploader(packed(a_record(uploader.capture_id, content="other")))[0] == 409


def test_a_refused_bundle_ships_a_record_that_says_so_after_the_deadline(make_sweeper, database):
    sweeper = make_sweeper(capture={"deadline_s": 1, "grace_h": 24}).migrate().start()
    database.add_workspace(WS, age_s=700)
    capture_id = wait_for("the capture", lambda: database.captures(WS))[0]["capture_id"]
    assert sweeper.client("--workspace", WS).request("PUT", f"/v1/captures/{capture_id}/bundle", body=b"junk")[0] == 422
    record, = wait_for("the record", lambda: sweeper.archived(capture_id))
    assert record["outcome"] == "unreachable" and "what it sent was refused: " in record["content"]
    assert database.captures(WS)[0]["state"] == "refused"


def test_a_refused_capture_still_takes_a_good_bundle(uploader, database):
    assert uploader(b"junk")[0] == 422
    assert uploader(packed(a_record(uploader.capture_id)))[0] == 201


def test_the_gate_masks_what_an_old_agent_let_through_and_counts_it(uploader, sweeper, database):
    token = "ghp_" + uuid.uuid4().hex + "Abcd"
    status, _ = uploader(packed(a_record(uploader.capture_id, content=f"token {token} here")))
    assert status == 201
    records = wait_for("the archive", lambda: sweeper.archived(uploader.capture_id))
    assert token not in str(records) and "[REDACTED:" in records[0]["content"]
    assert records[0]["redactions"] == 1 and records[0]["gate_findings"] == 1
    assert sweeper.metric("rescue_gate_findings_total") >= 1


def test_an_unknown_or_malformed_capture_is_404(uploader, sweeper):
    client = sweeper.client("--workspace", WS)
    for capture_id in (uuid.uuid4(), "nonsense"):
        assert client.request("PUT", f"/v1/captures/{capture_id}/bundle", body=packed(a_record(uploader.capture_id)),
                              headers={"Content-Encoding": "gzip"})[0] == 404


def test_postgresql_restarting_loses_no_upload(sweeper, cluster, database, make_agent):
    workspace_id = database.add_workspace(age_s=700)
    wait_for("the capture", lambda: database.captures(workspace_id))
    database.connection.close()
    cluster.stop("immediate")
    try:
        agent = make_agent(workspace_id, [sweeper.port]).start()
        wait_for("not ready", lambda: sweeper.admin("/readyz")[0] == 503)
        assert agent.running.alive()
    finally:
        cluster.start()
    wait_for("shipped", lambda: database.captures(workspace_id)[0]["state"] == "shipped")


def test_sigterm_during_a_held_request_ends_cleanly(sweeper, database, make_agent):
    agent = make_agent(database.add_workspace(), [sweeper.port]).start()
    wait_for("the held agent", lambda: sweeper.metric("rescue_held_agents") == 1)
    assert sweeper.stop() == 0
    assert agent.running.alive()
    assert agent.stop() == 0
