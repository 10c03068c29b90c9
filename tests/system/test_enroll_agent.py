"""A box enrols by itself against the metadata double, waits, renews and is rescued: real agent, real sweeper."""

import concurrent.futures
import os
import stat

import pytest

import metadata
from conftest import Agent, ORG, WAIT_S, wait_for
from sweeper import SweeperDouble
from test_enroll_gate import Key, certificate_text, counter, enroll, events, gate, identity, make_gate, region  # noqa: F401


@pytest.fixture
def instance(region):
    service = metadata.Metadata(region, f"i-{next(counter):017x}")
    yield service
    service.stop()


class EnrollingAgent(Agent):
    """An agent without any certificate at its start."""

    def __init__(self, folder, authority, name, ports, box, instance, **identity):
        super().__init__(folder, authority, name, ports, box)
        self.home = folder / f"home-{name}"
        self.cert, self.key = self.home / "agent.crt", self.home / "agent.key"
        self.settings["identity"] = {"cert": str(self.cert), "key": str(self.key), "ca": str(authority.ca),
                                     "enroll": True, "metadata": instance.url, **identity}
        self.write_config()


@pytest.fixture
def make_box(tmp_path, authority, box):
    made = []

    def make(instance, port, **identity):
        made.append(EnrollingAgent(tmp_path, authority, f"box{len(made)}", [port], box, instance, **identity))
        return made[-1]

    yield make
    for agent in made:
        agent.stop()


def refuse_bundles(database, refuse):
    """The database takes no bundle, as when it is out of space."""
    if refuse:
        database.execute("""CREATE FUNCTION no_room() RETURNS trigger LANGUAGE plpgsql AS
                            $$BEGIN RAISE EXCEPTION 'no room' USING ERRCODE = 'disk_full'; END$$""")
        database.execute("""CREATE TRIGGER no_room BEFORE UPDATE OF bundle ON rescue.captures
                            FOR EACH ROW WHEN (NEW.state = 'received') EXECUTE FUNCTION no_room()""")
    else:
        database.execute("DROP TRIGGER no_room ON rescue.captures")


def test_a_whole_life(gate, database, region, make_box, instance):
    """Enrolled, held, failed, captured, cut off, rebooted, uploaded from the spool, shipped, stood down."""
    agent = make_box(instance, gate.port).start()
    wait_for("the agent to be told to wait for its row", lambda: "identity.waiting" in agent.log_text())
    workspace = database.add_workspace(instance_id=instance.instance_id)
    wait_for("the certificate", agent.cert.exists)
    assert stat.S_IMODE(agent.cert.stat().st_mode) == 0o600 and stat.S_IMODE(agent.key.stat().st_mode) == 0o600
    assert f"/org/{ORG}/workspace/{workspace}" in certificate_text(agent.cert)
    assert ("PUT", "/latest/api/token", 200) in instance.requests
    assert all(code == 200 for _, _, code in instance.requests)
    wait_for("the agent to be held", lambda: gate.metric("rescue_held_agents") == 1)
    refuse_bundles(database, True)
    database.execute("UPDATE workspaces SET updated_at = now() - interval '700 s' WHERE id = %s", workspace)
    wait_for("a bundle that is not taken", lambda: "upload.retry" in agent.log_text())
    assert list(agent.spool.glob("*.ndjson.gz"))
    assert agent.stop() == 0
    refuse_bundles(database, False)
    agent.start()
    capture = wait_for("the bundle", lambda: [c for c in database.captures(workspace) if c["state"] == "shipped"])[0]
    records = gate.archived(capture["capture_id"])
    assert records[0]["instance_id"] == instance.instance_id
    assert "PRIVATE KEY" not in "".join(record["content"] for record in records)
    assert agent.stop() == 0
    database.execute("UPDATE workspaces SET status = 'online' WHERE id = %s", workspace)
    agent.start()
    wait_for("the agent to stand down", lambda: not agent.running.alive())
    assert agent.running.process.returncode == 0
    assert gate.metric("rescue_enrolments_total", result="issued") == 1


