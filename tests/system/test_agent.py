"""The agent alone: its way to the sweeper, its spool, its commands. The sweeper is tests/doubles/sweeper.py."""

import gzip
import json
import os
import pathlib
import shutil
import signal
import stat
import subprocess
import uuid

import pytest

from conftest import BIN, WAIT_S, free_port, wait_for
from sweeper import Answer, SweeperDouble

CANARY = "sk-1234567890abcdefghCANARY"


@pytest.fixture
def make_double(authority):
    made = []

    def make(port=0):
        cert, key = authority.issue("--server", "localhost,127.0.0.1")
        made.append(SweeperDouble(cert, key, authority.ca, port))
        return made[-1]

    yield make
    for double in made:
        double.stop()


@pytest.fixture
def double(make_double):
    return make_double().start()


@pytest.fixture
def workspace_id():
    return f"ws-{uuid.uuid4().hex[:12]}"


def records(body):
    return [json.loads(line) for line in gzip.decompress(body).splitlines()]


def wait_until_held(double):
    wait_for("a held request", lambda: double.held == 1)


def wait_until_stored(double, capture_id):
    return records(wait_for("the bundle", lambda: double.stored.get(capture_id)))


def wait_for_log(agent, words, count=1):
    wait_for(f"{count} × {words} in the agent's log", lambda: agent.log_text().count(words) >= count)


def spooled(agent):
    return sorted(path.name for path in agent.spool.iterdir()) if agent.spool.exists() else []


def wait_until_empty(agent):
    wait_for("an empty spool", lambda: spooled(agent) == [])


# The way to the sweeper.

def test_bundle_goes_up_over_the_connection_that_brought_its_order(double, make_agent, workspace_id, box):
    box.write("configs/config.yaml", f"runtime: claude\nOPENAI_API_KEY: {CANARY}\n")
    agent = make_agent(workspace_id, [double.port]).start()
    wait_until_held(double)
    capture_id = double.order(workspace_id)
    bundle = wait_until_stored(double, capture_id)
    wait_until_held(double)
    assert double.accepts == 1
    put = double.seen("PUT")[0]
    assert put.headers["Content-Encoding"] == "gzip" and put.headers["Content-Type"] == "application/x-ndjson"
    assert put.uri.endswith(f"/org/acme/workspace/{workspace_id}")
    assert bundle[0]["section"] == "verdict"
    assert {record["capture_id"] for record in bundle} == {capture_id}
    assert {record["workspace_id"] for record in bundle} == {workspace_id}
    assert all(record["redacted"] is True for record in bundle)
    assert CANARY not in str(bundle) and CANARY not in agent.log_text()
    assert "[REDACTED:" in [record for record in bundle if record["section"] == "config.yaml"][0]["content"]
    wait_until_empty(agent)


def test_no_order_yet_is_asked_again_on_the_same_connection(double, make_agent, workspace_id):
    make_agent(workspace_id, [double.port]).start()
    for count in range(1, 4):
        wait_until_held(double)
        double.answer_get(204)
        wait_for("the answer", lambda: len(double.seen("GET")) == count)
    wait_until_held(double)
    assert double.accepts == 1
    assert {request.path for request in double.seen("GET")} == {"/v1/orders/next?wait=300"}


def test_stand_down_ends_the_agent_cleanly(double, make_agent, workspace_id):
    agent = make_agent(workspace_id, [double.port]).start()
    wait_until_held(double)
    double.stand_down()
    wait_for("the agent to end", lambda: not agent.running.alive())
    assert agent.running.process.returncode == 0
    assert double.seen("PUT") == []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_stop_during_a_held_request_ends_with_0(double, make_agent, workspace_id, number):
    agent = make_agent(workspace_id, [double.port]).start()
    wait_until_held(double)
    agent.running.process.send_signal(number)
    assert agent.running.process.wait(WAIT_S) == 0


