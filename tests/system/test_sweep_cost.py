"""What a sweep costs: the index it uses, and that no transaction is open while anybody else is waited for."""

import contextlib
import socket
import threading

import pytest

from conftest import ORG, wait_for

INDEX = ("CREATE INDEX CONCURRENTLY IF NOT EXISTS rescue_provisioning ON \"public\".\"workspaces\" (updated_at) "
         "WHERE status = 'provisioning';")


def indexes(database):
    return [name for name, in database.query("SELECT indexname FROM pg_indexes WHERE tablename = 'workspaces' "
                                             "AND indexname LIKE 'rescue%%'")]


def server_log(cluster):
    return (cluster.folder / "log").read_text(errors="replace")


@pytest.mark.parametrize("status_type", ["enum", "text"])
def test_the_sweep_reads_its_index_and_what_is_overdue(cluster, make_sweeper, make_database, status_type):
    database = make_database(status_type=status_type)
    sweeper = make_sweeper({ORG: database}, timeouts={"default_s": 600, "runtimes": {"hermes": 1800}})
    assert sweeper.command("migrate", "--create-index").returncode == 0
    database.execute("""INSERT INTO workspaces (id, status, runtime, updated_at)
                        SELECT gen_random_uuid(), CASE WHEN i %% 2 = 0 THEN 'provisioning' ELSE 'online' END::""" +
                     ("workspace_status" if status_type == "enum" else "text") + """,
                               'claude', now() - CASE WHEN i %% 200 = 0 THEN interval '700 s' ELSE interval '60 s' END
                        FROM generate_series(1, %s) i""", 20000)
    database.execute("ANALYZE workspaces")
    for setting in ("session_preload_libraries = 'auto_explain'", "auto_explain.log_min_duration = 0",
                    "auto_explain.log_analyze = on", "auto_explain.log_timing = off"):
        database.execute(f"ALTER ROLE postgres IN DATABASE {database.name} SET {setting}")
    before = len(server_log(cluster))
    assert "flipped=100" in sweeper.sweep_once().stdout
    plan, = [part for part in server_log(cluster)[before:].split("plan:")[1:] if "FOR UPDATE OF w SKIP LOCKED" in part]
    assert "Index Scan using rescue_provisioning on workspaces" in plan
    assert "Seq Scan on workspaces" not in plan
    scan = plan[plan.index("Index Scan using rescue_provisioning"):]
    assert "actual rows=100 " in scan[:scan.index("\n")]  # the 9,900 others are not even looked at


def test_migrate_offers_the_index_and_makes_it_only_when_asked(make_sweeper, database):
    sweeper = make_sweeper()
    for _ in range(2):
        offered = sweeper.command("migrate")
        assert offered.returncode == 0 and INDEX in offered.stdout and "--create-index" in offered.stdout
        assert indexes(database) == []
    made = sweeper.command("migrate", "--create-index")
    assert made.returncode == 0 and made.stdout == "" and "event=migrate.index_made" in made.stderr
    assert indexes(database) == ["rescue_provisioning"]
    assert sweeper.command("migrate").stdout == ""
    assert "index_made" not in sweeper.command("migrate", "--create-index").stderr


@pytest.mark.parametrize("definition", ["(updated_at)", "(updated_at) WHERE status = 'provisioning'"])
def test_an_index_of_the_platforms_own_serves_as_well(make_sweeper, database, definition):
    database.execute(f"CREATE INDEX ours ON workspaces {definition}")
    assert make_sweeper().command("migrate").stdout == ""


def test_an_index_that_was_broken_off_is_named(make_sweeper, database):
    sweeper = make_sweeper()
    assert sweeper.command("migrate", "--create-index").returncode == 0
    database.execute("UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'rescue_provisioning'::regclass")
    refused = sweeper.command("migrate", "--create-index")
    assert refused.returncode == 1 and "drop it and try again" in refused.stderr
    database.execute("DROP INDEX rescue_provisioning")
    assert sweeper.command("migrate", "--create-index").returncode == 0


class Silence:
    """A server that takes connections and never says a word."""

    def __init__(self):
        self.server = socket.create_server(("127.0.0.1", 0))
        self.port = self.server.getsockname()[1]
        self.heard = b""
        self.taken = []
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self.server.accept()
                self.taken.append(connection)
                self.heard += connection.recv(65536)

    def close(self):
        self.server.close()
        for connection in self.taken:
            connection.close()


def test_no_transaction_is_open_while_loki_and_the_webhook_keep_us_waiting(make_sweeper, make_agent, database):
    loki, receiver = Silence(), Silence()
    try:
        sweeper = make_sweeper(sinks=[{"kind": "loki", "url": f"http://127.0.0.1:{loki.port}"}],
                               events={"webhook": {"url": f"http://127.0.0.1:{receiver.port}/"}},
                               sweep={"interval_s": 3600, "batch": 500}).migrate()
        workspace_id = database.add_workspace(age_s=700)
        sweeper.start()
        make_agent(workspace_id, [sweeper.port]).start()
        wait_for("both to be waited for", lambda: b"/push" in loki.heard and b"POST" in receiver.heard)
        waiting = database.query("""SELECT state, count(*), count(xact_start) FROM pg_stat_activity
                                    WHERE application_name = 'rescue-sweeper' GROUP BY state""")
        assert [(state, open_) for state, _, open_ in waiting] == [("idle", 0)] and waiting[0][1] >= 3
        assert database.query("""SELECT count(*) FROM pg_locks JOIN pg_stat_activity USING (pid)
                                 WHERE application_name = 'rescue-sweeper'""") == [(0,)]
    finally:
        loki.close()
        receiver.close()
