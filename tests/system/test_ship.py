"""Stored bundles travel from PostgreSQL to the sinks, whatever the sinks do meanwhile."""

import gzip
import hashlib
import json
import os
import signal
import stat
import time
import uuid

import pytest

from conftest import ORG, wait_for
from loki_process import Loki

S = 10**9
TOO_FAR_BEHIND = "entry with timestamp 2026-01-01T00:00:00Z ignored, reason: 'entry too far behind'"
SECTIONS = ("verdict", "config.yaml", "host", "docker-ps")


def record(capture, section, content, outcome="ok", part=1, parts=1, sha256=None):
    return {"ts": "2026-01-31T00:00:00.000000Z", "event_type": "rescue.bundle", "kind": "rescue", "org": ORG,
            "workspace_id": capture["workspace_id"], "instance_id": "i-0abc", "capture_id": capture["capture_id"],
            "reason": "provision_timeout_sweep", "section": section, "part": part, "parts": parts,
            "outcome": outcome, "redacted": True, "redactions": 0,
            "sha256": sha256 or hashlib.sha256(content.encode()).hexdigest(), "content": content}


def new_capture():
    return {"capture_id": str(uuid.uuid4()), "workspace_id": "ws-" + uuid.uuid4().hex[:8]}


def store(database, contents=None, capture=None, **columns):
    """A received bundle, as the gate leaves it. `contents`: {section: text}."""
    capture = capture or new_capture()
    contents = contents or {section: f"content of {section}\n" for section in SECTIONS}
    records = [record(capture, section, content) for section, content in contents.items()]
    lines = [json.dumps(one, separators=(",", ":"), ensure_ascii=False) for one in records]
    bundle = gzip.compress("".join(line + "\n" for line in lines).encode())
    names = "".join(f", {name}" for name in columns)
    values = "".join(f", {value}" for value in columns.values())
    database.execute(f"""INSERT INTO rescue.captures (capture_id, workspace_id, org, instance_id, reason, state,
                         received_at, deadline_at, grace_until, ship_until, bundle, next_attempt_at{names})
                         VALUES (%s, %s, %s, 'i-0abc', 'provision_timeout_sweep', 'received', now(), now(),
                         now() + interval '24 hours', now() + interval '1 hour', %s, now(){values})""",
                     capture["capture_id"], capture["workspace_id"], ORG, bundle)
    return {**capture, "lines": lines, "bundle": bundle}


def column(database, capture, name):
    return database.query(f"SELECT {name} FROM rescue.captures WHERE capture_id = %s", capture["capture_id"])[0][0]


def due_now(database, capture):
    database.execute("UPDATE rescue.captures SET next_attempt_at = now() WHERE capture_id = %s AND shipped_at IS NULL",
                     capture["capture_id"])


def wait_shipped(database, *captures):
    """Makes what waits for its backoff due at once: tests do not sleep through it."""
    for capture in captures:
        def shipped():
            due_now(database, capture)
            return column(database, capture, "state") == "shipped"
        wait_for(f"{capture['capture_id']} to be shipped", shipped)


def wait_failed(database, capture, words):
    return wait_for(f"a failure that says {words!r}",
                    lambda: words in (column(database, capture, "last_error") or ""))


def entries_of(loki, capture):
    return [entry for entry in loki.entries() if json.loads(entry["line"])["capture_id"] == capture["capture_id"]]


def assert_exactly_once(loki, capture):
    assert sorted(entry["line"] for entry in entries_of(loki, capture)) == sorted(capture["lines"])


@pytest.fixture
def make_loki(tmp_path):
    made = []

    def make(*options):
        folder = tmp_path / f"loki-{len(made)}"
        folder.mkdir()
        made.append(Loki(folder, *options).start())
        return made[-1]

    yield make
    for loki in made:
        loki.stop()


@pytest.fixture
def loki(make_loki):
    return make_loki()


@pytest.fixture
def make_shipper(make_sweeper):
    def make(*sinks, start=True, **changes):
        sweeper = make_sweeper(sinks=list(sinks), **changes).migrate()
        return sweeper.start() if start else sweeper
    return make


