"""The Kubernetes manifests: of the API's shape, in agreement with each other, and with what a sweeper really does."""

import json
import re
import shutil
import subprocess

import pytest
import yaml
from kubernetes import client as api

from conftest import BIN, ROOT, wait_for

K8S = ROOT / "packaging" / "k8s"
LIMITS = (ROOT / "shared" / "limits.h").read_text()
TYPES = {"ConfigMap": "V1ConfigMap", "Deployment": "V1Deployment", "Job": "V1Job", "Namespace": "V1Namespace",
         "NetworkPolicy": "V1NetworkPolicy", "PodDisruptionBudget": "V1PodDisruptionBudget", "Secret": "V1Secret",
         "Service": "V1Service", "ServiceAccount": "V1ServiceAccount"}
NLB_IDLE_S = 350  # a network load balancer's default for TCP
PRIMITIVES = {"str": str, "int": int, "bool": bool, "float": (int, float), "object": object}


def documents(text):
    return [document for document in yaml.safe_load_all(text) if document]


def base_files():
    names = yaml.safe_load((K8S / "base" / "kustomization.yaml").read_text())["resources"]
    return [document for name in names for document in documents((K8S / "base" / name).read_text())]


def kustomized(name):
    if shutil.which("kubectl") is None:
        pytest.skip("kubectl is not on this machine (Debian has none that knows kustomize's patches)")
    done = subprocess.run(["kubectl", "kustomize", K8S / name], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return documents(done.stdout)


BASE = base_files()
DEPLOYMENT = next(document for document in BASE if document["kind"] == "Deployment")
JOB = next(document for document in BASE if document["kind"] == "Job")
POLICY = next(document for document in BASE if document["kind"] == "NetworkPolicy")
POD = DEPLOYMENT["spec"]["template"]
SWEEPER, = POD["spec"]["containers"]
SECRETS = {secret["metadata"]["name"]: secret for secret in documents((K8S / "secrets.example.yaml").read_text())}
CONFIG = yaml.safe_load((K8S / "base" / "sweeper.yaml").read_text())


def check_type(value, name, place):
    """Holds `value` against a type of the API: unknown fields and wrong types fail, and so do required ones left out."""
    listed = re.fullmatch(r"list\[(.*)\]", name)
    mapped = re.fullmatch(r"dict\(str, (.*)\)", name)
    if listed:
        assert isinstance(value, list), f"{place}: not a list"
        for i, item in enumerate(value):
            check_type(item, listed[1], f"{place}[{i}]")
    elif mapped:
        assert isinstance(value, dict), f"{place}: not a map"
        for key, item in value.items():
            check_type(item, mapped[1], f"{place}.{key}")
    elif name in PRIMITIVES:
        right = isinstance(value, PRIMITIVES[name]) and (name == "bool") == isinstance(value, bool)
        assert right or name == "object", f"{place}: {value!r} is no {name}"
    else:
        model = getattr(api, name)
        fields = {model.attribute_map[field]: field for field in model.openapi_types}
        assert isinstance(value, dict) and set(value) <= set(fields), f"{place}: {set(value) - set(fields)} unknown"
        for key, item in value.items():
            check_type(item, model.openapi_types[fields[key]], f"{place}.{key}")
        model(**{fields[key]: item for key, item in value.items()})  # ValueError for a required one that is missing


@pytest.mark.parametrize("source", ["base", "aws-nlb", "files"])
def test_every_manifest_has_the_apis_shape(source):
    found = [*BASE, *SECRETS.values()] if source == "files" else kustomized(source)
    for document in found:
        place = f"{document['kind']} {document['metadata']['name']}"
        check_type(document, TYPES[document["kind"]], place)


@pytest.mark.parametrize("change", [{"replica": 3}, {"replicas": "3"}, {"selector": None}])
def test_the_check_of_the_shape_can_fail(change):
    spec = {**DEPLOYMENT["spec"], **change}
    spec = {key: value for key, value in spec.items() if value is not None}
    with pytest.raises((AssertionError, ValueError)):
        check_type({**DEPLOYMENT, "spec": spec}, "V1Deployment", "Deployment")


def test_yamllint_has_nothing_to_say():
    rules = ("{extends: default, rules: {braces: disable, comments: {min-spaces-from-content: 1}, document-start: disable,"
             " line-length: {max: 140}, octal-values: disable}}")
    files = [path for folder in ("k8s", "compose", "grafana") for suffix in ("*.yaml", "*.yml")
             for path in (ROOT / "packaging" / folder).rglob(suffix) if path.name != "loki-alerts.yml"
             and path.name != "alerts.test.yml"]
    subprocess.run(["yamllint", "--strict", "-d", rules, *files], check=True)


def test_selectors_choose_the_sweepers_and_not_the_migration():
    labels = POD["metadata"]["labels"]
    other = JOB["spec"]["template"]["metadata"]["labels"]
    selectors = [DEPLOYMENT["spec"]["selector"]["matchLabels"]]
    selectors += [spread["labelSelector"]["matchLabels"] for spread in POD["spec"]["topologySpreadConstraints"]]
    selectors += [document["spec"]["selector"] for document in BASE if document["kind"] == "Service"]
    selectors += [document["spec"]["selector"]["matchLabels"] for document in BASE
                  if document["kind"] == "PodDisruptionBudget"]
    assert len(selectors) == 5
    for selector in selectors:
        assert selector.items() <= labels.items() and not selector.items() <= other.items()
    policy = POLICY["spec"]["podSelector"]["matchLabels"]
    assert policy.items() <= labels.items() and policy.items() <= other.items()


def test_one_pod_may_be_away_and_not_two():
    budget, = (document["spec"] for document in BASE if document["kind"] == "PodDisruptionBudget")
    assert DEPLOYMENT["spec"]["replicas"] == 3 and budget["minAvailable"] == 2
    assert DEPLOYMENT["spec"]["strategy"]["rollingUpdate"]["maxUnavailable"] == 1


def test_ports_are_those_of_the_configuration():
    ports = {port["name"]: port["containerPort"] for port in SWEEPER["ports"]}
    assert CONFIG["listen"] == f"0.0.0.0:{ports['gate']}" and CONFIG["admin_listen"] == f"0.0.0.0:{ports['admin']}"
    service, = (document["spec"] for document in BASE if document["kind"] == "Service")
    assert {port["targetPort"] for port in service["ports"]} == {"gate"}
    assert POD["metadata"]["annotations"]["prometheus.io/port"] == str(ports["admin"])
    used = {port["port"] for rule in POLICY["spec"]["ingress"] for port in rule["ports"]}
    assert used == set(ports)
    anyone = [rule for rule in POLICY["spec"]["ingress"] if not rule.get("from")]
    assert [port["port"] for rule in anyone for port in rule["ports"]] == ["gate"], "only the gate is for everybody"


def test_the_policy_lets_out_what_the_configuration_needs_and_nothing_else():
    allowed = {(port["protocol"], port["port"]) for rule in POLICY["spec"]["egress"] for port in rule["ports"]}
    needed = {("UDP", 53), ("TCP", 53)}
    needed |= {("TCP", int(re.search(r"\bport=(\d+)", tenant["database"])[1])) for tenant in CONFIG["tenants"]}
    needed |= {("TCP", int(sink["url"].rsplit(":", 1)[1])) for sink in CONFIG["sinks"]}
    assert allowed == needed
    assert all(rule["to"] for rule in POLICY["spec"]["egress"])
    # The hosts are in namespaces that the policy names.
    reached = {peer["namespaceSelector"]["matchLabels"]["kubernetes.io/metadata.name"]
               for rule in POLICY["spec"]["egress"] for peer in rule["to"]}
    hosts = [re.search(r"\bhost=(\S+)", tenant["database"])[1] for tenant in CONFIG["tenants"]]
    hosts += [re.fullmatch(r"http://([^:]+):\d+", sink["url"])[1] for sink in CONFIG["sinks"]]
    assert {host.split(".")[1] for host in hosts} <= reached


def test_probes_ask_for_what_a_running_sweeper_answers(sweeper):
    for name in ("startupProbe", "livenessProbe", "readinessProbe"):
        probe = SWEEPER[name]["httpGet"]
        assert probe["port"] == "admin"
        assert sweeper.admin(probe["path"])[0] == 200
    assert SWEEPER["livenessProbe"]["httpGet"]["path"] != SWEEPER["readinessProbe"]["httpGet"]["path"], \
        "a database that is away must not restart the sweepers"
    for document in kustomized("aws-nlb"):
        for key, value in document["metadata"].get("annotations", {}).items():
            if key.endswith("healthcheck-path"):
                assert sweeper.admin(value)[0] == 200


def test_a_database_that_is_away_makes_a_sweeper_unready_and_not_dead(make_sweeper, cluster):
    class Nowhere:
        dsn = f"host={cluster.socket_dir} user=postgres dbname=nowhere"
    sweeper = make_sweeper({"acme": Nowhere}).start(ready=False)
    wait_for("the admin port", lambda: sweeper.admin("/healthz")[0] == 200)
    assert sweeper.admin("/readyz")[0] == 503


def test_the_configuration_is_accepted_with_the_secrets_mounted(tmp_path, authority):
    """Every path in it lies below a mount that the pod has, and the mounted secret has a file of this name."""
    mounts = {mount["name"]: mount["mountPath"] for mount in SWEEPER["volumeMounts"]}
    volumes = {volume["name"]: volume for volume in POD["spec"]["volumes"]}
    assert set(mounts) == set(volumes)
    files = SECRETS[volumes["tls"]["secret"]["secretName"]]["stringData"]
    text = (K8S / "base" / "sweeper.yaml").read_text()
    cert, key = authority.issue("--server", "sweeper.internal")
    sources = {"tls.crt": cert, "tls.key": key, "ca.crt": authority.ca}
    for path in CONFIG["tls"].values():
        folder, name = path.rsplit("/", 1)
        assert folder == mounts["tls"] and name in files
        text = text.replace(path, str(sources[name]))
    (tmp_path / "rules.d").mkdir()
    config = tmp_path / "sweeper.yaml"
    config.write_text(text + f"redaction: {{rules_dir: {tmp_path / 'rules.d'}}}\n")
    done = subprocess.run([BIN / "rescue-sweeper", "--config", config, "check-config"], capture_output=True, text=True)
    assert done.returncode == 0 and "warning" not in done.stderr, done.stderr
    assert SWEEPER["args"][:2] == ["--config", mounts["config"] + "/sweeper.yaml"]


@pytest.mark.parametrize("pod", [POD["spec"], JOB["spec"]["template"]["spec"]], ids=["sweeper", "migrate"])
def test_pods_are_confined(pod):
    security = pod["securityContext"]
    assert security["runAsNonRoot"] and security["seccompProfile"] == {"type": "RuntimeDefault"}
    user = re.search(r"^USER (\d+)", (ROOT / "packaging/compose/Containerfile").read_text(), re.M)[1]
    assert security["runAsUser"] == int(user) and pod["automountServiceAccountToken"] is False
    for container in pod["containers"]:
        own = container["securityContext"]
        assert own["readOnlyRootFilesystem"] and own["allowPrivilegeEscalation"] is False
        assert own["capabilities"] == {"drop": ["ALL"]} and container["resources"]["limits"]["memory"]
        for variable in container["env"]:
            reference = variable["valueFrom"]["secretKeyRef"]
            assert reference["key"] in SECRETS[reference["name"]]["stringData"]


def test_a_pod_has_the_time_that_draining_takes():
    drain_s = int(re.search(r"LIMIT_DRAIN_MS (\d+)", LIMITS)[1]) / 1000
    assert POD["spec"]["terminationGracePeriodSeconds"] >= drain_s + 5


def test_the_load_balancer_does_not_forget_a_held_request():
    assert int(re.search(r"LIMIT_WAIT_S (\d+)", LIMITS)[1]) < NLB_IDLE_S
    service, = (document for document in kustomized("aws-nlb") if document["kind"] == "Service")
    assert service["spec"]["type"] == "LoadBalancer" and json.dumps(service).count("aws-load-balancer") >= 6
