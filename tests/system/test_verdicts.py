"""The sweep's verdicts: which rows are overdue, and what one verdict leaves behind. Real PostgreSQL, `sweep-once`."""

import subprocess
import threading

import pytest

from conftest import BIN, ORG, stop_process, wait_for

SWEEP_ERROR = ("provisioning timed out — container started but never called /registry/register. "
               "Check container logs and network connectivity to the platform.")
HERMES = {"default_s": 600, "runtimes": {"hermes": 1800}}


@pytest.fixture
def templates(tmp_path):
    folder = tmp_path / "templates"
    folder.mkdir()
    return folder


def write_manifest(templates, name, text):
    (templates / name).mkdir()
    (templates / name / "config.yaml").write_text(text)


def manifest(runtime, seconds):
    return f"name: x\nruntime: {runtime}\nruntime_config:\n  provision_timeout_seconds: {seconds}\n"


@pytest.fixture
def make_quiet(make_sweeper, database, templates):
    """A migrated sweeper that runs only when it is told to, for the one database, with a templates folder."""

    def make(table="public.workspaces", on=None, **changes):
        changes.setdefault("timeouts", HERMES)
        tenant = {"org": ORG, "database": (on or database).dsn, "workspaces_table": table,
                  "templates_dir": str(templates)}
        return make_sweeper(tenants=[tenant], **changes).migrate()

    return make


def payloads(database):
    return [row[0] for row in database.query("SELECT payload FROM rescue.events ORDER BY created_at, event_id")]


def assert_untouched(database, workspace_id, status="provisioning"):
    assert database.status(workspace_id) == status
    assert database.captures(workspace_id) == []
    assert database.query("SELECT count(*) FROM rescue.events WHERE workspace_id = %s", workspace_id) == [(0,)]


def test_an_overdue_row_is_flipped_and_its_event_emitted(make_quiet, database):
    quiet = make_quiet()
    workspace_id = database.add_workspace(age_s=700)
    database.query("LISTEN rescue_events")
    database.query("LISTEN rescue_orders")
    log = quiet.sweep_once().stderr

    assert database.query("SELECT status::text, last_sample_error, updated_at > now() - interval '1 minute' "
                          "FROM workspaces") == [("failed", SWEEP_ERROR, True)]
    capture, = database.captures(workspace_id)
    assert capture["state"] == "ordered" and capture["reason"] == "provision_timeout_sweep"
    expected = {"error": SWEEP_ERROR, "timeout_secs": 600, "runtime": "claude", "source": "provision_timeout_sweep"}
    for table in ("structure_events", "rescue.events"):
        assert database.query(f"SELECT event_type, workspace_id::text, payload FROM {table}") == [
            ("WORKSPACE_PROVISION_FAILED", workspace_id, expected)]
    database.query("SELECT 1")
    notes = {note.channel: note.payload for note in database.connection.notifies}
    assert notes["rescue_orders"] == workspace_id
    assert capture["capture_id"] in notes["rescue_events"] and len(notes["rescue_events"]) < 8000
    line, = [line for line in log.splitlines() if "event=verdict.failed" in line]
    assert f"capture_id={capture['capture_id']}" in line and f"workspace_id={workspace_id}" in line


def test_a_row_that_is_not_overdue_is_spared(make_quiet, database):
    quiet = make_quiet()
    workspace_id = database.add_workspace(age_s=500)
    quiet.sweep_once()
    assert_untouched(database, workspace_id)


def test_hermes_has_the_time_of_its_runtime(make_quiet, database):
    quiet = make_quiet()
    spared = database.add_workspace(age_s=660, runtime="hermes")
    flipped = database.add_workspace(age_s=1860, runtime="hermes")
    quiet.sweep_once()
    assert_untouched(database, spared)
    assert database.status(flipped) == "failed"
    payload, = payloads(database)
    assert payload["runtime"] == "hermes" and payload["timeout_secs"] == 1800


def test_a_manifest_gives_its_runtime_more_time(make_quiet, database, templates):
    write_manifest(templates, "crew", manifest("crewai", 1200))
    quiet = make_quiet()
    spared = database.add_workspace(age_s=660, runtime="crewai")
    flipped = database.add_workspace(age_s=1260, runtime="crewai")
    quiet.sweep_once()
    assert_untouched(database, spared)
    assert database.status(flipped) == "failed"
    assert payloads(database)[0]["timeout_secs"] == 1200


