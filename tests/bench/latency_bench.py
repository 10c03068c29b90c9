"""latency_bench.py FOLDER [--verdicts N] [--agents N]: see tests/bench/latency.

A verdict begins when its transaction does, which is a little earlier than its commit. When the order was given out and
when the bundle had been committed is what the sweeper logs; a bundle is visible when Loki was asked back for it and had it
all. PostgreSQL waits for the disk at each commit, as it does in production."""

import argparse
import asyncio
import datetime
import getpass
import gzip
import hashlib
import json
import os
import pathlib
import re
import shutil
import ssl
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "system"))

import conftest  # noqa: E402
from conftest import ORG, Agent, Authority, Box, Database, Process, Sweeper, free_port, wait_for  # noqa: E402
from loki_process import Loki  # noqa: E402

EVENT = re.compile(r"^ts=(\S+) .*event=(order\.delivered|bundle\.received) .*capture_id=(\S+)")
SECTIONS = ("verdict", "config.yaml", "system-prompt.md", "cloud-init-output.log.tail", "cloud-init.status", "host")
SSH_RUNS = 15


class DurableCluster(conftest.Cluster):
    def start(self):
        options = f"-c listen_addresses='' -c unix_socket_directories={self.socket_dir} -c max_connections=100"
        self.run("pg_ctl", "-D", self.data, "-w", "-l", self.folder / "log", "-o", options, "start")


def figure(name, value, unit):
    print(f"{name}={value:.1f} {unit}" if isinstance(value, float) else f"{name}={value} {unit}", flush=True)


