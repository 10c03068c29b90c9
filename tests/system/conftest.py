"""Real parts for the system tests: a private PostgreSQL, certificates made by rescuectl, sweeper and agent processes.

Everything lives in temporary folders and on loopback; only processes started here are stopped, by pid.
RESCUE_BIN names the folder of the programs under test (default: build/bin).
"""

import contextlib
import gzip
import http.client
import json
import os
import pathlib
import pwd
import random
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import time
import uuid

import psycopg2
import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BIN = pathlib.Path(os.environ.get("RESCUE_BIN", ROOT / "build" / "bin"))
FAULT_BIN = ROOT / "build" / "fault" / "bin"  # the programs with failpoints
SHARED = ROOT.parent / "shared"
ORG = "acme"
TRUST_DOMAIN = "rescue.example"
WAIT_S = 60  # how long a test waits for something that is bound to happen; never part of a claim

sys.path.insert(0, str(ROOT / "tests" / "doubles"))

STATUSES = ("provisioning", "online", "offline", "degraded", "failed", "removed", "paused", "hibernated",
            "hibernating", "awaiting_agent")


handed_out = set()


def free_port():
    """Never the same one twice, and below those that outgoing connections get: nobody takes it before it is used."""
    while True:
        port = random.randrange(15000, 32000)
        if port in handed_out:
            continue
        handed_out.add(port)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        return port


def wait_for(what, check, seconds=WAIT_S):
    """Polls until `check` gives something true and returns it; fails naming `what`."""
    deadline = time.monotonic() + seconds
    while True:
        result = check()
        if result:
            return result
        if time.monotonic() > deadline:
            pytest.fail(f"waited {seconds} s in vain for: {what}")
        time.sleep(0.03)


def stop_process(process, timeout=20):
    """SIGTERM, then SIGKILL; returns the exit code."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(timeout)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    return process.returncode


class Cluster:
    """A PostgreSQL of the tests' own: Unix socket only unless told otherwise, state in one folder."""

    listen = ""

    def __init__(self, folder):
        self.folder = folder
        self.socket_dir = folder / "s"
        self.data = folder / "data"
        self.socket_dir.mkdir(parents=True)
        versions = sorted(pathlib.Path("/usr/lib/postgresql").iterdir(), key=lambda p: int(p.name))
        self.bin = versions[-1] / "bin"
        if os.getuid() == 0:
            owner = pwd.getpwnam("postgres")
            for path in (folder, self.socket_dir):
                os.chown(path, owner.pw_uid, owner.pw_gid)
            folder.chmod(0o755)
        self.run("initdb", "-D", self.data, "-A", "trust", "-U", "postgres", "--no-sync", "-E", "UTF8")
        self.start()

    def run(self, program, *args):
        command = [str(self.bin / program), *map(str, args)]
        if os.getuid() == 0:
            command = ["runuser", "-u", "postgres", "--", *command]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd="/")

    def start(self):
        options = f"-c listen_addresses='{self.listen}' -c unix_socket_directories={self.socket_dir} -c fsync=off -c max_connections=300"
        self.run("pg_ctl", "-D", self.data, "-w", "-l", self.folder / "log", "-o", options, "start")

    def stop(self, mode="fast"):
        self.run("pg_ctl", "-D", self.data, "-w", "-m", mode, "stop")

    def dsn(self, database):
        return f"host={self.socket_dir} user=postgres dbname={database}"