def test_stop_while_there_is_no_sweeper_ends_with_0(make_agent, workspace_id):
    agent = make_agent(workspace_id, [free_port()]).start()
    wait_for_log(agent, "event=sweeper.failed", 2)
    assert agent.stop() == 0


def test_sweeper_that_comes_later_is_found(make_double, make_agent, workspace_id):
    double = make_double(free_port())
    agent = make_agent(workspace_id, [double.port]).start()
    wait_for_log(agent, "event=sweeper.failed", 2)
    double.start()
    wait_until_held(double)
    assert "retry_in_ms=" in agent.log_text()


def test_second_sweeper_takes_over(make_double, make_agent, workspace_id):
    first, second = make_double().start(), make_double().start()
    make_agent(workspace_id, [first.port, second.port]).start()
    wait_until_held(first)
    assert second.accepts == 0
    first.stop()
    wait_until_held(second)
    capture_id = second.order(workspace_id)
    wait_until_stored(second, capture_id)


def test_busy_sweeper_is_asked_again_after_its_retry_after(double, make_agent, workspace_id):
    double.gets.append(Answer(503, {"Retry-After": "1"}))
    double.puts.extend([Answer(503, {"Retry-After": "1"}), Answer(500)])
    agent = make_agent(workspace_id, [double.port]).start()
    capture_id = double.order(workspace_id)
    wait_until_stored(double, capture_id)
    assert [request.code for request in double.seen("PUT")] == [503, 500, 201]
    assert len({request.body for request in double.seen("PUT")}) == 1
    assert agent.log_text().count("event=order.received") == 1


def test_denied_agent_says_what_to_do(double, make_agent, workspace_id):
    double.answer_get(403)
    agent = make_agent(workspace_id, [double.port]).start()
    wait_for_log(agent, "event=sweeper.denied")
    assert "issue another one" in agent.log_text()
    assert agent.stop() == 0


def test_sweeper_of_another_authority_is_refused(make_double, make_agent, workspace_id, tmp_path):
    from conftest import Authority
    other = Authority(tmp_path / "other-ca")
    cert, key = other.issue("--server", "localhost,127.0.0.1")
    stranger = SweeperDouble(cert, key, other.ca).start()
    agent = make_agent(workspace_id, [stranger.port]).start()
    wait_for_log(agent, "event=sweeper.failed")
    assert "identity.ca" in agent.log_text()
    assert stranger.requests == []
    stranger.stop()


def test_order_for_another_workspace_is_refused(double, make_agent, workspace_id):
    agent = make_agent(workspace_id, [double.port]).start()
    wait_until_held(double)
    double.order("ws-of-somebody-else")
    wait_for_log(agent, "event=order.refused")
    assert agent.stop() == 0
    assert double.seen("PUT") == [] and spooled(agent) == []


def test_order_that_is_repeated_is_captured_once_and_again_after_a_retry(double, make_agent, workspace_id):
    agent = make_agent(workspace_id, [double.port]).start()
    capture_id = double.order(workspace_id)
    wait_until_stored(double, capture_id)
    double.order(workspace_id, capture_id)
    wait_for_log(agent, "event=order.repeated")
    assert agent.log_text().count("event=order.received") == 1
    # The operator's retry has a new grace; SIGHUP only ends the agent's pause.
    double.stored.clear()
    double.order(workspace_id, capture_id, grace_until="2099-02-02T00:00:00Z")
    agent.running.process.send_signal(signal.SIGHUP)
    wait_until_stored(double, capture_id)
    assert agent.log_text().count("event=order.received") == 2


# Certificates.