def print_spread(name, milliseconds):
    ordered = sorted(milliseconds)
    figure(f"{name}_p50", ordered[len(ordered) // 2], "ms")
    figure(f"{name}_p99", ordered[min(len(ordered) - 1, len(ordered) * 99 // 100)], "ms")


def stages(sweeper, database):
    """{capture id: {"order": ms, "durable": ms, "visible": ms}}, each since its verdict."""
    begun = {}
    found = {}
    for capture_id, requested, shipped in database.query(
            "SELECT capture_id::text, extract(epoch FROM requested_at)::float8, extract(epoch FROM shipped_at)::float8 "
            "FROM rescue.captures"):
        begun[capture_id] = requested
        found[capture_id] = {} if shipped is None else {"visible": 1000 * (shipped - requested)}
    for line in sweeper.log_text().splitlines():
        event = EVENT.match(line)
        if event and event[3] in begun:
            at = datetime.datetime.fromisoformat(event[1].replace("Z", "+00:00")).timestamp()
            stage = "order" if event[2] == "order.delivered" else "durable"
            found[event[3]].setdefault(stage, 1000 * (at - begun[event[3]]))
    return found


def print_stages(name, found):
    for stage in ("order", "durable", "visible"):
        print_spread(f"{name}_{stage}", [stages[stage] for stages in found.values() if stage in stages])


def start_sweeper(folder, authority, database, loki):
    folder.mkdir()
    sweeper = Sweeper(folder, authority, {ORG: database}, sinks=[{"kind": "loki", "url": loki.url}])
    return sweeper.migrate().start()


def one_at_a_time(folder, authority, database, loki, count):
    """A real agent; the platform's row is set back after each rescue, as if the box had been started again."""
    sweeper = start_sweeper(folder / "one", authority, database, loki)
    workspace_id = database.add_workspace()
    agent = Agent(folder, authority, workspace_id, [sweeper.port], Box(folder / "box")).start()
    control = sweeper.client("--control-plane")
    shipped = lambda: database.query("SELECT count(*) FROM rescue.captures WHERE shipped_at IS NOT NULL")[0][0]
    try:
        for number in range(count):
            wait_for("the agent", lambda: sweeper.metric("rescue_held_agents") == 1)
            database.execute("UPDATE workspaces SET status = 'provisioning', updated_at = now() WHERE id = %s", workspace_id)
            code, answer = control.request("POST", f"/v1/workspaces/{workspace_id}/bootstrap-failed",
                                           {"error": "boot failed", "log_tail": ""})
            if code != 200:
                sys.exit(f"latency: bootstrap-failed was answered with {code}: {answer}")
            wait_for("the bundle in Loki", lambda: shipped() == number + 1)
        print_stages("one_verdict", stages(sweeper, database))
    finally:
        agent.stop()
        sweeper.stop()


class Simulated:
    """An agent that waits, and answers an order with a bundle that was made before, but for the ids in it."""

    def __init__(self, workspace_id, context, port):
        self.workspace_id, self.context, self.port = workspace_id, context, port
        self.waits = asyncio.Event()
        self.sections = [(name, "".join(f"{name} line {n} of a machine that does not come up\n" for n in range(40)))
                         for name in SECTIONS]

    def bundle(self, order):
        now = datetime.datetime.now(datetime.timezone.utc).isoformat().replace("+00:00", "Z")
        lines = [json.dumps({
            "ts": now, "event_type": "rescue.bundle", "kind": "rescue", "org": ORG, "workspace_id": self.workspace_id,
            "instance_id": "i-0abc", "capture_id": order["capture_id"], "reason": order["reason"], "section": name,
            "part": 1, "parts": 1, "outcome": "ok", "redacted": True, "redactions": 0,
            "sha256": hashlib.sha256(content.encode()).hexdigest(), "content": content})
            for name, content in self.sections]
        return gzip.compress("\n".join(lines + [""]).encode(), 1)

    async def answer(self, reader):
        status = int((await reader.readline()).split()[1])
        length = 0
        while (line := (await reader.readline()).strip()):
            if line.lower().startswith(b"content-length:"):
                length = int(line.split(b":")[1])
        return status, await reader.readexactly(length)

    async def run(self):
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port, ssl=self.context,
                                                       server_hostname="127.0.0.1", ssl_handshake_timeout=60)
        writer.write(b"GET /v1/orders/next?wait=300 HTTP/1.1\r\nHost: x\r\n\r\n")
        self.waits.set()
        status, body = await self.answer(reader)
        if status != 200:
            sys.exit(f"latency: an agent got {status} instead of an order")
        order = json.loads(body)
        body = self.bundle(order)
        head = (f"PUT /v1/captures/{order['capture_id']}/bundle HTTP/1.1\r\nHost: x\r\nContent-Encoding: gzip\r\n"
                f"Content-Type: application/x-ndjson\r\nContent-Length: {len(body)}\r\n\r\n")
        writer.write(head.encode() + body)
        status, body = await self.answer(reader)
        if status != 201:
            sys.exit(f"latency: a bundle was answered with {status}: {body}")
        writer.close()


async def rescue_all(agents, all_held, flip):
    tasks = []
    for agent in agents:
        tasks.append(asyncio.create_task(agent.run()))
        await agent.waits.wait()
    await asyncio.to_thread(all_held)
    await asyncio.to_thread(flip)
    await asyncio.gather(*tasks)


def issue_all(authority, folder, workspace_ids):
    """A TLS context for each workspace; the certificates are made by rescuectl, a few at a time."""
    def issue(workspace_id):
        prefix = folder / workspace_id
        authority.run("issue", authority.folder, "--org", ORG, "--workspace", workspace_id, "--out", prefix)
        context = ssl.create_default_context(cafile=str(authority.ca))
        context.load_cert_chain(f"{prefix}.crt", f"{prefix}.key")
        return context

    folder.mkdir()
    return [issue(workspace_id) for workspace_id in workspace_ids]


def all_at_once(folder, authority, database, loki, count):
    sweeper = start_sweeper(folder / "many", authority, database, loki)
    workspace_ids = [database.add_workspace() for _ in range(count)]
    contexts = issue_all(authority, folder / "agents", workspace_ids)
    agents = [Simulated(workspace_id, context, sweeper.port) for workspace_id, context in zip(workspace_ids, contexts)]
    all_held = lambda: wait_for("all agents", lambda: sweeper.metric("rescue_held_agents") == count)
    flip = lambda: database.execute("UPDATE workspaces SET updated_at = now() - interval '1 hour'")
    shipped = lambda: database.query("SELECT count(*) FROM rescue.captures WHERE state = 'shipped'")[0][0]
    try:
        asyncio.run(rescue_all(agents, all_held, flip))
        wait_for("all bundles in Loki", lambda: shipped() == count, 120)
        found = stages(sweeper, database)
        print_stages("many", found)
        figure("many_verdicts", len(found), "captures")
        figure("many_all_durable", max(stage["durable"] for stage in found.values()) / 1000, "s")
        figure("many_all_visible", max(stage["visible"] for stage in found.values()) / 1000, "s")
        complete = {(r["capture_id"], r["section"]) for r in (json.loads(entry["line"]) for entry in loki.entries())}
        figure("many_lost", count * len(SECTIONS) - sum((c, s) in complete for c in found for s in SECTIONS), "sections")
    finally:
        sweeper.stop()


class Sshd:
    """OpenSSH's server on loopback, for this user and one key of its own."""

    def __init__(self, folder):
        folder.mkdir()
        self.port = free_port()
        self.key = folder / "key"
        for path in (self.key, folder / "host"):
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", path], check=True)
        (folder / "authorized").write_text(self.key.with_suffix(".pub").read_text())
        config = folder / "sshd_config"
        config.write_text(f"Port {self.port}\nListenAddress 127.0.0.1\nHostKey {folder}/host\nUsePAM no\n"
                          f"AuthorizedKeysFile {folder}/authorized\nStrictModes no\nPermitRootLogin yes\n"
                          f"PidFile none\nMaxStartups 100\n")
        if os.getuid() == 0:
            pathlib.Path("/run/sshd").mkdir(exist_ok=True)
        self.process = Process(["/usr/sbin/sshd", "-D", "-e", "-f", config], folder / "log")
        self.ssh = ["ssh", "-F", "none", "-i", self.key, "-p", self.port, "-o", "StrictHostKeyChecking=no", "-o",
                    f"UserKnownHostsFile={folder}/known", "-o", "BatchMode=yes", f"{getpass.getuser()}@127.0.0.1"]
        wait_for("sshd", lambda: self.run("true"))

    def run(self, command):
        return subprocess.run([*map(str, self.ssh), command], capture_output=True).returncode == 0

    def stop(self):
        self.process.stop()


def over_ssh(folder):
    box = Box(folder / "ssh-box").folder
    commands = [f"cat {box}/configs/config.yaml", f"cat {box}/configs/system-prompt.md",
                f"tail -n 200 {box}/var/log/cloud-init-output.log",
                f"cat {box}/run/cloud-init/status.json {box}/run/cloud-init/result.json",
                f"grep -aE 'MODEL|PROVIDER|RUNTIME' {box}/etc/environment", "cat /proc/meminfo /proc/loadavg; df"]
    sshd = Sshd(folder / "ssh")
    try:
        for name, lines in (("one_command", ["; ".join(commands)]), ("a_command_each", commands)):
            times = []
            for _ in range(SSH_RUNS):
                begun = time.perf_counter()
                for line in lines:
                    if not sshd.run(line):
                        sys.exit("latency: a command over ssh failed")
                times.append(1000 * (time.perf_counter() - begun))
            print_spread(f"ssh_six_sections_{name}", times)
    finally:
        sshd.stop()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--verdicts", type=int, default=100)
    parser.add_argument("--agents", type=int, default=1000)
    arguments = parser.parse_args()
    folder = arguments.folder
    authority = Authority(folder / "ca")
    cluster = DurableCluster(folder / "pg")
    try:
        for measure, count in ((one_at_a_time, arguments.verdicts), (all_at_once, arguments.agents)):
            (folder / measure.__name__).mkdir()
            loki = Loki(folder / measure.__name__).start()
            try:
                measure(folder, authority, Database(cluster), loki, count)
            finally:
                loki.stop()
    finally:
        cluster.stop("immediate")
    if shutil.which("ssh") and pathlib.Path("/usr/sbin/sshd").exists():
        over_ssh(folder)
    else:
        print("ssh: left out, OpenSSH is not installed", file=sys.stderr)


main()
