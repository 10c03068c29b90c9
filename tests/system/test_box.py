"""The agent on its box: its processes and what they may do, the early capture, the console."""

import gzip
import json
import os
import pathlib
import pty
import re
import shutil
import socket

import pytest

import old_kernel
from conftest import ROOT, Process, wait_for
from sweeper import Answer
from test_agent import (family, double, make_double, records, spooled, wait_for_log, wait_until_empty, wait_until_held,
                        wait_until_stored, workspace_id)

assert double and make_double and workspace_id  # fixtures

BEGIN, END = b"=== RESCUE SUMMARY BEGIN ", b"=== RESCUE SUMMARY END ==="
SECRET = "OPENAI_API_KEY=sk-1234567890abcdefghCANARY"


def status_of(pid):
    lines = pathlib.Path(f"/proc/{pid}/status").read_text().splitlines()
    return dict(line.split(":\t", 1) for line in lines if ":\t" in line)


def section(bundle, name):
    return next((record for record in bundle if record["section"] == name), None)


# Processes.

def test_both_idle_processes_are_confined(double, make_agent, workspace_id):
    agent = make_agent(workspace_id, [double.port]).start()
    wait_until_held(double)
    supervisor, uploader = family(agent.running.process)
    dac_read_search = 1 << 2
    for pid in (supervisor, uploader):
        status = status_of(pid)
        if "Seccomp" not in status:
            pytest.skip("this kernel has no seccomp")
        assert status["NoNewPrivs"] == "1" and status["Seccomp"] == "2"
    assert int(status_of(supervisor)["CapPrm"], 16) & ~(dac_read_search | 1 << 19 | 1 << 34) == 0
    assert int(status_of(uploader)["CapPrm"], 16) & ~dac_read_search == 0


def test_bundle_says_what_the_box_was_read_under(double, make_agent, workspace_id):
    make_agent(workspace_id, [double.port]).start()
    bundle = wait_until_stored(double, double.order(workspace_id))
    line = next(line for line in bundle[0]["content"].splitlines() if line.startswith("sandbox: "))
    assert "seccomp" in line and "landlock" in line


def test_uploader_that_is_killed_ends_the_agent_as_a_failure(double, make_agent, workspace_id):
    agent = make_agent(workspace_id, [double.port]).start()
    wait_until_held(double)
    os.kill(family(agent.running.process)[1], 9)
    wait_for("the agent to end", lambda: not agent.running.alive())
    assert agent.running.process.returncode == 1


def test_supervisor_that_is_killed_leaves_no_process(double, make_agent, workspace_id):
    agent = make_agent(workspace_id, [double.port]).start()
    wait_until_held(double)
    uploader = family(agent.running.process)[1]
    agent.running.kill()
    wait_for("the uploader to end", lambda: not pathlib.Path(f"/proc/{uploader}").exists())


def test_uploader_sees_the_folder_that_took_the_place_of_another(double, make_agent, workspace_id, authority, tmp_path):
    """Landlock lets in what was there when the uploader began; it is begun anew when that was replaced."""
    cert, key = authority.issue("--workspace", workspace_id)
    folder, new = tmp_path / "identity", tmp_path / "new"
    folder.mkdir()
    agent = make_agent(workspace_id, [double.port], identity={"cert": str(folder / "agent.crt"), "key": str(key),
                                                              "ca": str(authority.ca)}).start()
    wait_for_log(agent, "event=identity.missing")
    new.mkdir()
    (new / "agent.crt").write_bytes(cert.read_bytes())
    folder.rename(tmp_path / "old")
    new.rename(folder)
    wait_until_held(double)
    if "landlock" not in agent.command("collect").stdout.decode().replace("no landlock", ""):
        pytest.skip("without Landlock nothing is hidden")
    assert agent.log_text().count("event=supervisor.renew") == 1
    wait_until_stored(double, double.order(workspace_id))