def test_reload_takes_new_certificates_with_the_next_request(double, make_agent, workspace_id, authority, tmp_path):
    first = authority.issue("--workspace", workspace_id)
    files = [tmp_path / "agent.crt", tmp_path / "agent.key"]
    for source, target in zip(first, files):
        shutil.copy(source, target)
    agent = make_agent(workspace_id, [double.port],
                       identity={"cert": str(files[0]), "key": str(files[1]), "ca": str(authority.ca)}).start()
    wait_until_held(double)
    authority.made.pop(("acme", "--workspace", workspace_id))
    for source, target in zip(authority.issue("--workspace", workspace_id), files):
        shutil.copy(source, target)
    agent.running.process.send_signal(signal.SIGHUP)
    # The held request is not dropped: it gets its answer over the old connection.
    double.answer_get(204)
    wait_for("its answer", lambda: len(double.seen("GET")) == 1)
    wait_for("a second connection", lambda: double.accepts == 2)
    wait_until_held(double)
    capture_id = double.order(workspace_id)
    wait_until_stored(double, capture_id)
    serials = [request.serial for request in double.seen("GET")]
    assert serials[0] != serials[1]
    assert "event=identity.reload" in agent.log_text()


def test_certificate_may_appear_later(double, make_agent, workspace_id, authority, tmp_path):
    cert, key = authority.issue("--workspace", workspace_id)
    later = tmp_path / "later.crt"
    agent = make_agent(workspace_id, [double.port],
                       identity={"cert": str(later), "key": str(key), "ca": str(authority.ca)}).start()
    wait_for_log(agent, "event=identity.missing")
    assert str(later) in agent.log_text()
    shutil.copy(cert, later)
    wait_until_held(double)


def test_certificate_of_another_role_is_not_used(double, make_agent, workspace_id, authority):
    cert, key = authority.issue("--operator")
    agent = make_agent(workspace_id, [double.port],
                       identity={"cert": str(cert), "key": str(key), "ca": str(authority.ca)}).start()
    wait_for_log(agent, "expected workspace")
    assert agent.stop() == 0
    assert double.accepts == 0


# The spool.

@pytest.mark.parametrize("end", ["SIGTERM", "SIGKILL"])
def test_unsent_bundle_survives_the_agent(double, make_agent, workspace_id, end):
    double.put_always = Answer(503, {"Retry-After": "1"})
    agent = make_agent(workspace_id, [double.port]).start()
    capture_id = double.order(workspace_id)
    wait_for("an upload that is refused for now", lambda: double.seen("PUT"))
    if end == "SIGTERM":
        assert agent.stop() == 0
    else:
        agent.running.kill()
    assert spooled(agent) == [f"{capture_id}.ndjson.gz", f"{capture_id}.order.json"]
    bundle = agent.spool / f"{capture_id}.ndjson.gz"
    assert stat.S_IMODE(agent.spool.stat().st_mode) == 0o700
    assert stat.S_IMODE(bundle.stat().st_mode) == 0o600
    assert bundle.read_bytes() == double.seen("PUT")[0].body
    double.put_always = None
    agent.start()
    wait_until_stored(double, capture_id)
    assert double.stored[capture_id] == double.seen("PUT")[0].body
    wait_until_held(double)
    wait_until_empty(agent)
    assert agent.log_text().count("event=order.received") == 1


def test_bundle_is_spooled_before_it_is_sent(double, make_agent, workspace_id):
    agent = make_agent(workspace_id, [double.port])
    found = []
    plain_on_put = double.on_put
    double.on_put = lambda capture_id, body: found.append(spooled(agent)) or plain_on_put(capture_id, body)
    agent.start()
    capture_id = double.order(workspace_id)
    wait_until_stored(double, capture_id)
    assert found == [[f"{capture_id}.ndjson.gz", f"{capture_id}.order.json"]]


@pytest.mark.parametrize("code", [403, 409, 413, 422])
def test_refused_bundle_is_set_aside_and_not_sent_again(double, make_agent, workspace_id, code):
    double.puts.append(Answer(code, {}, b'{"error":"record 2: because"}'))
    agent = make_agent(workspace_id, [double.port]).start()
    capture_id = double.order(workspace_id)
    wait_for_log(agent, "event=spool.set_aside")
    assert "record 2: because" in agent.log_text()
    assert spooled(agent) == [f"{capture_id}.ndjson.gz.refused", f"{capture_id}.order.json"]
    wait_for_log(agent, "event=order.repeated")
    assert agent.stop() == 0
    agent.start()
    wait_for_log(agent, "event=order.repeated", 2)
    assert len(double.seen("PUT")) == 1


