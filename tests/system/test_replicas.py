"""Three sweepers over one database and agents spread over them, each in a network namespace of its own."""

import json
import os
import re
import signal

import pytest

from conftest import FAULT_BIN, ORG, Agent, Cluster, Database, Sweeper, private_cluster, wait_for
from loki_process import UNLIMITED, Loki
from netns import Network

pytestmark = [
    pytest.mark.skipif(os.getuid() != 0, reason="needs root: network namespaces"),
    pytest.mark.skipif(not FAULT_BIN.exists(), reason="needs packaging/build fault"),
]
DB_HOST, LOKI_HOST = "10.78.0.1", "10.77.0.1"
REPLICAS = 3


class NetworkCluster(Cluster):
    listen = DB_HOST

    def start(self):
        hba = self.data / "pg_hba.conf"
        if DB_HOST not in hba.read_text():
            hba.write_text(hba.read_text() + f"# from the namespaces of this test, of {DB_HOST}\nhost all all 10.78.0.0/24 trust\n")
        super().start()


@pytest.fixture(scope="module")
def network():
    made = Network()
    for number in range(REPLICAS):
        made.add(f"s{number}", 11 + number)
        made.add(f"a{number}", 21 + number)
    with made.inside_hub():
        yield made
    made.close()


@pytest.fixture(scope="module")
def net_cluster(network):
    with private_cluster(NetworkCluster) as made:
        yield made


class Replica(Sweeper):
    def __init__(self, network, number, folder, authority, database, loki):
        self.name = f"s{number}"
        self.host = f"10.77.0.{11 + number}"
        self.program = [*network.command(self.name), FAULT_BIN / "rescue-sweeper"]
        self.points = folder / "points"
        self.points.mkdir(parents=True)
        tenant = {"org": ORG, "database": f"host={DB_HOST} user=postgres dbname={database.name}"}
        super().__init__(folder, authority, {ORG: database}, {"RESCUE_FAILPOINTS": str(self.points)}, tenants=[tenant],
                         sinks=[{"kind": "loki", "url": loki.url}], sweep={"interval_s": 3600, "batch": 500})

    def arm(self, point, order):
        (self.points / point).write_text(order + "\n")

    def disarm(self, point):
        (self.points / point).unlink(missing_ok=True)


class Fleet:
    """The replicas, and an agent for each that asks it first and the others after."""

    def __init__(self, network, folder, authority, database, loki, box):
        self.network, self.database, self.loki = network, database, loki
        self.replicas = [Replica(network, number, folder / f"s{number}", authority, database, loki)
                         for number in range(REPLICAS)]
        self.replicas[0].migrate()  # from the hub, which reaches the database as well
        self.workspaces = [database.add_workspace(status="failed") for _ in range(REPLICAS)]
        self.agents = [self.make_agent(number, folder, authority, box) for number in range(REPLICAS)]
        for part in self.replicas + self.agents:
            part.start()
        for replica in self.replicas:
            self.wait_held(replica, 1)

    def make_agent(self, number, folder, authority, box):
        order = self.replicas[number:] + self.replicas[:number]
        agent = Agent(folder, authority, self.workspaces[number], [], box,
                      sweepers=[f"https://{replica.host}:{replica.port}" for replica in order])
        agent.program = [*self.network.command(f"a{number}"), FAULT_BIN / "rescue-agent"]
        return agent

    def wait_held(self, replica, count):
        wait_for(f"{count} held agents at {replica.name}", lambda: replica.metric("rescue_held_agents") == count)

    def wait_all_held(self):
        wait_for("all agents to be held", lambda: sum(replica.metric("rescue_held_agents") for replica in
                                                      self.replicas) == len(self.agents))

    def fail(self, number, by):
        """A verdict on the number-th workspace, given through replica `by`. Gives its capture."""
        workspace_id = self.workspaces[number]
        self.database.execute("UPDATE workspaces SET status = 'provisioning', updated_at = now() WHERE id = %s",
                              workspace_id)
        client = self.replicas[by].client("--control-plane")
        code, answer = client.request("POST", f"/v1/workspaces/{workspace_id}/bootstrap-failed",
                                      {"error": "failed", "log_tail": ""})
        assert code == 200, answer
        return answer["capture_id"]

    def column(self, capture_id, what):
        return self.database.query(f"SELECT {what} FROM rescue.captures WHERE capture_id = %s", capture_id)[0][0]

    def wait_state(self, capture_id, state):
        wait_for(f"{capture_id} to be {state}", lambda: self.column(capture_id, "state") == state)

    def delivery_ms(self, capture_id):
        """From the verdict to the note that an agent has its order."""
        return wait_for("the order to be delivered", lambda: self.column(
            capture_id, "extract(epoch FROM delivered_at - requested_at)::float8 * 1000"))

    def assert_once_in_loki(self, *capture_ids):
        entries = self.loki.entries()
        for capture_id in capture_ids:
            sections = [(record["section"], record["part"]) for record in
                        (json.loads(entry["line"]) for entry in entries) if record["capture_id"] == capture_id]
            assert len(sections) == len(set(sections)) == 9, sections

    def stop(self):
        for part in self.agents + self.replicas:
            part.stop()