class Database:
    """One database with the platform's tables, as the platform would have made them."""

    def __init__(self, cluster, id_type="uuid", status_type="enum", structure_events=True):
        self.cluster = cluster
        self.id_type = id_type
        self.name = "t_" + uuid.uuid4().hex[:12]
        with contextlib.closing(psycopg2.connect(cluster.dsn("postgres"))) as admin:
            admin.autocommit = True
            admin.cursor().execute(f"CREATE DATABASE {self.name}")
        self.dsn = cluster.dsn(self.name)
        self.connection = None
        if status_type == "enum":
            self.execute("CREATE TYPE workspace_status AS ENUM (%s)" % ", ".join(f"'{s}'" for s in STATUSES))
        status = "workspace_status" if status_type == "enum" else "text"
        self.execute(f"""CREATE TABLE workspaces (id {id_type} PRIMARY KEY, status {status}, runtime TEXT,
                         instance_id TEXT, last_sample_error TEXT, updated_at TIMESTAMPTZ)""")
        if structure_events:
            self.execute("""CREATE TABLE structure_events (id UUID PRIMARY KEY DEFAULT gen_random_uuid(),
                            event_type TEXT NOT NULL, workspace_id UUID, payload JSONB,
                            created_at TIMESTAMPTZ NOT NULL DEFAULT now())""")

    def query(self, sql, *args):
        """Rows as a list of tuples; its own short-lived transaction. Reconnects after the cluster was restarted."""
        if self.connection is None or self.connection.closed:
            self.connection = psycopg2.connect(self.dsn)
            self.connection.autocommit = True
        with self.connection.cursor() as cursor:
            cursor.execute(sql, args)
            return cursor.fetchall() if cursor.description else []

    execute = query

    def add_workspace(self, workspace_id=None, status="provisioning", age_s=0, runtime="claude", instance_id="i-0abc"):
        workspace_id = workspace_id or str(uuid.uuid4())
        self.execute("""INSERT INTO workspaces (id, status, runtime, instance_id, updated_at)
                        VALUES (%s, %s, %s, %s, now() - make_interval(secs => %s))""",
                     workspace_id, status, runtime, instance_id, age_s)
        return workspace_id

    def status(self, workspace_id):
        return self.query("SELECT status::text FROM workspaces WHERE id = %s", workspace_id)[0][0]

    def captures(self, workspace_id=None):
        rows = self.query("""SELECT capture_id::text, workspace_id, state, reason FROM rescue.captures
                             WHERE %s::text IS NULL OR workspace_id = %s ORDER BY requested_at""",
                          workspace_id, workspace_id)
        return [dict(zip(("capture_id", "workspace_id", "state", "reason"), row)) for row in rows]

    def close(self):
        if self.connection is not None:
            self.connection.close()
        with contextlib.closing(psycopg2.connect(self.cluster.dsn("postgres"))) as admin:
            admin.autocommit = True
            admin.cursor().execute(f"DROP DATABASE IF EXISTS {self.name} WITH (FORCE)")


class Authority:
    """A certificate authority made by `rescuectl ca`."""

    def __init__(self, folder, trust_domain=TRUST_DOMAIN):
        self.folder = folder
        self.made = {}
        self.issued = 0
        self.run("init", folder, "--trust-domain", trust_domain)
        self.ca = folder / "ca.crt"

    def run(self, *args):
        subprocess.run([BIN / "rescuectl", "ca", *map(str, args)], check=True, stdout=subprocess.DEVNULL)

    def issue(self, *role, org=ORG):
        """(certificate, key) for ("--workspace", id), ("--operator",), ("--control-plane",) or ("--server", names)."""
        key = (org, *role)
        if key not in self.made:
            self.issued += 1
            prefix = self.folder / f"c{self.issued}"
            self.run("issue", self.folder, "--org", org, *role, "--out", prefix)
            self.made[key] = (pathlib.Path(f"{prefix}.crt"), pathlib.Path(f"{prefix}.key"))
        return self.made[key]


class Client:
    """A person or program with a certificate, speaking to the gate; one connection a request."""

    def __init__(self, port, ca, cert=None, key=None, host="127.0.0.1"):
        self.host, self.port = host, port
        self.context = ssl.create_default_context(cafile=str(ca))
        if cert is not None:
            self.context.load_cert_chain(str(cert), str(key))

    def connect(self, timeout=WAIT_S):
        return http.client.HTTPSConnection(self.host, self.port, context=self.context, timeout=timeout)

    def request(self, method, path, body=None, headers=None):
        """(status, parsed JSON or raw bytes)"""
        connection = self.connect()
        try:
            if isinstance(body, (dict, list)):
                body = json.dumps(body)
            connection.request(method, path, body=body, headers=headers or {})
            answer = connection.getresponse()
            raw = answer.read()
        finally:
            connection.close()
        try:
            return answer.status, json.loads(raw)
        except ValueError:
            return answer.status, raw


