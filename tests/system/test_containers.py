"""The sweeper's image and the compose file. No image can be pulled here: the image's file system, made by the script
that the Containerfile runs, is entered with chroot, and what runs in it is what the Containerfile says."""

import contextlib
import json
import os
import re
import shutil
import subprocess
import time
import uuid

import psycopg2
import pytest
import yaml

from conftest import BIN, ROOT, Process, free_port, wait_for
from loki_process import Loki

COMPOSE = ROOT / "packaging" / "compose"
FILE = yaml.safe_load((COMPOSE / "compose.yaml").read_text())
CONTAINERFILE = (COMPOSE / "Containerfile").read_text().replace("\\\n", " ")
USER = re.search(r"^USER (\S+)$", CONTAINERFILE, re.M)[1]
LIMITS = (ROOT / "shared" / "limits.h").read_text()

as_root = pytest.mark.skipif(os.getuid() != 0, reason="chroot and mount need root")


def words(instruction):
    """The last instruction's words in exec form."""
    return json.loads(re.findall(rf"^{instruction}\b[^\[\n]*(\[.*\])$", CONTAINERFILE, re.M)[-1])


def compose_config(environment_file):
    return subprocess.run(["docker-compose", "-f", "compose.yaml", "--env-file", environment_file, "config"], cwd=COMPOSE,
                          env={"PATH": os.environ["PATH"], "HOME": "/nonexistent"}, capture_output=True, text=True)


def test_the_compose_file_is_one_and_every_file_that_it_mounts_exists(tmp_path):
    example = (COMPOSE / ".env.example").read_text()
    (tmp_path / "env").write_text(re.sub(r"PASSWORD=$", "PASSWORD=x", example, flags=re.M))
    done = compose_config(tmp_path / "env")
    assert done.returncode == 0, done.stderr
    for name, service in yaml.safe_load(done.stdout)["services"].items():
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            assert not source.startswith("/") or os.path.exists(source), f"{name}: {volume}"


def test_nothing_starts_with_a_password_that_everybody_knows():
    done = compose_config(".env.example")
    assert done.returncode != 0 and "set it in .env" in done.stderr


def test_the_compose_file_confines_the_sweeper_and_gives_it_time_to_drain():
    for name in ("sweeper", "migrate", "ctl"):
        service = FILE["services"][name]
        assert service["read_only"] and service["cap_drop"] == ["ALL"]
        assert service["security_opt"] == ["no-new-privileges:true"]
    drain_s = int(re.search(r"LIMIT_DRAIN_MS (\d+)", LIMITS)[1]) / 1000
    assert int(FILE["services"]["sweeper"]["stop_grace_period"].rstrip("s")) >= drain_s + 5
    assert FILE["services"]["certificates"]["environment"]["RESCUE_UID"] == USER.split(":")[0]
    public = [port for service in FILE["services"].values() for port in service.get("ports", [])
              if not port.startswith("127.0.0.1:")]
    assert public == ["8443:8443"]


def test_the_parts_of_the_compose_file_know_each_other():
    services = FILE["services"]
    sweeper = yaml.safe_load((COMPOSE / "sweeper.yaml").read_text())
    prometheus = yaml.safe_load((COMPOSE / "prometheus.yml").read_text())
    admin = sweeper["admin_listen"].split(":")[1]
    assert prometheus["scrape_configs"][0]["static_configs"][0]["targets"] == [f"sweeper:{admin}"]
    for rules in prometheus["rule_files"]:
        assert any(volume.split(":")[1] == f"/etc/prometheus/{rules}" for volume in services["prometheus"]["volumes"])
    loki = yaml.safe_load((COMPOSE / "loki.yaml").read_text())
    loki_url = f"http://loki:{loki['server']['http_listen_port']}"
    sources = yaml.safe_load((COMPOSE / "grafana/datasources/rescue.yaml").read_text())["datasources"]
    assert {source["type"]: source["url"] for source in sources} == {"loki": loki_url,
                                                                     "prometheus": "http://prometheus:9090"}
    assert [sink["url"] for sink in sweeper["sinks"]] == [loki_url]
    database = sweeper["tenants"][0]["database"]
    assert "host=postgres" in database and f"dbname={services['postgres']['environment']['POSTGRES_DB']}" in database
    dashboards = yaml.safe_load((COMPOSE / "grafana/dashboards/rescue.yaml").read_text())["providers"][0]["options"]["path"]
    assert any(volume.split(":")[1].startswith(dashboards) for volume in services["grafana"]["volumes"])


