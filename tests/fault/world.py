"""A small installation that faults happen to: PostgreSQL, Loki, two sweepers, a box with an agent for each workspace."""

import base64
import json
import os
import pathlib
import random
import signal
import string
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
os.environ.setdefault("RESCUE_BIN", str(ROOT / "build" / "fault" / "bin"))
sys.path[:0] = [str(ROOT / "tests" / "system"), str(ROOT / "tests" / "doubles")]

import psycopg2  # noqa: E402
from conftest import ORG, Agent, Authority, Box, Cluster, Database, Sweeper  # noqa: E402
from loki_process import UNLIMITED, Loki  # noqa: E402

DATABASE_ERRORS = (psycopg2.OperationalError, psycopg2.InterfaceError, psycopg2.DatabaseError)


def letters(rng, count):
    return "".join(rng.choices(string.ascii_letters + string.digits, k=count))


class Home:
    """A workspace with its box and its agent, and what is on the box in this round."""

    def __init__(self, world, number):
        self.number = number
        self.rng = world.rng
        self.workspace_id = f"{number:08x}-0000-4000-8000-{world.rng.getrandbits(48):012x}"
        self.flips = self.external_flips = 0
        self.box = Box(world.folder / f"box-{number}")
        self.points = world.folder / f"points-agent-{number}"
        self.points.mkdir()
        ports = [sweeper.port for sweeper in world.sweepers]
        self.rng.shuffle(ports)
        self.agent = Agent(world.folder, world.authority, self.workspace_id, ports, self.box)
        self.canaries = []
        self.spooled = {}  # capture -> the bundle as it was seen in the spool of a dead agent

    def start(self):
        self.agent.env = {"RESCUE_FAILPOINTS": str(self.points)}
        self.agent.start()

    def furnish(self):
        """New content for the box, with new secrets."""
        rng = self.rng
        self.canaries = ["ghp_" + letters(rng, 36), "sk-" + letters(rng, 48), letters(rng, 24), letters(rng, 28)]
        token, key, password, known = self.canaries
        self.prompt = f"You are box {self.number}.\nThe word is {letters(rng, 12).lower()} ä€😀 \"quoted\" \\.\n"
        self.name = letters(rng, 8)
        self.box.write("configs/.auth_token", known + "\n")
        self.box.write("configs/system-prompt.md", self.prompt)
        self.box.write("configs/config.yaml", f"name: {self.name}\ngithub_token: {token}\nruntime: claude\n")
        self.box.write("var/log/cloud-init-output.log",
                       f"cloning https://x:{password}@git.example/r.git\nexport OPENAI_API_KEY={key}\nusing {known}\n" +
                       "".join(f"line {i} {letters(rng, 20)}\n" for i in range(rng.randrange(100))) +
                       f"E: Unable to locate package {self.name}\n")

    def keep_spool(self):
        for path in self.agent.spool.glob("*.ndjson.gz"):
            self.spooled[path.name.split(".")[0]] = path.read_bytes()


