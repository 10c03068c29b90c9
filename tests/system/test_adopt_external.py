"""verdicts.adopt_external: a row that another program flips to failed gets its capture in that same transaction, and
that program's statement succeeds whatever is wrong on our side. Real PostgreSQL."""

import contextlib
import threading

import psycopg2
import pytest

from conftest import ORG, wait_for

ADOPT = {"verdicts": {"adopt_external": True}}
FLIP = "UPDATE workspaces SET status = 'failed', last_sample_error = 'password=hunter2' WHERE id = %s"
EXTERNAL = {"error": "the workspace was failed by another program than the sweeper", "log_tail": "",
            "source": "bootstrap_watcher"}


@contextlib.contextmanager
def platform_role(database, *grants):
    """A role as the platform has it: its own tables and nothing of ours. Gives a connection of that role."""
    role = "platform_" + database.name
    database.execute(f"CREATE ROLE {role} LOGIN")
    for grant in ("SELECT, INSERT, UPDATE ON workspaces", *grants):
        database.execute(f"GRANT {grant} TO {role}")
    connection = psycopg2.connect(database.dsn.replace("user=postgres", f"user={role}"))
    connection.autocommit = True
    try:
        yield connection
    finally:
        connection.close()
        database.execute(f"DROP OWNED BY {role}")
        database.execute(f"DROP ROLE {role}")


def trigger_count(database):
    return database.query("SELECT count(*) FROM pg_trigger WHERE tgname = 'rescue_adopt_external'")[0][0]


def log_lines(cluster):
    return (cluster.folder / "log").read_text(errors="replace").splitlines()


@pytest.mark.parametrize("status_type", ["enum", "text"])
@pytest.mark.parametrize("id_type", ["uuid", "text"])
def test_an_external_flip_gets_its_capture_while_no_sweeper_runs(make_sweeper, make_database, id_type, status_type):
    database = make_database(id_type=id_type, status_type=status_type)
    make_sweeper({ORG: database}, capture={"deadline_s": 77, "grace_h": 5}, **ADOPT).migrate()
    workspace_id = database.add_workspace(instance_id="i-0123")
    spared = database.add_workspace()
    database.query("LISTEN rescue_orders")
    database.query("LISTEN rescue_events")
    with platform_role(database) as platform:
        platform.cursor().execute(FLIP, (workspace_id,))
    assert database.query("""SELECT workspace_id, org, instance_id, reason, state, deadline_at - requested_at =
                             interval '77 s', grace_until - requested_at = interval '5 h' FROM rescue.captures""") == [
        (workspace_id, ORG, "i-0123", "bootstrap_watcher", "ordered", True, True)]
    assert database.query("SELECT workspace_id, event_type, payload, delivered_at IS NULL FROM rescue.events") == [
        (workspace_id, "WORKSPACE_PROVISION_FAILED", EXTERNAL, False)]
    # Whoever flipped it writes the platform's own log of events; its words are unredacted and stay where they are.
    assert database.query("SELECT count(*) FROM structure_events") == [(0,)]
    database.query("SELECT 1")
    notes = {note.channel: note.payload for note in database.connection.notifies}
    assert notes["rescue_orders"] == workspace_id
    assert database.captures(workspace_id)[0]["capture_id"] in notes["rescue_events"]
    assert "hunter2" not in notes["rescue_events"]
    assert database.status(spared) == "provisioning" and database.captures(spared) == []


def test_only_a_flip_from_provisioning_to_failed_counts(make_sweeper, database):
    make_sweeper(**ADOPT).migrate()
    workspace_id = database.add_workspace()
    for statement in ("UPDATE workspaces SET updated_at = now()", "UPDATE workspaces SET status = 'online'",
                      "UPDATE workspaces SET status = 'failed'", "UPDATE workspaces SET status = NULL",
                      "UPDATE workspaces SET status = 'failed'", "UPDATE workspaces SET status = 'provisioning'"):
        database.execute(statement)
    database.add_workspace(status="failed")
    assert database.captures() == []
    database.execute(FLIP, workspace_id)
    database.execute(FLIP, workspace_id)
    assert len(database.captures(workspace_id)) == 1


def test_a_flip_that_is_rolled_back_leaves_nothing(make_sweeper, database):
    make_sweeper(**ADOPT).migrate()
    workspace_id = database.add_workspace()
    with contextlib.closing(psycopg2.connect(database.dsn)) as other:
        other.cursor().execute(FLIP, (workspace_id,))
        other.rollback()
    assert database.captures() == []
    assert database.query("SELECT count(*) FROM rescue.events") == [(0,)]


