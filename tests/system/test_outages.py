"""Loki or PostgreSQL is away for a while: nothing is lost, nothing is acknowledged too early, and everything resumes.

RESCUE_BACKLOG sets how many captures wait for Loki (default 600).
"""

import gzip
import hashlib
import json
import os
import pathlib
import subprocess
import time

import pytest

from conftest import BIN, FAULT_BIN, ORG, Database, private_cluster, wait_for
from loki_process import UNLIMITED, Loki
from test_ship import TOO_FAR_BEHIND, column, due_now, record, store, to_loki, wait_shipped

BACKLOG = int(os.environ.get("RESCUE_BACKLOG", "600"))


@pytest.fixture
def loki(tmp_path):
    folder = tmp_path / "loki"
    folder.mkdir()
    made = Loki(folder, *UNLIMITED).start()
    yield made
    made.stop()


def rss_kib(sweeper):
    status = pathlib.Path(f"/proc/{sweeper.running.process.pid}/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0])


def left(database):
    return database.query("SELECT count(*) FROM rescue.captures WHERE shipped_at IS NULL")[0][0]


def by_capture(loki):
    """{capture: its lines, in the order of their timestamps}"""
    found = {}
    for entry in sorted(loki.entries(), key=lambda entry: int(entry["ts"])):
        found.setdefault(json.loads(entry["line"])["capture_id"], []).append(entry["line"])
    found.pop("other", None)
    return found


def assert_each_once_in_order(loki, captures):
    found = by_capture(loki)
    assert len(found) == len(captures)
    for capture in captures:
        assert found[capture["capture_id"]] == capture["lines"]


def wait_all_shipped(database):
    """Without touching anybody's backoff."""
    wait_for("everything to be shipped", lambda: left(database) == 0, seconds=240)


def test_the_backlog_of_a_loki_that_is_down_stays_in_the_database_and_flows_when_it_is_back(
        database, make_sweeper, loki, capsys):
    labels = {"kind": "rescue", "event_type": "rescue.bundle", "org": ORG}
    assert loki.push((time.time_ns(), '{"capture_id":"other"}'), labels=labels)[0] == 204
    loki.stop()
    sweeper = make_sweeper(sinks=[to_loki(loki)]).migrate().start()
    few = [store(database) for _ in range(40)]
    wait_for("the sweeper to see that Loki is down", lambda: "event=ship.sink_down" in sweeper.log_text())
    before_kib = rss_kib(sweeper)
    many = [store(database) for _ in range(BACKLOG)]
    wait_for("the backlog to be seen", lambda: sweeper.metric("rescue_backlog_bundles") == BACKLOG + 40)
    failed = sweeper.metric("rescue_ship_errors_total")
    wait_for("more tries", lambda: sweeper.metric("rescue_ship_errors_total") > failed)
    grown_kib = rss_kib(sweeper) - before_kib
    # A few captures at a time show that Loki is still away; the others are not even looked at.
    tried = database.query("SELECT count(*) FROM rescue.captures WHERE attempts > 0")[0][0]
    assert tried <= 40 + BACKLOG // 10
    assert grown_kib <= 4096
    # As after two hours: what was stamped when the outage began is too far behind what Loki took since from others.
    database.execute("""UPDATE rescue.captures SET entry_base_ns = entry_base_ns - 7200 * 1000000000::bigint
                        WHERE attempts > 0 AND lease_owner IS NULL""")
    loki.start()
    begun = time.monotonic()
    wait_all_shipped(database)
    took_s = time.monotonic() - begun
    assert_each_once_in_order(loki, few + many)
    assert "event=ship.sink_back" in sweeper.log_text() and "event=ship.rebased" in sweeper.log_text()
    # Those that waited took no part in the failures: none of them waited out a backoff, or went by itself.
    assert database.query("SELECT count(*) FROM rescue.captures WHERE attempts > 0")[0][0] <= 40 + BACKLOG // 10
    assert loki.requests()["pushes"] < BACKLOG
    with capsys.disabled():
        print(f"\nbacklog of {BACKLOG + 40}: memory grew by {grown_kib} KiB, {tried} captures were tried, "
              f"{loki.requests()['pushes']} pushes brought it in within {took_s:.1f} s")


def test_one_sink_that_is_down_holds_nothing_from_another(database, make_sweeper, loki, tmp_path):
    loki.stop()
    sweeper = make_sweeper(sinks=[to_loki(loki), {"kind": "archive", "dir": str(tmp_path / "kept")}]).migrate().start()
    captures = [store(database) for _ in range(100)]
    wait_for("the archive to have all", lambda: len(list((tmp_path / "kept").rglob("*.ndjson.gz"))) == 100)
    wait_for("that to be noted", lambda: database.query(
        "SELECT count(*) FROM rescue.captures WHERE shipped_to = '{archive}'")[0][0] == 100)
    assert left(database) == 100
    loki.start()
    wait_all_shipped(database)
    assert_each_once_in_order(loki, captures)
    assert sweeper.metric("rescue_shipped_total", sink="archive") == 100


@pytest.mark.parametrize("fault", [
    {"kind": "partial", "code": 429, "count": 5},
    {"kind": "partial", "code": 400, "text": TOO_FAR_BEHIND, "count": 12},
    {"kind": "partial", "code": 500, "count": 5},
], ids=["its rate limit", "too far behind", "an error inside"])
def test_what_loki_took_in_part_is_not_doubled(database, make_sweeper, loki, fault):
    sweeper = make_sweeper(sinks=[to_loki(loki)]).migrate()
    captures = [store(database) for _ in range(60)]
    loki.fail(fault)
    sweeper.start()
    wait_all_shipped(database)
    found = by_capture(loki)
    for capture in captures:
        # New timestamps come after old ones: only then may the order within a capture differ from the bundle's.
        assert sorted(found[capture["capture_id"]]) == sorted(capture["lines"])
        if "text" not in fault:
            assert found[capture["capture_id"]] == capture["lines"]
    if "text" in fault:
        assert "event=ship.rebased" in sweeper.log_text()


def test_poison_among_many_is_set_aside_with_a_reason_and_a_metric(database, make_sweeper, loki):
    sweeper = make_sweeper(sinks=[to_loki(loki)]).migrate()
    loki.fail({"kind": "refuse", "text": "poisonous"})
    bad = [store(database, {"verdict": "v\n", "host": f"poisonous {i}\n", "docker-ps": "d\n"}) for i in range(3)]
    good = [store(database) for _ in range(60)]
    sweeper.start()
    wait_all_shipped(database)
    found = by_capture(loki)
    for capture in good:
        assert found[capture["capture_id"]] == capture["lines"]
    for capture in bad:
        host = json.loads(found[capture["capture_id"]][1])
        assert host["outcome"] == "error" and host["content"].startswith("(set aside: ")
    assert sweeper.metric("rescue_poisoned_records_total", sink="loki") == 3
    assert sweeper.log_text().count("event=ship.set_aside") == 3


def test_a_capture_on_which_loki_always_breaks_holds_up_no_other(database, make_sweeper, loki):
    """A proxy in between that drops the connection for one content, say: it looks as if Loki were down."""
    sweeper = make_sweeper(sinks=[to_loki(loki)]).migrate()
    loki.fail({"kind": "break", "text": "unlucky"})
    bad = store(database, {"verdict": "unlucky\n"})
    sweeper.start()
    wait_for("it to be tried", lambda: column(database, bad, "attempts") > 0)
    good = [store(database) for _ in range(40)]

    def all_good():
        due_now(database, bad)
        return left(database) == 1
    wait_for("all others to be shipped", all_good)
    assert column(database, bad, "state") == "received"
    loki.heal()
    wait_shipped(database, bad)
    assert_each_once_in_order(loki, [bad, *good])


@pytest.mark.skipif(not FAULT_BIN.exists(), reason="needs packaging/build fault")
def test_leases_are_kept_for_as_long_as_loki_is_slow(database, make_sweeper, loki):
    """One claim takes several times as long as a lease lasts, and another sweeper waits for it to end."""
    sweepers = [make_sweeper(sinks=[to_loki(loki)]) for _ in range(2)]
    for sweeper in sweepers:
        sweeper.program = [FAULT_BIN / "rescue-sweeper"]  # its leases last 6 s, its requests 4
    sweepers[0].migrate()
    loki.fail({"kind": "slow", "seconds": 3, "count": 5})
    captures = [store(database, {"verdict": "v\n", "host": os.urandom(100000).hex(), "docker-ps": os.urandom(100000).hex()})
                for _ in range(12)]
    for sweeper in sweepers:
        sweeper.start()
    wait_all_shipped(database)
    assert_each_once_in_order(loki, captures)
    logs = "".join(sweeper.log_text() for sweeper in sweepers)
    assert "event=ship.lease_lost" not in logs
    assert logs.count("event=ship.shipped") == len(captures)


# -- PostgreSQL ------------------------------------------------------------------------------------------------------

@pytest.fixture
def own_database():
    """In a cluster that this test may stop."""
    with private_cluster() as cluster:
        database = Database(cluster)
        yield database
        database.close()


def ready(sweeper):
    return sweeper.admin("/readyz")[0]


def bundle_for(capture, workspace_id):
    one = record({"capture_id": capture["capture_id"], "workspace_id": workspace_id}, "verdict", "v\n")
    one["reason"] = capture["reason"]
    return gzip.compress(json.dumps(one).encode() + b"\n")


@pytest.mark.parametrize("mode", ["immediate", "fast"])
def test_agents_stay_connected_while_postgresql_is_away(own_database, make_sweeper, make_agent, mode):
    sweeper = make_sweeper({ORG: own_database}).migrate().start()
    workspace_id = own_database.add_workspace(status="failed")
    make_agent(workspace_id, [sweeper.port]).start()
    wait_for("a held agent", lambda: sweeper.metric("rescue_held_agents") == 1)
    other = own_database.add_workspace(age_s=700)
    wait_for("a verdict", lambda: own_database.captures(other))
    capture = own_database.captures(other)[0]
    own_database.connection.close()
    own_database.cluster.stop(mode)
    wait_for("the sweeper to notice", lambda: ready(sweeper) == 503)
    agent_of_other = sweeper.client("--workspace", other)
    path, body = f"/v1/captures/{capture['capture_id']}/bundle", bundle_for(capture, other)
    headers = {"Content-Type": "application/x-ndjson", "Content-Encoding": "gzip"}
    connection = agent_of_other.connect()
    connection.request("PUT", path, body=body, headers=headers)
    answer = connection.getresponse()
    assert answer.status == 503 and int(answer.getheader("Retry-After")) > 0
    connection.close()
    assert sweeper.metric("rescue_held_agents") == 1
    own_database.cluster.start()
    wait_for("the sweeper to be ready again", lambda: ready(sweeper) == 200)
    assert own_database.captures(other)[0]["state"] == "ordered"
    assert agent_of_other.request("PUT", path, body, headers)[0] == 201
    own_database.execute("""UPDATE workspaces SET status = 'provisioning', updated_at = now() - interval '700 s'
                            WHERE id = %s""", workspace_id)
    wait_for("both to be shipped", lambda: [c["state"] for c in own_database.captures()] == ["shipped"] * 2)
    # The agent's connection is the one it began with; the other three are this test's.
    assert sweeper.metric("rescue_connections_closed_total") <= 3


@pytest.mark.skipif(not FAULT_BIN.exists(), reason="needs packaging/build fault")
def test_an_upload_that_meets_no_database_is_kept_and_sent_again(own_database, make_sweeper, make_agent, tmp_path):
    points = tmp_path / "points"
    points.mkdir()
    sweeper = make_sweeper({ORG: own_database}).migrate().start()
    workspace_id = own_database.add_workspace(age_s=700)
    agent = make_agent(workspace_id, [sweeper.port])
    agent.program = [FAULT_BIN / "rescue-agent"]
    agent.env = {"RESCUE_FAILPOINTS": str(points)}
    (points / "agent.uploading").write_text("delay 0 1500\n")
    agent.start()
    wait_for("the agent to be about to upload", lambda: not (points / "agent.uploading").exists())
    own_database.connection.close()
    own_database.cluster.stop("immediate")
    wait_for("the upload to be refused for now", lambda: "event=upload.retry" in agent.log_text())
    spooled, = agent.spool.glob("*.ndjson.gz")
    sent = gzip.decompress(spooled.read_bytes())
    own_database.cluster.start()
    wait_for("it to be shipped", lambda: [c["state"] for c in own_database.captures()] == ["shipped"])
    assert own_database.query("SELECT bundle_sha256 FROM rescue.captures") == [(hashlib.sha256(sent).hexdigest(),)]
    wait_for("the spool to be empty", lambda: not list(agent.spool.iterdir()))


def test_what_is_shipped_has_no_failpoints():
    for program in ("rescue-agent", "rescue-sweeper"):
        done = subprocess.run(["grep", "-c", "RESCUE_FAILPOINTS", BIN / program], capture_output=True, check=False)
        assert done.stdout.strip() == b"0"