def test_a_manifest_beats_the_configuration(make_quiet, database, templates):
    write_manifest(templates, "h", manifest("hermes", 650))
    quiet = make_quiet()
    workspace_id = database.add_workspace(age_s=660, runtime="hermes")
    quiet.sweep_once()
    assert database.status(workspace_id) == "failed"


def test_the_largest_of_several_manifests_wins(make_quiet, database, templates):
    for name, seconds in (("a", 700), ("b", 2400), ("c", 900)):
        write_manifest(templates, name, manifest("crewai", seconds))
    quiet = make_quiet()
    spared = database.add_workspace(age_s=2000, runtime="crewai")
    flipped = database.add_workspace(age_s=2500, runtime="crewai")
    quiet.sweep_once()
    assert_untouched(database, spared)
    assert database.status(flipped) == "failed"


def test_bad_manifests_are_skipped_with_one_warning_each(make_quiet, database, templates):
    write_manifest(templates, "good", manifest("crewai", 1200))
    write_manifest(templates, "broken", "runtime: [\n")
    write_manifest(templates, "words", manifest("crewai", "soon"))
    write_manifest(templates, "zero", manifest("crewai", 0))
    write_manifest(templates, "silent", "name: x\n")
    (templates / "empty").mkdir()
    (templates / "a-file").write_text("x")
    (templates / "folder").mkdir()
    (templates / "folder" / "config.yaml").mkdir()
    quiet = make_quiet(sweep={"interval_s": 1, "batch": 500})
    spared = database.add_workspace(age_s=1100, runtime="crewai")
    flipped = database.add_workspace(age_s=1300, runtime="crewai")
    quiet.start()
    wait_for("the first verdict", lambda: database.status(flipped) == "failed")
    later = database.add_workspace(age_s=1300, runtime="crewai")
    wait_for("a verdict of a later sweep", lambda: database.status(later) == "failed")
    assert_untouched(database, spared)
    warned = [line for line in quiet.log_text().splitlines() if "timeouts.manifest_skipped" in line]
    assert sorted(line.split("folder=")[1].split()[0] for line in warned) == ["broken", "folder", "words"]


def test_a_changed_manifest_counts_without_a_restart(make_quiet, database, templates):
    write_manifest(templates, "crew", manifest("crewai", 5000))
    quiet = make_quiet(sweep={"interval_s": 1, "batch": 500})
    workspace_id = database.add_workspace(age_s=1300, runtime="crewai")
    other = database.add_workspace(age_s=700)
    quiet.start()
    wait_for("the first sweep", lambda: database.status(other) == "failed")
    assert_untouched(database, workspace_id)
    (templates / "crew" / "config.yaml").write_text(manifest("crewai", 1200))
    wait_for("the new timeout", lambda: database.status(workspace_id) == "failed")


def test_the_environment_beats_everything(make_quiet, database, templates):
    write_manifest(templates, "crew", manifest("crewai", 9000))
    quiet = make_quiet(env={"PROVISION_TIMEOUT_SECONDS": "60"})
    flipped = [database.add_workspace(age_s=90, runtime=runtime) for runtime in ("hermes", "crewai", "claude", None)]
    spared = database.add_workspace(age_s=30)
    quiet.sweep_once()
    assert [database.status(workspace_id) for workspace_id in flipped] == ["failed"] * 4
    assert {payload["timeout_secs"] for payload in payloads(database)} == {60}
    assert_untouched(database, spared)