def test_the_sweepers_own_verdicts_make_one_capture(make_sweeper, database):
    sweeper = make_sweeper(sweep={"interval_s": 3600, "batch": 500}, **ADOPT).migrate()
    swept = [database.add_workspace(age_s=700) for _ in range(20)]
    sweeper.sweep_once()
    watched = database.add_workspace()
    sweeper.start()
    code, answer = sweeper.client("--control-plane").request(
        "POST", f"/v1/workspaces/{watched}/bootstrap-failed", {"error": "no", "log_tail": ""})
    assert (code, answer["ok"]) == (200, True)
    reasons = {capture["workspace_id"]: capture["reason"] for capture in database.captures()}
    assert len(database.captures()) == 21
    assert reasons == {**{w: "provision_timeout_sweep" for w in swept}, watched: "bootstrap_watcher"}
    assert database.query("SELECT count(*) FROM rescue.events") == [(21,)]


def test_flips_and_sweeps_at_once_make_one_capture_a_row(make_sweeper, database):
    sweeper = make_sweeper(sweep={"interval_s": 3600, "batch": 7}, **ADOPT).migrate()
    rows = [database.add_workspace(age_s=700) for _ in range(60)]

    def flip_all():
        with contextlib.closing(psycopg2.connect(database.dsn)) as other:
            other.autocommit = True
            for workspace_id in rows:
                other.cursor().execute(FLIP + " AND status = 'provisioning'", (workspace_id,))

    threads = [threading.Thread(target=flip_all), threading.Thread(target=sweeper.sweep_once)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    sweeper.sweep_once()
    assert sorted(capture["workspace_id"] for capture in database.captures()) == sorted(rows)


def test_a_box_is_rescued_after_an_external_flip(make_sweeper, make_agent, database):
    sweeper = make_sweeper(sweep={"interval_s": 3600, "batch": 500}, **ADOPT).migrate().start()
    workspace_id = database.add_workspace()
    make_agent(workspace_id, [sweeper.port]).start()
    wait_for("the agent to be held", lambda: sweeper.metric("rescue_held_agents") == 1)
    database.execute(FLIP, workspace_id)
    wait_for("the bundle", lambda: database.captures(workspace_id)[0]["state"] == "shipped")
    records = sweeper.archived(database.captures(workspace_id)[0]["capture_id"])
    assert {record["reason"] for record in records} == {"bootstrap_watcher"}


def test_the_webhook_hears_of_external_flips(make_sweeper, database):
    make_sweeper(events={"webhook": {"url": "http://127.0.0.1:9/"}}, **ADOPT).migrate()
    database.execute(FLIP, database.add_workspace())
    assert database.query("SELECT delivered_at IS NULL FROM rescue.events") == [(True,)]


@pytest.mark.parametrize("breakage, why", [
    ("DROP TABLE rescue.events", 'relation "rescue.events" does not exist'),
    ("DROP TABLE rescue.captures CASCADE", 'relation "rescue.captures" does not exist'),
    ("DROP TABLE rescue.adoption", 'relation "rescue.adoption" does not exist'),
    ("DELETE FROM rescue.adoption", "query returned no rows"),
    ("ALTER TABLE rescue.captures ADD CHECK (false)", "violates check constraint"),
    ("ALTER TABLE workspaces DROP COLUMN instance_id", 'record "new" has no field "instance_id"'),
    ("ALTER FUNCTION rescue.adopt_external() SECURITY INVOKER", "permission denied for schema rescue"),
])
def test_the_platforms_statement_succeeds_when_adoption_cannot(cluster, make_sweeper, database, breakage, why):
    make_sweeper(**ADOPT).migrate()
    workspace_id = database.add_workspace()
    database.execute(breakage)
    before = len(log_lines(cluster))
    with platform_role(database) as platform:
        cursor = platform.cursor()
        cursor.execute(FLIP, (workspace_id,))
        assert cursor.rowcount == 1 and platform.notices == []
    assert database.status(workspace_id) == "failed"
    wait_for("the server's log to say why", lambda: [
        line for line in log_lines(cluster)[before:] if "gets no capture" in line and why in line])


def test_dropping_the_schema_takes_the_trigger_along(make_sweeper, database):
    make_sweeper(**ADOPT).migrate()
    workspace_id = database.add_workspace()
    database.execute("DROP SCHEMA rescue CASCADE")
    database.execute(FLIP, workspace_id)
    assert trigger_count(database) == 0 and database.status(workspace_id) == "failed"


def test_a_lock_on_our_table_holds_the_platform_up_for_a_second_at_most(cluster, make_sweeper, database):
    make_sweeper(**ADOPT).migrate()
    workspace_id = database.add_workspace()
    before = len(log_lines(cluster))
    with contextlib.closing(psycopg2.connect(database.dsn)) as other:
        other.cursor().execute("LOCK TABLE rescue.captures IN ACCESS EXCLUSIVE MODE")
        database.execute(FLIP, workspace_id)
        other.rollback()
    assert database.status(workspace_id) == "failed"
    wait_for("the server's log to say why", lambda: [
        line for line in log_lines(cluster)[before:] if "gets no capture" in line and "lock timeout" in line])


def test_the_function_runs_with_names_of_its_own(make_sweeper, database):
    """A function that the platform's role puts into its search path must not run with our rights."""
    make_sweeper(**ADOPT).migrate()
    workspace_id = database.add_workspace()
    with platform_role(database, "CREATE, USAGE ON SCHEMA public") as platform:
        cursor = platform.cursor()
        cursor.execute("CREATE FUNCTION public.now() RETURNS timestamptz LANGUAGE plpgsql AS "
                       "$$ BEGIN RAISE EXCEPTION 'hijacked as %', current_user; END $$")
        cursor.execute("CREATE TEMP TABLE adoption (org text)")
        cursor.execute("SET search_path = public, pg_catalog")
        cursor.execute(FLIP, (workspace_id,))
    assert len(database.captures(workspace_id)) == 1


def test_quoted_table_names(make_sweeper, make_database):
    database = make_database()
    database.execute('CREATE SCHEMA "order"')
    database.execute('ALTER TABLE workspaces SET SCHEMA "order"')
    database.execute('ALTER TABLE "order".workspaces RENAME TO "user"')
    tenant = {"org": ORG, "database": database.dsn, "workspaces_table": "order.user"}
    sweeper = make_sweeper(tenants=[tenant], **ADOPT).migrate()
    database.execute("""INSERT INTO "order"."user" (id, status) VALUES (gen_random_uuid(), 'provisioning')""")
    database.execute("""UPDATE "order"."user" SET status = 'failed'""")
    assert len(database.captures()) == 1
    assert sweeper.command("migrate", "--drop-external-trigger").returncode == 0
    assert trigger_count(database) == 0


def test_dropping_the_trigger_is_one_command_and_migrating_again_brings_it_back(make_sweeper, database):
    sweeper = make_sweeper(**ADOPT).migrate()
    assert trigger_count(database) == 1
    for _ in range(2):
        assert sweeper.command("migrate", "--drop-external-trigger").returncode == 0
        assert trigger_count(database) == 0
    workspace_id = database.add_workspace()
    database.execute(FLIP, workspace_id)
    assert database.captures() == []
    sweeper.migrate()
    assert trigger_count(database) == 1
    # A configuration without it does not take it away from another replica's, but says so.
    sweeper.settings["verdicts"] = {"adopt_external": False}
    sweeper.write_config()
    assert "event=migrate.trigger_stays" in sweeper.command("migrate").stderr
    assert trigger_count(database) == 1


def test_migrating_again_takes_over_a_changed_configuration_without_locking_the_table(make_sweeper, database):
    sweeper = make_sweeper(**ADOPT).migrate()
    sweeper.settings["capture"] = {"deadline_s": 11, "grace_h": 2}
    sweeper.write_config()
    with contextlib.closing(psycopg2.connect(database.dsn)) as other:
        other.cursor().execute("LOCK TABLE workspaces IN ROW EXCLUSIVE MODE")
        sweeper.migrate()
        other.rollback()
    database.execute(FLIP, database.add_workspace())
    assert database.query("SELECT deadline_at - requested_at = interval '11 s' FROM rescue.captures") == [(True,)]


def test_a_busy_table_is_not_waited_for_long(make_sweeper, database):
    sweeper = make_sweeper(**ADOPT)
    with contextlib.closing(psycopg2.connect(database.dsn)) as other:
        other.cursor().execute("LOCK TABLE workspaces IN ROW EXCLUSIVE MODE")
        refused = sweeper.command("migrate")
        other.rollback()
    assert refused.returncode == 1 and "another transaction holds the lock" in refused.stderr
    sweeper.migrate()
    assert trigger_count(database) == 1


def test_a_trigger_that_got_lost_is_missed(make_sweeper, database):
    sweeper = make_sweeper(**ADOPT).migrate().start()
    wait_for("a sweep", lambda: sweeper.metric("rescue_sweep_last_success_timestamp_seconds") > 0)
    assert "adoption.missing" not in sweeper.log_text()
    database.execute("ALTER TABLE workspaces RENAME TO old_workspaces")
    database.execute("CREATE TABLE workspaces (LIKE old_workspaces)")
    line = wait_for("the log line", lambda: [line for line in sweeper.log_text().splitlines()
                                             if "event=adoption.missing" in line])[0]
    assert "rescue-sweeper migrate" in line


def test_it_is_off_unless_it_is_asked_for(make_sweeper, database):
    make_sweeper().migrate()
    assert trigger_count(database) == 0
    database.execute(FLIP, database.add_workspace())
    assert database.captures() == []


def test_the_options_of_migrate_are_refused_elsewhere(make_sweeper):
    for option in ("--drop-external-trigger", "--create-index"):
        refused = make_sweeper().command("sweep-once", option)
        assert refused.returncode == 2 and "only migrate" in refused.stderr
