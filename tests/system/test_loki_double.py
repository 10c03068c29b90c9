"""The Loki double answers as the real one was measured to: one row of those measurements each."""

import http.client
import json
import signal
import time

import pytest

from loki_process import PUSH, Loki

S = 10**9
DAY = 86400
MB = 10**6


@pytest.fixture
def loki(tmp_path):
    double = Loki(tmp_path).start()
    double.clock(frozen=True)
    yield double
    double.stop()


def now_ns():
    return time.time_ns()


def ago(seconds):
    return now_ns() - int(seconds * S)


METADATA_128 = {f"k{i}": "v" for i in range(128)}
# name: (entry, code, part of the text, lines stored)
ENTRIES = {
    "structured metadata as third element": ((0, "x", {"trace_id": "7"}), 204, "", 1),
    "an entry of 256 KiB": ((0, "a" * 262144), 204, "", 1),
    "an entry of one byte more": (
        (0, "a" * 262145), 400, "max entry size '262144' bytes exceeded for stream '", 0),
    "an entry 6 d 23 h old": ((7 * DAY - 3600, "x"), 204, "", 1),
    "an entry 7 d 1 h old": ((7 * DAY + 3600, "x"), 400, "has timestamp too old: ", 0),
    "an entry 9 min in the future": ((-540, "x"), 204, "", 1),
    "an entry 11 min in the future": ((-660, "x"), 400, "has timestamp too new: ", 0),
    "an empty line": ((0, ""), 204, "", 1),
    "128 metadata entries": ((0, "x", METADATA_128), 204, "", 1),
    "129 metadata entries": (
        (0, "x", {**METADATA_128, "more": "v"}), 400, "too many structured metadata labels: '129', limit: '128'", 0),
    "66,001 bytes of metadata": (
        (0, "x", {"k": "v" * 66000}), 400, "structured metadata too large: '66001' bytes, limit: '65536' bytes", 0),
    "a metadata value that is no string": ((0, "x", {"k": 1}), 400, "", 0),
    "NUL, newlines and escapes in a line": ((0, "a\0b\n\x1b[31m"), 204, "", 1),
}


@pytest.mark.parametrize("name", ENTRIES)
def test_one_entry(loki, name):
    (age_s, *rest), code, text, stored = ENTRIES[name]
    answer = loki.push((ago(age_s), *rest))
    assert answer[0] == code and text in answer[1]
    assert len(loki.entries()) == stored


LABELS = {
    "15 labels": ({f"l{i}": "v" for i in range(15)}, 204, ""),
    "16 labels": ({f"l{i}": "v" for i in range(16)}, 400, "has 16 label names; limit 15"),
    "a label value of 2,048 bytes": ({"l": "v" * 2048}, 204, ""),
    "a label value of 2,049 bytes": ({"l": "v" * 2049}, 400, "label value too long"),
    "a label name of 1,025 bytes": ({"l" * 1025: "v"}, 400, "label name too long"),
    "no labels": ({}, 204, ""),
    "a label name with a dash": ({"a-b": "v"}, 400, "couldn't parse labels: "),
}


@pytest.mark.parametrize("name", LABELS)
def test_labels(loki, name):
    labels, code, text = LABELS[name]
    answer = loki.push((now_ns(), "x"), labels=labels)
    assert answer[0] == code and text in answer[1]
    assert len(loki.entries()) == (code == 204)


BODIES = {
    "bad JSON": (b'{"streams":', {}, 400, ""),
    "a timestamp that is no string": (b'{"streams":[{"stream":{},"values":[[1,"x"]]}]}', {}, 400, ""),
    "a lone surrogate": (b'{"streams":[{"stream":{},"values":[["1","good"],["2","\\ud800"]]}]}', {}, 400, ""),
    "another content type": (b'{"streams":[]}', {"Content-Type": "text/plain"}, 400, "snappy: corrupt input"),
    "no streams": (b'{"streams":[]}', {}, 422, ""),
    "a broken gzip": (b"\x1f\x8b\x08nonsense", {"Content-Encoding": "gzip"}, 400, ""),
}


@pytest.mark.parametrize("name", BODIES)
def test_a_bad_body_is_refused_whole(loki, name):
    body, headers, code, text = BODIES[name]
    answer = loki.push_raw(body, headers)
    assert answer[0] == code and text in answer[1]
    assert loki.entries() == []