@pytest.fixture
def race(make_quiet, database):
    """race(sql, id): runs `sql` on a row while a sweep has its snapshot and stands still in the middle of its scan.

    The sweep reads through a view that waits for an advisory lock.
    """
    database.execute("""CREATE FUNCTION pass_gate() RETURNS boolean VOLATILE LANGUAGE plpgsql AS
                        'BEGIN PERFORM pg_advisory_xact_lock_shared(4711); RETURN true; END'""")
    database.execute("CREATE VIEW gated AS SELECT * FROM workspaces WHERE pass_gate()")
    quiet = make_quiet(table="public.gated")

    def run(change, workspace_id):
        database.query("SELECT pg_advisory_lock(4711)")
        sweeping = subprocess.Popen([BIN / "rescue-sweeper", "--config", quiet.config, "sweep-once"])
        try:
            wait_for("the sweep to stand at the gate", lambda: database.query(
                "SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"))
            database.execute(change, workspace_id)
            database.query("SELECT pg_advisory_unlock(4711)")
            assert sweeping.wait(60) == 0
        finally:
            stop_process(sweeping)

    return run


def test_a_row_that_comes_online_between_scan_and_flip_is_untouched(race, database):
    raced = database.add_workspace(age_s=700)
    stuck = database.add_workspace(age_s=700)
    race("UPDATE workspaces SET status = 'online', updated_at = now() WHERE id = %s", raced)
    assert_untouched(database, raced, status="online")
    assert database.status(stuck) == "failed"


def test_a_row_that_changes_between_scan_and_flip_is_judged_by_its_new_age(race, database):
    raced = database.add_workspace(age_s=700)
    race("UPDATE workspaces SET updated_at = now() WHERE id = %s", raced)
    assert_untouched(database, raced)


def test_a_locked_row_is_left_for_the_next_sweep(make_quiet, database):
    quiet = make_quiet()
    workspace_id = database.add_workspace(age_s=700)
    database.connection.autocommit = False
    database.query("SELECT 1 FROM workspaces WHERE id = %s FOR UPDATE", workspace_id)
    assert "flipped=0" in quiet.sweep_once().stdout
    database.connection.rollback()
    database.connection.autocommit = True
    assert "flipped=1" in quiet.sweep_once().stdout


def test_many_stuck_rows_get_one_flip_event_and_capture_each(make_quiet, database):
    quiet = make_quiet(sweep={"interval_s": 3600, "batch": 500})
    database.execute("""INSERT INTO workspaces (id, status, runtime, instance_id, updated_at)
                        SELECT gen_random_uuid(), 'provisioning', 'claude', 'i-' || n, now() - interval '700 seconds'
                        FROM generate_series(1, 1750) n""")
    sweeps = [threading.Thread(target=quiet.sweep_once) for _ in range(4)]
    for sweep in sweeps:
        sweep.start()
    for sweep in sweeps:
        sweep.join()
    quiet.sweep_once()
    assert database.query("SELECT status::text, count(*) FROM workspaces GROUP BY 1") == [("failed", 1750)]
    for table in ("rescue.captures", "rescue.events", "structure_events"):
        assert database.query(f"SELECT count(*), count(DISTINCT workspace_id) FROM {table}") == [(1750, 1750)]


def test_a_second_sweep_finds_nothing(make_quiet, database):
    quiet = make_quiet()
    workspace_id = database.add_workspace(age_s=700)
    quiet.sweep_once()
    database.execute("UPDATE workspaces SET updated_at = now() - interval '1 day'")
    assert "flipped=0" in quiet.sweep_once().stdout
    assert len(database.captures(workspace_id)) == 1


@pytest.mark.parametrize("status", ["online", "failed", "removed", "awaiting_agent", "offline", None])
def test_only_provisioning_rows_are_ever_touched(make_quiet, database, status):
    quiet = make_quiet()
    workspace_id = database.add_workspace(status=status, age_s=100000)
    quiet.sweep_once()
    assert_untouched(database, workspace_id, status=status)


@pytest.mark.parametrize("id_type", ["uuid", "text"])
@pytest.mark.parametrize("status_type", ["enum", "text"])
def test_every_kind_of_workspaces_table_works(make_database, make_quiet, id_type, status_type):
    database = make_database(id_type=id_type, status_type=status_type)
    quiet = make_quiet(on=database)
    full = database.add_workspace(age_s=700)
    bare = database.add_workspace(age_s=700, runtime=None, instance_id=None)
    ageless = database.add_workspace(age_s=None)
    if id_type == "text":
        database.add_workspace("team-7.box", age_s=700)
    quiet.sweep_once()
    assert database.status(full) == database.status(bare) == "failed"
    assert_untouched(database, ageless)
    assert {payload["runtime"] for payload in payloads(database)} == {"claude", ""}
    assert database.query("SELECT instance_id FROM rescue.captures WHERE workspace_id = %s", bare) == [("",)]
    # An id that is no UUID does not fit into structure_events, and gets everything else.
    assert database.query("SELECT count(*) FROM structure_events") == [(2,)]
    if id_type == "text":
        assert database.status("team-7.box") == "failed"
        assert len(database.captures("team-7.box")) == 1


