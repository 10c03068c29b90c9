"""ship_bench.py FOLDER [BUNDLES]: see tests/bench/ship. The bundles lie in the database as the gate stores them; the
figures go from the sweeper's start until the last one is marked as shipped."""

import gzip
import hashlib
import json
import pathlib
import random
import subprocess
import sys
import time
import uuid

from common import ROOT, DurableCluster, cpu_s, figure
from conftest import ORG, Authority, Database, Sweeper, wait_for

SECTIONS = {"verdict": 1100, "config.yaml": 400, "system-prompt.md": 900, "cloud-init-output.log.tail": 6000,
            "cloud-init.status": 300, "docker-ps": 500, "agent-container.logs.tail": 5000,
            "model-provider-runtime.env": 200, "host": 1600}
WORDS = ("dial tcp lookup registry.internal no such host pulling image layer cloud-init modules final ran with result "
         "waiting for network container started exited code agent runtime provider model timeout retrying").split()


def text_of(size, seed):
    chooser = random.Random(seed)
    lines = []
    while sum(map(len, lines)) < size:
        lines.append(f"2026-01-31T05:02:{chooser.randrange(60):02d}.{chooser.randrange(10**6):06d}Z " +
                     " ".join(chooser.choices(WORDS, k=9)) + "\n")
    return "".join(lines)[:size]


def bundle(capture_id, workspace_id, instance_id="i-0123456789abcdef0"):
    lines = []
    for name, size in SECTIONS.items():
        content = text_of(size, name)
        lines.append(json.dumps({
            "ts": "2026-01-31T05:02:47.000000Z", "event_type": "rescue.bundle", "kind": "rescue", "org": ORG,
            "workspace_id": workspace_id, "instance_id": instance_id, "capture_id": capture_id,
            "reason": "provision_timeout_sweep", "section": name, "part": 1, "parts": 1, "outcome": "ok",
            "redacted": True, "redactions": 0, "sha256": hashlib.sha256(content.encode()).hexdigest(),
            "content": content}, separators=(",", ":")))  # as record_append_section does
    return gzip.compress(("\n".join(lines) + "\n").encode(), 6)


def store(database, count):
    sizes = []
    for _ in range(count):
        capture_id, workspace_id = str(uuid.uuid4()), str(uuid.uuid4())
        packed = bundle(capture_id, workspace_id)
        sizes.append(len(packed))
        database.execute("""INSERT INTO rescue.captures (capture_id, workspace_id, org, instance_id, reason, state,
                            received_at, deadline_at, grace_until, ship_until, next_attempt_at, bundle, bundle_sha256)
                            VALUES (%s, %s, %s, 'i-0123456789abcdef0', 'provision_timeout_sweep', 'received', now(),
                            now() + interval '45 s', now() + interval '1 day', now() + interval '1 hour', now(), %s,
                            repeat('0', 64))""", capture_id, workspace_id, ORG, packed)
    return sum(sizes) / count


def run_double(folder, command):
    port_file = folder / f"port-{uuid.uuid4().hex}"
    process = subprocess.Popen([*command, "--port", "0", "--port-file", port_file], stdout=subprocess.DEVNULL)
    wait_for("the double", port_file.exists)
    while not port_file.read_text().strip():
        time.sleep(0.01)
    return process, f"http://127.0.0.1:{port_file.read_text().strip()}"


def measure_database(database, count):
    """What a capture leaves behind in the database, indexes included: with its bundle, and once that was cleared."""
    size = "SELECT pg_total_relation_size('rescue.captures')"
    database.execute("VACUUM FULL rescue.captures")
    with_bundle = database.query(size)[0][0]
    database.execute("UPDATE rescue.captures SET bundle = NULL")
    database.execute("VACUUM FULL rescue.captures")
    figure("database_with_bundle", with_bundle / count, "bytes a capture")
    figure("database_without_bundle", database.query(size)[0][0] / count, "bytes a capture")
    database.execute("""INSERT INTO rescue.identities (workspace_id, instance_id, key_sha256, fingerprint, not_after)
                        SELECT gen_random_uuid(), 'i-0123456789abcdef0', repeat('0', 64), repeat('0', 64), now()
                        FROM generate_series(1, %s)""", count)
    figure("database_identity", database.query("SELECT pg_total_relation_size('rescue.identities')")[0][0] / count,
           "bytes a boot")
    database.execute("""INSERT INTO rescue.events (event_id, workspace_id, capture_id, org, event_type, payload)
                        SELECT gen_random_uuid(), workspace_id, capture_id, org, 'WORKSPACE_PROVISION_FAILED',
                               jsonb_build_object('error', repeat('x', 150), 'timeout_secs', 600, 'runtime', 'claude',
                                                  'source', reason) FROM rescue.captures""")
    figure("database_event", database.query("SELECT pg_total_relation_size('rescue.events')")[0][0] / count,
           "bytes a verdict")


