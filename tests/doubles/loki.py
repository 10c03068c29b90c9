#!/usr/bin/python3
"""A Loki for the tests: answers pushes and queries the way a real one was seen to, and fails on request.

    loki.py --port 0 --port-file F [--wal FILE] [limits…]

POST /loki/api/v1/push, GET /loki/api/v1/query_range, /query, /label/NAME/values and /ready are Loki's. For the tests:
    GET  /_double/entries   {"entries": […], "next": n}: what is stored, oldest first; with ?since=n only what came later
    GET  /_double/requests  {"pushes": n, "queries": n, "headers": {…}}, the last push's headers in lower case
    POST /_double/faults    a list: each is taken by the next push (or query, with "on": "query"), "count" times:
                            {"kind": "status", "code": 429}; {"kind": "slow", "seconds": 2}; {"kind": "drop"};
                            {"kind": "partial", "code": 429}: the first half is stored; {"kind": "lose"}: 204 and
                            nothing is stored; {"kind": "refuse", "text": T}: stays, entries that hold T are refused;
                            {"kind": "break", "text": T}: stays, a push that holds T gets no answer
    DELETE /_double/faults  forgets them all
    POST /_double/clock     {"frozen": true, "advance_s": n}
"""

import argparse
import bisect
import gzip
import json
import os
import re
import sys
import threading
import time
import urllib.parse
import zlib
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import loki_logql
import loki_metric

S_NS = 10**9
MAX_LINE = 262144
MAX_LABELS = 15
MAX_LABEL_NAME = 1024
MAX_LABEL_VALUE = 2048
MAX_METADATA = 128
MAX_METADATA_BYTES = 65536
MAX_AGE_S = 7 * 86400
MAX_FUTURE_S = 600
MAX_BEHIND_S = 3600
MAX_QUERY = 5000
MAX_GRPC = 4194304
MAX_BODY = 104857600


class Refused(Exception):
    def __init__(self, code, text):
        super().__init__(text)
        self.code, self.text = code, text


class Clock:
    def __init__(self):
        self.offset_ns = 0
        self.frozen_ns = None

    def now_ns(self):
        return (self.frozen_ns if self.frozen_ns is not None else time.time_ns()) + self.offset_ns

    def change(self, frozen, advance_s):
        self.offset_ns += int(advance_s * S_NS)
        if not frozen:
            self.frozen_ns = None
        elif self.frozen_ns is None:
            self.frozen_ns = time.time_ns()


class Bucket:
    """A token bucket of bytes."""

    def __init__(self, clock, rate, burst):
        self.clock, self.rate, self.burst = clock, rate, burst
        self.level, self.at_ns = burst, clock.now_ns()

    def take(self, count):
        now_ns = self.clock.now_ns()
        self.level = min(self.burst, self.level + max(0, now_ns - self.at_ns) * self.rate / S_NS)
        self.at_ns = now_ns
        if count > self.level:
            return False
        self.level -= count
        return True


