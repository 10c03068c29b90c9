"""The compose file is brought up for real, in a Docker Engine of the test's own.

The sweeper's image is what image-root and the Containerfile's last stage make. PostgreSQL's and Loki's images cannot be
pulled here: their stand-ins are the machine's PostgreSQL, behind an entry point that keeps to the promises of the official
image which the compose file relies on, and the tests' Loki. Grafana and Prometheus are left out, and so are the ports on
the host, which other programs may have.
"""

import json
import os
import pathlib
import re
import resource
import subprocess

import pytest
import yaml

from conftest import BIN, ROOT, wait_for
from private_engine import PrivateEngine

COMPOSE = ROOT / "packaging" / "compose"
POSTGRES_BIN = sorted(pathlib.Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name))[-1]
SERVICES = ("postgres", "certificates", "migrate", "sweeper", "ctl", "loki")

POSTGRES_ENTRYPOINT = f"""#!/bin/bash
set -euo pipefail
export PATH={POSTGRES_BIN}:/usr/bin PGHOST=/tmp
if [ ! -e /var/lib/postgresql/data/PG_VERSION ]; then
	initdb --auth-local=trust --auth-host=scram-sha-256 --username=postgres --pwfile=<(echo "$POSTGRES_PASSWORD")
	echo 'host all all all scram-sha-256' >>"$PGDATA/pg_hba.conf"
	pg_ctl -w -o "-c listen_addresses= -c unix_socket_directories=/tmp" start
	createdb -U postgres "$POSTGRES_DB"
	for script in /docker-entrypoint-initdb.d/*.sh; do "$script"; done
	pg_ctl -w stop
fi
exec postgres -c listen_addresses='*' -c unix_socket_directories=/tmp
"""


def write(path, text, mode=0o644):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(mode)


def stand_in(root, user):
    """A root folder into which the machine's /usr will be mounted."""
    root.mkdir()
    for name in ("bin", "lib", "lib64"):
        (root / name).symlink_to(f"usr/{name}")
    for name in ("usr", "tmp", "var/lib/postgresql/data"):
        (root / name).mkdir(parents=True)
    (root / "tmp").chmod(0o1777)
    write(root / "etc/passwd", f"root:x:0:0::/:/bin/bash\n{user}:x:999:999::/tmp:/bin/bash\n")
    write(root / "etc/nsswitch.conf", "hosts: files dns\n")
    for path in (root / "var/lib/postgresql", root / "var/lib/postgresql/data"):
        os.chown(path, 999, 999)
    (root / "var/lib/postgresql/data").chmod(0o700)


def last_stage():
    """The instructions that `docker import` takes as they are."""
    text = (COMPOSE / "Containerfile").read_text().replace("\\\n", " ").replace("\t", "")
    stage = text.split("FROM scratch", 1)[1]
    return re.findall(r"^(?:USER|EXPOSE|HEALTHCHECK|ENTRYPOINT|CMD) .*$", stage, re.M)


