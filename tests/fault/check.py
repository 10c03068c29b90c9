"""What must be true after every round."""

import collections
import gzip
import hashlib
import re

from world import decode, forms

COLUMNS = """capture_id::text, workspace_id, state, shipped_at IS NOT NULL, bundle, bundle_sha256,
             (to_jsonb(c) - 'bundle')::text"""


def world_clock(world):
    return world.insist("SELECT clock_timestamp()::text")[0]


MAX_BASES = 4  # of timestamps: Loki's double refuses old ones now and then


class Checker:
    def __init__(self, world):
        self.world = world
        self.loki_next = 0
        self.log_at = {}
        self.seen_until = "-infinity"  # what was ordered until then has been checked in earlier rounds
        self.problems = []

    def problem(self, text):
        self.problems.append(text)

    def round(self, homes, absent):
        self.new_entries()
        captures = self.new_captures()
        self.verdicts(captures)
        for workspace_id, row in captures.items():
            self.capture(row, next((home for home in homes if home.workspace_id == workspace_id), None))
        missing = {home.workspace_id for home in homes} | set(absent)
        missing -= set(captures)
        if missing:
            self.problem(f"no capture for {sorted(missing)}")
        for capture_id in set(self.entries) - {row[0] for row in captures.values()}:
            self.problem(f"Loki got records of another round's capture {capture_id}")
        self.canaries(captures)
        self.seen_until, = world_clock(self.world)
        problems, self.problems = self.problems + self.world.ended_by_themselves, []
        self.world.ended_by_themselves = []
        return problems

    def new_entries(self):
        self.entries = collections.defaultdict(list)
        entries, self.loki_next = self.world.loki.entries_since(self.loki_next)
        for entry in entries:
            self.entries[entry["metadata"]["capture_id"]].append(entry)

    def new_captures(self):
        """The round's, by workspace. One that a workspace has twice is a problem."""
        captures = {}
        for row in self.world.insist(f"SELECT {COLUMNS} FROM rescue.captures c WHERE requested_at > %s", self.seen_until):
            if row[1] in captures:
                self.problem(f"two captures of {row[1]}")
            captures[row[1]] = row
        return captures

    def verdicts(self, captures):
        """Exactly one capture and event for each flip, a line of the platform's log for each of ours, and none without."""
        world = self.world
        flips = {home.workspace_id: home.flips for home in world.homes} | world.absent_flips
        external = {home.workspace_id: home.external_flips for home in world.homes}
        for what, sql in (("captures", "SELECT workspace_id, count(*) FROM rescue.captures GROUP BY 1"),
                          ("events", "SELECT workspace_id, count(*) FROM rescue.events GROUP BY 1"),
                          ("structure_events", "SELECT workspace_id::text, count(*) FROM structure_events GROUP BY 1")):
            counts = dict(world.insist(sql))
            for workspace_id, flipped in flips.items():
                if what == "structure_events":
                    flipped -= external.get(workspace_id, 0)
                if counts.get(workspace_id, 0) != flipped:
                    self.problem(f"{workspace_id}: {flipped} flips, {counts.get(workspace_id, 0)} {what}")
        for workspace_id, status in world.insist("SELECT id::text, status::text FROM workspaces"):
            if workspace_id in captures and status != "failed":
                self.problem(f"{workspace_id}: captured, and its status is {status}")

    def capture(self, row, home):
        capture_id, workspace_id, state, is_shipped, bundle, sha256, _ = row
        if state != ("shipped" if home else "unreachable") or not is_shipped:
            self.problem(f"{capture_id} of {workspace_id} ended as {state}, shipped: {is_shipped}")
            return
        lines = gzip.decompress(bytes(bundle)).decode().splitlines()
        found = [entry["line"] for entry in sorted(self.entries[capture_id], key=lambda entry: int(entry["ts"]))]
        if collections.Counter(found) != collections.Counter(lines):
            self.problem(f"{capture_id}: {len(lines)} records stored, Loki has {len(found)}, of them "
                         f"{len(set(found) & set(lines))} different right ones")
        bases = {int(entry["ts"]) - lines.index(entry["line"]) for entry in self.entries[capture_id] if entry["line"] in lines}
        if len(bases) > MAX_BASES:
            self.problem(f"{capture_id}: its records do not stand in their order")
        archived = list(self.world.archive.rglob(f"{capture_id}.*"))
        if [path.suffix for path in archived] != [".gz"] or archived[0].read_bytes() != bytes(bundle):
            self.problem(f"{capture_id}: the archive has {[path.name for path in archived]} or other bytes")
        records = decode(lines)
        self.sections(capture_id, records)
        if home:
            self.content(capture_id, records, home)
            spooled = home.spooled.pop(capture_id, None)
            if spooled is not None and hashlib.sha256(gzip.decompress(spooled)).hexdigest() != sha256:
                self.problem(f"{capture_id}: another bundle is stored than the agent had spooled")

    def sections(self, capture_id, records):
        contents = collections.defaultdict(str)
        for record in records:
            contents[record["section"]] += record["content"]
        for record in records:
            if record["sha256"] != hashlib.sha256(contents[record["section"]].encode()).hexdigest():
                self.problem(f"{capture_id}: section {record['section']} is not what its sha256 says")

    def content(self, capture_id, records, home):
        text = {record["section"]: record["content"] for record in records}
        log = text.get("cloud-init-output.log.tail", "")
        whole = (text.get("system-prompt.md") == home.prompt and
                 re.fullmatch(rf"name: {home.name}\ngithub_token: \[REDACTED:[A-Z_]+\]\nruntime: claude\n",
                              text.get("config.yaml", "")) and
                 log.endswith(f"E: Unable to locate package {home.name}\n") and log.count("[REDACTED:") == 3)
        if not whole:
            self.problem(f"{capture_id}: the content is not the box's of this round")

    def canaries(self, captures):
        world = self.world
        places = {"the logs": self.new_log_bytes()}
        ids = [row[0] for row in captures.values()]
        for table in ("rescue.events", "structure_events"):
            places[table] = str(world.insist(f"SELECT to_jsonb(t)::text FROM {table} t WHERE created_at > %s",
                                             self.seen_until)).encode()
        places["workspaces"] = str(world.insist("SELECT to_jsonb(t)::text FROM workspaces t")).encode()
        places["rescue.captures"] = b"".join(row[6].encode() + gzip.decompress(bytes(row[4] or b"")) if row[4] else b""
                                             for row in captures.values())
        places["Loki"] = str([self.entries[capture_id] for capture_id in ids]).encode()
        places["spools"] = b"".join(gzip.decompress(spooled) for home in world.homes for spooled in home.spooled.values())
        for home in world.homes:
            for secret in home.canaries:
                for form in forms(secret):
                    for place, text in places.items():
                        if form in text:
                            self.problem(f"a canary of box {home.number} is in {place}")

    def new_log_bytes(self):
        world, text = self.world, b""
        for path in [world.cluster.folder / "log", *(home.agent.running.log for home in world.homes),
                     *(sweeper.running.log for sweeper in world.sweepers)]:
            with open(path, "rb") as log:
                log.seek(self.log_at.get(path, 0))
                text += log.read()
                self.log_at[path] = log.tell()
        return text
