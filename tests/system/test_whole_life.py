"""One box's whole life on one machine: package, image, cloud-init, systemd, enrolment, verdict, bundle, renewal, a power
cut with a spooled bundle, and the end. Everything is what is shipped but EC2's metadata service and the cut line."""

import contextlib
import select
import socket
import threading

import pytest

import metadata
from conftest import wait_for
from image import Machine, build_image, user_data
from test_enroll_gate import identity, make_gate, region  # noqa: F401
from test_image import unless_unavailable
from test_packages import package

SPOOL = "/var/lib/rescue/spool"


class Line:
    """The way to a port. When it is cut, what the box sends is lost with its connection; what is under way to it arrives."""

    def __init__(self, port):
        self.target = port
        self.is_cut = False
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        with contextlib.suppress(OSError):
            while True:
                threading.Thread(target=self.carry, args=[self.listener.accept()[0]], daemon=True).start()

    def carry(self, box):
        with box, contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.target)) as sweeper:
            while True:
                for source in select.select([box, sweeper], [], [])[0]:
                    data = source.recv(65536)
                    if not data or (source is box and self.is_cut):
                        return
                    (sweeper if source is box else box).sendall(data)

    def close(self):
        self.listener.close()


@pytest.fixture
def line(make_gate):  # noqa: F811
    gate = make_gate(lifetime_s=24)
    made = Line(gate.port)
    made.gate = gate
    yield made
    made.close()


@pytest.fixture
def instance(region):  # noqa: F811
    service = metadata.Metadata(region, "i-0123456789abcdef0")
    yield service
    service.stop()


@pytest.fixture
def machine(tmp_path, line, instance):
    """A disk made of an image, with user data."""
    made = unless_unavailable(Machine, tmp_path / "machine")
    build_image(made.disk, package("rescue-agent_*_amd64.deb"))
    text = user_data("enrol", CA=line.gate.authority.ca, SWEEPER=f"https://127.0.0.1:{line.port}")
    assert "enroll: true}" in text
    made.seed(text.replace("enroll: true}", f"enroll: true, metadata: \"{instance.url}\"}}"), instance.instance_id)
    made.disk.path("/configs").mkdir()
    made.disk.path("/configs/config.yaml").write_text("name: demo\ntoken: ghp_0123456789abcdefABCDEF0123456789abcd\n")
    yield made
    made.close()


def fail_boot(database, workspace_id):
    database.execute("UPDATE workspaces SET status = 'provisioning', updated_at = now() - interval '700 s' WHERE id = %s",
                     workspace_id)


def shipped(gate, database, workspace_id, count):
    """The sections of the workspace's capture number `count`."""
    captures = wait_for(f"{count} shipped captures", lambda: [
        found for found in [database.captures(workspace_id)]
        if len(found) == count and all(capture["state"] == "shipped" for capture in found)])[0]
    return {record["section"]: record for record in gate.archived(captures[-1]["capture_id"])}


def test_a_whole_life(machine, line, database, instance):
    gate = line.gate
    machine.boot()
    wait_for("the box to wait for its row", lambda: "identity.waiting" in machine.journal("rescue-agent"))
    workspace_id = database.add_workspace(instance_id=instance.instance_id)
    wait_for("the agent to be held", lambda: gate.metric("rescue_held_agents") == 1)
    first = identity(database, workspace_id)

    fail_boot(database, workspace_id)
    sections = shipped(gate, database, workspace_id, 1)
    assert database.status(workspace_id) == "failed"
    assert sections["config.yaml"]["content"] == "name: demo\ntoken: [REDACTED:TOKEN]\n"
    assert "running 'init'" in sections["cloud-init-output.log.tail"]["content"]
    assert sections["verdict"]["instance_id"] == instance.instance_id

    wait_for("a renewal", lambda: gate.metric("rescue_enrolments_total", result="renewed") >= 1)
    renewed = identity(database, workspace_id)
    assert renewed[0] == first[0] and renewed[2] != first[2]

    wait_for("the agent to be held again", lambda: gate.metric("rescue_held_agents") == 1)
    line.is_cut = True
    fail_boot(database, workspace_id)
    spooled = wait_for("a bundle in the spool", lambda: list(machine.disk.path(SPOOL).glob("*.ndjson.gz")))
    assert len(database.captures(workspace_id)) == 2
    bundle = spooled[0].name
    machine.close()
    line.is_cut = False
    machine.boot()
    shipped(gate, database, workspace_id, 2)
    assert f"event=spool.resume capture_id={bundle.removesuffix('.ndjson.gz')}" in machine.journal("rescue-agent")
    wait_for("the agent to be held after all", lambda: gate.metric("rescue_held_agents") == 1)
    assert not list(machine.disk.path(SPOOL).glob("*.ndjson.gz"))

    database.execute("UPDATE workspaces SET status = 'online' WHERE id = %s", workspace_id)
    # A request that is held would be told within five minutes; a new one is at once.
    machine.disk.run("systemctl", "restart", "rescue-agent.service")
    machine.wait_for_unit("rescue-agent.service", "inactive")
    assert machine.property("rescue-agent.service", "Result") == "success"
    assert machine.property("rescue-agent.service", "ExecMainStatus") == "0"
    assert len(database.captures(workspace_id)) == 2
