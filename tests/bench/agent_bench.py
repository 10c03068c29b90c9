"""agent_bench.py FOLDER [SECONDS]: see tests/bench/agent. All processes of the agent count. Memory is the sum of their
RSS, in which pages that they share count several times, and of their PSS, in which such a page counts once."""

import pathlib
import shutil
import socket
import subprocess
import sys
import time
import uuid

from common import DurableCluster, cpu_s, figure
from conftest import BIN, ORG, Agent, Authority, Box, Database, Sweeper, stop_process, wait_for

SETTLE_S = 20  # what a connection that was just made still has to do is over then
SAMPLE_S = 0.002
ASKED = 3000
RSYSLOG = """module(load="imfile")
global(workDirectory="{folder}")
input(type="imfile" File="{log}" Tag="box")
action(type="omfwd" target="127.0.0.1" port="{port}" protocol="tcp" action.resumeRetryCount="-1")
"""


def tree(pid):
    """The process and all that came from it."""
    try:
        children = [int(child) for task in pathlib.Path(f"/proc/{pid}/task").iterdir()
                    for child in (task / "children").read_text().split()]
    except OSError:
        return []
    return [pid] + [below for child in children for below in tree(child)]


def sum_kb(pid, file, key):
    total = 0
    for process in tree(pid):
        try:
            lines = pathlib.Path(f"/proc/{process}/{file}").read_text().splitlines()
        except OSError:
            continue
        total += sum(int(line.split()[1]) for line in lines if line.startswith(key + ":"))
    return total


def threads(pid):
    return [task for process in tree(pid) for task in pathlib.Path(f"/proc/{process}/task").iterdir()]


def switches(pid):
    total = 0
    for task in threads(pid):
        for line in (task / "status").read_text().splitlines():
            if "ctxt_switches" in line:
                total += int(line.split()[1])
    return total


def cpu_ns(pid):
    return sum(int((task / "schedstat").read_text().split()[0]) for task in threads(pid))


def measure_idle(name, pid, seconds):
    time.sleep(SETTLE_S)
    figure(f"{name}_consists_of", len(tree(pid)), "processes")
    figure(f"{name}_idle_rss", sum_kb(pid, "status", "VmRSS"), "KB")
    figure(f"{name}_idle_pss", sum_kb(pid, "smaps_rollup", "Pss"), "KB")
    before, cpu_before = switches(pid), cpu_ns(pid)
    time.sleep(seconds)
    figure(f"{name}_wakeups", (switches(pid) - before) * 60 / seconds, "a minute")
    figure(f"{name}_idle_cpu", (cpu_ns(pid) - cpu_before) / 1e9 / seconds * 86400, "s a day")


def tree_cpu_s(pid):
    return sum(cpu_s(process, with_ended=True) for process in tree(pid))


def stripped_size(program, folder):
    subprocess.run(["strip", "-o", folder / "stripped", program], check=True)
    return (folder / "stripped").stat().st_size


def fill(box):
    """A box that has as much to say as will be taken."""
    line = "2026-01-31 05:02:47 pulling layer 4f1c: retrying after dial tcp: lookup registry.internal: no such host\n"
    for path, size in (("var/log/cloud-init-output.log", 8 << 20), ("configs/config.yaml", 2 << 20),
                       ("configs/system-prompt.md", 2 << 20)):
        box.write(path, line * (size // len(line)))


def measure_capture(sweeper, agent):
    pid = agent.running.process.pid
    before_s = tree_cpu_s(pid)
    rss = pss = 0
    begun = time.perf_counter()
    code, answer = sweeper.client("--control-plane").request(
        "POST", f"/v1/workspaces/{agent.name.removeprefix('agent-')}/bootstrap-failed", {"error": "x", "log_tail": ""})
    assert code == 200, answer
    while not sweeper.archived(answer["capture_id"]):
        rss = max(rss, sum_kb(pid, "status", "VmRSS"))
        pss = max(pss, sum_kb(pid, "smaps_rollup", "Pss"))
        assert time.perf_counter() - begun < 60
        time.sleep(SAMPLE_S)
    figure("agent_peak_rss", rss, "KB")
    figure("agent_peak_pss", pss, "KB")
    time.sleep(SETTLE_S)
    figure("agent_capture_cpu", tree_cpu_s(pid) - before_s, "s")
    figure("agent_after_rss", sum_kb(pid, "status", "VmRSS"), "KB")


def measure_asking(cluster, sweeper, workspace_id):
    """What each "is there an order?" costs the other side, over a connection that is there already."""
    connection = sweeper.client("--workspace", workspace_id).connect()
    before_s, database_before_s = cpu_s(sweeper.running.process.pid), cluster.cpu_s()
    for _ in range(ASKED):
        connection.request("GET", "/v1/orders/next?wait=0")
        connection.getresponse().read()
    figure("asking_sweeper_cpu", (cpu_s(sweeper.running.process.pid) - before_s) / ASKED * 1000, "s per thousand")
    figure("asking_database_cpu", (cluster.cpu_s() - database_before_s) / ASKED * 1000, "s per thousand")
    connection.close()


def measure_agent(folder, seconds):
    place = folder / "pg"
    place.mkdir()
    cluster = DurableCluster(place)
    agent = sweeper = None
    try:
        authority = Authority(folder / "ca")
        database = Database(cluster)
        sweeper = Sweeper(folder, authority, {ORG: database}, sweep={"interval_s": 3600, "batch": 500}).migrate().start()
        workspace_id = database.add_workspace(str(uuid.uuid4()))
        box = Box(folder / "box")
        fill(box)
        agent = Agent(folder, authority, workspace_id, [sweeper.port], box).start()
        wait_for("the agent to be held", lambda: sweeper.metric("rescue_held_agents") == 1)
        measure_idle("agent", agent.running.process.pid, seconds)
        measure_capture(sweeper, agent)
        measure_asking(cluster, sweeper, database.add_workspace())
    finally:
        for part in (agent, sweeper):
            if part is not None:
                part.stop()
        cluster.stop("immediate")


def measure_rsyslog(folder, seconds):
    """What Debian installs by default to read a box's logs and send them on, with one file and one destination."""
    program = shutil.which("rsyslogd", path="/usr/sbin:/usr/bin")
    figure("rsyslog_stripped", stripped_size(program, folder), "bytes without its libraries and modules")
    log = folder / "box.log"
    log.write_text("booting\n")
    config = folder / "rsyslog.conf"
    destination = socket.create_server(("127.0.0.1", 0))  # its backlog takes the one connection
    config.write_text(RSYSLOG.format(folder=folder, log=log, port=destination.getsockname()[1]))
    process = subprocess.Popen([program, "-n", "-f", config, "-i", folder / "rsyslog.pid"], stderr=subprocess.DEVNULL)
    try:
        measure_idle("rsyslog", process.pid, seconds)
    finally:
        stop_process(process)
        destination.close()


def main():
    folder = pathlib.Path(sys.argv[1])
    seconds = int(sys.argv[2]) if len(sys.argv) > 2 else 60
    figure("agent_stripped_static", stripped_size(BIN / "rescue-agent", folder), "bytes")
    measure_agent(folder, seconds)
    measure_rsyslog(folder, seconds)


main()
