"""What the benches share: the system tests' parts, a PostgreSQL that waits for the disk, and how a figure is printed."""

import os
import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "system"))

import conftest  # noqa: E402


class DurableCluster(conftest.Cluster):
    """With PostgreSQL's own defaults: every commit waits for the disk, as it does in production."""

    def start(self):
        options = f"-c listen_addresses='' -c unix_socket_directories={self.socket_dir} -c max_wal_size=4GB"
        self.run("pg_ctl", "-D", self.data, "-w", "-l", self.folder / "log", "-o", options, "start")

    def cpu_s(self):
        """Of the postmaster, its children, and its children that have ended."""
        parent = (self.data / "postmaster.pid").read_text().split()[0]
        children = pathlib.Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
        return cpu_s(parent, with_ended=True) + sum(cpu_s(child) for child in children)


def cpu_s(pid, with_ended=False):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return sum(map(int, fields[11:15 if with_ended else 13])) / os.sysconf("SC_CLK_TCK")


def memory_kb(pid, key):
    """A line of /proc/PID/status: VmRSS, VmHWM."""
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(key + ":"):
            return int(line.split()[1])
    return 0


def figure(name, value, unit):
    text = f"{value:.3f}" if isinstance(value, float) else str(value)
    print(f"{name}={text} {unit}", flush=True)