@pytest.fixture
def fleet(network, net_cluster, authority, box, tmp_path):
    database = Database(net_cluster)
    loki = Loki(tmp_path, *UNLIMITED, host=LOKI_HOST).start()
    made = Fleet(network, tmp_path, authority, database, loki, box)
    yield made
    for number in range(REPLICAS):
        for link in Network.LINKS:
            network.mend(f"s{number}", link)
    made.stop()
    loki.stop()
    database.close()


def report(capsys, what, values):
    values = sorted(values)
    with capsys.disabled():
        print(f"\n{what}: p50={values[len(values) // 2]:.1f} ms max={values[-1]:.1f} ms n={len(values)}")


def test_a_notification_brings_a_verdict_to_an_agent_that_another_replica_holds(fleet, capsys):
    for replica in fleet.replicas:
        replica.arm("gate.no_poll", "fail")
    took = []
    for turn in range(12):
        number = turn % REPLICAS
        capture_id = fleet.fail(number, by=(number + 1) % REPLICAS)
        took.append(fleet.delivery_ms(capture_id))
        fleet.wait_state(capture_id, "shipped")
        fleet.wait_held(fleet.replicas[number], 1)
    report(capsys, "verdict to delivery through another replica", took)


def test_when_every_notification_is_lost_the_poll_finds_the_verdict(fleet, capsys):
    for replica in fleet.replicas:
        replica.arm("listen.lose", "fail")
    took = []
    for number in range(REPLICAS):
        capture_id = fleet.fail(number, by=(number + 1) % REPLICAS)
        took.append(fleet.delivery_ms(capture_id))
        fleet.wait_state(capture_id, "shipped")
    report(capsys, "verdict to delivery without notifications", took)


LISTENERS = "FROM pg_stat_activity WHERE query ~ '^LISTEN' AND datname = current_database()"


def listener_count(fleet):
    return fleet.database.query(f"SELECT count(*) {LISTENERS}")[0][0]


def test_what_is_lost_while_a_listener_reconnects_is_found_when_it_is_back(fleet):
    for replica in fleet.replicas:
        replica.arm("gate.no_poll", "fail")
    wait_for("all to listen", lambda: listener_count(fleet) == REPLICAS)
    fleet.database.execute(f"SELECT pg_terminate_backend(pid) {LISTENERS}")
    wait_for("nobody to listen", lambda: listener_count(fleet) == 0)
    database = fleet.database
    database.execute("""WITH flipped AS (UPDATE workspaces SET status = 'failed' WHERE id = %s RETURNING id)
                        INSERT INTO rescue.captures (capture_id, workspace_id, org, instance_id, reason, deadline_at,
                        grace_until) SELECT gen_random_uuid(), id::text, %s, 'i-0abc', 'bootstrap_watcher',
                        now() + interval '45 s', now() + interval '1 day' FROM flipped""", fleet.workspaces[0], ORG)
    database.execute("SELECT pg_notify('rescue_orders', %s)", fleet.workspaces[0])
    assert listener_count(fleet) == 0, "a listener was back too early for this test"
    capture_id = database.captures(fleet.workspaces[0])[0]["capture_id"]
    fleet.wait_state(capture_id, "shipped")