def test_a_packed_body_is_taken(loki):
    assert loki.push((now_ns(), "packed"), packed=True)[0] == 204
    assert loki.entries()[0]["line"] == "packed"


def test_a_400_can_mean_that_a_part_was_stored(loki):
    code, text = loki.push((now_ns(), "good"), (now_ns(), "a" * 262145), (ago(8 * DAY), "old"))
    assert code == 400 and "max entry size" in text and "too old" in text
    assert [entry["line"] for entry in loki.entries()] == ["good"]


@pytest.mark.parametrize("behind_s, code", [(3500, 204), (3700, 400)])
def test_an_entry_behind_its_stream(loki, behind_s, code):
    newest = now_ns()
    loki.push((newest, "newest"))
    answer = loki.push((newest - behind_s * S, "behind"))
    assert answer[0] == code
    if code == 400:
        assert "ignored, reason: 'entry too far behind, " in answer[1]
        assert "total ignored: 1 out of 1 for stream: " in answer[1]
    assert loki.push((newest - 3700 * S, "elsewhere"), labels={"kind": "other"})[0] == 204


def test_the_same_entry_twice_is_stored_once_and_another_line_beside_it(loki):
    at = now_ns()
    assert [loki.push((at, line))[0] for line in ("same", "same", "other")] == [204, 204, 204]
    assert sorted(entry["line"] for entry in loki.entries()) == ["other", "same"]


def test_the_fourth_push_of_2_mb_within_a_second_is_429_without_retry_after(loki):
    at = now_ns()
    push = lambda n: loki.push(*[(at + n * 100 + i, "x" * 200004) for i in range(10)])
    assert [push(n)[0] for n in range(3)] == [204, 204, 204]
    code, text = push(3)
    assert code == 429
    assert "ingestion rate limit exceeded for user fake (limit: 4194304 bytes/sec) while attempting to ingest '10' " \
           "lines totaling '2000040' bytes" in text
    assert len(loki.entries()) == 30
    loki.clock(frozen=True, advance_s=1)
    assert push(3)[0] == 204


def test_a_429_can_mean_that_a_part_was_stored(tmp_path):
    loki = Loki(tmp_path, "--tenant-rate", 10**9, "--tenant-burst", 10**9).start()
    try:
        loki.clock(frozen=True)
        at = now_ns()
        answers = [loki.push(*[(at + n * 1000 + i, "x" * 16666) for i in range(240)]) for n in range(4)]
        assert [code for code, _ in answers] == [204, 204, 204, 429]
        assert "ignored, reason: 'Per stream rate limit exceeded (limit: 3MB/sec)" in answers[3][1]
        assert 3 * 240 < len(loki.entries()) < 4 * 240
    finally:
        loki.stop()


def test_a_push_over_4_mib_is_500_and_no_retry_heals_it(loki):
    at = now_ns()
    for _ in range(2):
        code, text = loki.push(*[(at + i, "x" * 200000) for i in range(22)])
        assert code == 500
        assert "rpc error: code = ResourceExhausted desc = grpc: received message larger than max (" in text
        loki.clock(frozen=True, advance_s=60)
    assert loki.entries() == []


def test_a_push_of_106_mb_is_413(loki):
    connection = http.client.HTTPConnection("127.0.0.1", loki.port, timeout=60)
    connection.putrequest("POST", PUSH)
    connection.putheader("Content-Type", "application/json")
    connection.putheader("Content-Length", str(106 * MB))
    connection.endheaders()
    answer = connection.getresponse()
    assert answer.status == 413 and b"request body too large: " in answer.read()
    connection.close()


def test_invalid_utf8_in_a_line_is_stored_as_replacement_characters(loki):
    body = b'{"streams":[{"stream":{"kind":"rescue"},"values":[["%d","a\xffb"]]}]}' % now_ns()
    assert loki.push_raw(body)[0] == 204
    assert loki.entries()[0]["line"] == "a\ufffdb"


def test_get_on_the_push_path_is_405_and_a_limit_of_5001_is_400(loki):
    assert loki.request("GET", PUSH)[0] == 405
    code, text = loki.query('{kind="rescue"}', limit=5001)
    assert code == 400
    assert "max entries limit per query exceeded, limit > max_entries_limit_per_query (5001 > 5000)" in text