def to_loki(loki, **changes):
    return {"kind": "loki", "url": loki.url, **changes}


def test_a_bundle_reaches_loki_with_labels_metadata_and_rising_timestamps(database, make_shipper, loki):
    make_shipper(to_loki(loki, labels={"env": "test"}, tenant_id="t-1"))
    capture = store(database)
    wait_shipped(database, capture)
    entries = entries_of(loki, capture)
    assert [entry["line"] for entry in entries] == capture["lines"]
    base = column(database, capture, "entry_base_ns")
    assert [int(entry["ts"]) for entry in entries] == [base + i for i in range(len(SECTIONS))]
    for entry, section in zip(entries, SECTIONS):
        assert entry["labels"] == {"kind": "rescue", "event_type": "rescue.bundle", "org": ORG, "env": "test",
                                   "service_name": "unknown_service"}
        assert entry["metadata"] == {"workspace_id": capture["workspace_id"], "capture_id": capture["capture_id"],
                                     "section": section, "outcome": "ok", "instance_id": "i-0abc"}
    assert loki.requests()["headers"]["x-scope-orgid"] == "t-1"
    assert column(database, capture, "shipped_to") == ["loki"]
    for query in ('{kind="rescue"} | workspace_id="%s"', '{kind="rescue"} | json | workspace_id="%s"'):
        assert len(loki.lines(query % capture["workspace_id"])) == len(SECTIONS)


def test_without_structured_metadata_entries_have_none_and_are_verified_all_the_same(database, make_shipper, loki):
    make_shipper(to_loki(loki, structured_metadata=False))
    capture = store(database)
    wait_shipped(database, capture)
    assert_exactly_once(loki, capture)
    assert all(entry["metadata"] == {} for entry in loki.entries())


FAULTS = {
    "429": {"kind": "status", "code": 429},
    "500": {"kind": "status", "code": 500},
    "503": {"kind": "status", "code": 503},
    "401": {"kind": "status", "code": 401},
    "404": {"kind": "status", "code": 404},
    "408": {"kind": "status", "code": 408},
    "413": {"kind": "status", "code": 413},
    "an unknown 400": {"kind": "status", "code": 400},
    "a dropped connection": {"kind": "drop"},
    "a 429 that stored a part": {"kind": "partial", "code": 429},
    "a 400 that stored a part": {"kind": "partial", "code": 400},
    "a 500 that stored a part": {"kind": "partial", "code": 500},
    "a 204 that stored nothing": {"kind": "lose"},
    "a query that fails": {"kind": "status", "code": 500, "on": "query"},
}


@pytest.mark.parametrize("name", FAULTS)
@pytest.mark.parametrize("count", [1, 3])
def test_everything_arrives_exactly_once_in_spite_of(database, make_shipper, loki, name, count):
    shipper = make_shipper(to_loki(loki), start=False)
    loki.fail({**FAULTS[name], "count": count})
    captures = [store(database) for _ in range(3)]
    shipper.start()
    wait_shipped(database, *captures)
    for capture in captures:
        assert_exactly_once(loki, capture)


def test_a_loki_that_is_down_holds_nothing_up_but_itself(database, make_shipper, loki, tmp_path):
    loki.stop()
    archive = tmp_path / "kept"
    make_shipper(to_loki(loki), {"kind": "archive", "dir": str(archive)})
    capture = store(database)
    wait_for("the archive to have it", lambda: list(archive.rglob("*.ndjson.gz")))
    wait_failed(database, capture, "loki: ")
    wait_for("the archive to be noted", lambda: column(database, capture, "shipped_to") == ["archive"])
    assert column(database, capture, "state") == "received"
    loki.start()
    wait_shipped(database, capture)
    assert_exactly_once(loki, capture)


def test_a_capture_that_is_retried_waits_longer_each_time(database, make_shipper, loki):
    make_shipper(to_loki(loki))
    loki.fail({"kind": "status", "code": 500, "count": 1000})
    capture = store(database)
    wait_for("three attempts", lambda: due_now(database, capture) or column(database, capture, "attempts") >= 3)
    assert "5xx" in column(database, capture, "last_error")
    loki.heal()
    wait_shipped(database, capture)