def capture_in_hand(fleet, replica):
    """A capture that the replica has leased and is about to push. Another one is seldom faster."""
    for _ in range(10):
        replica.arm("ship.pushing", "delay 0 2500")
        capture_id = fleet.fail(1, by=1)
        owner = wait_for("the capture to be in hand", lambda: fleet.column(
            capture_id, "CASE WHEN shipped_at IS NULL THEN lease_owner ELSE 'too late' END"))
        if f":{replica.running.process.pid}:" in owner:
            return capture_id
        replica.disarm("ship.pushing")
        fleet.wait_state(capture_id, "shipped")
    pytest.fail(f"{replica.name} never came first")


@pytest.mark.parametrize("links", [("db",), ("net", "db")], ids=["its database", "everything"])
def test_the_work_of_a_replica_that_is_cut_off_from(fleet, links):
    cut = fleet.replicas[1]
    capture_id = capture_in_hand(fleet, cut)
    for link in links:
        fleet.network.cut(cut.name, link)
    fleet.wait_state(capture_id, "shipped")
    assert "event=ship.shipped" not in cut.log_text()
    for link in links:
        fleet.network.mend(cut.name, link)
    wait_for("the replica to be ready again", cut.is_ready)
    others = [fleet.fail(0, by=0), fleet.fail(1, by=0)]
    for other in others:
        fleet.wait_state(other, "shipped")
    fleet.assert_once_in_loki(capture_id, *others)


def test_an_agent_whose_replica_vanishes_without_a_word_finds_another(fleet):
    fleet.network.cut("s1", "net")
    capture_id = fleet.fail(1, by=0)
    fleet.wait_state(capture_id, "shipped")
    fleet.assert_once_in_loki(capture_id)
    assert "event=sweeper.failed" in fleet.agents[1].log_text()


def test_a_replica_that_is_cut_off_in_a_transaction_gives_its_locks_back(fleet):
    """No agent comes: one replica is about to say so when it loses the database."""
    cut, others, database = fleet.replicas[1], (fleet.replicas[0], fleet.replicas[2]), fleet.database
    workspace_id = database.add_workspace(status="failed")
    for other in others:
        other.running.process.send_signal(signal.SIGSTOP)
    database.execute("""INSERT INTO rescue.captures (capture_id, workspace_id, org, instance_id, reason, deadline_at,
                        grace_until) VALUES (gen_random_uuid(), %s, %s, 'i-0abc', 'bootstrap_watcher', now(),
                        now() + interval '1 day')""", workspace_id, ORG)
    cut.arm("done.unreachable_find", "delay 0 4000")
    wait_for("its row to be locked", lambda: not database.query("SELECT 1 FROM rescue.captures FOR UPDATE SKIP LOCKED"))
    fleet.network.cut(cut.name, "db")
    for other in others:
        other.running.process.send_signal(signal.SIGCONT)
    capture_id = database.captures(workspace_id)[0]["capture_id"]
    wait_for("another replica to do it", lambda: fleet.column(capture_id, "shipped_at"))
    assert fleet.column(capture_id, "state") == "unreachable"


def test_a_rolling_restart_under_load_loses_nothing(fleet):
    captures = []
    for replica in fleet.replicas:
        for number in range(REPLICAS):
            captures.append(fleet.fail(number, by=(fleet.replicas.index(replica) + 1) % REPLICAS))
        assert replica.stop() == 0
        for capture_id in captures:
            fleet.wait_state(capture_id, "shipped")
        replica.start()
        # As whoever restarts one after another does: the next one goes when everybody is held again.
        fleet.wait_all_held()
    fleet.assert_once_in_loki(*captures)
    assert len(fleet.database.query("SELECT 1 FROM rescue.captures")) == len(captures)
    for agent in fleet.agents:
        # Two other replicas were there all the time: nobody fails more often than it has to, or waits longer.
        failures = [int(count) for count in re.findall(r"event=sweeper.failed.* failures=(\d+)", agent.log_text())]
        pauses = [int(ms) for ms in re.findall(r"event=sweeper.failed.* retry_in_ms=(\d+)", agent.log_text())]
        assert all(count <= 2 for count in failures), failures
        assert all(ms <= 500 for ms in pauses), pauses
