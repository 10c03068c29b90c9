"""The systemd units, as far as they can be judged without booting with them."""

import ctypes
import gzip
import json
import os
import shutil
import stat
import subprocess

import pytest

from conftest import BIN, ROOT

UNITS = ROOT / "packaging" / "systemd"
SERVICES = ("rescue-agent.service", "rescue-sweeper.service")

PR_CAPBSET_DROP, CAP_SYSLOG = 24, 34


def analyze(*args):
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not installed")
    return subprocess.run(["systemd-analyze", *map(str, args)], capture_output=True, text=True, timeout=60)


@pytest.mark.parametrize("name", SERVICES)
def test_exposure_is_at_most_2(name):
    done = analyze("security", "--offline=true", "--threshold=20", "--no-pager", UNITS / name)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("name", SERVICES)
def test_exposure_is_measured_at_all(name, tmp_path):
    bare = tmp_path / name
    bare.write_text("[Service]\nExecStart=/usr/bin/true\n")
    assert analyze("security", "--offline=true", "--threshold=20", "--no-pager", bare).returncode != 0


@pytest.mark.parametrize("name", SERVICES)
def test_unit_has_no_key_that_systemd_does_not_know(name, tmp_path):
    # The programs are not installed where the unit says: a copy names one that is.
    unit = tmp_path / name
    text = (UNITS / name).read_text().replace("/usr/bin/rescue-", "/usr/bin/true rescue-")
    if name == "rescue-agent.service":
        drop_in = tmp_path / f"{name}.d"
        drop_in.mkdir()
        shutil.copy(UNITS / "rescue-agent-console.conf", drop_in / "console.conf")
    unit.write_text(text)
    done = analyze("verify", "--man=no", unit)
    ours = [line for line in done.stderr.splitlines() if str(tmp_path) in line]
    assert ours == []


def test_kernel_log_comes_as_standard_input(make_agent, workspace_id_of_this_box):
    """As the unit gives it: a process without CAP_SYSLOG cannot open it itself."""
    if os.getuid() != 0 or not os.path.exists("/dev/kmsg"):
        pytest.skip("needs root and /dev/kmsg")

    def lose_capability():
        ctypes.CDLL(None).prctl(PR_CAPBSET_DROP, CAP_SYSLOG, 0, 0, 0)

    agent = make_agent(workspace_id_of_this_box, [1], root="/")
    with open("/proc/sys/kernel/dmesg_restrict") as file:
        if file.read().strip() != "1":
            pytest.skip("everybody may read the kernel's log here")

    def kernel_log(stdin):
        done = agent.command("collect", stdin=stdin, preexec_fn=lose_capability)
        assert done.returncode == 0, done.stderr
        host = [json.loads(line) for line in done.stdout.splitlines() if b'"section":"host"' in line][0]
        return host["content"].split("== kernel log, last 100 lines ==\n")[1]

    assert "[" not in kernel_log(subprocess.DEVNULL)
    with open("/dev/kmsg") as kmsg:
        assert "[" in kernel_log(kmsg)


@pytest.fixture
def workspace_id_of_this_box():
    return "ws-units"


@pytest.fixture(scope="module")
def booted(tmp_path_factory):
    """What is left of a box that booted with the agent's unit under a real systemd."""
    if os.getuid() != 0 or not os.path.exists("/lib/systemd/systemd") or not os.path.exists("/dev/kmsg"):
        pytest.skip("needs root, systemd and /dev/kmsg")
    folder = tmp_path_factory.mktemp("booted")
    config = folder / "agent.yaml"
    config.write_text("sweepers: [https://127.0.0.1:1]\nboot_deadline_s: 1\n")
    done = subprocess.run([ROOT / "tests/system/systemd_box.sh", folder, BIN / "rescue-agent",
                           UNITS / "rescue-agent.service", config], timeout=120)
    if done.returncode == 77:
        pytest.skip("this kernel does not let a systemd boot in namespaces")
    assert done.returncode == 0, (folder / "log").read_text()
    return folder


def test_real_systemd_keeps_the_agent_running(booted):
    assert "Active: active (running)" in (booted / "status").read_text()
    processes = [dict(line.split(":\t", 1) for line in path.read_text().splitlines())
                 for path in booted.glob("process-*")]
    assert len(processes) == 2
    for process in processes:
        assert process["NoNewPrivs"] == "1" and process["Seccomp"] == "2"
        assert int(process["CapBnd"], 16) == int(process["CapEff"], 16) == 1 << 2  # CAP_DAC_READ_SEARCH


def test_agent_reads_its_box_under_its_unit(booted):
    [early] = booted.glob("spool/early-*.ndjson.gz")
    assert stat.S_IMODE(early.stat().st_mode) == 0o600
    sections = {record["section"]: record for record in map(json.loads, gzip.decompress(early.read_bytes()).splitlines())}
    assert sections["config.yaml"]["outcome"] == "ok" and "[REDACTED:" in sections["config.yaml"]["content"]
    # Without CAP_SYSLOG and without the device.
    assert "[" in sections["host"]["content"].split("== kernel log, last 100 lines ==\n")[1]
    assert "sandbox: seccomp" in sections["verdict"]["content"]
    assert "error" not in {record["outcome"] for record in sections.values()}
