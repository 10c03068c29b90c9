"""POST /v1/workspaces/{id}/bootstrap-failed: the control plane's verdict."""

import concurrent.futures
import json
import uuid

import pytest

from conftest import wait_for


@pytest.fixture
def plane(sweeper):
    return sweeper.client("--control-plane")


def call(plane, workspace_id, body):
    return plane.request("POST", f"/v1/workspaces/{workspace_id}/bootstrap-failed", body=body)


def test_the_happy_path_flips_orders_and_tells(plane, database):
    workspace_id = database.add_workspace(runtime="hermes")
    status, body = call(plane, workspace_id, {"error": "disk full", "log_tail": "line 1\nline 2\n"})
    assert status == 200 and body["ok"] is True
    assert set(body) == {"ok", "capture_id"}
    assert database.status(workspace_id) == "failed"
    assert database.query("SELECT last_sample_error FROM workspaces")[0][0] == "disk full"
    assert [(c["capture_id"], c["reason"]) for c in database.captures()] == [(body["capture_id"], "bootstrap_watcher")]
    for table in ("structure_events", "rescue.events"):
        payload = database.query(f"SELECT event_type, payload FROM {table}")
        assert [row[0] for row in payload] == ["WORKSPACE_PROVISION_FAILED"]
        assert payload[0][1] == {"error": "disk full", "log_tail": "line 1\nline 2\n", "source": "bootstrap_watcher"}


def test_the_second_call_changes_nothing_and_orders_nothing(plane, database):
    workspace_id = database.add_workspace()
    call(plane, workspace_id, {"error": "first"})
    assert call(plane, workspace_id, {"error": "second"}) == (200, {"ok": True, "no_change": True})
    assert len(database.captures()) == 1
    assert len(database.query("SELECT 1 FROM structure_events")) == 1
    assert database.query("SELECT last_sample_error FROM workspaces")[0][0] == "first"


def test_racing_calls_and_sweeps_give_one_verdict(make_sweeper, database):
    sweeper = make_sweeper(sweep={"interval_s": 3600, "batch": 500}).migrate().start()
    plane = sweeper.client("--control-plane")
    for _ in range(5):
        workspace_id = database.add_workspace(age_s=700)
        with concurrent.futures.ThreadPoolExecutor() as pool:
            calls = [pool.submit(call, plane, workspace_id, {"error": "e"}) for _ in range(4)]
            sweep = pool.submit(sweeper.sweep_once)
            answers = [one.result() for one in calls]
            sweep.result()
        assert all(status == 200 for status, _ in answers)
        assert len(database.captures(workspace_id)) == 1
        assert len(database.query("SELECT 1 FROM structure_events WHERE workspace_id = %s", workspace_id)) == 1


@pytest.mark.parametrize("body", ["", "{", "[]", "7", '{"error": 7}', '{"log_tail": []}', '{"error":"a"} x', b"\xff\xfe"])
def test_bad_json_is_400(plane, database, body):
    workspace_id = database.add_workspace()
    status, answer = call(plane, workspace_id, body)
    assert status == 400 and answer["error"]
    assert database.status(workspace_id) == "provisioning"


def test_an_empty_id_is_400_and_an_unknown_one_404(plane, database):
    assert plane.request("POST", "/v1/workspaces//bootstrap-failed", body={})[0] == 400
    assert call(plane, uuid.uuid4(), {})[0] == 404
    assert call(plane, "not-a-uuid", {})[0] == 404


def test_a_long_tail_keeps_its_last_8192_bytes(plane, database):
    workspace_id = database.add_workspace()
    tail = "".join(f"line {n}\n" for n in range(5000))
    assert call(plane, workspace_id, {"error": "e", "log_tail": tail})[0] == 200
    kept = database.query("SELECT payload->>'log_tail' FROM structure_events")[0][0]
    assert 8000 < len(kept.encode()) <= 8192
    assert tail.endswith(kept)


def test_secrets_in_error_and_tail_reach_neither_database_nor_event(plane, sweeper, database):
    workspace_id = database.add_workspace()
    token = "ghp_" + uuid.uuid4().hex + "Abcd"
    password = uuid.uuid4().hex
    call(plane, workspace_id, {"error": f"clone of https://u:{password}@host/x failed",
                               "log_tail": f"GITHUB_TOKEN={token}\nlast words\n"})
    stored = json.dumps([database.query(f"SELECT to_jsonb(t)::text FROM {table} t")
                         for table in ("workspaces", "structure_events", "rescue.events", "rescue.captures")])
    assert token not in stored and password not in stored
    assert "last words" in stored and "[REDACTED:" in stored
    assert token not in sweeper.log_text() and password not in sweeper.log_text()


def test_an_order_follows_the_call(plane, sweeper, database, make_agent):
    workspace_id = database.add_workspace()
    make_agent(workspace_id, [sweeper.port]).start()
    wait_for("the held agent", lambda: sweeper.metric("rescue_held_agents") == 1)
    call(plane, workspace_id, {"error": "no"})
    wait_for("shipped", lambda: database.captures()[0]["state"] == "shipped")
    records = sweeper.archived(database.captures()[0]["capture_id"])
    assert {record["reason"] for record in records} == {"bootstrap_watcher"}
