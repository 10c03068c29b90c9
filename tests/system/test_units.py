"""The systemd units, as far as they can be judged without booting with them."""

import ctypes
import json
import os
import shutil
import subprocess

import pytest

from conftest import ROOT

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