def test_a_database_without_structure_events_works(make_database, make_quiet):
    database = make_database(structure_events=False)
    quiet = make_quiet(on=database)
    workspace_id = database.add_workspace(age_s=700)
    quiet.sweep_once()
    assert database.status(workspace_id) == "failed" and len(payloads(database)) == 1


def test_structure_events_are_left_alone_when_not_wanted(make_quiet, database):
    quiet = make_quiet(events={"structure_events": False})
    database.add_workspace(age_s=700)
    quiet.sweep_once()
    assert database.query("SELECT count(*) FROM structure_events") == [(0,)]
    assert len(payloads(database)) == 1


def test_a_verdict_that_cannot_be_recorded_flips_nothing(make_quiet, database):
    quiet = make_quiet()
    database.execute("ALTER TABLE structure_events ADD CONSTRAINT refuse CHECK (event_type = 'no')")
    workspace_id = database.add_workspace(age_s=700)
    assert quiet.command("sweep-once").returncode == 1
    assert_untouched(database, workspace_id)


def test_retention_lists_the_instance_until_the_grace_ends(make_quiet, database):
    quiet = make_quiet()
    database.add_workspace(age_s=700, instance_id="i-keep")
    database.add_workspace(age_s=700, instance_id=None)
    quiet.sweep_once()
    assert database.query("""SELECT instance_id, until BETWEEN now() + interval '23 hours 59 minutes'
                             AND now() + interval '24 hours' FROM rescue.retention""") == [("i-keep", True)]
    database.execute("UPDATE rescue.captures SET grace_until = now() - interval '1 second'")
    assert database.query("SELECT * FROM rescue.retention") == []


def test_migrate_is_idempotent_safe_at_once_and_refuses_a_newer_schema(make_sweeper, database):
    sweeper = make_sweeper()
    results = []
    threads = [threading.Thread(target=lambda: results.append(sweeper.command("migrate").returncode))
               for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [0] * 4
    assert database.query("SELECT count(*) = max(version) FROM rescue.schema_version") == [(True,)]
    database.execute("INSERT INTO rescue.schema_version (version) VALUES (1000)")
    refused = sweeper.command("migrate")
    assert refused.returncode != 0 and "version 1000" in refused.stderr


def test_sweeping_resumes_after_the_database_was_restarted(make_quiet, cluster, database):
    quiet = make_quiet(sweep={"interval_s": 1, "batch": 500}).start()
    cluster.stop("immediate")
    try:
        wait_for("the failure to be noticed", lambda: "event=sweep.failing" in quiet.log_text())
    finally:
        cluster.start()
    database.connection = None
    workspace_id = database.add_workspace(age_s=700)
    wait_for("a verdict after the restart", lambda: database.status(workspace_id) == "failed")
    assert quiet.running.alive()
    assert quiet.log_text().count("event=sweep.failing") == 1
    wait_for("the resumption to be logged", lambda: "event=sweep.resumed" in quiet.log_text())


def test_two_tenants_are_swept_each_in_its_own_database(make_database, make_sweeper):
    acme, other = make_database(), make_database(id_type="text", status_type="text")
    sweeper = make_sweeper({"acme": acme, "globex": other}).migrate()
    ids = acme.add_workspace(age_s=700), other.add_workspace(age_s=700)
    sweeper.sweep_once()
    assert (acme.status(ids[0]), other.status(ids[1])) == ("failed", "failed")
    assert acme.query("SELECT org, workspace_id FROM rescue.captures") == [("acme", ids[0])]
    assert other.query("SELECT org, workspace_id FROM rescue.captures") == [("globex", ids[1])]