def test_stop_during_a_capture_leaves_it_spooled(double, make_agent, workspace_id, box):
    """systemd stops the supervisor alone; what the worker has begun is not lost."""
    silent = box.folder / "var/run/docker.sock"
    silent.parent.mkdir(parents=True)
    with socket.socket(socket.AF_UNIX) as engine:
        engine.bind(str(silent))
        engine.listen()  # takes connections and never answers
        agent = make_agent(workspace_id, [double.port], capture_deadline_s=2).start()
        capture_id = double.order(workspace_id)
        wait_for("the worker", lambda: len(family(agent.running.process)) > 2)
        assert agent.stop() == 0
    assert spooled(agent) == [f"{capture_id}.ndjson.gz", f"{capture_id}.order.json"] and double.seen("PUT") == []
    bundle = records((agent.spool / f"{capture_id}.ndjson.gz").read_bytes())
    assert section(bundle, "config.yaml")["outcome"] == "ok"
    assert "did not answer" in section(bundle, "docker-ps")["content"]


# The early capture.

def early_files(agent):
    return [name for name in spooled(agent) if name.startswith("early-")]


def wait_for_early(agent):
    return wait_for("an early capture", lambda: [name for name in early_files(agent) if name.endswith(".gz")])[0]


def test_box_without_a_sweeper_captures_early_and_the_order_takes_it_along(make_double, make_agent, workspace_id, box):
    box.write("configs/config.yaml", f"runtime: claude\n{SECRET}\n")
    double = make_double()
    agent = make_agent(workspace_id, [1], boot_deadline_s=1).start()
    name = wait_for_early(agent)
    boot_id = pathlib.Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    assert name == f"early-{boot_id}.ndjson.gz"
    early = records((agent.spool / name).read_bytes())
    assert early[0]["section"] == "verdict" and early[0]["workspace_id"] == workspace_id
    assert "CANARY" not in str(early)
    assert agent.stop() == 0
    # The sweeper comes, after a restart: no second early capture of this boot, and the first one goes along.
    double.start()
    agent.settings["sweepers"] = [f"https://127.0.0.1:{double.port}"]
    agent.write_config()
    before = (agent.spool / name).read_bytes()
    box.write("configs/config.yaml", "runtime: hermes\n")
    agent.start()
    wait_until_held(double)
    assert (agent.spool / name).read_bytes() == before
    capture_id = double.order(workspace_id)
    bundle = wait_until_stored(double, capture_id)
    assert {record["capture_id"] for record in bundle} == {capture_id}
    assert bundle[0]["section"] == "verdict"
    assert section(bundle, "config.yaml")["content"] == "runtime: hermes\n"
    old = section(bundle, "early.config.yaml")
    assert old["content"].startswith("runtime: claude\n") and "CANARY" not in str(bundle) and old["redactions"] >= 1
    assert "captured_at: " + early[0]["ts"] in section(bundle, "early.verdict")["content"]
    assert "system-prompt.md\n" in section(bundle, "early.unchanged")["content"]
    assert section(bundle, "early.system-prompt.md") is None
    wait_until_empty(agent)


def test_early_capture_needs_no_identity(make_agent, workspace_id):
    agent = make_agent(workspace_id, [1], boot_deadline_s=1, identity={"cert": "/nonexistent/agent.crt"}).start()
    early = records((agent.spool / wait_for_early(agent)).read_bytes())
    assert early[0]["workspace_id"] == "local"
    assert agent.stop() == 0


def test_order_that_comes_in_time_needs_no_early_capture(double, make_agent, workspace_id):
    agent = make_agent(workspace_id, [double.port], boot_deadline_s=86400).start()
    bundle = wait_until_stored(double, double.order(workspace_id))
    wait_until_held(double)
    assert section(bundle, "early.verdict") is None and early_files(agent) == []


def test_stand_down_drops_the_early_capture(double, make_agent, workspace_id):
    agent = make_agent(workspace_id, [double.port], boot_deadline_s=1).start()
    wait_for_early(agent)
    wait_until_held(double)
    double.stand_down()
    wait_for("the agent to end", lambda: not agent.running.alive())
    assert agent.running.process.returncode == 0 and early_files(agent) == []