def test_what_was_answered_with_204_survives_kill_9(loki):
    assert loki.push((now_ns(), "kept", {"trace_id": "7"}))[0] == 204
    loki.stop(signal.SIGKILL)
    loki.start()
    assert [(entry["line"], entry["metadata"]) for entry in loki.entries()] == [("kept", {"trace_id": "7"})]


LINE = json.dumps({"workspace_id": "ws-1", "section": "host", "part": 1, "deep": {"er": "yes"}})
QUERIES = {
    '{kind="rescue"}': 2,
    '{kind="rescue",service_name="unknown_service"}': 2,
    '{kind=~"res.*"} | trace_id="7"': 1,
    '{kind="rescue"} | trace_id=`8`': 0,
    '{kind="rescue"} | json | workspace_id="ws-1"': 1,
    '{kind="rescue"} | json | deep_er="yes"': 1,
    '{kind="rescue"} | json p="part", s="section" | p=~`1|2` | s="host" | line_format `-`': 1,
    '{kind="rescue"} |= "plain"': 1,
    '{kind="rescue"} |~ `w.-1`': 1,
    '{kind="other"}': 0,
}


@pytest.mark.parametrize("logql", QUERIES)
def test_queries(loki, logql):
    at = now_ns()
    loki.push((at, LINE, {"trace_id": "7"}), (at + 1, "plain"))
    assert len(loki.lines(logql)) == QUERIES[logql]


@pytest.mark.parametrize("logql", ["", "kind", "{}", '{kind=""}', '{kind="rescue"} | frobnicate', '{kind="rescue'])
def test_a_bad_query_is_400(loki, logql):
    assert loki.query(logql)[0] == 400


def test_a_query_keeps_to_range_limit_and_direction(loki):
    at = now_ns()
    loki.push(*[(at + i, str(i)) for i in range(10)])
    query = '{kind="rescue"}'
    assert loki.lines(query, start=at + 2, end=at + 5) == ["2", "3", "4"]
    assert loki.lines(query, limit=3) == ["0", "1", "2"]
    assert loki.lines(query, limit=3, direction="backward") == ["9", "8", "7"]


COUNTS = {
    'sum by (s) (count_over_time({kind="rescue"} | json s="section" [1m]))': [({"s": "a"}, "2"), ({"s": "b"}, "1")],
    'sum by (s) (count_over_time({kind="rescue"} | json s="section" [1m])) > 1': [({"s": "a"}, "2")],
    'sum by (kind) (count_over_time({kind="rescue"} | trace_id="7" [2s]))': [({"kind": "rescue"}, "1")],
    'sum by () (count_over_time({kind="rescue"} [2s]))': [({}, "2")],
    'sum by (s) (count_over_time({kind="other"} [1m]))': [],
}


@pytest.mark.parametrize("logql", COUNTS)
def test_metric_queries_count_entries_of_the_range_by_label(loki, logql):
    at = now_ns() - 60 * 10**9
    loki.push((at, '{"section": "a"}', {"trace_id": "7"}), (at + 10**9, '{"section": "b"}'),
              (at + 2 * 10**9, '{"section": "a"}', {"trace_id": "7"}))
    code, result = loki.instant(logql, time=at + 2 * 10**9)
    assert code == 200, result
    assert [(one["metric"], one["value"][1]) for one in result] == COUNTS[logql]


def test_a_metric_query_over_a_range_is_a_series_of_moments(loki):
    at = now_ns() - 60 * 10**9
    loki.push((at, "one"), (at + 10 * 10**9, "two"))
    code, result = loki.query('sum by (kind) (count_over_time({kind="rescue"} [5s]))', start=at, end=at + 20 * 10**9,
                              step=10)
    assert code == 200 and [value for _, value in result[0]["values"]] == ["1", "1"]


def test_a_metric_query_fails_over_a_line_that_is_not_json(loki):
    at = now_ns()
    loki.push((at, "plain"))
    code, text = loki.instant('sum by (s) (count_over_time({kind="rescue"} | json s="section" [1m]))', time=at)
    assert code == 400 and "JSONParserErr" in text
    assert loki.instant('{kind="rescue"}')[0] == 400