class Process:
    """A program with its log in a file."""

    def __init__(self, command, log, env=None):
        self.log = log
        self.output = open(log, "ab")
        self.process = subprocess.Popen([str(part) for part in command], stdout=self.output, stderr=self.output,
                                        stdin=subprocess.DEVNULL, env={**os.environ, **(env or {})})

    def log_text(self):
        return self.log.read_text(errors="replace")

    def alive(self):
        return self.process.poll() is None

    def stop(self):
        code = stop_process(self.process)
        self.output.close()
        return code

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        self.output.close()


class Sweeper:
    """rescue-sweeper with a configuration of the test's own. `program` may put something before it."""

    program = [str(BIN / "rescue-sweeper")]
    host = "127.0.0.1"

    def __init__(self, folder, authority, databases, env=None, **changes):
        """`databases`: {org: Database}; `changes` replaces top-level keys of the configuration."""
        self.folder = folder
        self.authority = authority
        self.port, self.admin_port = free_port(), free_port()
        self.archive = folder / "archive"
        self.env = env or {}
        cert, key = authority.issue("--server", f"localhost,{self.host}")
        self.settings = {
            "trust_domain": TRUST_DOMAIN,
            "listen": f"{self.host}:{self.port}",
            "admin_listen": f"{self.host}:{self.admin_port}",
            "tls": {"cert": str(cert), "key": str(key), "client_ca": str(authority.ca)},
            "tenants": [{"org": org, "database": database.dsn, "workspaces_table": "public.workspaces"}
                        for org, database in databases.items()],
            "sweep": {"interval_s": 1, "batch": 500},
            "capture": {"deadline_s": 45, "grace_h": 24},
            "sinks": [{"kind": "archive", "dir": str(self.archive)}],
            "redaction": {"rules_dir": str(folder / "rules.d")},
            **changes,
        }
        self.config = folder / "sweeper.yaml"
        self.write_config()
        self.running = None

    def write_config(self):
        self.config.write_text(json.dumps(self.settings, indent=1))  # JSON is YAML

    def command(self, *args, check=False):
        return subprocess.run([str(BIN / "rescue-sweeper"), "--config", str(self.config), *args], text=True,
                              capture_output=True, check=check, timeout=WAIT_S, env={**os.environ, **self.env})

    def migrate(self):
        done = self.command("migrate")
        assert done.returncode == 0, done.stderr
        return self

    def sweep_once(self):
        done = self.command("sweep-once")
        assert done.returncode == 0, done.stderr
        return done

    def start(self, ready=True):
        self.running = Process([*self.program, "--config", self.config, "run"],
                               self.folder / "sweeper.log", self.env)
        if ready:
            wait_for("the sweeper to be ready", self.is_ready)
        return self

    def is_ready(self):
        assert self.running.alive(), self.running.log_text()
        return self.admin("/readyz")[0] == 200

    def admin(self, path):
        try:
            connection = http.client.HTTPConnection(self.host, self.admin_port, timeout=WAIT_S)
            connection.request("GET", path)
            answer = connection.getresponse()
            body = answer.read().decode()
            connection.close()
            return answer.status, body
        except OSError:
            return 0, ""

    def metric(self, name, **labels):
        """The sum of the series that carry `labels`."""
        total = 0.0
        for line in self.admin("/metrics")[1].splitlines():
            if line.startswith(name) and line[len(name):len(name) + 1] in (" ", "{"):
                if all(f'{key}="{value}"' in line for key, value in labels.items()):
                    total += float(line.rsplit(" ", 1)[1])
        return total

    def client(self, *role, org=ORG):
        return Client(self.port, self.authority.ca, *self.authority.issue(*role, org=org), host=self.host)

    def archived(self, capture_id):
        """The records of a capture in the archive, or None."""
        found = list(self.archive.rglob(f"{capture_id}.ndjson.gz"))
        if not found:
            return None
        return [json.loads(line) for line in gzip.decompress(found[0].read_bytes()).splitlines()]

    def log_text(self):
        return self.running.log_text()

    def stop(self):
        return self.running.stop() if self.running is not None else None