def test_prometheus_takes_its_configuration(tmp_path):
    for volume in FILE["services"]["prometheus"]["volumes"]:
        source, target, *_ = volume.split(":")
        if source.startswith("."):
            shutil.copy(COMPOSE / source, tmp_path / target.rsplit("/", 1)[1])
    done = subprocess.run(["promtool", "check", "config", tmp_path / "prometheus.yml"], capture_output=True, text=True)
    assert done.returncode == 0 and "rules found" in done.stdout, done.stdout + done.stderr


# -- the image ------------------------------------------------------------------------------------------------------

class Image:
    """What `FROM scratch` becomes, entered as the image's user."""

    def __init__(self, folder):
        self.root = folder / "image"
        subprocess.run([COMPOSE / "image-root", self.root], check=True)
        self.etc = self.root / "etc" / "rescue"

    def command(self, *args):
        return ["/usr/sbin/chroot", f"--userspec={USER}", str(self.root), *args]

    def run(self, *args):
        return subprocess.run(self.command(*args), capture_output=True, text=True, timeout=60, env={})


def make_certificates(folder, into):
    environment = {**os.environ, "PATH": f"{BIN}:{os.environ['PATH']}", **FILE["services"]["certificates"]["environment"],
                   "RESCUE_SERVER_NAMES": "sweeper,localhost", "RESCUE_WORKSPACES": "ws-1 ws-2"}
    subprocess.run([COMPOSE / "certificates", folder / "authority", into], check=True, env=environment,
                   stdout=subprocess.DEVNULL)
    return {path.name: path.read_bytes() for path in sorted(into.iterdir())}


@pytest.fixture(scope="module")
def image(tmp_path_factory):
    made = Image(tmp_path_factory.mktemp("image"))
    made.tls = make_certificates(made.root.parent, made.etc / "tls")
    shutil.copy(COMPOSE / "sweeper.yaml", made.etc / "sweeper.yaml")
    return made


@as_root
def test_certificates_are_made_once_and_again_before_they_end(tmp_path):
    into = tmp_path / "certificates"
    first = make_certificates(tmp_path, into)
    assert make_certificates(tmp_path, into) == first
    old = time.time() - 301 * 86400
    os.utime(into / "sweeper.crt", (old, old))
    second = make_certificates(tmp_path, into)
    assert {name for name in first if first[name] != second[name]} == {"sweeper.crt", "sweeper.key"}


@as_root
def test_the_image_holds_two_programs_and_no_shell(image):
    files = {str(path.relative_to(image.root)) for path in image.root.rglob("*") if path.is_file()}
    assert {path for path in files if "/bin/" in path} == {"usr/bin/rescue-sweeper", "usr/bin/rescuectl"}
    assert image.run("/usr/bin/rescue-sweeper", "version").returncode == 0
    assert image.run("/usr/bin/rescuectl", "--help").returncode == 0
    assert not (image.etc / "tls" / "ca.key").exists()
    assert {"ca.crt", "sweeper.key", "operator.crt", "control-plane.crt", "ws-1.crt", "ws-2.key"} <= set(image.tls)


@as_root
def test_the_images_user_can_read_its_configuration_and_its_certificates(image):
    done = image.run(*words("ENTRYPOINT"), *words("CMD")[:2], "check-config")
    assert done.returncode == 0 and "1 tenant, 1 sink" in done.stdout and "warning" not in done.stderr


