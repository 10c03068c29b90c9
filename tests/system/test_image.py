"""From an image to a box that waits: our image script, our cloud-init snippets with the real cloud-init and systemd."""

import functools
import http.server
import hashlib
import json
import shutil
import subprocess
import threading
import uuid

import pytest

import chroot
from conftest import ROOT, wait_for
from image import Machine, build_image, user_data
from test_packages import package

SNIPPETS = ["enrol", "static-certificate", "install"]


def unless_unavailable(make, *args, **kwargs):
    try:
        return make(*args, **kwargs)
    except chroot.Unavailable as why:
        pytest.skip(str(why))


@pytest.fixture
def machine(tmp_path):
    made = unless_unavailable(Machine, tmp_path / "machine")
    yield made
    made.close()


@pytest.fixture
def disk(tmp_path):
    made = unless_unavailable(chroot.Chroot, tmp_path / "disk")
    yield made
    made.close()


def test_cloud_init_finds_nothing_wrong_with_the_snippets(disk):
    for name in SNIPPETS:
        disk.put(ROOT / f"packaging/cloud-init/{name}.yaml", "/tmp/user-data")
        disk.run("cloud-init", "schema", "--config-file", "/tmp/user-data")
    disk.path("/tmp/user-data").write_text("#cloud-config\nwrite_files: {}\n")
    assert disk.run("cloud-init", "schema", "--config-file", "/tmp/user-data", check=False).returncode != 0


@pytest.fixture
def files(tmp_path, authority):
    config = tmp_path / "agent.yaml"
    config.write_text("sweepers: [https://sweeper.example:8443]\nidentity: {enroll: true}\n")
    rules = tmp_path / "rules"
    rules.mkdir()
    (rules / "site.yaml").write_text("rules: []\n")
    return ["--config", config, "--ca", authority.ca, "--rules", rules]


def test_an_image_has_an_agent_that_starts_with_the_next_boot_and_nobodys_identity(disk, files):
    disk.path("/etc/rescue").mkdir()
    disk.path("/var/lib/rescue/spool").mkdir(parents=True)
    for path in ("/etc/rescue/agent.key", "/etc/rescue/agent.crt", "/var/lib/rescue/agent.key", "/var/lib/rescue/spool/b"):
        disk.path(path).write_text("another's")
    build_image(disk, package("rescue-agent_*_amd64.deb"), *files)
    disk.run("rescue-agent", "check-config")
    assert disk.run("systemctl", "is-enabled", "rescue-agent.service").stdout == "enabled\n"
    found = disk.run("find", "/etc/rescue", "/var/lib/rescue", "-type", "f").stdout.split()
    assert sorted(found) == ["/etc/rescue/agent.yaml", "/etc/rescue/agent.yaml.example", "/etc/rescue/ca.crt",
                             "/etc/rescue/rules.d/site.yaml"]
    assert not disk.path("/rescue-agent.deb").exists()


def test_an_image_is_not_made_with_a_configuration_that_is_wrong(disk, files, tmp_path):
    files[1].write_text("no_such_key: 1\n")
    done = build_image(disk, package("rescue-agent_*_amd64.deb"), *files, check=False)
    assert done.returncode == 2 and "no_such_key" in done.stderr
    assert build_image(disk, "/nowhere.deb", check=False).returncode == 2


@pytest.mark.skipif(shutil.which("packer") is None, reason="packer is not installed")
def test_packer_accepts_the_template(files, tmp_path):
    template = ROOT / "packaging/ami/rescue-agent.pkr.hcl"
    command = ["packer", "validate", "-var", "region=eu-west-1", "-var", f"package={files[1]}", "-var",
               f"config={files[1]}", "-var", f"ca={files[3]}"]
    done = subprocess.run([*command, template], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    wrong = tmp_path / "wrong.pkr.hcl"
    wrong.write_text(template.read_text().replace("ami_name ", "ami_named "))
    assert subprocess.run([*command, wrong], capture_output=True).returncode != 0


@pytest.fixture
def shop(tmp_path):
    """Where the package can be had."""
    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *unused):
            pass

    folder = tmp_path / "shop"
    folder.mkdir()
    shutil.copy(package("rescue-agent_*_amd64.deb"), folder / "agent.deb")
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=folder))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}/agent.deb", hashlib.sha256((folder / "agent.deb").read_bytes())
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize("is_baked", [True, False], ids=["in the image", "fetched"])
def test_a_box_waits_before_its_own_install_begins(machine, sweeper, shop, is_baked):
    workspace_id = str(uuid.uuid4())
    cert, key = sweeper.authority.issue("--workspace", workspace_id)
    text = user_data("static-certificate", CA=sweeper.authority.ca, CERTIFICATE=cert, KEY=key,
                     SWEEPER=f"https://127.0.0.1:{sweeper.port}")
    if is_baked:
        build_image(machine.disk, package("rescue-agent_*_amd64.deb"))
    else:
        url, digest = shop
        text += user_data("install", URL=url, SHA256=digest.hexdigest())
    machine.seed(text + "runcmd: [[systemctl, is-active, rescue-agent.service]]\n")
    machine.boot()
    wait_for("the agent to be held", lambda: sweeper.metric("rescue_held_agents") == 1)
    machine.wait_for_unit("cloud-final.service")
    assert machine.disk.run("stat", "-c", "%a", "/etc/rescue/agent.key").stdout == "600\n"
    started = int(machine.property("rescue-agent.service", "ExecMainStartTimestampMonotonic"))
    assert int(machine.property("cloud-init.service", "ExecMainExitTimestampMonotonic")) <= started
    assert started <= int(machine.property("cloud-config.service", "ExecMainStartTimestampMonotonic"))
    assert "active" in machine.disk.path("/var/log/cloud-init-output.log").read_text().splitlines()
    status = json.loads(machine.disk.path("/run/cloud-init/result.json").read_text())
    assert status["v1"]["errors"] == []
    assert "FAILED" not in machine.disk.run("rescue-agent", "doctor").stdout
