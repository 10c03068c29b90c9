"""The systemd units, as far as they can be judged without booting with them."""

import ctypes
import gzip
import json
import os
import shutil
import stat
import subprocess

import pytest

from conftest import BIN, ORG, ROOT, TRUST_DOMAIN

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


PROBE = """#!/bin/bash
for i in $(seq 200); do
	ls /var/lib/rescue/spool/early-*.gz && exec 3<>/dev/tcp/127.0.0.1/9464 && break
	sleep 0.1
done
printf 'GET /healthz HTTP/1.1\\r\\nHost: x\\r\\nConnection: close\\r\\n\\r\\n' >&3
timeout 5 cat <&3 >/result/healthz
systemctl status rescue-agent.service rescue-sweeper.service >/result/status 2>&1
cp -r /var/lib/rescue/spool /result/
for name in rescue-agent rescue-sweeper; do
	for pid in $(pidof $name); do cp /proc/$pid/status /result/$name-$pid; done
done
"""


@pytest.fixture(scope="module")
def booted(tmp_path_factory, authority):
    """What is left of a box that booted with both units under a real systemd."""
    if os.getuid() != 0 or not os.path.exists("/lib/systemd/systemd") or not os.path.exists("/dev/kmsg"):
        pytest.skip("needs root, systemd and /dev/kmsg")
    folder = tmp_path_factory.mktemp("booted")
    tree = folder / "tree"
    for path in ("usr/bin", "etc/systemd/system", "etc/rescue", "configs"):
        (tree / path).mkdir(parents=True)
    for program in ("rescue-agent", "rescue-sweeper"):
        shutil.copy(BIN / program, tree / "usr/bin")
        shutil.copy(UNITS / f"{program}.service", tree / "etc/systemd/system")
    (tree / "configs/config.yaml").write_text("runtime: claude\nOPENAI_API_KEY: sk-1234567890abcdefghCANARY\n")
    (tree / "etc/rescue/agent.yaml").write_text("sweepers: [https://127.0.0.1:1]\nboot_deadline_s: 1\n")
    for source, name in zip((*authority.issue("--server", "localhost"), authority.ca), ("s.crt", "s.key", "ca.crt")):
        shutil.copy(source, tree / "etc/rescue" / name)
        (tree / "etc/rescue" / name).chmod(0o644)
    (tree / "etc/rescue/sweeper.yaml").write_text(json.dumps({
        "trust_domain": TRUST_DOMAIN,
        "tls": {"cert": "/etc/rescue/s.crt", "key": "/etc/rescue/s.key", "client_ca": "/etc/rescue/ca.crt"},
        "tenants": [{"org": ORG, "database": "host=/nonexistent dbname=none"}],
        "sinks": [{"kind": "archive", "dir": "/var/lib/rescue-sweeper"}]}))
    # As the package's sysusers.d would make it.
    passwd = open("/etc/passwd").read()
    if "rescue-sweeper:" not in passwd:
        (tree / "etc/passwd").write_text(passwd + "rescue-sweeper:x:65432:65432::/:/usr/sbin/nologin\n")
        (tree / "etc/group").write_text(open("/etc/group").read() + "rescue-sweeper:x:65432:\n")
    (tree / "probe").write_text(PROBE)
    (tree / "probe").chmod(0o755)
    done = subprocess.run([ROOT / "tests/system/systemd_box.sh", folder], timeout=120)
    if done.returncode == 77:
        pytest.skip("this kernel does not let a systemd boot in namespaces")
    assert done.returncode == 0, (folder / "log").read_text()
    return folder


def processes(booted, name):
    return [dict(line.split(":\t", 1) for line in path.read_text().splitlines()) for path in booted.glob(f"{name}-*")]


def test_real_systemd_keeps_both_running(booted):
    assert (booted / "status").read_text().count("Active: active (running)") == 2
    assert (booted / "healthz").read_text().startswith("HTTP/1.1 200 ")


def test_processes_have_what_their_units_give(booted):
    agent, sweeper = processes(booted, "rescue-agent"), processes(booted, "rescue-sweeper")
    assert len(agent) == 2 and len(sweeper) == 1
    for process in agent + sweeper:
        assert process["NoNewPrivs"] == "1" and process["Seccomp"] == "2"
    for process in agent:
        assert int(process["CapBnd"], 16) == int(process["CapEff"], 16) == 1 << 2  # CAP_DAC_READ_SEARCH
    assert int(sweeper[0]["CapBnd"], 16) == 0 and not sweeper[0]["Uid"].startswith("0\t")


def test_agent_reads_its_box_under_its_unit(booted):
    [early] = booted.glob("spool/early-*.ndjson.gz")
    assert stat.S_IMODE(early.stat().st_mode) == 0o600
    sections = {record["section"]: record for record in map(json.loads, gzip.decompress(early.read_bytes()).splitlines())}
    assert sections["config.yaml"]["outcome"] == "ok" and "[REDACTED:" in sections["config.yaml"]["content"]
    # Without CAP_SYSLOG and without the device.
    assert "[" in sections["host"]["content"].split("== kernel log, last 100 lines ==\n")[1]
    assert "sandbox: seccomp" in sections["verdict"]["content"]
    assert "error" not in {record["outcome"] for record in sections.values()}
