"""sweep_bench.py FOLDER [ROWS…]: see tests/bench/sweep."""

import pathlib
import subprocess
import sys
import time

from common import DurableCluster, figure, memory_kb
from conftest import BIN, ORG, Authority, Database, Sweeper

TIMEOUT_S = 600
FILL = """INSERT INTO workspaces (id, status, runtime, instance_id, updated_at)
          SELECT gen_random_uuid(), 'provisioning', 'claude', 'i-' || i,
                 now() - CASE WHEN i %% 100 = 0 THEN interval '700 s' ELSE interval '60 s' END
          FROM generate_series(1, %s) i"""
RESET = ("UPDATE workspaces SET status = 'provisioning', updated_at = now() - interval '700 s' WHERE status = 'failed'",
         "TRUNCATE rescue.captures, rescue.events, structure_events", "VACUUM ANALYZE workspaces", "CHECKPOINT")


def run_sweep(sweeper):
    """(rows flipped, seconds, peak RSS in KB) of one sweep-once."""
    begun = time.perf_counter()
    process = subprocess.Popen([BIN / "rescue-sweeper", "--config", sweeper.config, "sweep-once"], text=True,
                               stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    peak_kb = 0
    while process.poll() is None:
        try:
            peak_kb = max(peak_kb, memory_kb(process.pid, "VmHWM"))
        except OSError:
            pass
        time.sleep(0.001)
    seconds = time.perf_counter() - begun
    return int(process.stdout.read().rsplit("=", 1)[1]), seconds, peak_kb


def reset(database):
    for statement in RESET:
        database.execute(statement)


def run_loop(folder, database, rows, settings=""):
    reset(database)
    begun = time.perf_counter()
    done = subprocess.run([folder / "sweep_loop", database.dsn + settings, str(TIMEOUT_S)], check=True,
                          capture_output=True, text=True)
    seconds = time.perf_counter() - begun
    assert int(done.stdout) == rows // 100, done.stdout
    return seconds


def measure(folder, cluster, authority, rows):
    database = Database(cluster)
    place = folder / f"sweeper-{rows}"
    place.mkdir()
    sweeper = Sweeper(place, authority, {ORG: database}).migrate()
    database.execute(FILL, rows)
    reset(database)

    flipped, bare_s, _ = run_sweep(sweeper)
    assert flipped == rows // 100, flipped
    assert sweeper.command("migrate", "--create-index").returncode == 0
    reset(database)
    flipped, sweep_s, peak_kb = run_sweep(sweeper)
    assert flipped == rows // 100, flipped
    database.execute("VACUUM ANALYZE workspaces")
    flipped, quiet_s, _ = run_sweep(sweeper)
    assert flipped == 0, flipped
    loop_s = run_loop(folder, database, rows)
    hasty_s = run_loop(folder, database, rows, " options='-c synchronous_commit=off'")

    figure(f"sweep_{rows}", sweep_s, "s")
    figure(f"sweep_without_index_{rows}", bare_s, "s")
    figure(f"sweep_nothing_overdue_{rows}", quiet_s, "s")
    figure(f"loop_{rows}", loop_s, "s")
    figure(f"loop_not_waiting_for_the_disk_{rows}", hasty_s, "s")
    figure(f"loop_to_sweep_{rows}", loop_s / sweep_s, "times")
    figure(f"loop_to_sweep_without_index_{rows}", loop_s / bare_s, "times")
    figure(f"sweeper_peak_rss_{rows}", peak_kb, "KB")
    database.close()
    return sweep_s, loop_s, peak_kb


def main():
    folder = pathlib.Path(sys.argv[1])
    sizes = [int(text) for text in sys.argv[2:]] or [10_000, 100_000, 1_000_000]
    place = folder / "pg"
    place.mkdir()
    cluster = DurableCluster(place)
    try:
        authority = Authority(folder / "ca")
        results = {rows: measure(folder, cluster, authority, rows) for rows in sizes}
    finally:
        cluster.stop("immediate")
    small, large = results[sizes[0]], results[sizes[-1]]
    figure("growth_rows", sizes[-1] / sizes[0], "times")
    figure("growth_sweep", large[0] / small[0], "times")
    figure("growth_loop", large[1] / small[1], "times")
    figure("growth_sweeper_peak_rss", large[2] / small[2], "times")


main()
