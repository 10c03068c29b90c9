"""The Terraform module. No provider can be fetched here, so that nothing is planned against AWS: the syntax and the
variables' validations are checked by the real program, references and the security groups by reading."""

import json
import re
import shutil
import subprocess

import pytest

from conftest import ROOT

MODULE = ROOT / "packaging" / "terraform"
SOURCE = "\n".join(path.read_text() for path in sorted(MODULE.glob("*.tf")))
SOURCE = re.sub(r"^\s*#.*$", "", SOURCE, flags=re.M)
GOOD = {"vpc_id": "vpc-0a1b", "subnet_ids": ["subnet-0a", "subnet-0b"],
        "sweeper_egress": {"PostgreSQL": {"port": 5432, "cidr": "10.0.0.0/24"}}}

needs_terraform = pytest.mark.skipif(shutil.which("terraform") is None, reason="terraform is not on this machine")


def blocks(kind):
    """{labels: body} of the top-level blocks of a kind; terraform fmt puts them at the beginning of a line."""
    found = re.findall(rf'^{kind} ((?:"[^"]+" ?)+)\{{\n(.*?)^\}}', SOURCE, re.M | re.S)
    return {tuple(re.findall(r'"([^"]+)"', labels)): body for labels, body in found}


RESOURCES, VARIABLES, OUTPUTS = blocks("resource"), blocks("variable"), blocks("output")


def argument(body, name):
    found = re.search(rf"^\s*{name}\s*=\s*(.+)$", body, re.M)
    return found and found[1]


def test_every_reference_has_its_declaration_and_every_declaration_its_use():
    declared = {name for name, in VARIABLES}
    used = set(re.findall(r"\bvar\.(\w+)", SOURCE))
    outside = re.sub(r'^variable "\w+" \{\n.*?^\}', "", SOURCE, flags=re.M | re.S)
    assert used <= declared
    assert declared <= set(re.findall(r"\bvar\.(\w+)", outside)), "a variable does nothing"
    references = set(re.findall(r"\b(aws_\w+)\.(\w+)(?:\[[^]]*\])?\.\w+", SOURCE))
    assert references and references <= set(RESOURCES)
    assert all("description" in body for body in (*VARIABLES.values(), *OUTPUTS.values()))


def test_the_example_gives_what_the_module_asks_for():
    text = (MODULE / "example" / "main.tf").read_text()
    call = re.search(r'^module "rescue" \{\n(.*?)^\}', text, re.M | re.S)[1]
    given = set(re.findall(r"^  (\w+)\s*=", call, re.M)) - {"source"}
    required = {name for name, in VARIABLES if argument(VARIABLES[name,], "default") is None}
    assert required <= given <= {name for name, in VARIABLES}
    assert set(re.findall(r"\bmodule\.rescue\.(\w+)", text)) <= {name for name, in OUTPUTS}


def test_boxes_have_no_inbound_rule_and_one_way_out():
    rules = {labels: body for labels, body in RESOURCES.items() if "security_group" in labels[0] and "rule" in labels[0]}
    boxes = {labels: body for labels, body in rules.items()
             if argument(body, "security_group_id") == "aws_security_group.boxes.id"}
    (kind, _), = boxes
    body, = boxes.values()
    assert kind == "aws_vpc_security_group_egress_rule"
    assert argument(body, "referenced_security_group_id") == "aws_security_group.load_balancer.id"
    assert argument(body, "from_port") == argument(body, "to_port") == "var.port"
    for labels, body in RESOURCES.items():
        if labels[0] == "aws_security_group":  # rules within a group would undo those beside it
            assert not re.search(r"^\s*(ingress|egress)\b", body, re.M)
    assert all(argument(body, "ip_protocol") == '"tcp"' for body in rules.values())


def test_the_load_balancer_passes_tcp_through_and_asks_what_a_sweeper_answers(sweeper):
    listener, = (body for labels, body in RESOURCES.items() if labels[0] == "aws_lb_listener")
    group, = (body for labels, body in RESOURCES.items() if labels[0] == "aws_lb_target_group")
    balancer, = (body for labels, body in RESOURCES.items() if labels[0] == "aws_lb")
    check = re.search(r"health_check \{(.*?)\}", group, re.S)[1]
    assert argument(balancer, "load_balancer_type") == '"network"' and argument(listener, "protocol") == '"TCP"'
    assert argument(group, "protocol") == '"TCP"' and argument(check, "port") == "tostring(var.admin_port)"
    assert str(sweeper.admin(json.loads(argument(check, "path")))[0]) == json.loads(argument(check, "matcher"))


def test_ports_are_the_sweepers_defaults():
    defaults = (ROOT / "sweeper" / "config.c").read_text()
    for variable, key in (("port", "listen"), ("admin_port", "admin_listen")):
        port = argument(VARIABLES[variable,], "default")
        assert re.search(rf'CONFIG_TEXT\(struct top, {key}, "[^"]*:{port}"\)', defaults)


@needs_terraform
def test_terraform_finds_the_files_well_formed():
    done = subprocess.run(["terraform", "fmt", "-check", "-diff", "-recursive", MODULE], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module")
def plan(tmp_path_factory):
    """Plans the module's variables alone, which needs no provider."""
    folder = tmp_path_factory.mktemp("terraform")
    shutil.copy(MODULE / "variables.tf", folder)
    environment = {"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": str(folder), "CHECKPOINT_DISABLE": "1"}

    def run(**changes):
        (folder / "terraform.tfvars.json").write_text(json.dumps({**GOOD, **changes}))
        return subprocess.run(["terraform", f"-chdir={folder}", "plan", "-input=false", "-no-color", "-lock=false"],
                              env=environment, capture_output=True, text=True)
    subprocess.run(["terraform", f"-chdir={folder}", "init", "-backend=false", "-input=false"], env=environment,
                   check=True, stdout=subprocess.DEVNULL)
    return run


@needs_terraform
def test_terraform_takes_good_values(plan):
    done = plan(target_type="ip", sweeper_addresses=["10.0.0.4"], client_cidrs=["10.0.0.0/8"], name="rescue-eu",
                dns={"zone_id": "Z1", "name": "sweeper.internal"})
    assert done.returncode == 0, done.stderr


@needs_terraform
@pytest.mark.parametrize("changes", [
    {"name": "Rescue"}, {"vpc_id": "10.0.0.0/8"}, {"subnet_ids": ["subnet-0a"]}, {"subnet_ids": ["subnet-0a", "b"]},
    {"port": 0}, {"port": 70000}, {"admin_port": 8443}, {"target_type": "lambda"}, {"sweeper_addresses": ["10.0.0.4"]},
    {"target_type": "ip", "sweeper_addresses": ["here"]}, {"client_cidrs": ["10.0.0.0"]}, {"monitoring_cidrs": ["x"]},
    {"sweeper_egress": {}}, {"sweeper_egress": {"a": {"port": 1}}}, {"sweeper_egress": {"a": {"port": 1, "cidr": "x"}}},
    {"sweeper_egress": {"a": {"port": 1, "cidr": "10.0.0.0/8", "security_group_id": "sg-1"}}},
], ids=json.dumps)
def test_terraform_refuses_bad_values_and_names_the_variable(plan, changes):
    done = plan(**changes)
    assert done.returncode != 0 and f"{list(changes)[-1]}:" in done.stderr, done.stdout + done.stderr