class World:
    def __init__(self, folder, seed, homes=5, **sweeper_changes):
        self.folder = folder
        self.rng = random.Random(seed)
        self.cluster = Cluster(folder / "pg")
        self.database = Database(self.cluster)
        self.authority = Authority(folder / "ca")
        self.points = folder / "points-sweeper"
        self.archive = folder / "archive"
        for path in (self.points, folder / "loki"):
            path.mkdir()
        self.loki = Loki(folder / "loki", *UNLIMITED).start()
        self.sweepers = [self.make_sweeper(number, sweeper_changes) for number in range(2)]
        self.sweepers[0].migrate()
        self.homes = [Home(self, number) for number in range(homes)]
        self.absent = [f"ffff{number:04x}-0000-4000-8000-{self.rng.getrandbits(48):012x}" for number in range(2)]
        self.ended_by_themselves = []
        self.mortal_sweepers, self.mortal_homes = self.sweepers, self.homes  # what a round may kill by itself
        self.absent_flips = dict.fromkeys(self.absent, 0)
        for sweeper in self.sweepers:
            sweeper.start(ready=False)
        for home in self.homes:
            home.furnish()
            home.start()
        for workspace_id in [home.workspace_id for home in self.homes] + self.absent:
            self.database.add_workspace(workspace_id, status="failed")

    def make_sweeper(self, number, changes):
        folder = self.folder / f"sweeper-{number}"
        folder.mkdir()
        return Sweeper(folder, self.authority, {ORG: self.database}, {"RESCUE_FAILPOINTS": str(self.points)},
                       verdicts={"adopt_external": True},
                       sinks=[{"kind": "loki", "url": self.loki.url}, {"kind": "archive", "dir": str(self.archive)}],
                       **changes)

    def query(self, sql, *args):
        """None while the database cannot be used."""
        try:
            return self.database.query(sql, *args)
        except DATABASE_ERRORS:
            self.database.connection = None
            return None

    def insist(self, sql, *args):
        while True:
            rows = self.query(sql, *args)
            if rows is not None:
                return rows
            time.sleep(0.05)

    def bootstrap_failed(self, workspace_id):
        """True when a sweeper has answered the control plane."""
        sweeper = self.rng.choice(self.sweepers)
        client = sweeper.client("--control-plane")
        body = {"error": "bootstrap failed", "log_tail": "the last words\n"}
        try:
            return client.request("POST", f"/v1/workspaces/{workspace_id}/bootstrap-failed", body)[0] == 200
        except (OSError, ValueError, EOFError):
            return False

    # -- faults ------------------------------------------------------------------------------------------------

    def kill_postgres(self):
        self.cluster.stop("immediate")
        self.database.connection = None
        time.sleep(self.rng.uniform(0, 0.4))
        self.cluster.start()

    def kill_loki(self):
        self.loki.stop(signal.SIGKILL)
        time.sleep(self.rng.uniform(0, 0.4))
        self.loki.start()

    def kill_sweeper(self, sweeper):
        if sweeper.running.alive():
            sweeper.running.kill()

    def kill_agent(self, home):
        if home.agent.running.alive():
            home.agent.running.kill()

    def revive(self):
        """Starts again what has died. Names what it was."""
        died = []
        for number, sweeper in enumerate(self.sweepers):
            if not sweeper.running.alive():
                died.append(f"sweeper {number}")
                self.note_end(died[-1], sweeper.running.process.returncode)
                self.forget_lease(sweeper.running.process.pid)
                sweeper.start(ready=False)
        for home in self.homes:
            if not home.agent.running.alive():
                died.append(f"agent {home.number}")
                # The uploader alone was killed at a failpoint: the process that is "the agent" ends with it.
                if "event=supervisor.uploader_killed signal=9" not in home.agent.log_text()[-400:]:
                    self.note_end(died[-1], home.agent.running.process.returncode)
                home.keep_spool()
                home.start()
        return died

    def note_end(self, what, code):
        """Only SIGKILL ends anything here: a crash or an exit of its own is a fault of ours."""
        if code != -signal.SIGKILL:
            self.ended_by_themselves.append(f"{what} ended by itself with {code}")

    def forget_lease(self, pid):
        """What the end of a dead sweeper's leases would do, without waiting for it."""
        self.insist("UPDATE rescue.captures SET lease_until = now() WHERE lease_owner LIKE %s", f"%:{pid}:%")

    def hurry(self):
        """What waits for its backoff is due now."""
        self.query("UPDATE rescue.captures SET next_attempt_at = now() WHERE shipped_at IS NULL AND next_attempt_at > now()")

    def close(self):
        """Names what did not end well when it was asked to: a sanitizer's report ends with another code, too."""
        parts = [home.agent for home in self.homes] + self.sweepers
        codes = [part.stop() for part in parts]
        self.loki.stop()
        self.database.close()
        self.cluster.stop("immediate")
        return [f"{part.folder.name}/{part.running.log.name}: stopped with {code}" for part, code in zip(parts, codes)
                if code != 0]


def forms(secret):
    """The secret, and what stands for it in base64 at each of the three offsets it can have in a longer text."""
    yield secret.encode()
    for offset in range(3):
        text = base64.b64encode(b"x" * offset + secret.encode()).rstrip(b"=")
        yield text[(0, 2, 3)[offset]:-1]


def decode(lines):
    return [json.loads(line) for line in lines]
