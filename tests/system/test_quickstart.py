"""The command a new user runs first."""

import os
import pathlib
import re
import shutil
import signal
import subprocess
import tempfile

import pytest

from conftest import ROOT, wait_for

LAST_LINE = re.compile(r"rescued workspace=\S+ capture=[0-9a-f-]{36} sections=(\d+) redactions=(\d+) "
                       r"verdict_to_shipped_ms=(\d+)")


@pytest.fixture
def env(request):
    """A temporary folder of the test's own, with a name as short as a Unix socket's path needs."""
    folder = tempfile.mkdtemp(prefix="q", dir="/tmp")
    os.chmod(folder, 0o755)
    request.addfinalizer(lambda: shutil.rmtree(folder, ignore_errors=True))
    return {**os.environ, "TMPDIR": folder}


def leftovers(env):
    return list(pathlib.Path(env["TMPDIR"]).iterdir())


def test_quickstart_rescues_a_box_and_cleans_up(env):
    done = subprocess.run([ROOT / "packaging" / "quickstart"], capture_output=True, text=True, timeout=600, cwd="/",
                          env=env)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    last = LAST_LINE.fullmatch(done.stdout.strip().splitlines()[-1])
    assert last, done.stdout[-500:]
    assert int(last[1]) >= 9
    assert int(last[2]) >= 10
    assert "[REDACTED:" in done.stdout
    assert leftovers(env) == []


def test_quickstart_stopped_by_ctrl_c_leaves_nothing_behind(env):
    # Whoever runs the tests in the background hands down an ignored SIGINT, which no shell can trap.
    process = subprocess.Popen([ROOT / "packaging" / "quickstart", "--keep"], stdout=subprocess.PIPE,
                               stderr=subprocess.STDOUT, text=True, start_new_session=True, env=env,
                               preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))
    for line in process.stdout:
        if LAST_LINE.search(line):
            break
    os.killpg(process.pid, signal.SIGINT)
    process.stdout.read()
    process.wait(60)
    wait_for("the temporary folder to go", lambda: leftovers(env) == [])


def test_quickstart_refuses_an_unknown_option():
    done = subprocess.run([ROOT / "packaging" / "quickstart", "--nonsense"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 2 and "--nonsense" in done.stderr