def test_a_bundle_delayed_beyond_an_hour_gets_new_timestamps_and_nothing_twice(database, make_shipper, loki):
    shipper = make_shipper(to_loki(loki), start=False)
    old = "(extract(epoch FROM now() - interval '2 hours') * 1000000)::bigint * 1000"
    capture = store(database, entry_base_ns=old, attempts="1")
    database.execute("UPDATE rescue.captures SET received_at = now() - interval '3 hours' WHERE capture_id = %s",
                     capture["capture_id"])
    base = column(database, capture, "entry_base_ns")
    labels = {"kind": "rescue", "event_type": "rescue.bundle", "org": ORG}
    # Two of the records arrived under the old timestamps; since then the stream has gone on.
    assert loki.push((base, capture["lines"][0]), (base + 2, capture["lines"][2]), labels=labels)[0] == 204
    assert loki.push((time.time_ns(), '{"capture_id":"other"}'), labels=labels)[0] == 204
    shipper.start()
    wait_shipped(database, capture)
    assert_exactly_once(loki, capture)
    new_base = column(database, capture, "entry_base_ns")
    assert new_base > base
    stamps = {entry["line"]: int(entry["ts"]) for entry in entries_of(loki, capture)}
    assert [stamps[line] for line in capture["lines"]] == [base, new_base + 1, base + 2, new_base + 3]
    # An operator's retry knows only the new timestamps.
    assert shipper.client("--operator").request("POST", f"/v1/captures/{capture['capture_id']}/retry")[0] == 200
    wait_shipped(database, capture)
    assert_exactly_once(loki, capture)


@pytest.mark.parametrize("age", ["8 days", "2 hours"])
def test_a_first_try_with_refused_timestamps_is_stamped_anew(database, make_shipper, loki, age):
    shipper = make_shipper(to_loki(loki), start=False)
    capture = store(database,
                    entry_base_ns=f"(extract(epoch FROM now() - interval '{age}') * 1000000)::bigint * 1000")
    loki.push((time.time_ns(), '{"capture_id":"other"}'),
              labels={"kind": "rescue", "event_type": "rescue.bundle", "org": ORG})
    shipper.start()
    wait_shipped(database, capture)
    assert_exactly_once(loki, capture)


def test_a_record_that_loki_refuses_is_set_aside_and_the_rest_flows(database, make_shipper, loki):
    shipper = make_shipper(to_loki(loki), start=False)
    loki.fail({"kind": "refuse", "text": "poisonous"})
    bad = store(database, {"verdict": "v\n", "host": "poisonous\n", "docker-ps": "d\n"})
    good = store(database)
    shipper.start()
    wait_shipped(database, bad, good)
    assert_exactly_once(loki, good)
    found = {record["section"]: record for record in (json.loads(e["line"]) for e in entries_of(loki, bad))}
    assert sorted(found) == ["docker-ps", "host", "verdict"]
    assert found["host"]["outcome"] == "error" and found["host"]["content"].startswith("(set aside: ")
    assert found["host"]["sha256"] == hashlib.sha256(found["host"]["content"].encode()).hexdigest()
    assert found["verdict"]["content"] == "v\n" and found["docker-ps"]["content"] == "d\n"
    assert "event=ship.set_aside" in shipper.log_text() and "section=host" in shipper.log_text()
    assert "poisonous" not in shipper.log_text()


def test_a_line_over_this_lokis_limit_is_set_aside_with_the_reason(database, make_shipper, make_loki):
    loki = make_loki("--max-line", 4096)
    make_shipper(to_loki(loki))
    capture = store(database, {"verdict": "v\n", "host": "x" * 8000})
    wait_shipped(database, capture)
    host = json.loads(entries_of(loki, capture)[1]["line"])
    assert host["outcome"] == "error" and "max_line_size" in host["content"]


def test_when_everything_is_refused_nothing_is_set_aside(database, make_shipper, loki):
    make_shipper(to_loki(loki))
    loki.fail({"kind": "refuse", "text": ""})
    capture = store(database)
    wait_failed(database, capture, "refused")
    assert column(database, capture, "state") == "received"
    loki.heal()
    wait_shipped(database, capture)
    assert_exactly_once(loki, capture)