def test_bundle_of_an_unknown_capture_is_dropped(double, make_agent, workspace_id):
    double.put_always = Answer(404)
    agent = make_agent(workspace_id, [double.port]).start()
    double.order(workspace_id)
    wait_for_log(agent, "event=upload.gone")
    wait_until_empty(agent)


def test_box_without_a_usable_spool_is_rescued_from_memory(double, make_agent, workspace_id, tmp_path):
    (tmp_path / "file").write_text("")
    agent = make_agent(workspace_id, [double.port], spool_dir=str(tmp_path / "file" / "spool")).start()
    capture_id = double.order(workspace_id)
    wait_until_stored(double, capture_id)
    assert "event=spool.init" in agent.log_text()


# Idle.

def family(process):
    """The agent's processes: the supervisor and its children."""
    children = pathlib.Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    return [process.pid, *map(int, children)]


def switches(process):
    """How often any thread of the agent has gone to sleep so far."""
    total = 0
    for pid in family(process):
        for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
            for line in (task / "status").read_text().splitlines():
                if line.startswith("voluntary_ctxt_switches:"):
                    total += int(line.split()[1])
    return total


def test_idle_agent_sleeps_and_is_small(double, make_agent, workspace_id):
    agent = make_agent(workspace_id, [double.port]).start()
    capture_id = double.order(workspace_id)
    wait_until_stored(double, capture_id)
    wait_until_held(double)
    process = agent.running.process
    wait_for("the capture's processes to end", lambda: len(family(process)) == 2)
    wait_for("the agent to be asleep", lambda: all("S (sleeping)" in pathlib.Path(f"/proc/{pid}/status").read_text()
                                                   for pid in family(process)))
    before = switches(process)
    # A sleep that is about what must not happen during it; the claim does not depend on how long it takes.
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(5)
    assert switches(process) - before <= 1
    if is_static():
        rss_kib = sum(int(pathlib.Path(f"/proc/{pid}/status").read_text().split("VmRSS:")[1].split()[0])
                      for pid in family(process))
        assert rss_kib <= 3 * 1024


# Commands.

def agent_command(*args, **kwargs):
    return subprocess.run([str(BIN / "rescue-agent"), *map(str, args)], capture_output=True, timeout=WAIT_S, **kwargs)


def is_static():
    return b"statically linked" in subprocess.run(["file", "-L", str(BIN / "rescue-agent")], capture_output=True,
                                                  check=True).stdout


def test_shipped_agent_is_static_and_small():
    if "RESCUE_BIN" in os.environ and not is_static():
        pytest.skip("RESCUE_BIN names an agent that is not the shipped one")
    assert is_static()
    assert (BIN / "rescue-agent").stat().st_size <= 1_600_000


def test_collect_prints_the_redacted_bundle_and_sends_nothing(double, make_agent, workspace_id, box, tmp_path):
    box.write("configs/config.yaml", f"OPENAI_API_KEY: {CANARY}\n")
    agent = make_agent(workspace_id, [double.port])
    done = agent.command("collect")
    assert done.returncode == 0, done.stderr
    bundle = [json.loads(line) for line in done.stdout.splitlines()]
    assert bundle[0]["section"] == "verdict" and bundle[0]["workspace_id"] == workspace_id
    assert CANARY.encode() not in done.stdout + done.stderr
    table = done.stderr.decode()
    assert "config.yaml" in table and "redactions" in table and "nothing was sent" in table
    assert double.accepts == 0 and spooled(agent) == []
    output = tmp_path / "bundle.ndjson"
    done = agent.command("collect", "--output", output)
    assert done.returncode == 0 and done.stdout == b""
    assert stat.S_IMODE(output.stat().st_mode) == 0o600
    assert json.loads(output.read_text().splitlines()[0])["section"] == "verdict"


