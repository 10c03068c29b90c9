"""One round: verdicts, faults meanwhile, and everything started again until every capture has ended."""

import time

import points

STUCK_S = 90


class Round:
    def __init__(self, world, cards):
        self.world, self.rng = world, world.rng
        self.cards = cards
        self.homes = self.rng.sample(world.homes, self.rng.randrange(2, len(world.homes) + 1))
        wants_absent = any(kind == "sweeper" and points.needs_absent_box(arg) for kind, arg in cards)
        self.absent = world.absent if wants_absent else []
        self.unanswered = []  # the control plane's calls
        self.died = []
        self.begun = time.monotonic()

    def arm(self):
        stalls = any(kind == "stall" for kind, _ in self.cards)
        for kind, arg in self.cards:
            if kind == "sweeper":
                skip = self.rng.randint(0, points.SKIPS.get(arg, 0))
                (self.world.points / arg).write_text(f"kill {skip}\n")
                self.lame_loki([] if stalls else points.loki_faults_for(arg))
            elif kind == "stall":
                (self.world.points / arg).write_text(f"delay 0 {points.STALL_MS}\n")
            elif kind == "agent":
                home = self.rng.choice([home for home in self.homes if home in self.world.mortal_homes])
                (home.points / arg).write_text(f"kill {self.rng.randint(0, points.SKIPS.get(arg, 0))}\n")
            # A Loki that refuses timestamps and takes the same ones later is none: nothing protects from a stalled push then.
            elif kind == "loki" and not stalls:
                self.lame_loki([points.LOKI_FAULTS[arg]])

    def lame_loki(self, faults):
        if faults:
            self.world.loki.fail(*faults)

    def disarm(self):
        """The points that were reached."""
        hit = [arg for kind, arg in self.cards if kind == "sweeper" and not (self.world.points / arg).exists()]
        hit += [arg for kind, arg in self.cards if kind == "agent" and
                not any((home.points / arg).exists() for home in self.world.homes)]
        for folder in [self.world.points] + [home.points for home in self.world.homes]:
            for path in folder.iterdir():
                path.unlink(missing_ok=True)
        self.world.loki.heal()
        return hit

    def give_verdicts(self):
        world = self.world
        for home in self.homes:
            home.furnish()
            home.flips += 1
            by = self.rng.choice(("the sweep", "the control plane", "another program"))
            world.insist("""UPDATE workspaces SET status = 'provisioning', updated_at = now() - make_interval(secs => %s),
                            instance_id = 'i-0abc' WHERE id = %s""", 700 if by == "the sweep" else 0, home.workspace_id)
            if by == "the control plane":
                self.unanswered.append(home.workspace_id)
            elif by == "another program":
                home.external_flips += 1
                world.insist("UPDATE workspaces SET status = 'failed' WHERE id = %s AND status = 'provisioning'",
                             home.workspace_id)
        for workspace_id in self.absent:
            world.absent_flips[workspace_id] += 1
            world.insist("""UPDATE workspaces SET status = 'provisioning', updated_at = now() - interval '700 s',
                            instance_id = NULL WHERE id = %s""", workspace_id)
        self.call_control_plane()

    def call_control_plane(self):
        self.unanswered = [workspace_id for workspace_id in self.unanswered
                           if not self.world.bootstrap_failed(workspace_id)]

    def kill(self):
        world, rng = self.world, self.rng
        for kind, _ in self.cards:
            if kind.startswith("kill"):
                time.sleep(rng.uniform(0, 0.5))
            if kind == "kill everything":
                for sweeper in world.sweepers:
                    world.kill_sweeper(sweeper)
                for home in world.homes:
                    world.kill_agent(home)
                world.kill_loki()
            if kind in ("kill postgres", "kill everything"):
                world.kill_postgres()
            elif kind == "kill loki":
                world.kill_loki()
            elif kind == "kill sweeper":
                world.kill_sweeper(rng.choice(world.mortal_sweepers))
            elif kind == "kill agent":
                world.kill_agent(rng.choice(world.mortal_homes))

    def has_ended(self):
        rows = self.world.query("""SELECT count(*) FROM rescue.captures WHERE shipped_at IS NULL
                                   UNION ALL SELECT count(*) FROM workspaces WHERE status = 'provisioning'""")
        return rows == [(0,), (0,)] and not self.unanswered and not any(
            list(home.agent.spool.glob("*")) for home in self.homes)

    def see_through(self):
        """False when it did not come to an end."""
        while not self.has_ended():
            time.sleep(0.03)
            self.died += self.world.revive()
            self.call_control_plane()
            self.world.hurry()
            if time.monotonic() - self.begun > STUCK_S:
                return False
        return True

    def run(self):
        self.arm()
        self.give_verdicts()
        self.kill()
        ended = self.see_through()
        self.died += self.world.revive()
        return ended


def describe(cards):
    return ", ".join(f"{kind} {arg}" if arg is not None else kind for kind, arg in cards)


def stuck(world):
    rows = world.query("""SELECT capture_id::text, workspace_id, state, attempts, next_attempt_at - now(), lease_owner,
                          lease_until - now(), last_error FROM rescue.captures WHERE shipped_at IS NULL
                          OR state NOT IN ('shipped', 'unreachable')""")
    left = world.query("SELECT id::text, status::text, updated_at::text FROM workspaces WHERE status = 'provisioning'")
    return f"did not end: captures {rows}, rows {left}"