class Box:
    """A folder that looks like a box that failed to boot."""

    def __init__(self, folder):
        self.folder = folder
        self.write("configs/config.yaml", "name: demo\nruntime: claude\n")
        self.write("configs/system-prompt.md", "You are a demo.\n")
        self.write("var/log/cloud-init-output.log",
                   "Cloud-init v. 22.4.2 running 'modules:final'\nE: Unable to locate package frobnicate\n")
        self.write("run/cloud-init/status.json", '{"v1": {"stage": "modules-final"}}')
        self.write("run/cloud-init/result.json", '{"v1": {"errors": ["apt failed"]}}')
        self.write("etc/environment", "MODEL_NAME=demo-1\n")
        self.write("proc/1/environ", "PATH=/bin\0MODEL_PROVIDER=demo\0")

    def write(self, path, text):
        target = self.folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(text if isinstance(text, bytes) else text.encode())
        return target


class Agent:
    """rescue-agent on a box. `program` may put an emulator or the like before it."""

    program = [str(BIN / "rescue-agent")]
    env = None

    def __init__(self, folder, authority, workspace_id, ports, box, org=ORG, **changes):
        self.folder = folder
        self.box = box
        cert, key = authority.issue("--workspace", workspace_id, org=org)
        self.spool = folder / f"spool-{workspace_id}"
        self.settings = {
            "sweepers": [f"https://127.0.0.1:{port}" for port in ports],
            "identity": {"cert": str(cert), "key": str(key), "ca": str(authority.ca)},
            "root": str(box.folder),
            "redaction": {"rules_dir": str(folder / "agent-rules.d")},
            "spool_dir": str(self.spool),
            **changes,
        }
        self.name = f"agent-{workspace_id}"
        self.config = folder / f"{self.name}.yaml"
        self.write_config()
        self.running = None

    def write_config(self):
        self.config.write_text(json.dumps(self.settings, indent=1))

    def command(self, *args, **kwargs):
        return subprocess.run([*self.program, "--config", str(self.config), *args], capture_output=True,
                              timeout=WAIT_S * 2, **kwargs)

    def start(self):
        self.running = Process([*self.program, "--config", self.config, "run"], self.folder / f"{self.name}.log",
                               self.env)
        return self

    def log_text(self):
        return self.running.log_text()

    def stop(self):
        return self.running.stop() if self.running is not None else None


@contextlib.contextmanager
def private_cluster(kind=Cluster):
    # Socket paths are short (108 bytes): pytest's own folders may be too deep.
    folder = pathlib.Path("/tmp") / f"rescue-pg-{uuid.uuid4().hex[:8]}"
    folder.mkdir()
    private = kind(folder)
    yield private
    private.stop("immediate")
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def cluster():
    with private_cluster() as private:
        yield private


@pytest.fixture
def make_database(cluster):
    made = []

    def make(**options):
        made.append(Database(cluster, **options))
        return made[-1]

    yield make
    for database in made:
        database.close()


@pytest.fixture
def database(make_database):
    return make_database()


@pytest.fixture(scope="session")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("ca"))


@pytest.fixture
def make_sweeper(tmp_path, authority, database):
    made = []

    def make(databases=None, env=None, **changes):
        folder = tmp_path / f"sweeper-{len(made)}"
        folder.mkdir()
        made.append(Sweeper(folder, authority, databases or {ORG: database}, env, **changes))
        return made[-1]

    yield make
    for sweeper in made:
        sweeper.stop()


@pytest.fixture
def sweeper(make_sweeper):
    """Migrated and running, one tenant, archive sink."""
    return make_sweeper().migrate().start()


@pytest.fixture
def box(tmp_path):
    return Box(tmp_path / "box")


@pytest.fixture
def make_agent(tmp_path, authority, box):
    made = []

    def make(workspace_id, ports, on=None, **changes):
        made.append(Agent(tmp_path, authority, workspace_id, ports, on or box, **changes))
        return made[-1]

    yield make
    for agent in made:
        agent.stop()
