"""The command a new user runs first."""

import os
import pathlib
import re
import signal
import subprocess
import time

from conftest import ROOT, wait_for

LAST_LINE = re.compile(r"rescued workspace=\S+ capture=[0-9a-f-]{36} sections=(\d+) redactions=(\d+) "
                       r"verdict_to_shipped_ms=(\d+)")


def leftovers():
    return {p for p in pathlib.Path("/tmp").glob("*quickstart*")}


def test_quickstart_rescues_a_box_and_cleans_up():
    before = leftovers()
    done = subprocess.run([ROOT / "packaging" / "quickstart"], capture_output=True, text=True, timeout=600, cwd="/")
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    last = LAST_LINE.fullmatch(done.stdout.strip().splitlines()[-1])
    assert last, done.stdout[-500:]
    assert int(last[1]) >= 9
    assert int(last[2]) >= 10
    assert "[REDACTED:" in done.stdout
    assert leftovers() == before


def test_quickstart_stopped_by_ctrl_c_leaves_nothing_behind():
    before = leftovers()
    process = subprocess.Popen([ROOT / "packaging" / "quickstart", "--keep"], stdout=subprocess.PIPE,
                               stderr=subprocess.STDOUT, text=True, start_new_session=True)
    for line in process.stdout:
        if LAST_LINE.search(line):
            break
    os.killpg(process.pid, signal.SIGINT)
    process.stdout.read()
    process.wait(60)
    wait_for("the temporary folder to go", lambda: leftovers() == before)


def test_quickstart_refuses_an_unknown_option():
    done = subprocess.run([ROOT / "packaging" / "quickstart", "--nonsense"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 2 and "--nonsense" in done.stderr
