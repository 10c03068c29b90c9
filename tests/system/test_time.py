"""Clocks that are more than a year off, on the sweeper's machine and on the box: what is decided stays the same, and the
skew is reported. The programs run under libfaketime; PostgreSQL, whose clock counts, does not."""

import pathlib
import re
import time

import pytest

import conftest
from conftest import ORG, TRUST_DOMAIN, Client, Process, wait_for
from test_identity import openssl_certificate, refused_in_handshake

FAKETIME = sorted(pathlib.Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))
DYNAMIC_AGENT = conftest.ROOT / "build" / "release" / "bin" / "rescue-agent"
OFF_S = 400 * 86400  # more than the certificates of the tests are good for
DIRECTIONS = pytest.mark.parametrize("off_s", [OFF_S, -OFF_S], ids=["ahead", "behind"])

pytestmark = pytest.mark.skipif(not FAKETIME, reason="needs Debian's faketime")


def faked(off_s):
    # Deadlines go by the monotonic clock, which nobody sets; with its own "fix" libfaketime ends timed waits at once.
    return {"LD_PRELOAD": str(FAKETIME[0]), "FAKETIME": f"{off_s:+d}s", "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "FAKETIME_FORCE_MONOTONIC_FIX": "0"}


def verdict_lines(sweeper, capture_id):
    return sweeper.archived(capture_id)[0]["content"].splitlines()


def box_skew_s(sweeper, capture_id):
    return next(int(line.split(": ")[1]) for line in verdict_lines(sweeper, capture_id)
                if line.startswith("clock_skew_s: "))


@DIRECTIONS
def test_a_sweeper_whose_clock_is_off_does_its_work_and_says_so(make_sweeper, make_agent, database, off_s):
    sweeper = make_sweeper(env=faked(off_s)).migrate().start()
    spared = database.add_workspace(age_s=500)
    workspace_id = database.add_workspace(age_s=650)
    make_agent(workspace_id, [sweeper.port]).start()
    wait_for("the bundle", lambda: [c for c in database.captures(workspace_id) if c["state"] == "shipped"])
    capture, = database.captures(workspace_id)
    assert database.status(spared) == "provisioning"
    assert database.query("""SELECT bool_and(abs(extract(epoch FROM now() - t)) < 300) FROM rescue.captures,
        unnest(ARRAY[requested_at, delivered_at, received_at, shipped_at, deadline_at - interval '2 minutes',
                     to_timestamp(entry_base_ns / 1e9)]) t""") == [(True,)]
    assert abs(sweeper.metric("rescue_clock_skew_seconds", org=ORG) - off_s) <= 2
    assert abs(sweeper.metric("rescue_sweep_last_success_timestamp_seconds") - time.time()) < 300
    assert len(re.findall(r"event=clock\.skew .*seconds_ahead_of_database=-?\d+", sweeper.log_text())) == 1
    # The order's time is the database's, so that a box with a good clock sees none of it.
    assert abs(box_skew_s(sweeper, capture["capture_id"])) <= 2
    # People's certificates are judged by the same time.
    assert sweeper.client("--operator").request("GET", "/v1/captures")[0] == 200


@DIRECTIONS
def test_an_absence_is_dated_by_the_database(make_sweeper, database, off_s):
    sweeper = make_sweeper(env=faked(off_s), capture={"deadline_s": 1, "grace_h": 24}).migrate().start()
    workspace_id = database.add_workspace(age_s=650)
    wait_for("the record", lambda: database.query("SELECT 1 FROM rescue.captures WHERE state = 'unreachable' "
                                                  "AND shipped_at IS NOT NULL"))
    record, = sweeper.archived(database.captures(workspace_id)[0]["capture_id"])
    said, = database.query("SELECT abs(extract(epoch FROM now() - %s::timestamptz)) < 300", record["ts"])
    assert said == (True,)


@pytest.mark.parametrize("off_s, days_from, days_to, word", [(-OFF_S, -500, -1, "expired"),
                                                             (OFF_S, 1, 500, "not yet valid")])
def test_a_certificate_that_only_a_wrong_clock_takes_is_refused(make_sweeper, authority, tmp_path, off_s, days_from,
                                                               days_to, word):
    sweeper = make_sweeper(env=faked(off_s)).migrate().start()
    wait_for("the skew to be known", lambda: sweeper.metric("rescue_clock_skew_seconds", org=ORG) != 0)
    uri = f"spiffe://{TRUST_DOMAIN}/org/{ORG}/operator"
    pair = openssl_certificate(tmp_path, authority, uri, days_from, days_to)
    refused_in_handshake(Client(sweeper.port, authority.ca, *pair))
    wait_for("the reason in the log", lambda: f"certificate {word}" in sweeper.log_text())


@pytest.mark.skipif(not DYNAMIC_AGENT.exists(), reason="needs build/release's agent: the static one cannot be preloaded")
@DIRECTIONS
def test_a_box_whose_clock_is_off_is_rescued_and_its_skew_reported(make_sweeper, make_agent, database, off_s):
    sweeper = make_sweeper(sweep={"interval_s": 3600, "batch": 500}).migrate().start()
    workspace_id = database.add_workspace()
    agent = make_agent(workspace_id, [sweeper.port])
    agent.running = Process([DYNAMIC_AGENT, "--config", agent.config, "run"], agent.folder / "faked.log", faked(off_s))
    wait_for("the agent to be held", lambda: sweeper.metric("rescue_held_agents") == 1)
    code, answer = sweeper.client("--control-plane").request(
        "POST", f"/v1/workspaces/{workspace_id}/bootstrap-failed", {"error": "no", "log_tail": ""})
    assert code == 200
    wait_for("the bundle", lambda: database.captures(workspace_id)[0]["state"] == "shipped")
    assert abs(box_skew_s(sweeper, answer["capture_id"]) - off_s) <= 2
    outcomes = {record["section"]: record["outcome"] for record in sweeper.archived(answer["capture_id"])}
    assert outcomes["config.yaml"] == "ok" and "withheld" not in outcomes.values()
