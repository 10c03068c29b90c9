"""A workspace that never boots becomes a redacted bundle: sweeper and agent as they are run, PostgreSQL, TLS."""

import hashlib
import re
import uuid

import pytest

from conftest import wait_for

SECTIONS = ["verdict", "config.yaml", "system-prompt.md", "cloud-init-output.log.tail", "cloud-init.status", "docker-ps",
            "agent-container.logs.tail", "model-provider-runtime.env", "host"]
FIELDS = {"ts", "event_type", "kind", "org", "workspace_id", "instance_id", "capture_id", "reason", "section", "part",
          "parts", "outcome", "redacted", "redactions", "sha256", "content"}


def connected(sweeper, count=1):
    wait_for(f"{count} held agents", lambda: sweeper.metric("rescue_held_agents") == count)


def rescue(sweeper, database, workspace_id):
    """Waits for the workspace's one capture to be shipped and gives its records."""
    def shipped():
        captures = database.captures(workspace_id)
        return captures and captures[0]["state"] == "shipped" and sweeper.archived(captures[0]["capture_id"])
    records = wait_for("the bundle in the archive", shipped)
    assert len(database.captures(workspace_id)) == 1
    return records


def section(records, name):
    parts = [record for record in records if record["section"] == name]
    assert parts, f"no section {name}"
    return "".join(part["content"] for part in parts)


def outcome(records, name):
    return next(record["outcome"] for record in records if record["section"] == name)


@pytest.fixture
def boot(sweeper, database, make_agent):
    """Starts an agent, lets its row become overdue, and gives the rescued records."""
    def start(**changes):
        workspace_id = str(uuid.uuid4())
        agent = make_agent(workspace_id, [sweeper.port], **changes).start()
        connected(sweeper)
        database.add_workspace(workspace_id, age_s=700)
        return workspace_id, agent, rescue(sweeper, database, workspace_id)
    return start


def test_all_sections_arrive_with_the_record_shape(boot, database):
    workspace_id, _, records = boot()
    assert [record["section"] for record in records if record["part"] == 1] == SECTIONS
    capture_id = database.captures(workspace_id)[0]["capture_id"]
    for record in records:
        assert set(record) == FIELDS
        assert record["event_type"] == "rescue.bundle" and record["kind"] == "rescue" and record["redacted"] is True
        assert record["org"] == "acme" and record["workspace_id"] == workspace_id
        assert record["capture_id"] == capture_id and record["reason"] == "provision_timeout_sweep"
        assert record["instance_id"] == "i-0abc"
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", record["ts"])
    for name in SECTIONS:
        assert hashlib.sha256(section(records, name).encode()).hexdigest() == next(
            record["sha256"] for record in records if record["section"] == name)
    assert section(records, "config.yaml") == "name: demo\nruntime: claude\n"
    assert "frobnicate" in section(records, "cloud-init-output.log.tail")
    assert "frobnicate" in section(records, "verdict")
    assert "MODEL_PROVIDER=demo" in section(records, "model-provider-runtime.env")


def test_a_secret_on_the_box_reaches_neither_database_nor_archive_nor_log(boot, box, sweeper, database):
    canary = "ghp_" + uuid.uuid4().hex + "Abcd"
    box.write("configs/config.yaml", f"name: demo\ngithub_token: {canary}\n")
    box.write("var/log/cloud-init-output.log", f"cloning https://x:{canary}@github.example/r.git\nfailed\n")
    _, agent, records = boot()
    everything = str(records) + sweeper.log_text() + agent.log_text() + str(database.query(
        "SELECT to_jsonb(c) FROM rescue.captures c")) + str(database.query("SELECT to_jsonb(e) FROM rescue.events e"))
    assert canary not in everything
    assert "[REDACTED:" in section(records, "config.yaml")
    assert next(r["redactions"] for r in records if r["section"] == "config.yaml") >= 1


def test_absent_files_say_so_and_the_others_arrive(boot, box):
    for name in ("configs/config.yaml", "configs/system-prompt.md", "var/log/cloud-init-output.log"):
        (box.folder / name).unlink()
    _, _, records = boot()
    assert section(records, "config.yaml") == "(/configs/config.yaml absent)"
    assert section(records, "system-prompt.md") == "(/configs/system-prompt.md absent)"
    assert section(records, "cloud-init-output.log.tail") == "(cloud-init-output.log absent)"
    assert outcome(records, "config.yaml") == "absent"
    assert outcome(records, "host") in ("ok", "truncated")