def test_early_capture_outlives_a_bundle_that_was_made_without_it(double, make_agent, workspace_id):
    double.put_always = Answer(503, {"Retry-After": "1"})
    agent = make_agent(workspace_id, [double.port]).start()
    first = double.order(workspace_id)
    wait_for("an upload that is refused for now", lambda: double.seen("PUT"))
    assert agent.stop() == 0
    # The next boot has no contact for long, and the one after that has.
    agent.settings.update(sweepers=["https://127.0.0.1:1"], boot_deadline_s=1)
    agent.write_config()
    agent.start()
    name = wait_for_early(agent)
    assert agent.stop() == 0
    agent.settings["sweepers"] = [f"https://127.0.0.1:{double.port}"]
    agent.write_config()
    double.put_always = None
    agent.start()
    assert section(wait_until_stored(double, first), "early.verdict") is None
    wait_until_held(double)
    assert spooled(agent) == [name]
    assert section(wait_until_stored(double, double.order(workspace_id)), "early.verdict") is not None
    wait_until_empty(agent)


def test_damaged_early_capture_costs_nothing_but_itself(double, make_agent, workspace_id):
    agent = make_agent(workspace_id, [double.port])
    agent.spool.mkdir(mode=0o700)
    (agent.spool / "early-01234567-89ab-4cde-8f01-23456789abcd.ndjson.gz").write_bytes(gzip.compress(b"{}\n")[:-3])
    agent.start()
    bundle = wait_until_stored(double, double.order(workspace_id))
    assert bundle[0]["section"] == "verdict" and section(bundle, "early.verdict") is None
    assert "event=early.left_out" in agent.log_text()
    wait_until_empty(agent)


# The console.

def check_summary(printed, capture_id):
    assert printed.count(BEGIN) == 1 and printed.count(END) == 1
    assert len(printed) <= 4096
    assert f"capture={capture_id}".encode() in printed and b"sections:" in printed
    assert b"CANARY" not in printed and b"\x1b" not in printed
    return printed.decode()


def wait_for_summary(read):
    printed = bytearray()

    def is_whole():
        printed.extend(read())
        return END in printed

    wait_for("a summary on the console", is_whole)
    return bytes(printed)


@pytest.fixture
def noisy_box(box):
    box.write("var/log/cloud-init-output.log", "".join(f"line {i} \x1b[31mred\x1b[0m {SECRET}\n" for i in range(400)))
    return box


def test_summary_on_a_terminal(double, make_agent, workspace_id, noisy_box):
    ours, theirs = pty.openpty()
    agent = make_agent(workspace_id, [double.port], console=os.ttyname(theirs)).start()
    os.set_blocking(ours, False)

    def read():
        try:
            return os.read(ours, 65536)
        except BlockingIOError:
            return b""

    capture_id = double.order(workspace_id)
    text = check_summary(wait_for_summary(read).replace(b"\r\r\n", b"\r\n"), capture_id)
    assert "line 399 " in text and "reason: provision_timeout_sweep" in text
    wait_until_stored(double, capture_id)
    assert agent.stop() == 0
    os.close(ours)
    os.close(theirs)


def test_summary_in_a_file_and_of_an_early_capture(make_agent, workspace_id, noisy_box, tmp_path):
    console = tmp_path / "console"
    console.write_bytes(b"")
    make_agent(workspace_id, [1], boot_deadline_s=1, console=str(console)).start()
    wait_for("a summary", lambda: END in console.read_bytes())
    printed = console.read_bytes()
    check_summary(printed, printed.split(b"capture=")[1].split(b" ")[0].decode())