def test_the_limits_of_a_real_loki_are_kept_by_large_bundles(database, make_shipper, loki):
    make_shipper(to_loki(loki))
    contents = {"verdict": "v\n", **{f"big-{i}": os.urandom(90000).hex() for i in range(30)}}
    capture = store(database, contents)
    wait_shipped(database, capture)
    assert_exactly_once(loki, capture)
    assert loki.requests()["pushes"] > 5


def test_lines_of_all_kinds_of_text_arrive_as_they_are(database, make_shipper, loki):
    make_shipper(to_loki(loki))
    capture = store(database, {"verdict": "ä€😀 \"quoted\" \\ back\\slash\t\x01\x1b[31m\r\n", "host": ""})
    wait_shipped(database, capture)
    assert [json.loads(e["line"]) for e in entries_of(loki, capture)] == [json.loads(l) for l in capture["lines"]]


def test_what_is_missing_after_a_push_is_not_called_shipped(database, make_shipper, loki):
    make_shipper(to_loki(loki))
    loki.fail({"kind": "lose", "count": 1})
    capture = store(database)
    wait_failed(database, capture, "does not show 4 of 4 records")
    assert column(database, capture, "state") == "received"
    wait_shipped(database, capture)
    assert_exactly_once(loki, capture)


def test_a_record_that_said_unreachable_is_not_taken_for_the_late_bundles_verdict(database, make_shipper, loki):
    shipper = make_shipper(to_loki(loki), start=False)
    capture = store(database, attempts="1")
    absent = json.dumps(record(capture, "verdict", "(unreachable)", outcome="unreachable"))
    labels = {"kind": "rescue", "event_type": "rescue.bundle", "org": ORG}
    loki.push((time.time_ns(), absent, {"capture_id": capture["capture_id"]}), labels=labels)
    shipper.start()
    wait_shipped(database, capture)
    assert sorted(e["line"] for e in entries_of(loki, capture)) == sorted([absent, *capture["lines"]])


def test_credentials_are_read_again_for_every_request(database, make_shipper, loki, tmp_path):
    secret = tmp_path / "basic"
    make_shipper(to_loki(loki, basic_auth_file=str(secret)))
    first = store(database)
    wait_failed(database, first, "basic does not exist")
    secret.write_text("user:pass\n")
    wait_shipped(database, first)
    assert loki.requests()["headers"]["authorization"] == "Basic dXNlcjpwYXNz"
    secret.write_text("user:rotated\n")
    wait_shipped(database, store(database))
    assert loki.requests()["headers"]["authorization"] == "Basic dXNlcjpyb3RhdGVk"


def test_a_bearer_token_is_sent_and_never_logged(database, make_shipper, loki, tmp_path):
    (tmp_path / "token").write_text("tok-en.123\n")
    shipper = make_shipper(to_loki(loki, bearer_file=str(tmp_path / "token")))
    wait_shipped(database, store(database))
    assert loki.requests()["headers"]["authorization"] == "Bearer tok-en.123"
    assert "tok-en.123" not in shipper.log_text()


def test_a_killed_shipper_loses_nothing_and_doubles_nothing(database, make_shipper, loki):
    shipper = make_shipper(to_loki(loki), start=False)
    loki.fail({"kind": "slow", "seconds": 3})
    captures = [store(database) for _ in range(5)]
    shipper.start()
    wait_for("a push to be under way", lambda: loki.requests()["pushes"] > 0)
    shipper.running.kill()
    # What a lease's end would do, without waiting for it.
    database.execute("UPDATE rescue.captures SET lease_until = now() WHERE shipped_at IS NULL")
    shipper.start()
    wait_shipped(database, *captures)
    for capture in captures:
        assert_exactly_once(loki, capture)


def test_a_killed_loki_loses_nothing(database, make_shipper, loki):
    make_shipper(to_loki(loki))
    captures = [store(database) for _ in range(20)]
    wait_for("something to be stored", loki.entries)
    loki.stop(signal.SIGKILL)
    loki.start()
    wait_shipped(database, *captures)
    for capture in captures:
        assert_exactly_once(loki, capture)