def rfc3339(ns):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(ns // S_NS))


class Stream:
    def __init__(self, labels, bucket):
        self.labels, self.bucket = labels, bucket
        self.newest_ns = 0
        self.seen = set()
        self.name = "{" + ", ".join(f'{k}="{v}"' for k, v in sorted(labels.items())) + "}"


class Store:
    def __init__(self, options):
        self.options = options
        self.lock = threading.Lock()
        self.clock = Clock()
        self.streams = {}
        self.entries = []  # (ns, number, stream, line, metadata), sorted
        self.tenant = Bucket(self.clock, options.tenant_rate, options.tenant_burst)
        self.faults = []
        self.refused_texts = []
        self.breaking_texts = []
        self.pushes = self.queries = 0
        self.headers = {}
        self.wal = None
        if options.wal:
            self.replay(options.wal)
            self.wal = open(options.wal, "ab", buffering=0)

    def replay(self, path):
        if not os.path.exists(path):
            return
        whole = 0
        with open(path, "rb") as log:
            for record in log:
                if record.endswith(b"\n"):  # the last may have been torn by the kill
                    labels, *entry = json.loads(record)
                    self.keep(self.stream(labels), *entry)
                    whole += len(record)
        os.truncate(path, whole)  # what comes next must not be appended to half a record

    def stream(self, labels):
        key = tuple(sorted(labels.items()))
        if key not in self.streams:
            bucket = Bucket(self.clock, self.options.stream_rate, self.options.stream_burst)
            self.streams[key] = Stream(labels, bucket)
        return self.streams[key]

    def keep(self, stream, ns, line, metadata):
        stream.newest_ns = max(stream.newest_ns, ns)
        if (ns, line) in stream.seen:
            return
        stream.seen.add((ns, line))
        bisect.insort(self.entries, (ns, len(self.entries), stream, line, metadata))
        if self.wal is not None:
            self.wal.write(json.dumps([stream.labels, ns, line, metadata]).encode() + b"\n")

    def take_fault(self, on):
        for fault in self.faults:
            if fault.get("on", "push") == on:
                fault["count"] = fault.get("count", 1) - 1
                if fault["count"] <= 0:
                    self.faults.remove(fault)
                return fault
        return None

    # -- push --------------------------------------------------------------------------------------------------

    def check_entry(self, stream, ns, line, metadata):
        """The distributor's reason to drop the entry, or None."""
        now_ns = self.clock.now_ns()
        if any(text in line for text in self.refused_texts):
            return "entry is not to this Loki's taste"
        if ns < now_ns - MAX_AGE_S * S_NS:
            return (f"entry for stream '{stream.name}' has timestamp too old: {rfc3339(ns)}, "
                    f"oldest acceptable timestamp is: {rfc3339(now_ns - MAX_AGE_S * S_NS)}")
        if ns > now_ns + MAX_FUTURE_S * S_NS:
            return f"entry for stream '{stream.name}' has timestamp too new: {rfc3339(ns)}"
        length = len(line.encode())
        if length > self.options.max_line:
            return (f"max entry size '{self.options.max_line}' bytes exceeded for stream '{stream.name}' while adding "
                    f"an entry with length '{length}' bytes")
        size = sum(len(k.encode()) + len(v.encode()) for k, v in metadata.items())
        if size > MAX_METADATA_BYTES:
            return (f"stream '{stream.name}' has structured metadata too large: '{size}' bytes, limit: "
                    f"'{MAX_METADATA_BYTES}' bytes")
        if len(metadata) > MAX_METADATA:
            return (f"stream '{stream.name}' has too many structured metadata labels: '{len(metadata)}', limit: "
                    f"'{MAX_METADATA}'")
        return None

    def add_entry(self, stream, ns, line, metadata):
        """The ingester's (code, reason) to ignore the entry, or None when it is stored."""
        if ns < stream.newest_ns - MAX_BEHIND_S * S_NS:
            oldest = rfc3339(stream.newest_ns - MAX_BEHIND_S * S_NS)
            return 400, (f"entry with timestamp {rfc3339(ns)} ignored, reason: 'entry too far behind, oldest "
                         f"acceptable timestamp is: {oldest}'")
        if not stream.bucket.take(len(line.encode())):
            return 429, (f"entry with timestamp {rfc3339(ns)} ignored, reason: 'Per stream rate limit exceeded "
                         f"(limit: 3MB/sec) while attempting to ingest for stream '{stream.name}''")
        self.keep(stream, ns, line, metadata)
        return None

    def push(self, streams, keep_share=1.0):
        """Raises Refused; what was fine may be stored even then."""
        good, errors = [], []
        for labels, values in streams:
            errors.extend(self.check_labels(labels))
            if not errors:
                stream = self.stream({**labels, "service_name": labels.get("service_name", "unknown_service")})
                for value in values:
                    reason = self.check_entry(stream, *value)
                    if reason is None:
                        good.append((stream, value))
                    else:
                        errors.append(reason)
        size = sum(len(line.encode()) + sum(len(k) + len(v) for k, v in metadata.items())
                   for _, (_, line, metadata) in good)
        if good and not self.tenant.take(size):
            raise Refused(429, f"ingestion rate limit exceeded for user fake (limit: {self.options.tenant_rate} "
                               f"bytes/sec) while attempting to ingest '{len(good)}' lines totaling '{size}' bytes, "
                               "reduce log volume or contact your Loki administrator")
        if size + 16 * len(good) > MAX_GRPC:
            raise Refused(500, "rpc error: code = ResourceExhausted desc = grpc: received message larger than max "
                               f"({size + 16 * len(good)} vs. {MAX_GRPC})")
        self.ingest(good[:int(len(good) * keep_share)], errors)

    def ingest(self, good, errors):
        ignored, code = {}, 400
        for stream, value in good:
            trouble = self.add_entry(stream, *value)
            if trouble is not None:
                code = trouble[0]
                ignored.setdefault(stream.name, []).append(trouble[1])
        for name, reasons in ignored.items():
            total = sum(1 for stream, _ in good if stream.name == name)
            errors.extend(reasons[:10])
            errors.append(f"total ignored: {len(reasons)} out of {total} for stream: {name}")
        if errors:
            raise Refused(code, "\n".join(errors))

    def check_labels(self, labels):
        if len(labels) > MAX_LABELS:
            yield f"entry for stream '{labels}' has {len(labels)} label names; limit {MAX_LABELS}"
        for name, value in labels.items():
            if len(name.encode()) > MAX_LABEL_NAME:
                yield f"stream '{labels}' has label name too long: '{name}'"
            if len(value.encode()) > MAX_LABEL_VALUE:
                yield f"stream '{labels}' has label value too long: '{value}'"

    # -- query -------------------------------------------------------------------------------------------------

    def query(self, parameters):
        limit = int(parameters.get("limit", "100"))
        if limit > MAX_QUERY:
            raise Refused(400, f"max entries limit per query exceeded, limit > max_entries_limit_per_query "
                               f"({limit} > {MAX_QUERY})")
        now_ns = self.clock.now_ns()
        start_ns = int(parameters.get("start", now_ns - 3600 * S_NS))
        end_ns = int(parameters.get("end", now_ns))
        try:
            metric = loki_metric.parse(parameters.get("query", ""))
            if metric is not None:
                step_ns = int(float(parameters.get("step", "60")) * S_NS)
                return {"status": "success", "data": loki_metric.matrix(metric, self.entries,
                                                                        range(start_ns, end_ns + 1, step_ns))}
            matchers, stages = loki_logql.parse(parameters.get("query", ""))
        except (loki_logql.QueryError, ValueError) as error:
            raise Refused(400, str(error)) from error
        first = bisect.bisect_left(self.entries, (start_ns,))
        last = bisect.bisect_left(self.entries, (end_ns,))
        chosen = self.entries[first:last]
        if parameters.get("direction", "backward") == "backward":
            chosen.reverse()
        result, count, selected = {}, 0, {}
        for ns, _, stream, line, metadata in chosen:
            if stream not in selected:
                selected[stream] = all(loki_logql.compare(stream.labels.get(name, ""), operator, wanted)
                                       for name, operator, wanted in matchers)
            kept = selected[stream] and loki_logql.run(stages, line, {**stream.labels, **metadata})
            if kept:
                key = tuple(sorted(kept[1].items()))
                result.setdefault(key, []).append([str(ns), kept[0]])
                count += 1
                if count == limit:
                    break
        return {"status": "success", "data": {"resultType": "streams", "stats": {}, "result": [
            {"stream": dict(key), "values": values} for key, values in result.items()]}}

    def instant(self, parameters):
        try:
            metric = loki_metric.parse(parameters.get("query", ""))
            if metric is None:
                raise loki_logql.QueryError("log queries are not supported as an instant query type, please change "
                                            "your query to a range query type")
            at_ns = int(parameters.get("time", self.clock.now_ns()))
            return {"status": "success", "data": loki_metric.vector(metric, self.entries, at_ns)}
        except (loki_logql.QueryError, ValueError) as error:
            raise Refused(400, str(error)) from error

    def label_values(self, name):
        values = {stream.labels[name] for stream in self.streams.values() if name in stream.labels}
        return {"status": "success", "data": sorted(values)}

    def dump(self, since):
        return {"next": len(self.entries),
                "entries": [{"ts": str(ns), "labels": stream.labels, "line": line, "metadata": metadata}
                            for ns, number, stream, line, metadata in self.entries if number >= since]}


def read_push(body):
    """[(labels, [(ns, line, metadata), …]), …]; raises Refused."""
    try:
        document = json.loads(body.decode("utf-8", "replace"))
        streams = [read_stream(stream) for stream in document["streams"]]
    except Refused:
        raise
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise Refused(400, f"loghttp.PushRequest: unreadable: {type(error).__name__}") from error
    if not any(values for _, values in streams):
        raise Refused(422, "error at least one valid stream is required for ingestion")
    return streams


def read_stream(stream):
    labels = stream.get("stream", {})
    for name, value in labels.items():
        if not re.fullmatch(loki_logql.NAME, name):
            raise Refused(400, f"couldn't parse labels: 1:{len(name)}: parse error: unexpected character")
        text_of(value)
    return labels, [read_value(value) for value in stream["values"]]


def read_value(value):
    if len(value) not in (2, 3) or not re.fullmatch(r"-?[0-9]{1,19}", text_of(value[0])):
        raise ValueError("a value is [timestamp, line] or [timestamp, line, metadata]")
    metadata = value[2] if len(value) == 3 else {}
    return int(value[0]), text_of(value[1]), {text_of(k): text_of(v) for k, v in metadata.items()}


def text_of(value):
    if not isinstance(value, str):
        raise ValueError("not a string")
    value.encode()  # a lone surrogate is a UnicodeEncodeError, which is a ValueError
    return value


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    store = None

    def log_message(self, *_):
        pass

    def answer(self, code, body=b"", content_type="text/plain; charset=utf-8"):
        self.send_response(code)
        if code != 204:
            self.send_header("Content-Type", content_type)
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if code != 204:
            self.wfile.write(body)

    def answer_json(self, value):
        self.answer(200, json.dumps(value).encode(), "application/json; charset=UTF-8")

    def read_body(self):
        length = int(self.headers.get("Content-Length", "0"))
        if length > MAX_BODY:
            self.close_connection = True
            raise Refused(413, f"request body too large: {length} bytes, limit: {MAX_BODY} bytes")
        return self.rfile.read(length)

    def do_GET(self):
        url = urllib.parse.urlsplit(self.path)
        routes = {"/ready": lambda _: self.answer(200, b"ready\n"),
                  "/loki/api/v1/push": lambda _: self.answer(405, b"Method Not Allowed\n"),
                  "/loki/api/v1/query_range": lambda at: self.query(at, self.store.query),
                  "/loki/api/v1/query": lambda at: self.query(at, self.store.instant),
                  "/_double/entries": lambda url: self.locked(
                      self.store.dump, int(dict(urllib.parse.parse_qsl(url.query)).get("since", "0"))),
                  "/_double/requests": lambda _: self.answer_json({
                      "pushes": self.store.pushes, "queries": self.store.queries, "headers": self.store.headers})}
        label = re.fullmatch(r"/loki/api/v1/label/(\w+)/values", url.path)
        if label:
            self.locked(self.store.label_values, label[1])
        else:
            routes.get(url.path, lambda _: self.answer(404, b"404 page not found\n"))(url)

    def do_POST(self):
        routes = {"/loki/api/v1/push": self.push, "/_double/faults": self.set_faults,
                  "/_double/clock": self.set_clock}
        try:
            body = self.read_body()
            routes.get(self.path, lambda _: self.answer(404, b"404 page not found\n"))(body)
        except Refused as refused:
            self.answer(refused.code, refused.text.encode() + b"\n")

    def do_DELETE(self):
        with self.store.lock:
            self.store.faults.clear()
            self.store.refused_texts.clear()
            self.store.breaking_texts.clear()
        self.answer(204)

    def set_faults(self, body):
        with self.store.lock:
            for fault in json.loads(body):
                if fault["kind"] == "refuse":
                    self.store.refused_texts.append(fault["text"])
                elif fault["kind"] == "break":
                    self.store.breaking_texts.append(fault["text"])
                else:
                    self.store.faults.append(fault)
        self.answer(204)

    def set_clock(self, body):
        change = json.loads(body)
        with self.store.lock:
            self.store.clock.change(change.get("frozen", False), change.get("advance_s", 0))
        self.answer(204)

    def locked(self, function, *arguments):
        with self.store.lock:
            value = function(*arguments)
        self.answer_json(value)

    def suffer(self, fault):
        """True when the fault was the whole answer."""
        kind = fault["kind"] if fault else ""
        if kind == "slow":
            time.sleep(fault["seconds"])
        elif kind == "drop":
            self.close_connection = True
            return True
        elif kind == "status":
            raise Refused(fault["code"], fault.get("text", "on request"))
        elif kind == "lose":
            self.answer(204)
            return True
        return False

    def query(self, url, run):
        with self.store.lock:
            self.store.queries += 1
            fault = self.store.take_fault("query")
        try:
            if not self.suffer(fault):
                self.locked(run, dict(urllib.parse.parse_qsl(url.query)))
        except Refused as refused:
            self.answer(refused.code, refused.text.encode() + b"\n")

    def unpack(self, body):
        if self.headers.get("Content-Type", "").split(";")[0].strip() != "application/json":
            raise Refused(400, "snappy: corrupt input")
        if self.headers.get("Content-Encoding", "") != "gzip":
            return body
        try:
            body = gzip.decompress(body)
        except (OSError, EOFError, zlib.error) as error:
            raise Refused(400, f"gzip: {error}") from error
        if len(body) > MAX_BODY:
            raise Refused(413, f"request body too large: {len(body)} bytes, limit: {MAX_BODY} bytes")
        return body

    def push(self, body):
        store = self.store
        with store.lock:
            store.pushes += 1
            store.headers = {name.lower(): value for name, value in self.headers.items()}
            fault = store.take_fault("push")
        if self.suffer(fault):
            return
        streams = read_push(self.unpack(body))
        if any(text in value[1] for text in store.breaking_texts for _, values in streams for value in values):
            self.close_connection = True
            return
        with store.lock:
            if fault and fault["kind"] == "partial":
                store.push(streams, keep_share=0.5)
                raise Refused(fault["code"], fault.get("text", "a part is stored, on request"))
            store.push(streams)
        self.answer(204)


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request, client_address):
        """A peer that was killed is no error of ours."""
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="0: any free one")
    parser.add_argument("--port-file", help="the port is written here once it is open, and printed")
    parser.add_argument("--wal", help="what was answered with 204 is in this file, and read at the start")
    parser.add_argument("--faults", help="JSON list as for POST /_double/faults")
    parser.add_argument("--max-line", type=int, default=MAX_LINE)
    parser.add_argument("--tenant-rate", type=int, default=4 * 1024 * 1024, help="bytes a second")
    parser.add_argument("--tenant-burst", type=int, default=6 * 1024 * 1024)
    parser.add_argument("--stream-rate", type=int, default=3 * 1024 * 1024)
    parser.add_argument("--stream-burst", type=int, default=15 * 1024 * 1024)
    options = parser.parse_args()
    Handler.store = Store(options)
    Handler.store.faults = json.loads(options.faults) if options.faults else []
    server = Server((options.host, options.port), Handler)
    port = server.server_address[1]
    if options.port_file:
        with open(options.port_file + ".new", "w", encoding="ascii") as file:
            file.write(f"{port}\n")
        os.rename(options.port_file + ".new", options.port_file)
    print(port, flush=True)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        sys.exit(0)


if __name__ == "__main__":
    main()