def test_renewal_leaves_the_held_request_alone(make_gate, database, region, make_box, instance):
    gate = make_gate(lifetime_s=15)
    workspace = database.add_workspace(instance_id=instance.instance_id)
    agent = make_box(instance, gate.port).start()
    wait_for("the agent to be held", lambda: gate.metric("rescue_held_agents") == 1)
    first = identity(database, workspace)
    accepted = gate.metric("rescue_connections_total")
    wait_for("a renewal", lambda: gate.metric("rescue_enrolments_total", result="renewed") >= 1)
    second = wait_for("the new certificate", lambda: identity(database, workspace)[2] != first[2] and
                      identity(database, workspace))
    assert second[0] == first[0] and second[3] > first[3]
    assert "sweeper.failed" not in agent.log_text()
    # One connection for each renewal; the one that holds is the same as before.
    wait_for("the connections of renewals alone", lambda: gate.metric("rescue_connections_total") - accepted ==
             gate.metric("rescue_enrolments_total", result="renewed"))
    assert gate.metric("rescue_held_agents") == 1
    database.execute("UPDATE workspaces SET updated_at = now() - interval '700 s' WHERE id = %s", workspace)
    wait_for("the bundle", lambda: [c for c in database.captures(workspace) if c["state"] == "shipped"])


def test_a_restarted_agent_keeps_its_identity_and_its_key(gate, database, region, make_box, instance):
    database.add_workspace(instance_id=instance.instance_id)
    agent = make_box(instance, gate.port).start()
    wait_for("the agent to be held", lambda: gate.metric("rescue_held_agents") == 1)
    cert, key = agent.cert.read_bytes(), agent.key.read_bytes()
    assert agent.stop() == 0
    agent.start()
    wait_for("the agent to be held again", lambda: gate.metric("rescue_held_agents") == 1)
    assert (agent.cert.read_bytes(), agent.key.read_bytes()) == (cert, key)
    assert agent.stop() == 0
    # A lost certificate is got again with the key that is there.
    agent.cert.unlink()
    agent.start()
    wait_for("the agent to be held once more", lambda: gate.metric("rescue_held_agents") == 1)
    assert agent.key.read_bytes() == key and agent.cert.read_bytes() != cert
    assert gate.metric("rescue_enrolments_total", result="issued") == 2


def test_a_box_that_comes_back_when_all_is_well_stands_down(gate, database, region, make_box, instance):
    workspace = database.add_workspace(instance_id=instance.instance_id)
    agent = make_box(instance, gate.port).start()
    wait_for("the agent to be held", lambda: gate.metric("rescue_held_agents") == 1)
    assert agent.stop() == 0
    database.execute("UPDATE workspaces SET status = 'online' WHERE id = %s", workspace)
    agent.cert.unlink()
    agent.start()
    wait_for("the agent to stand down", lambda: not agent.running.alive())
    assert agent.running.process.returncode == 0
    assert "run.stand_down" in agent.log_text() and not agent.cert.exists()
    assert gate.metric("rescue_enrolments_total", result="stand_down") == 1
    again = agent.command("enroll")
    assert again.returncode == 1 and b"needs no rescue" in again.stderr


def test_agents_that_enrol_at_once_have_one_key(gate, database, region, make_box, instance):
    database.add_workspace(instance_id=instance.instance_id)
    agent = make_box(instance, gate.port).start()
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        assert {done.returncode for done in pool.map(lambda _: agent.command("enroll"), range(4))} == {0}
    wait_for("the agent to be held", lambda: gate.metric("rescue_held_agents") == 1)
    assert gate.metric("rescue_enrolments_total", result="other_key") == 0
    assert sorted(path.name for path in agent.home.iterdir()) == ["agent.crt", "agent.key"]


def test_an_identity_that_came_with_the_disks_image_is_dropped(gate, database, region, make_box, instance):
    database.add_workspace(instance_id=instance.instance_id)
    original = make_box(instance, gate.port)
    assert original.command("enroll").returncode == 0
    clone_instance = metadata.Metadata(region, f"i-{next(counter):017x}")
    workspace = database.add_workspace(instance_id=clone_instance.instance_id)
    clone = make_box(clone_instance, gate.port)
    clone.home.mkdir()
    clone.cert.write_bytes(original.cert.read_bytes())
    clone.key.write_bytes(original.key.read_bytes())
    clone.start()
    wait_for("an identity of its own", lambda: identity(database, workspace)[2])
    wait_for("the agent to be held", lambda: gate.metric("rescue_held_agents") == 1)
    assert clone.key.read_bytes() != original.key.read_bytes()
    assert "identity.foreign" in clone.log_text()
    clone_instance.stop()