def test_without_an_engine_docker_sections_say_so(boot):
    _, _, records = boot()
    assert section(records, "docker-ps").startswith("(docker unavailable)")
    assert section(records, "agent-container.logs.tail").startswith("(no agent container)")
    assert outcome(records, "config.yaml") == "ok"


def test_a_redactor_that_cannot_load_ships_only_withheld_records(boot, box, tmp_path):
    rules = tmp_path / "agent-rules.d"
    rules.mkdir()
    (rules / "bad.yaml").write_text("rules: [{pattern: '('")
    box.write("configs/config.yaml", "plain: visible-words\n")
    _, _, records = boot()
    assert {record["outcome"] for record in records} == {"withheld"}
    assert "visible-words" not in str(records)
    assert [record["section"] for record in records][0] == "verdict"


def test_known_value_files_are_masked_wherever_they_occur(boot, box):
    plain = "plain words that no pattern finds"
    box.write("configs/.auth_token", plain + "\n")
    box.write("configs/system-prompt.md", f"say: {plain}!\n")
    _, _, records = boot()
    assert plain not in str(records)
    assert "[REDACTED:" in section(records, "system-prompt.md")


def test_an_agent_that_comes_after_the_verdict_still_gets_its_order(sweeper, database, make_agent):
    workspace_id = database.add_workspace(age_s=700)
    wait_for("the verdict", lambda: database.status(workspace_id) == "failed")
    make_agent(workspace_id, [sweeper.port]).start()
    rescue(sweeper, database, workspace_id)


def test_a_row_that_appears_after_the_agent_is_waited_for(sweeper, database, make_agent):
    workspace_id = str(uuid.uuid4())
    agent = make_agent(workspace_id, [sweeper.port]).start()
    connected(sweeper)
    assert agent.running.alive()
    database.add_workspace(workspace_id, age_s=700)
    rescue(sweeper, database, workspace_id)


@pytest.mark.parametrize("status", ["online", "removed", "paused"])
def test_a_healthy_or_gone_workspace_stands_its_agent_down_without_capture(sweeper, database, make_agent, status):
    workspace_id = database.add_workspace(status=status, age_s=99999)
    agent = make_agent(workspace_id, [sweeper.port]).start()
    wait_for("the agent to end", lambda: not agent.running.alive())
    assert agent.running.process.returncode == 0
    assert database.captures() == []
    assert database.status(workspace_id) == status


def test_teardown_while_provisioning_makes_no_capture(sweeper, database, make_agent):
    workspace_id = database.add_workspace(age_s=0)
    make_agent(workspace_id, [sweeper.port]).start()
    connected(sweeper)
    database.execute("UPDATE workspaces SET status = 'removed', updated_at = now() - interval '1 day'")
    before = sweeper.metric("rescue_sweep_last_success_timestamp_seconds")
    wait_for("another sweep", lambda: sweeper.metric("rescue_sweep_last_success_timestamp_seconds") > before)
    assert database.captures() == []
    assert database.status(workspace_id) == "removed"


@pytest.mark.parametrize("instance_id", ["", None])
def test_no_instance_ships_an_unreachable_record(sweeper, database, instance_id):
    workspace_id = database.add_workspace(age_s=700, instance_id=instance_id)

    def archived():
        captures = database.captures(workspace_id)
        return captures and captures[0]["state"] == "unreachable" and sweeper.archived(captures[0]["capture_id"])
    records = wait_for("the unreachable record", archived)
    assert [record["outcome"] for record in records] == ["unreachable"]
    assert set(records[0]) == FIELDS


def test_no_agent_by_the_deadline_ships_an_unreachable_record_and_a_late_agent_still_delivers(
        make_sweeper, database, make_agent):
    sweeper = make_sweeper(capture={"deadline_s": 1, "grace_h": 24}).migrate().start()
    workspace_id = database.add_workspace(age_s=700)
    wait_for("unreachable", lambda: [c["state"] for c in database.captures()] == ["unreachable"])
    make_agent(workspace_id, [sweeper.port]).start()
    records = wait_for("the late bundle", lambda: [c["state"] for c in database.captures()] == ["shipped"] and
                       sweeper.archived(database.captures()[0]["capture_id"]))
    assert len(records) >= len(SECTIONS)


def test_retention_lists_the_instance_for_a_day(boot, database):
    boot()
    rows = database.query("SELECT instance_id, until - now() BETWEEN interval '23 hours' AND interval '24 hours' "
                          "FROM rescue.retention")
    assert rows == [("i-0abc", True)]


def test_the_whole_upload_runs_over_the_connection_that_brought_the_order(boot, sweeper):
    boot()
    assert sweeper.metric("rescue_connections_total") == 1