def measure(folder, cluster, authority, name, command, count, verify):
    database = Database(cluster)
    place = folder / name
    place.mkdir()
    loki, url = run_double(folder, command)
    sweeper = Sweeper(place, authority, {ORG: database}, sinks=[{"kind": "loki", "url": url, "verify": verify}],
                      sweep={"interval_s": 3600, "batch": 500}).migrate()
    packed = store(database, count)
    database.execute("VACUUM ANALYZE rescue.captures")
    before = cluster.cpu_s()
    begun = time.perf_counter()
    sweeper.start(ready=False)
    wait_for("everything to be shipped", lambda: database.query(
        "SELECT NOT EXISTS (SELECT FROM rescue.captures WHERE shipped_at IS NULL)")[0][0], 600)
    seconds = time.perf_counter() - begun
    spent_s = {"sweeper": cpu_s(sweeper.running.process.pid), "database": cluster.cpu_s() - before,
               "loki_double": cpu_s(loki.pid)}
    figure(f"ship_{name}", count / seconds, "bundles/s")
    # Whoever else works on the machine changes little here: one core that has all three of them to itself.
    figure(f"ship_{name}_one_core", count / sum(spent_s.values()), "bundles/s")
    for part, part_s in spent_s.items():
        figure(f"ship_{name}_{part}_cpu", part_s / count * 1000, "s per thousand")
    sweeper.stop()
    if name == "verified":
        measure_database(database, count)
    loki.terminate()
    loki.wait()
    database.close()
    return packed


def measure_receive(folder, cluster, authority, count):
    """What storing a bundle costs the gate, second redaction included: uploads of one agent over one connection."""
    database = Database(cluster)
    place = folder / "receive"
    place.mkdir()
    sweeper = Sweeper(place, authority, {ORG: database}, sinks=[], sweep={"interval_s": 3600, "batch": 500}).migrate()
    sweeper.start()
    workspace_id, captures = database.add_workspace(), [str(uuid.uuid4()) for _ in range(count)]
    for capture_id in captures:
        database.execute("""INSERT INTO rescue.captures (capture_id, workspace_id, org, instance_id, reason, deadline_at,
                            grace_until) VALUES (%s, %s, %s, 'i-0123456789abcdef0', 'provision_timeout_sweep',
                            now() + interval '1 day', now() + interval '1 day')""", capture_id, workspace_id, ORG)
    connection = sweeper.client("--workspace", workspace_id).connect()
    before_s, database_before_s = cpu_s(sweeper.running.process.pid), cluster.cpu_s()
    for capture_id in captures:
        connection.request("PUT", f"/v1/captures/{capture_id}/bundle", body=bundle(capture_id, workspace_id, ""),
                           headers={"Content-Encoding": "gzip", "Content-Type": "application/x-ndjson"})
        answer = connection.getresponse()
        assert answer.status == 201, answer.read()
        answer.read()
    figure("receive_sweeper_cpu", (cpu_s(sweeper.running.process.pid) - before_s) / count * 1000, "s per thousand")
    figure("receive_database_cpu", (cluster.cpu_s() - database_before_s) / count * 1000, "s per thousand")
    connection.close()
    sweeper.stop()
    database.close()


def main():
    folder = pathlib.Path(sys.argv[1])
    count = int(sys.argv[2]) if len(sys.argv) > 2 else 5000
    place = folder / "pg"
    place.mkdir()
    cluster = DurableCluster(place)
    try:
        authority = Authority(folder / "ca")
        python = [sys.executable, ROOT / "tests" / "doubles" / "loki.py", "--tenant-rate", str(10**12), "--tenant-burst",
                  str(10**12), "--stream-rate", str(10**12), "--stream-burst", str(10**12)]
        measure_receive(folder, cluster, authority, count // 10)
        fast = [ROOT / "build" / "release" / "tools" / "ship_loki"]
        packed = measure(folder, cluster, authority, "verified", fast, count, True)
        measure(folder, cluster, authority, "unverified", fast, count, False)
        measure(folder, cluster, authority, "verified_python_double", python, count // 10, True)
        figure("bundle_stored", packed, "bytes")
        figure("bundle_expanded", len(gzip.decompress(bundle(str(uuid.uuid4()), str(uuid.uuid4())))), "bytes")
    finally:
        cluster.stop("immediate")


main()
