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


def bundle(capture_id, workspace_id):
    lines = []
    for name, size in SECTIONS.items():
        content = text_of(size, name)
        lines.append(json.dumps({
            "ts": "2026-01-31T05:02:47.000000Z", "event_type": "rescue.bundle", "kind": "rescue", "org": ORG,
            "workspace_id": workspace_id, "instance_id": "i-0123456789abcdef0", "capture_id": capture_id,
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
    figure(f"ship_{name}", count / seconds, "bundles/s")
    figure(f"ship_{name}_sweeper_cpu", cpu_s(sweeper.running.process.pid) / count * 1000, "s per thousand")
    figure(f"ship_{name}_database_cpu", (cluster.cpu_s() - before) / count * 1000, "s per thousand")
    figure(f"ship_{name}_loki_double_cpu", cpu_s(loki.pid) / count * 1000, "s per thousand")
    sweeper.stop()
    loki.terminate()
    loki.wait()
    database.close()
    return packed


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
        fast = [ROOT / "build" / "release" / "tools" / "ship_loki"]
        packed = measure(folder, cluster, authority, "verified", fast, count, True)
        measure(folder, cluster, authority, "unverified", fast, count, False)
        measure(folder, cluster, authority, "verified_python_double", python, count // 10, True)
        figure("bundle_stored", packed, "bytes")
        figure("bundle_expanded", len(gzip.decompress(bundle(str(uuid.uuid4()), str(uuid.uuid4())))), "bytes")
    finally:
        cluster.stop("immediate")


main()
