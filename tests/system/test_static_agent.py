"""The agent as a file: both architectures, old kernels, a root with nothing in it, and the same bytes from any folder."""

import filecmp
import os
import pathlib
import platform
import shutil
import subprocess
import sys
import uuid

import pytest

from conftest import BIN, ROOT, WAIT_S, wait_for

AGENTS = {name: ROOT / "build" / "agent" / name / "rescue-agent" for name in ("x86_64", "aarch64")}
EMULATORS = {"x86_64": [], "aarch64": ["qemu-aarch64-static"]}
OLD_KERNEL = [sys.executable, str(pathlib.Path(__file__).with_name("old_kernel.py"))]
SECRET = "ghp_" + "0123456789abcdefABCDEF0123456789abcd"

pytestmark = pytest.mark.skipif(platform.machine() != "x86_64", reason="the agents are built on x86_64")


def program(architecture):
    if not AGENTS[architecture].exists():
        pytest.skip("run packaging/build agents first")
    return [*EMULATORS[architecture], str(AGENTS[architecture])]


@pytest.fixture(params=AGENTS)
def agent(request, make_agent):
    made = make_agent("ws-1", [1])
    made.program = program(request.param)
    return made


def test_an_agent_is_one_static_file_of_its_architecture(agent):
    told = subprocess.run(["file", "-b", agent.program[-1]], capture_output=True, text=True, check=True).stdout
    assert "statically linked" in told and "stripped" in told
    assert {"x86_64": "x86-64", "aarch64": "ARM aarch64"}[pathlib.Path(agent.program[-1]).parent.name] in told
    assert os.path.getsize(agent.program[-1]) <= 1.8 * 1024 * 1024


def test_an_agent_checks_redacts_and_collects(agent):
    assert agent.command("version").stdout.startswith(b"rescue-agent ")
    assert agent.command("check-config").returncode == 0
    done = agent.command("redact", input=f"token {SECRET}\n".encode())
    assert (done.returncode, done.stdout) == (0, b"token [REDACTED:GITHUB_TOKEN]\n")
    done = agent.command("collect")
    assert done.returncode == 0, done.stderr
    assert b"E: Unable to locate package frobnicate" in done.stdout


@pytest.mark.parametrize("prefix", ["emulated aarch64", "kernel of 2017"])
def test_a_box_is_rescued_by_an(prefix, sweeper, database, make_agent, box):
    box.write("configs/config.yaml", f"runtime: claude\ntoken: {SECRET}\n")
    workspace_id = str(uuid.uuid4())
    agent = make_agent(workspace_id, [sweeper.port])
    agent.program = program("aarch64") if prefix == "emulated aarch64" else [*OLD_KERNEL, str(BIN / "rescue-agent")]
    agent.start()
    wait_for("the held request", lambda: sweeper.metric("rescue_held_agents") == 1)
    database.add_workspace(workspace_id, age_s=700)
    capture = wait_for("the verdict", lambda: database.captures(workspace_id))[0]
    records = wait_for("the bundle", lambda: sweeper.archived(capture["capture_id"]))
    sections = {record["section"]: record for record in records}
    for name in ("verdict", "config.yaml", "system-prompt.md", "cloud-init-output.log.tail", "cloud-init.status",
                 "model-provider-runtime.env", "host"):
        assert sections[name]["outcome"] == "ok", sections[name]
    assert SECRET not in str(sections)


def test_the_filter_that_stands_for_an_old_kernel_refuses_later_calls():
    probe = "import ctypes, os; libc = ctypes.CDLL(None, use_errno=True); how = ctypes.create_string_buffer(24);" \
            "print(libc.syscall(437, -100, b'/', how, 24), ctypes.get_errno())"
    plain = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True).stdout
    old = subprocess.run([*OLD_KERNEL, sys.executable, "-c", probe], capture_output=True, text=True, check=True).stdout
    assert int(plain.split()[0]) >= 0, "this kernel itself has no openat2"
    assert old.split() == ["-1", "38"]


@pytest.mark.skipif(os.getuid() != 0, reason="chroot needs root")
@pytest.mark.parametrize("architecture", AGENTS)
def test_an_agent_needs_nothing_else_on_the_box(architecture, tmp_path):
    program(architecture)
    empty = tmp_path / "empty"
    empty.mkdir()
    command = ["chroot", empty, "/rescue-agent"]
    shutil.copy(AGENTS[architecture], empty / "rescue-agent")
    if EMULATORS[architecture]:
        shutil.copy(shutil.which(EMULATORS[architecture][0]), empty / "emulator")
        command[2:2] = ["/emulator"]
    (empty / "agent.yaml").write_text("sweepers: [https://localhost:1]\n")
    done = subprocess.run([*command, "redact"], input=f"token {SECRET}\n".encode(), capture_output=True, timeout=WAIT_S)
    assert (done.returncode, done.stdout) == (0, b"token [REDACTED:GITHUB_TOKEN]\n"), done.stderr
    done = subprocess.run([*command, "--config", "/agent.yaml", "collect"], capture_output=True, timeout=WAIT_S)
    assert done.returncode == 0, done.stderr
    assert b"(/configs/config.yaml absent)" in done.stdout


def test_the_same_sources_give_the_same_bytes_in_another_folder(tmp_path):
    """The other folder's agent against the release build's. packaging/deps takes care of the libraries."""
    tree = tmp_path / "elsewhere" / "rescue"
    tree.mkdir(parents=True)
    listed = subprocess.run(["git", "ls-files", "-co", "--exclude-standard", "-z", "CMakeLists.txt", "CMakePresets.json",
                             "cmake", "shared", "proto", "agent", "packaging"], cwd=ROOT, capture_output=True,
                            check=True).stdout
    subprocess.run(["tar", "-C", ROOT, "--null", "-T", "-", "-cf", tmp_path / "tree.tar"], input=listed, check=True)
    subprocess.run(["tar", "-C", tree, "-xf", tmp_path / "tree.tar"], check=True)
    for step in (["--preset", "agent-x86_64"], ["--build", "--preset", "agent-x86_64"]):
        done = subprocess.run(["cmake", *step], cwd=tree, capture_output=True, text=True,
                              env={**os.environ, "CCACHE_DISABLE": "1"})
        assert done.returncode == 0, done.stdout + done.stderr
    assert filecmp.cmp(tree / "build/agent/x86_64/rescue-agent", BIN / "rescue-agent", shallow=False)
