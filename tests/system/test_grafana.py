"""The dashboard and the alerts ask only for what is there: a real sweeper's metrics, scraped by a real Prometheus, and
the records of a really shipped bundle."""

import collections
import contextlib
import gzip
import hashlib
import http.client
import json
import re
import socket
import subprocess
import time
import urllib.parse
import uuid

import pytest
import yaml

from conftest import ORG, ROOT, Agent, Box, Database, Process, Sweeper, free_port, wait_for
from loki_process import Loki

GRAFANA = ROOT / "packaging" / "grafana"
ALERTS = yaml.safe_load((GRAFANA / "alerts.yml").read_text())["groups"]
LOKI_ALERTS = yaml.safe_load((GRAFANA / "loki-alerts.yml").read_text())["groups"]
DASHBOARD = json.loads((GRAFANA / "dashboard.json").read_text())
PANELS = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]
RECORD = json.loads((ROOT / "proto" / "record.schema.json").read_text())["properties"]
METRIC = re.compile(r"\b(rescue_\w+)\b(?:\{([^}]*)\})?")


def targets(kind):
    """(panel, expression) of every target that asks a Loki or a Prometheus."""
    return [(panel, target["expr"]) for panel in PANELS for target in panel["targets"]
            if target["datasource"]["type"] == kind]


def alert_expressions(groups):
    return {rule["alert"]: rule["expr"] for group in groups for rule in group["rules"]}


PROMQL = [expr for _, expr in targets("prometheus")]


def filled_in(expression, workspace_id=""):
    for name, value in {"org": ".+", "workspace_id": workspace_id, "__rate_interval": "1m", "__interval": "1h"}.items():
        expression = expression.replace("$" + name, value)
    assert "$" not in expression, expression
    return expression


# -- the files by themselves ----------------------------------------------------------------------------------------

def test_the_dashboard_is_one_that_grafana_loads():
    assert DASHBOARD["uid"] == "rescue" and DASHBOARD["title"] and DASHBOARD["schemaVersion"] >= 36
    ids = [panel["id"] for panel in DASHBOARD["panels"]]
    assert len(set(ids)) == len(ids)
    taken = set()
    for panel in DASHBOARD["panels"]:
        grid = panel["gridPos"]
        cells = {(x, y) for x in range(grid["x"], grid["x"] + grid["w"]) for y in range(grid["y"], grid["y"] + grid["h"])}
        assert not cells & taken and grid["x"] + grid["w"] <= 24, f"{panel['title']} overlaps"
        taken |= cells


def test_every_variable_that_is_used_is_declared_and_data_sources_are_variables():
    declared = {variable["name"]: variable for variable in DASHBOARD["templating"]["list"]}
    assert {declared["loki"]["type"], declared["prometheus"]["type"]} == {"datasource"}
    used = set(re.findall(r"\$\{?(\w+)", json.dumps(DASHBOARD)))
    assert {name for name in used if not name.startswith("__")} == set(declared)
    for panel in PANELS:
        assert panel["datasource"]["uid"] in ("${loki}", "${prometheus}")
        assert all(target["datasource"] == panel["datasource"] for target in panel["targets"])


def test_promtool_takes_the_alerts_and_their_unit_tests_hold():
    subprocess.run(["promtool", "check", "rules", GRAFANA / "alerts.yml"], check=True)
    subprocess.run(["promtool", "test", "rules", GRAFANA / "alerts.test.yml"], check=True)
    tested = (GRAFANA / "alerts.test.yml").read_text()
    for name in alert_expressions(ALERTS):
        assert tested.count(name) >= 2, f"{name} is not tested both quiet and firing"


def test_an_alert_that_waits_too_long_is_seen_by_the_unit_tests(tmp_path):
    """That the unit tests can fail: every threshold moved out of reach must break them."""
    (tmp_path / "alerts.test.yml").write_text((GRAFANA / "alerts.test.yml").read_text())
    text = (GRAFANA / "alerts.yml").read_text()
    for line in text.splitlines():
        if re.search(r"[<>=] [\d.]+$", line):
            (tmp_path / "alerts.yml").write_text(text.replace(line, re.sub(r"[\d.]+$", "99999999", line)))
            done = subprocess.run(["promtool", "test", "rules", tmp_path / "alerts.test.yml"], capture_output=True)
            assert done.returncode != 0, f"nothing tests {line}"


# -- against the real thing -----------------------------------------------------------------------------------------