@pytest.fixture
def platform(cluster):
    """A database as the compose file's PostgreSQL makes it when its volume is empty."""
    name = "c_" + uuid.uuid4().hex[:12]

    def execute(database, *statements):
        with contextlib.closing(psycopg2.connect(cluster.dsn(database))) as connection:
            connection.autocommit = True
            for statement in statements:
                connection.cursor().execute(statement)
    execute("postgres", f"CREATE DATABASE {name}")
    subprocess.run([COMPOSE / "postgres" / "10-platform.sh"], check=True, stdout=subprocess.DEVNULL, env={
        **os.environ, "PGHOST": str(cluster.socket_dir), "POSTGRES_DB": name, "RESCUE_PASSWORD": "it's"})
    connection = psycopg2.connect(cluster.dsn(name))
    connection.autocommit = True
    yield name, connection.cursor()
    connection.close()
    execute("postgres", f"DROP DATABASE {name} WITH (FORCE)", "DROP ROLE rescue")


@pytest.fixture
def socket_inside(cluster, image):
    inside = image.root / "run" / "postgresql"
    inside.mkdir(parents=True, exist_ok=True)
    if subprocess.run(["mount", "--bind", cluster.socket_dir, inside], capture_output=True).returncode != 0:
        pytest.skip("this sandbox lets root mount nothing")
    yield
    subprocess.run(["umount", inside], check=True)


@as_root
def test_what_the_containerfile_starts_rescues_with_the_roles_few_rights(image, platform, socket_inside, tmp_path):
    name, cursor = platform
    loki = Loki(tmp_path).start()
    settings = yaml.safe_load((COMPOSE / "sweeper.yaml").read_text())
    settings["tenants"][0]["database"] = f"host=/run/postgresql user=rescue dbname={name}"
    settings["sinks"][0]["url"] = loki.url
    settings["sweep"]["interval_s"] = 1
    settings["listen"] = f"0.0.0.0:{free_port()}"
    settings["admin_listen"] = f"0.0.0.0:{free_port()}"
    (image.etc / "sweeper.yaml").write_text(yaml.safe_dump(settings))
    entrypoint, health = words("ENTRYPOINT"), words("HEALTHCHECK")
    migrated = image.run(*entrypoint, *FILE["services"]["migrate"]["command"])
    assert migrated.returncode == 0, migrated.stderr
    assert image.run(*health).returncode == 1
    sweeper = Process(image.command(*entrypoint, *words("CMD")), tmp_path / "sweeper.log")
    try:
        wait_for("the health check to be content", lambda: image.run(*health).returncode == 0)
        assert image.run(*health).stdout == "ready\n"
        cursor.execute("INSERT INTO workspaces (status, updated_at) VALUES ('provisioning', now() - interval '1 hour')"
                       " RETURNING id::text")
        workspace_id = cursor.fetchone()[0]
        line, = wait_for("the record in Loki", lambda: loki.lines('{kind="rescue"} | workspace_id="%s"' % workspace_id))
        assert json.loads(line)["outcome"] == "unreachable"
        cursor.execute("SELECT count(*) FROM structure_events")
        assert cursor.fetchone() == (1,)
    finally:
        assert sweeper.stop() == 0, sweeper.log_text()
        loki.stop()


@pytest.mark.parametrize("listen, asked", [("127.0.0.1:{}", "127.0.0.1"), ("0.0.0.0:{}", "127.0.0.1"),
                                           ("localhost:{}", "localhost"), ("[::]:{}", "[::1]")])
def test_health_asks_where_the_sweeper_listens(tmp_path, listen, asked):
    config = tmp_path / "sweeper.yaml"
    port = free_port()
    config.write_text(json.dumps({"trust_domain": "x", "tls": {"cert": "c", "key": "k", "client_ca": "a"},
                                  "tenants": [{"org": "a", "database": "dbname=a"}], "admin_listen": listen.format(port)}))
    done = subprocess.run([BIN / "rescue-sweeper", "--config", config, "health"], capture_output=True, text=True)
    assert done.returncode == 1 and f"http://{asked}:{port}/readyz" in done.stderr
