"""Metric queries of the tests' Loki: `sum by (labels) (count_over_time(LOG QUERY [range]))`, optionally compared with
a number. Log queries are loki_logql's."""

import re

import loki_logql

SYNTAX = re.compile(r"\s*sum\s+by\s*\(([^()]*)\)\s*\(\s*count_over_time\s*\((.*)\[(\d+)(ms|s|m|h|d)\]\s*\)\s*\)"
                    r"\s*(?:(>|>=|==|<=|<)\s*(\d+))?\s*", re.DOTALL)
UNIT_NS = {"ms": 10**6, "s": 10**9, "m": 60 * 10**9, "h": 3600 * 10**9, "d": 86400 * 10**9}
COMPARISONS = {None: lambda a, b: True, ">": lambda a, b: a > b, ">=": lambda a, b: a >= b, "==": lambda a, b: a == b,
               "<=": lambda a, b: a <= b, "<": lambda a, b: a < b}


class Metric:
    """How many entries of a log query there were in the range before a moment, by labels."""

    def __init__(self, found):
        self.by = [name.strip() for name in found[1].split(",") if name.strip()]
        self.matchers, self.stages = loki_logql.parse(found[2])
        self.range_ns = int(found[3]) * UNIT_NS[found[4]]
        self.keeps, self.bound = COMPARISONS[found[5]], int(found[6] or 0)

    def select(self, stored):
        """(ns, labels) of each stored entry that the log query leaves."""
        for ns, _, stream, line, metadata in stored:
            if all(loki_logql.compare(stream.labels.get(name, ""), operator, wanted)
                   for name, operator, wanted in self.matchers):
                kept = loki_logql.run(self.stages, line, {**stream.labels, **metadata})
                if kept:
                    yield ns, kept[1]

    def count(self, entries, at_ns):
        """{label values: count}; the range is open to the left."""
        counts = {}
        for ns, labels in entries:
            if at_ns - self.range_ns < ns <= at_ns:
                if "__error__" in labels:  # a metric query never leaves such an entry out in silence
                    raise loki_logql.QueryError(f"pipeline error: '{labels['__error__']}' for series")
                key = tuple((name, labels[name]) for name in self.by if labels.get(name))
                counts[key] = counts.get(key, 0) + 1
        return {key: count for key, count in counts.items() if self.keeps(count, self.bound)}


def parse(query):
    """A Metric, or None when it is a log query."""
    found = SYNTAX.fullmatch(query)
    return Metric(found) if found else None


def matrix(metric, stored, moments_ns):
    """The answer of query_range."""
    series, entries = {}, list(metric.select(stored))
    for at_ns in moments_ns:
        for key, count in metric.count(entries, at_ns).items():
            series.setdefault(key, []).append([at_ns / 10**9, str(count)])
    return {"resultType": "matrix", "result": [{"metric": dict(key), "values": values}
                                               for key, values in series.items()]}


def vector(metric, stored, at_ns):
    """The answer of query."""
    return {"resultType": "vector", "result": [{"metric": one["metric"], "value": one["values"][0]}
                                               for one in matrix(metric, stored, [at_ns])["result"]]}