class Prometheus:
    """A real one, that scrapes one sweeper every second and evaluates the alerts."""

    def __init__(self, folder, sweeper):
        self.port = free_port()
        config = folder / "prometheus.yml"
        config.write_text(json.dumps({
            "global": {"scrape_interval": "1s", "evaluation_interval": "1s"}, "rule_files": [str(GRAFANA / "alerts.yml")],
            "scrape_configs": [{"job_name": "rescue", "static_configs": [
                {"targets": [f"127.0.0.1:{sweeper.admin_port}"]}]}]}))
        self.process = Process(["prometheus", f"--config.file={config}", f"--web.listen-address=127.0.0.1:{self.port}",
                                f"--storage.tsdb.path={folder / 'tsdb'}"], folder / "prometheus.log")

    def get(self, path, **parameters):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.request("GET", f"/api/v1/{path}?{urllib.parse.urlencode(parameters)}")
            return json.loads(connection.getresponse().read())
        except (OSError, ValueError):  # not up yet: refused, or 503 in plain text
            assert self.process.alive(), self.process.log_text()
            return {"status": "down", "data": {"result": []}}
        finally:
            connection.close()

    def query(self, expression):
        answer = self.get("query", query=expression)
        assert answer["status"] in ("success", "down"), answer
        return answer["data"]["result"]


def upload(sweeper, database, sections):
    """What a box with an old agent might send. `sections`: [(name, outcome, content)]."""
    workspace_id = database.add_workspace()
    status, answer = sweeper.client("--control-plane").request(
        "POST", f"/v1/workspaces/{workspace_id}/bootstrap-failed", {"error": "no", "log_tail": ""})
    assert status == 200
    records = [{"ts": "2026-01-31T00:00:00.000000Z", "event_type": "rescue.bundle", "kind": "rescue", "org": ORG,
                "workspace_id": workspace_id, "instance_id": "", "capture_id": answer["capture_id"],
                "reason": "bootstrap_watcher", "section": name, "part": 1, "parts": 1, "outcome": outcome,
                "redacted": True, "redactions": 0, "sha256": hashlib.sha256(content.encode()).hexdigest(),
                "content": content} for name, outcome, content in sections]
    body = gzip.compress("".join(json.dumps(record) + "\n" for record in records).encode())
    status, _ = sweeper.client("--workspace", workspace_id).request(
        "PUT", f"/v1/captures/{answer['capture_id']}/bundle", body, {"Content-Encoding": "gzip"})
    assert status == 201
    return workspace_id


Scene = collections.namedtuple("Scene", "sweeper loki prometheus rescued withheld unreachable")


def set_the_scene(cluster, authority, folder, at_end):
    database = Database(cluster)
    at_end(database.close)
    loki = Loki(folder).start()
    at_end(loki.stop)
    sweeper = Sweeper(folder, authority, {ORG: database}, sinks=[{"kind": "loki", "url": loki.url}])
    at_end(sweeper.stop)
    sweeper.migrate().start()
    prometheus = Prometheus(folder, sweeper)
    at_end(prometheus.process.stop)
    wait_for("the first scrape", lambda: prometheus.query("rescue_connections_total"))
    rescued = str(uuid.uuid4())
    agent = Agent(folder, authority, rescued, [sweeper.port], Box(folder / "box")).start()
    at_end(agent.stop)
    wait_for("the held agent", lambda: sweeper.metric("rescue_held_agents") == 1)
    database.add_workspace(rescued, age_s=700)
    unreachable = database.add_workspace(age_s=700, instance_id=None)
    withheld = upload(sweeper, database, [("verdict", "ok", "token ghp_" + uuid.uuid4().hex + "Abcd\n"),
                                          ("host", "withheld", "(withheld: a rule does not load)\n")])
    assert sweeper.client("--workspace", rescued).request("GET", "/v1/captures")[0] == 403
    with socket.create_connection(("127.0.0.1", sweeper.port)) as stranger, contextlib.suppress(ConnectionError):
        stranger.sendall(b"no TLS at all")
        while stranger.recv(1000):  # its alert, and the end
            pass
    wait_for("its handshake to fail", lambda: sweeper.metric("rescue_handshakes_total", result="failed"))
    wait_for("three verdicts in Loki", lambda: len(loki.lines('{kind="rescue"} | section="verdict"')) == 3)
    return Scene(sweeper, loki, prometheus, rescued, withheld, unreachable)


@pytest.fixture(scope="module")
def scene(cluster, authority, tmp_path_factory):
    """Three captures, shipped: a whole bundle, one with a secret and a withheld section, and one that nobody answered."""
    with contextlib.ExitStack() as ends:
        yield set_the_scene(cluster, authority, tmp_path_factory.mktemp("grafana"), ends.callback)


def exposed(sweeper):
    """{metric: its label names} as the sweeper writes them; those of a histogram with their suffixes."""
    found = {}
    for line in sweeper.admin("/metrics")[1].splitlines():
        if not line.startswith("#"):
            name, labels = re.fullmatch(r"(\w+)(?:\{(.*)\})? \S+", line).groups()
            found.setdefault(name, set()).update(re.findall(r"(\w+)=", labels or ""))
    return found


