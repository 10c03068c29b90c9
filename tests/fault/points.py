"""The failpoints (shared/failpoint.h) between verdict and shipped, and what a round needs so that they are reached."""

# Statements of the ledger; each has a point after it was sent and one after its answer came.
STATEMENTS = ("sweep_structured", "bootstrap_failed_structured", "next_order", "mark_delivered", "capture_get", "bundle_store",
              "ship_claim", "ship_sink_done", "ship_done", "ship_later", "ship_rebase", "unreachable_find",
              "unreachable_store")
SWEEPER = (*(f"{when}.{name}" for name in STATEMENTS for when in ("sent", "done")), "sent.commit",
           "order.answering", "order.answered", "task.answering", "task.answered", "upload.redacted",
           "ship.pushing", "ship.pushed", "ship.asked", "file.written", "file.renamed")
AGENT = ("agent.ordered", "agent.captured", "spool.order_put", "spool.put", "agent.uploading",
         "agent.uploaded", "spool.dropping", "spool.dropped", "file.written", "file.renamed")

# Two files are written for a bundle, and an upload is several statements: the later ones shall be hit as well.
SKIPS = {"file.written": 1, "file.renamed": 1, "sent.next_order": 2, "done.next_order": 2, "ship.pushing": 1,
         "ship.pushed": 1, "ship.asked": 1, "task.answering": 2, "task.answered": 2, "sent.ship_sink_done": 3,
         "done.ship_sink_done": 3, "sent.ship_done": 2, "done.ship_done": 2}

# Where a sweeper that was not killed but stalled comes back when its lease is another's.
STALLS = ("ship.pushing", "ship.asked")
STALL_MS = 7500  # longer than a lease of this build

TOO_FAR_BEHIND = "entry with timestamp 2026-01-01T00:00:00Z ignored, reason: 'entry too far behind'"
LOKI_FAULTS = (
    {"kind": "status", "code": 500, "count": 2},
    {"kind": "status", "code": 429},
    {"kind": "drop"},
    {"kind": "slow", "seconds": 0.3, "count": 2},
    {"kind": "partial", "code": 429, "count": 2},
    {"kind": "partial", "code": 500},
    {"kind": "partial", "code": 400, "text": TOO_FAR_BEHIND, "count": 8},
    {"kind": "lose"},
    {"kind": "status", "code": 500, "on": "query"},
)


def loki_faults_for(point):
    """What Loki has to do for the point to be reached."""
    if "ship_later" in point:
        return [{"kind": "status", "code": 500, "count": 2}]
    if "ship_rebase" in point:
        return [{"kind": "partial", "code": 400, "text": TOO_FAR_BEHIND, "count": 10}]
    return []


def needs_absent_box(point):
    return "unreachable" in point or point == "sent.commit"


def deck(rng):
    """Every fault there is, in random order."""
    cards = [("sweeper", point) for point in SWEEPER] + [("agent", point) for point in AGENT]
    cards += [("loki", index) for index in range(len(LOKI_FAULTS))]
    cards += [(kind, None) for kind in ("kill postgres", "kill loki", "kill sweeper", "kill agent") for _ in range(4)]
    cards += [("kill everything", None)] * 2
    cards += [("stall", point) for point in STALLS]
    rng.shuffle(cards)
    return cards