def test_a_stop_gives_the_lease_back_and_exits_0(database, make_shipper, loki):
    shipper = make_shipper(to_loki(loki), start=False)
    loki.fail({"kind": "slow", "seconds": 10, "count": 10})
    capture = store(database)
    shipper.start()
    wait_for("a push to be under way", lambda: loki.requests()["pushes"] > 0)
    assert shipper.stop() == 0
    assert column(database, capture, "lease_owner") is None
    assert column(database, capture, "state") == "received"


def test_many_bundles_arrive_each_once(database, make_shipper, make_loki):
    loki = make_loki("--tenant-rate", 10**9, "--tenant-burst", 10**9, "--stream-rate", 10**9, "--stream-burst", 10**9)
    make_shipper(to_loki(loki))
    captures = [store(database) for _ in range(200)]
    wait_shipped(database, *captures)
    assert sorted(e["line"] for e in loki.entries()) == sorted(line for c in captures for line in c["lines"])


def test_two_sweepers_share_the_work_and_double_nothing(database, make_shipper, make_loki):
    loki = make_loki("--tenant-rate", 10**9, "--tenant-burst", 10**9, "--stream-rate", 10**9, "--stream-burst", 10**9)
    shippers = [make_shipper(to_loki(loki), start=False) for _ in range(2)]
    captures = [store(database) for _ in range(150)]
    for shipper in shippers:
        shipper.start()
    wait_shipped(database, *captures)
    assert sorted(e["line"] for e in loki.entries()) == sorted(line for c in captures for line in c["lines"])


def test_a_damaged_bundle_holds_up_no_other_and_stays(database, make_shipper, loki):
    shipper = make_shipper(to_loki(loki), start=False)
    bad, good = store(database), store(database)
    database.execute("UPDATE rescue.captures SET bundle = 'junk' WHERE capture_id = %s", bad["capture_id"])
    shipper.start()
    wait_shipped(database, good)
    assert_exactly_once(loki, good)
    wait_failed(database, bad, "cannot be unpacked")
    assert column(database, bad, "state") == "received"


def test_the_archive_holds_the_bundle_as_stored_and_for_the_owner_alone(database, make_shipper, tmp_path):
    folder = tmp_path / "kept"
    make_shipper({"kind": "archive", "dir": str(folder)})
    capture = store(database)
    wait_shipped(database, capture)
    path = folder / ORG / capture["workspace_id"] / f"{capture['capture_id']}.ndjson.gz"
    assert path.read_bytes() == capture["bundle"]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert os.listdir(path.parent) == [path.name]


def test_stdout_gets_each_record_as_one_line(database, make_shipper):
    shipper = make_shipper({"kind": "stdout"})
    captures = [store(database) for _ in range(3)]
    wait_shipped(database, *captures)
    printed = [line for line in shipper.log_text().splitlines() if line.startswith("{")]
    assert sorted(printed) == sorted(line for capture in captures for line in capture["lines"])


@pytest.mark.parametrize("instance_id, words", [("i-0abc", "no agent came by"), ("", "names no instance")])
def test_an_order_that_nobody_takes_ships_one_record_that_says_so(database, make_shipper, loki, instance_id, words):
    shipper = make_shipper(to_loki(loki), start=False)
    capture = new_capture()
    database.execute("""INSERT INTO rescue.captures (capture_id, workspace_id, org, instance_id, reason, deadline_at,
                        grace_until) VALUES (%s, %s, %s, %s, 'bootstrap_watcher', now() - interval '1 second',
                        now() + interval '24 hours')""",
                     capture["capture_id"], capture["workspace_id"], ORG, instance_id)
    shipper.start()
    wait_for("it to be shipped", lambda: column(database, capture, "shipped_at"))
    assert column(database, capture, "state") == "unreachable"
    entry, = entries_of(loki, capture)
    said = json.loads(entry["line"])
    assert (said["section"], said["outcome"], said["reason"], said["instance_id"]) == \
           ("verdict", "unreachable", "bootstrap_watcher", instance_id)
    assert words in said["content"]
    assert entry["metadata"]["outcome"] == "unreachable"