def test_each_metric_that_is_asked_for_exists_with_its_labels(scene):
    known = exposed(scene.sweeper)
    for expression in (*PROMQL, *alert_expressions(ALERTS).values()):
        by = [name.strip() for group in re.findall(r"\bby \(([^)]*)\)", expression) for name in group.split(",")]
        used = METRIC.findall(expression)
        assert used, expression
        for name, matchers in used:
            assert name in known, f"{name} of {expression} is not exposed"
            labels = set(by) | set(re.findall(r"(\w+)\s*[=!]", matchers))
            assert labels <= known[name], f"{name} has no {labels} as in {expression}"


def test_each_panel_shows_something_in_a_real_prometheus(scene):
    for expression in PROMQL:
        wait_for(expression, lambda: scene.prometheus.query(filled_in(expression)))


def test_the_alerts_are_loaded_and_the_finding_and_the_withheld_section_fire(scene):
    def firing():
        groups = scene.prometheus.get("rules")["data"]["groups"]
        assert all(rule["health"] != "err" for group in groups for rule in group["rules"])
        return {rule["name"] for group in groups for rule in group["rules"] if rule["state"] == "firing"}
    wait_for("the two alerts", lambda: {"RescueGateFindings", "RescueSectionsWithheld"} <= firing())
    assert "RescueBacklogNearGraceEnd" not in firing()


def counted(scene, expression):
    code, result = scene.loki.instant(expression, time=time.time_ns() + 10**9)
    assert code == 200, result
    return [(one["metric"], int(one["value"][1])) for one in result]


def test_captures_are_counted_by_outcome_and_reason(scene):
    expression, = (expr for panel, expr in targets("loki") if panel["type"] == "timeseries")
    counts = {tuple(metric.values()): count for metric, count in counted(scene, filled_in(expression))}
    assert counts == {("ok", "provision_timeout_sweep"): 1, ("ok", "bootstrap_watcher"): 1,
                      ("unreachable", "provision_timeout_sweep"): 1}


def test_the_rulers_alerts_name_the_workspace(scene):
    rules = alert_expressions(LOKI_ALERTS)
    assert counted(scene, rules["RescueSectionWithheld"]) == [
        ({"org": ORG, "workspace_id": scene.withheld, "section": "host"}, 1)]
    assert counted(scene, rules["RescueBootUnreachable"]) == [
        ({"org": ORG, "workspace_id": scene.unreachable, "reason": "provision_timeout_sweep"}, 1)]


def test_the_panels_of_one_workspace_show_each_section_once_and_as_text(scene):
    shown = [line for panel, expr in targets("loki") if panel["type"] == "logs"
             for line in scene.loki.lines(filled_in(expr, scene.rescued))]
    records = [json.loads(line) for line in scene.loki.lines('{kind="rescue"} | workspace_id="%s"' % scene.rescued)]
    assert sorted(shown) == sorted(record["content"] for record in records) and len(records) >= 9
    by_title = {panel["title"]: filled_in(expr, scene.rescued) for panel, expr in targets("loki")
                if panel["type"] == "logs"}
    assert "frobnicate" in "".join(scene.loki.lines(by_title["cloud-init-output.log.tail"]))
    assert scene.loki.lines(by_title["config.yaml"]) == ["name: demo\nruntime: claude\n"]


def test_the_tables_ask_for_fields_that_a_record_has(scene):
    tables = [(panel, expr) for panel, expr in targets("loki") if panel["type"] == "table"]
    assert len(tables) == 2
    for panel, expr in tables:
        lines = scene.loki.lines(filled_in(expr, scene.rescued))
        names = next(one["options"]["include"]["names"] for one in panel["transformations"]
                     if one["id"] == "filterFieldsByName")
        assert lines and all(set(names) <= set(json.loads(line)) for line in lines) and set(names) <= set(RECORD)


def test_the_org_variable_lists_the_tenants(scene):
    org = next(variable for variable in DASHBOARD["templating"]["list"] if variable["name"] == "org")
    assert scene.loki.label_values(org["query"]["label"]) == [ORG]


def test_the_queries_of_the_readme_find_something(scene):
    part = (ROOT / "README.md").read_text().split("| question | query |", 1)[1].split("\n\n", 1)[0]
    queries = [query.replace("\\|", "|").replace("ws-1234", scene.rescued) for query in re.findall(r"\| `(.*)` \|$", part, re.M)]
    assert len(queries) >= 6
    for query in queries:
        assert counted(scene, query) if query.startswith("sum") else scene.loki.lines(query), query


def test_the_metrics_count_what_happened(scene):
    metric = scene.sweeper.metric
    # The one that nobody answered was shipped, too, but its time would be the capture's deadline.
    wait_for("two bundles to be noted", lambda: metric("rescue_verdict_to_shipped_seconds_count") == 2)
    assert metric("rescue_verdict_to_shipped_seconds_bucket", le="+Inf") == 2
    assert metric("rescue_sections_total", outcome="withheld") == 1 and metric("rescue_unreachable_total") == 1
    assert metric("rescue_verdicts_total", reason="provision_timeout_sweep") == 2
    assert metric("rescue_verdicts_total", reason="bootstrap_watcher") == 1