def test_console_that_nobody_reads_costs_the_summary_only(double, make_agent, workspace_id, noisy_box, tmp_path):
    fifo = tmp_path / "console"
    os.mkfifo(fifo)
    agent = make_agent(workspace_id, [double.port], console=str(fifo)).start()
    # Without a reader it cannot even be opened.
    wait_until_stored(double, double.order(workspace_id))
    wait_for_log(agent, "event=console.open")
    # With one that does not read, and no room left, writing ends after its time.
    reader = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
    writer = os.open(fifo, os.O_WRONLY | os.O_NONBLOCK)
    with pytest.raises(BlockingIOError):
        while True:
            os.write(writer, b"x" * 4096)
    wait_until_held(double)
    wait_until_stored(double, double.order(workspace_id))
    wait_until_held(double)
    wait_for_log(agent, "event=console.summary")
    assert "bytes=0" in agent.log_text()
    os.close(reader)
    os.close(writer)


def test_console_speaks_where_there_is_neither_network_nor_disk(make_agent, workspace_id, noisy_box, tmp_path):
    console = tmp_path / "console"
    console.write_bytes(b"")
    (tmp_path / "file").write_text("")
    make_agent(workspace_id, [1], boot_deadline_s=1, console=str(console), spool_dir=str(tmp_path / "file/spool")).start()
    wait_for("a summary", lambda: END in console.read_bytes())


def test_dry_run_leaves_the_console_alone(make_agent, workspace_id, tmp_path):
    console = tmp_path / "console"
    console.write_bytes(b"")
    done = make_agent(workspace_id, [1], console=str(console)).command("collect")
    assert done.returncode == 0 and console.read_bytes() == b""
    assert json.loads(done.stdout.splitlines()[0])["section"] == "verdict"


# A kernel without seccomp and Landlock.

@pytest.mark.skipif(os.uname().machine != "x86_64", reason="the numbers of system calls are x86_64's")
def test_kernel_without_confinement_is_rescued_loudly(make_agent, workspace_id, box):
    box.write("configs/config.yaml", f"runtime: claude\n{SECRET}\n")
    done = make_agent(workspace_id, [1]).command("collect", preexec_fn=old_kernel.become_open)
    assert done.returncode == 0, done.stderr
    bundle = [json.loads(line) for line in done.stdout.splitlines()]
    assert "sandbox: no seccomp, no landlock\n" in bundle[0]["content"]
    assert "CANARY" not in str(bundle) and section(bundle, "config.yaml")["redactions"] >= 1
    warnings = [line for line in done.stderr.decode().splitlines() if "event=sandbox.partial" in line]
    assert any("Landlock" in line for line in warnings) and any("seccomp" in line for line in warnings)


# A machine whose filter cannot be tried here.

def test_filter_lists_what_the_agent_calls_on_aarch64(double, make_agent, workspace_id, tmp_path):
    """The emulator has no seccomp, but shows every call: each must be one that the filter of its process lets through."""
    program = ROOT / "build/agent/aarch64/rescue-agent"
    if not program.exists() or shutil.which("qemu-aarch64-static") is None:
        pytest.skip("needs packaging/build agents and qemu-aarch64-static")
    source = (ROOT / "agent/sandbox/filter.c").read_text().split("#ifdef __x86_64__")[0]
    listed = dict(re.findall(r"SYS_(\w+), FOR_(\w+)", source))
    special = {"socket", "socketpair", "clone", "tgkill"}
    sandboxing = {"prctl", "capget", "capset", "seccomp"}
    (tmp_path / "console").write_bytes(b"")
    agent = make_agent(workspace_id, [double.port], console=str(tmp_path / "console"))
    agent.running = Process(["qemu-aarch64-static", "-strace", program, "--config", agent.config, "run"],
                            tmp_path / "strace.log")
    wait_until_stored(double, double.order(workspace_id))
    wait_for("the summary", lambda: END in (tmp_path / "console").read_bytes())
    assert agent.stop() == 0
    calls = {}
    for pid, name in re.findall(r"^(\d+) (\w+)\(", agent.log_text(), re.MULTILINE):
        calls.setdefault(pid, set()).add(name)
    assert len(calls) == 4  # supervisor, uploader, relay, worker
    for number, names in enumerate(calls.values()):
        assert names <= set(listed) | special
        if number > 0:
            assert {name for name in names if listed.get(name) == "SUPERVISOR"} <= sandboxing