def test_another_key_is_refused_until_the_reset_and_the_box_says_what_to_do(gate, database, region, make_box, instance,
                                                                          tmp_path):
    workspace = database.add_workspace(instance_id=instance.instance_id)
    assert enroll(gate, region, Key(tmp_path), instance.document)[0] == 201
    agent = make_box(instance, gate.port)
    done = agent.command("enroll")
    assert done.returncode == 1 and b"rescuectl identity reset" in done.stderr
    assert not agent.cert.exists() and agent.key.exists()
    assert len(events(database, "WORKSPACE_IDENTITY_CONFLICT")) == 1
    assert gate.client("--operator").request("POST", f"/v1/workspaces/{workspace}/identity/reset")[0] == 200
    done = agent.command("enroll")
    assert done.returncode == 0 and workspace.encode() in done.stdout


def test_a_failed_box_whose_certificate_ended_while_it_was_cut_off_comes_back(make_gate, database, region, make_box,
                                                                            instance):
    """The key that enrolled is enough, however old the document."""
    gate = make_gate(lifetime_s=10)
    workspace = database.add_workspace(instance_id=instance.instance_id)
    agent = make_box(instance, gate.port)
    assert agent.command("enroll").returncode == 0
    instance.restart_instance(pending=metadata.utc(-86400))
    database.execute("UPDATE workspaces SET status = 'failed' WHERE id = %s", workspace)
    ended = database.query("SELECT not_after FROM rescue.identities")[0][0]
    wait_for("the certificate's end", lambda: database.query("SELECT now() > %s", ended)[0][0])
    agent.start()
    wait_for("the agent to be held", lambda: gate.metric("rescue_held_agents") == 1)
    assert gate.metric("rescue_enrolments_total", result="issued") == 2


def test_a_certificate_that_ends_while_no_sweeper_is_there_is_got_anew(make_gate, database, region, make_box, instance):
    gate = make_gate(lifetime_s=10)
    database.add_workspace(instance_id=instance.instance_id)
    agent = make_box(instance, gate.port).start()
    wait_for("the agent to be held", lambda: gate.metric("rescue_held_agents") == 1)
    gate.stop()
    ended = database.query("SELECT not_after FROM rescue.identities")[0][0]
    wait_for("the certificate's end", lambda: database.query("SELECT now() > %s", ended)[0][0])
    gate.start()
    wait_for("the agent to be held again", lambda: gate.metric("rescue_held_agents") == 1, 3 * WAIT_S)
    assert database.query("SELECT not_after > %s FROM rescue.identities", ended)[0][0]
    assert agent.running.alive()


def test_a_metadata_service_that_hangs_is_waited_for_and_named(gate, database, region, make_box, instance):
    database.add_workspace(instance_id=instance.instance_id)
    instance.silent = True
    agent = make_box(instance, gate.port).start()
    wait_for("a line about it", lambda: "enroll.no_proof" in agent.log_text())
    instance.silent = False
    wait_for("the agent to be held", lambda: gate.metric("rescue_held_agents") == 1)


@pytest.mark.parametrize("url", ["http://10.0.0.1", "https://169.254.169.254", "http://169.254.169.254.evil.example",
                                 "http://169.254.169.254:80/x", "http://127.0.0.1@evil.example", ""])
def test_who_this_machine_is_is_asked_on_this_machine_only(make_box, instance, url):
    agent = make_box(instance, 1, metadata=url)
    done = agent.command("check-config")
    assert done.returncode == 2 and b"metadata" in done.stderr


def test_files_that_another_program_replaces_are_taken_up_without_a_signal(tmp_path, authority, make_agent):
    """Static files and those that SPIRE writes: the next request after the change is made with the new certificate."""
    server = SweeperDouble(*authority.issue("--server", "localhost,127.0.0.1"), authority.ca).start()
    agent = make_agent("ws-spire", [server.port])
    cert, key = tmp_path / "svid.pem", tmp_path / "svid_key.pem"
    first = authority.issue("--workspace", "ws-spire")
    cert.write_bytes(first[0].read_bytes())
    key.write_bytes(first[1].read_bytes())
    agent.settings["identity"].update(cert=str(cert), key=str(key))
    agent.write_config()
    agent.start()
    wait_for("the held request", lambda: server.held == 1)
    authority.run("issue", authority.folder, "--org", ORG, "--workspace", "ws-spire", "--out", tmp_path / "second")
    os.replace(tmp_path / "second.crt", cert)
    os.replace(tmp_path / "second.key", key)
    server.answer_get(204)
    wait_for("the next request", lambda: len(server.seen("GET")) >= 1 and server.held == 1)
    server.answer_get(204)
    seen = wait_for("both answers", lambda: len(server.seen("GET")) >= 2 and server.seen("GET"))
    assert seen[0].serial != seen[1].serial and seen[0].connection != seen[1].connection
    assert "identity.reload" in agent.log_text()
    agent.stop()
    server.stop()