class Stack:
    def __init__(self, folder, engine):
        self.folder, self.engine = folder, engine
        self.images()
        self.file = folder / "compose.yaml"
        self.file.write_text(json.dumps(self.compose_file()))

    def images(self):
        subprocess.run([COMPOSE / "image-root", self.folder / "sweeper"], check=True)
        self.engine.import_image(self.folder / "sweeper", "rescue-sweeper:test", *last_stage())
        stand_in(self.folder / "machine", "postgres")
        write(self.folder / "machine/entrypoint", POSTGRES_ENTRYPOINT, 0o755)
        self.engine.import_image(self.folder / "machine", "machine:test")

    def compose_file(self):
        """That of the repository with paths made absolute, its images replaced, and without ports and builds."""
        document = yaml.safe_load((COMPOSE / "compose.yaml").read_text())
        document = {"services": {name: document["services"][name] for name in SERVICES},
                    "volumes": {name: None for name in ("authority", "certificates", "loki", "postgres")}}
        for service in document["services"].values():
            service.pop("build", None), service.pop("ports", None)
            service["volumes"] = [str(COMPOSE / volume) if volume.startswith(".") else volume
                                  for volume in service.get("volumes", [])]
        services = document["services"]
        if resource.getrlimit(resource.RLIMIT_NOFILE)[1] < services["sweeper"]["ulimits"]["nofile"]:
            del services["sweeper"]["ulimits"]  # a sandbox may not let its root raise the limit
        for name in ("postgres", "certificates", "loki"):
            services[name]["image"] = "machine:test"
            services[name]["volumes"].append("/usr:/usr:ro")
        services["postgres"].update(entrypoint=["/entrypoint"], user="999:999")
        services["postgres"]["environment"].update(PGDATA="/var/lib/postgresql/data", PGHOST="/tmp",
                                                   PATH=f"{POSTGRES_BIN}:/usr/bin")
        services["certificates"].update(entrypoint=["/tools/certificates"])
        services["certificates"]["environment"]["PATH"] = "/programs:/usr/bin:/bin"
        services["certificates"]["volumes"] += [f"{COMPOSE}:/tools:ro", f"{BIN}:/programs:ro"]
        services["loki"].update(entrypoint=["/usr/bin/python3", "-B", "/doubles/loki.py"],
                                command=["--host", "0.0.0.0", "--port", "3100"])
        services["loki"]["volumes"] = ["/usr:/usr:ro", f"{ROOT}/tests/doubles:/doubles:ro"]
        return document

    def compose(self, *args):
        """(exit code, output); errors are shown when a test fails."""
        environment = {"PATH": os.environ["PATH"], "HOME": "/nonexistent", "DOCKER_HOST": self.engine.host,
                       "RESCUE_VERSION": "test", "POSTGRES_PASSWORD": "one$two", "RESCUE_PASSWORD": "it's $three",
                       "RESCUE_WORKSPACES": "ws-1"}
        done = subprocess.run(["docker-compose", "-p", "rescue", "-f", self.file, *args], env=environment, text=True,
                              capture_output=True, timeout=240)
        print(done.stdout, done.stderr)
        return done.returncode, done.stdout

    def container(self, service):
        return self.compose("ps", "-q", service)[1].strip()

    def state(self, service):
        return json.loads(self.engine.run("inspect", "--format", "{{json .State}}", self.container(service)))


@pytest.fixture
def stack(tmp_path):
    engine = PrivateEngine(tmp_path, tmp_path / "data")
    try:
        made = Stack(tmp_path, engine)
        try:
            yield made
        finally:
            made.compose("down", "-v", "-t", "1")  # takes the network's bridge away, too
    finally:
        engine.stop()


def sql(stack, text):
    code, output = stack.compose("exec", "-T", "postgres", "psql", "-U", "postgres", "acme", "-qAtc", text)
    assert code == 0
    return output.strip()


def test_the_compose_file_comes_up_and_a_boot_that_said_nothing_ends_in_loki(stack):
    assert stack.compose("up", "-d", "loki", "postgres")[0] == 0
    wait_for("PostgreSQL to be healthy", lambda: stack.state("postgres")["Health"]["Status"] == "healthy")
    # Before the sweeper, so that its first sweep finds it.
    workspace_id = sql(stack, "INSERT INTO workspaces (status, updated_at)"
                              " VALUES ('provisioning', now() - interval '1 hour') RETURNING id")
    assert stack.compose("up", "-d", "sweeper")[0] == 0
    assert [stack.state(name)["ExitCode"] for name in ("certificates", "migrate")] == [0, 0]
    wait_for("the sweeper to be healthy", lambda: stack.state("sweeper")["Health"]["Status"] == "healthy")
    wait_for("the bundle to be shipped", lambda: sql(stack, "SELECT count(shipped_at) FROM rescue.captures") == "1")
    assert sql(stack, "SELECT status FROM workspaces") == "failed"
    code, output = stack.compose("run", "--rm", "ctl", "show", workspace_id)
    assert code == 0 and "state=unreachable" in output and "shipped to loki" in output
    code, output = stack.compose("run", "--rm", "ctl")
    assert code == 0 and "200 ready" in output, "doctor is not content"
    sweeper = stack.container("sweeper")
    stack.engine.run("cp", f"{sweeper}:/etc/rescue/tls/ws-1.crt", str(stack.folder))
    assert "BEGIN CERTIFICATE" in (stack.folder / "ws-1.crt").read_text()
    assert stack.compose("kill", "-s", "HUP", "sweeper")[0] == 0
    assert stack.compose("stop", "sweeper")[0] == 0
    assert json.loads(stack.engine.run("inspect", "--format", "{{json .State}}", sweeper))["ExitCode"] == 0
