"""gate_bench.py FOLDER [--counts N,N…] [--seconds S]: see tests/bench/gate.

The sweeper and nginx are each held to one core and judged by the CPU time they took, so that whoever else works on the
machine changes little. The load comes from tests/bench/gate_load.c, in several processes, since a process may not have
more than so many descriptors."""

import argparse
import os
import pathlib
import shutil
import subprocess
import sys
import time
import uuid

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "system"))

from conftest import ORG, Authority, Cluster, Database, Process, Sweeper, free_port, wait_for  # noqa: E402

LOAD = ROOT / "build" / "release" / "tools" / "gate_load"
WORKSPACES = 500   # identities that the held agents share
A_PROCESS = 8000   # connections of one load process
TICK = os.sysconf("SC_CLK_TCK")
HOLD_S = 300
TRIES = 3


def figure(name, value, unit):
    print(f"{name}={value:.1f} {unit}" if isinstance(value, float) else f"{name}={value} {unit}", flush=True)


def rss_kb(pid):
    status = pathlib.Path(f"/proc/{pid}/status").read_text().splitlines()
    return int(next(line.split()[1] for line in status if line.startswith("VmRSS")))


def cpu_s(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICK


class Gate:
    """The sweeper with one loop, and agents that wait for orders."""

    name = "gate"

    def __init__(self, folder, authority, database, core):
        self.sweeper = Sweeper(folder, authority, {ORG: database})
        self.sweeper.program = ["taskset", "-c", str(core), *Sweeper.program]
        self.sweeper.migrate().start()
        self.pid = self.sweeper.running.process.pid
        self.port = self.sweeper.port
        self.hold_path = f"/v1/orders/next?wait={HOLD_S}"

    def held(self):
        # Not rescue_held_agents: on a busy machine the first have been sent away before the last come.
        return self.sweeper.metric("rescue_connections")

    def restart(self):
        self.sweeper.running.kill()
        self.sweeper.start()
        self.pid = self.sweeper.running.process.pid

    def stop(self):
        self.sweeper.running.kill()


class Nginx:
    """One worker, mutual TLS 1.3; agents that have asked once and keep their connection."""

    name = "nginx"
    hold_path = "/"

    def __init__(self, folder, authority, core):
        cert, key = authority.issue("--server", "localhost,127.0.0.1")
        self.port, self.status_port = free_port(), free_port()
        (folder / "nginx.conf").write_text(f"""
daemon off; master_process on; worker_processes 1; worker_rlimit_nofile 20000; pid {folder}/nginx.pid;
error_log {folder}/nginx.log warn; user root;
events {{ worker_connections 19000; }}
http {{
    access_log off; keepalive_timeout 3600; keepalive_requests 1000000;
    client_body_temp_path {folder}/b; proxy_temp_path {folder}/p; fastcgi_temp_path {folder}/f;
    uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
    server {{
        listen 127.0.0.1:{self.port} ssl backlog=4096; server_name localhost;
        ssl_protocols TLSv1.3; ssl_certificate {cert}; ssl_certificate_key {key};
        ssl_client_certificate {authority.ca}; ssl_verify_client on; ssl_session_tickets on; ssl_session_timeout 1h;
        location / {{ return 204; }}
    }}
    server {{ listen 127.0.0.1:{self.status_port}; location / {{ stub_status; }} }}
}}
""")
        self.process = Process(["taskset", "-c", str(core), "nginx", "-c", folder / "nginx.conf"], folder / "nginx.out")
        children = pathlib.Path(f"/proc/{self.process.process.pid}/task/{self.process.process.pid}/children")
        self.pid = int(wait_for("nginx's worker", lambda: children.read_text().split())[0])
        wait_for("nginx", self.connections)

    def connections(self):
        import http.client
        try:
            connection = http.client.HTTPConnection("127.0.0.1", self.status_port, timeout=30)
            connection.request("GET", "/")
            return int(connection.getresponse().read().split()[2])
        except OSError:
            return 0

    def held(self):
        return self.connections() - 1

    def stop(self):
        self.process.stop()


class Agents:
    def __init__(self, server, authority, workspaces, core):
        command = ["taskset", "-c", str(core), LOAD, "hold", server.port, authority.ca, authority.folder / "ca.key",
                   server.hold_path, *workspaces]
        self.process = subprocess.Popen(list(map(str, command)), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def order(self, what):
        self.process.stdin.write(f"{what}\n")
        self.process.stdin.flush()

    def await_count(self):
        """How many connections had to be tried again."""
        line = self.process.stdout.readline().split()
        if len(line) != 3:
            sys.exit("gate: the load process ended")
        return int(line[2])

    def stop(self):
        self.process.kill()
        self.process.wait()


def measure_memory(server, authority, workspaces, counts, core):
    """Memory when the last of so many has come and the server has been quiet for a moment."""
    agents = [Agents(server, authority, workspaces, core) for _ in range(-(-max(counts) // A_PROCESS))]
    agents[0].order(WORKSPACES)
    agents[0].await_count()
    wait_for("the first agents", lambda: server.held() >= WORKSPACES)
    time.sleep(1)
    before_kb, before = rss_kb(server.pid), WORKSPACES
    first_kb, first = before_kb, before
    figure(f"{server.name}_rss_{before}", before_kb, "KB")
    for count in counts:
        for number, process in enumerate(agents):
            process.order(max(WORKSPACES if number == 0 else 0, min(A_PROCESS, count - number * A_PROCESS)))
        for process in agents:
            process.await_count()
        wait_for("all agents", lambda: server.held() >= count, 120)
        time.sleep(1)
        now_kb = rss_kb(server.pid)
        figure(f"{server.name}_rss_{count}", now_kb, "KB")
        figure(f"{server.name}_growth_{count}", (now_kb - before_kb) / (count - before), "KB a connection")
        before_kb, before = now_kb, count
    figure(f"{server.name}_idle", (before_kb - first_kb) / (before - first), "KB a connection")
    if isinstance(server, Gate):
        measure_storm(server, agents, before)
    for process in agents:
        process.stop()


def measure_storm(gate, agents, count):
    """The sweeper is killed and started again, and all agents come back at once, on one core; how long the loop keeps those
    waiting who are inside shows in its own watchers' port, which it serves, too."""
    gate.restart()
    slowest = 0.0
    for process in agents:
        process.order("storm")
    begun = now = time.monotonic()
    while gate.held() < count and now - begun < 240:
        time.sleep(0.05)
        asked = time.monotonic()
        if gate.sweeper.admin("/healthz")[0] != 200:
            sys.exit("gate: the sweeper does not answer")
        now = time.monotonic()
        slowest = max(slowest, now - asked)
    figure("storm_back", now - begun, f"s for {count} agents")
    figure("storm_tried_again", sum(process.await_count() for process in agents), "connections")
    resumed, full = (gate.sweeper.metric("rescue_handshakes_total", result=result) for result in ("resumed", "ok"))
    figure("storm_resumed", 100 * resumed / max(1, resumed + full), "% of the handshakes")
    figure("storm_slowest_answer", 1000 * slowest, "ms")


def shake(server, authority, workspace, seconds, how, core):
    """Handshakes, each with one request that costs next to nothing, a second of the server's CPU time."""
    command = ["taskset", "-c", str(core), LOAD, "shake", server.port, authority.ca, authority.folder / "ca.key", "/x",
               seconds, how, workspace]
    load = subprocess.Popen(list(map(str, command)), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    load.stdout.readline()
    before = cpu_s(server.pid)
    done = load.stdout.readline().split()
    used = cpu_s(server.pid) - before
    load.kill()
    load.wait()
    if len(done) != 2:
        sys.exit("gate: the load process ended")
    return int(done[1]) / max(used, 1 / TICK)


def measure_handshakes(server, authority, workspace, seconds, how, core):
    """The best of a few: whoever else works on the machine only takes away."""
    rate = max(shake(server, authority, workspace, seconds / TRIES, how, core) for _ in range(TRIES))
    figure(f"{server.name}_handshakes_{how}", rate, "a CPU second")
    return rate


def primitives(core, other_core):
    """On the server's core, while the other one is as busy as it is during the handshakes: the two may be one's halves."""
    other = subprocess.Popen(["taskset", "-c", str(other_core), LOAD, "primitives", "60"], stdout=subprocess.DEVNULL)
    rates = {}
    for _ in range(TRIES):
        done = subprocess.run(["taskset", "-c", str(core), LOAD, "primitives", "0.5"], check=True, capture_output=True,
                              text=True)
        for name, rate in (line.split("=") for line in done.stdout.split()):
            rates[name] = max(rates.get(name, 0.0), float(rate))
    other.kill()
    other.wait()
    for name, rate in rates.items():
        figure(f"mbedtls_{name}", rate, "a CPU second")
    return rates


def bound(rates, **times):
    return 1 / sum(count / rates[name] for name, count in times.items())


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--counts", default="1000,5000,15000")
    parser.add_argument("--seconds", type=float, default=6)
    arguments = parser.parse_args()
    counts = [int(count) for count in arguments.counts.split(",")]
    cores = sorted(os.sched_getaffinity(0))
    server_core, load_core = cores[0], cores[-1]
    authority = Authority(arguments.folder / "ca")
    cluster = Cluster(arguments.folder / "pg")
    try:
        database = Database(cluster)
        workspaces = [database.add_workspace() for _ in range(WORKSPACES)]
        (arguments.folder / "gate").mkdir()
        makers = [lambda: Gate(arguments.folder / "gate", authority, database, server_core)]
        if shutil.which("nginx"):
            (arguments.folder / "nginx").mkdir()
            makers.append(lambda: Nginx(arguments.folder / "nginx", authority, server_core))
        else:
            print("nginx: left out, it is not installed", file=sys.stderr)
        for make in makers:
            rates = primitives(server_core, load_core) if make is makers[0] else rates
            server = make()
            try:
                full = {how: measure_handshakes(server, authority, workspaces[0], arguments.seconds, how, load_core)
                        for how in ("unknown", "known", "resumed")}
                if make is makers[0]:
                    unknown = bound(rates, sign=1, ecdhe_p256=1, verify=2)
                    known = bound(rates, sign=1, ecdhe_p256=1, verify=1)
                    figure("bound_unknown", unknown, "a CPU second")
                    figure("bound_known", known, "a CPU second")
                    figure("gate_unknown_of_bound", 100 * full["unknown"] / unknown, "%")
                    figure("gate_known_of_bound", 100 * full["known"] / known, "%")
                figure(f"{server.name}_resumed_to_full", full["resumed"] / full["unknown"], "times")
            finally:
                server.stop()
            server = make()
            try:
                measure_memory(server, authority, workspaces, counts, load_core)
            finally:
                server.stop()
    finally:
        cluster.stop("immediate")


main()