def test_collect_without_a_certificate_calls_itself_local(make_agent, workspace_id):
    agent = make_agent(workspace_id, [1], identity={"cert": "/nonexistent/agent.crt"})
    done = agent.command("collect")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[0])["workspace_id"] == "local"


def test_collect_with_broken_rules_prints_withheld_records_only(make_agent, workspace_id, tmp_path):
    rules = tmp_path / "broken-rules"
    rules.mkdir()
    (rules / "site.yaml").write_text("rules: [")
    done = make_agent(workspace_id, [1], redaction={"rules_dir": str(rules)}).command("collect")
    assert done.returncode == 3
    assert {json.loads(line)["outcome"] for line in done.stdout.splitlines()} == {"withheld"}


def test_redact_is_a_filter_that_needs_no_configuration(tmp_path):
    text = f"starting\nexport OPENAI_API_KEY={CANARY}\nready\n"
    done = agent_command("redact", input=text.encode())
    assert done.returncode == 0, done.stderr
    assert done.stdout == b"starting\nexport OPENAI_API_KEY=[REDACTED:API_KEY]\nready\n"
    source = tmp_path / "log"
    source.write_text(text)
    assert agent_command("redact", source).stdout == done.stdout


def test_redact_prints_nothing_when_it_cannot_vouch(make_agent, workspace_id, tmp_path):
    rules = tmp_path / "broken-rules"
    rules.mkdir()
    (rules / "site.yaml").write_text("rules: [")
    agent = make_agent(workspace_id, [1], redaction={"rules_dir": str(rules)})
    done = agent.command("redact", input=f"password={CANARY}\n".encode())
    assert done.returncode == 3
    assert done.stdout == b"" and CANARY.encode() not in done.stderr


def test_redact_knows_the_boxs_own_values(make_agent, workspace_id, box):
    box.write("configs/.auth_token", "plain-words-that-look-harmless\n")
    done = make_agent(workspace_id, [1]).command("redact", input=b"said plain-words-that-look-harmless aloud\n")
    assert done.returncode == 0, done.stderr
    assert b"harmless" not in done.stdout


def test_check_config_names_the_place(make_agent, workspace_id, tmp_path):
    agent = make_agent(workspace_id, [8443])
    done = agent.command("check-config")
    assert done.returncode == 0 and done.stdout.decode() == f"{agent.config}: good\n"
    bad = tmp_path / "bad.yaml"
    bad.write_text("sweepers: [https://a]\ncapture_deadline_s: soon\n")
    done = agent_command("--config", bad, "check-config")
    assert done.returncode == 2
    assert f"{bad}:2:21: capture_deadline_s: expected a whole number from 1 to 3600" in done.stderr.decode()
    assert agent_command("--config", bad).returncode == 2


@pytest.mark.parametrize("args, code", [
    (["version"], 0), (["--version"], 0), (["--help"], 0), (["collect", "--help"], 0),
    (["fly"], 2), (["--wings"], 2), (["run", "away"], 2), (["redact", "a", "b"], 2), (["run", "--output", "x"], 2),
    (["--config", "/nonexistent/agent.yaml", "run"], 2), (["--config", "/nonexistent/agent.yaml", "enroll"], 2), (["redact", "/nonexistent/log"], 1),
])
def test_exit_codes(args, code):
    done = agent_command(*args, stdin=subprocess.DEVNULL)
    assert done.returncode == code, done.stderr
    assert (done.stdout == b"") == (code != 0)
    assert (done.stderr == b"") == (code == 0)


def test_help_names_every_command():
    text = agent_command("--help").stdout.decode()
    assert all(f"  {name}" in text for name in ("run", "collect", "redact", "enroll", "check-config", "version"))
