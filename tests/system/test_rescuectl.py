"""rescuectl against a real sweeper, and against Loki: what whoever is on call sees."""

import json
import os
import subprocess
import uuid

import pytest

from conftest import BIN, ORG, wait_for
from loki_process import Loki

CANARY = "ghp_" + "Zq7vK2mXw9RtB4nLc8Ys" + "J5hD3fGp6QeUa1To"


@pytest.fixture
def loki(tmp_path):
    folder = tmp_path / "loki"
    folder.mkdir()
    double = Loki(folder).start()
    yield double
    double.stop()


@pytest.fixture
def sweeper(make_sweeper, loki):
    return make_sweeper(sinks=[{"kind": "loki", "url": loki.url}]).migrate().start()


@pytest.fixture
def ctl(sweeper, authority):
    """ctl(words…) runs rescuectl as an operator; `via` and `org` say through what and as whom."""
    def run(*words, via="sweeper", org=ORG, timeout=60):
        env = {name: value for name, value in os.environ.items() if not name.startswith("RESCUE_")}
        cert, key = authority.issue("--operator", org=org)
        if via == "sweeper":
            env |= {"RESCUE_SWEEPER": f"https://127.0.0.1:{sweeper.port}", "RESCUE_CERT": str(cert),
                    "RESCUE_KEY": str(key), "RESCUE_CA": str(authority.ca)}
        else:
            env |= {"RESCUE_LOKI": via, "RESCUE_ORG": org}
        return subprocess.run([BIN / "rescuectl", *words], env=env, capture_output=True, text=True, timeout=timeout)
    return run


@pytest.fixture
def rescued(sweeper, database, make_agent, box):
    """The id of a workspace whose bundle was shipped."""
    box.write("var/log/cloud-init-output.log", f"cloning with {CANARY}\nE: Unable to locate package frobnicate\n")
    workspace_id = str(uuid.uuid4())
    make_agent(workspace_id, [sweeper.port]).start()
    database.add_workspace(workspace_id, age_s=700)
    wait_for("the bundle to be shipped",
             lambda: [c for c in database.captures(workspace_id) if c["state"] == "shipped"])
    return workspace_id


@pytest.mark.parametrize("source", ["sweeper", "loki"])
def test_show_prints_the_sections_as_headed_blocks(ctl, rescued, loki, source):
    done = ctl("show", rescued, via="sweeper" if source == "sweeper" else loki.url)
    assert done.returncode == 0, done.stderr
    assert "\x1b" not in done.stdout
    for name in ("verdict", "config.yaml", "cloud-init-output.log.tail", "docker-ps", "host"):
        assert f"== {name} ==" in done.stdout
    assert "E: Unable to locate package frobnicate" in done.stdout
    assert "[REDACTED:" in done.stdout and CANARY not in done.stdout


def test_both_sources_tell_the_same(ctl, rescued, loki):
    sections = [json.loads(ctl("show", rescued, "--json", via=via).stdout)["sections"] for via in ("sweeper", loki.url)]
    assert sections[0] == sections[1] and len(sections[0]) == 9


@pytest.mark.parametrize("source", ["sweeper", "loki"])
def test_show_prints_one_section_on_request(ctl, rescued, loki, source):
    done = ctl("show", rescued, "--section", "config.yaml", via="sweeper" if source == "sweeper" else loki.url)
    assert done.returncode == 0
    assert "runtime: claude" in done.stdout and "== host ==" not in done.stdout


@pytest.mark.parametrize("source", ["sweeper", "loki"])
def test_list_names_the_capture(ctl, rescued, loki, database, source):
    via = "sweeper" if source == "sweeper" else loki.url
    capture_id = database.captures(rescued)[0]["capture_id"]
    assert rescued in ctl("list", via=via).stdout
    [listed] = json.loads(ctl("list", "--json", via=via).stdout)["captures"]
    assert listed["capture_id"] == str(capture_id) and listed["workspace_id"] == rescued


def test_wait_ends_when_the_bundle_is_there(ctl, rescued):
    done = ctl("wait", rescued, "--state", "shipped", "--timeout", "30")
    assert done.returncode == 0, done.stderr


def test_wait_for_a_workspace_without_capture_exits_3(ctl):
    assert ctl("wait", "ws-unknown", "--timeout", "1").returncode == 3


@pytest.mark.parametrize("words", [("show", "ws-unknown"), ("retry", str(uuid.uuid4()))])
def test_what_is_not_there_exits_3_and_says_so(ctl, words):
    done = ctl(*words)
    assert done.returncode == 3 and words[1] in done.stderr


def test_retry_ships_a_bundle_again_and_loki_holds_it_once(ctl, rescued, database, loki):
    capture = database.captures(rescued)[0]
    lines = sorted(entry["line"] for entry in loki.entries())
    assert ctl("retry", str(capture["capture_id"])).returncode == 0
    wait_for("the second shipping", lambda: database.captures(rescued)[0]["state"] == "shipped")
    assert sorted(entry["line"] for entry in loki.entries()) == lines


def test_an_operator_of_another_org_sees_nothing(ctl, rescued):
    done = ctl("show", rescued, org="other")
    assert done.returncode != 0 and "frobnicate" not in done.stdout


def test_an_unreachable_sweeper_is_named(ctl, rescued, sweeper):
    sweeper.stop()
    done = ctl("show", rescued)
    assert done.returncode == 1 and str(sweeper.port) in done.stderr


def test_doctor_finds_the_way_to_the_sweeper(ctl, sweeper):
    done = ctl("doctor", "--admin", f"http://127.0.0.1:{sweeper.admin_port}")
    assert done.returncode == 0, done.stdout + done.stderr
