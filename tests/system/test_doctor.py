"""`rescue-agent doctor` against a real sweeper: what it finds good, and each failure with its remedy."""

import re
import uuid

import pytest

import metadata
from conftest import free_port
from test_enroll_agent import instance, make_box  # noqa: F401
from test_enroll_gate import gate, make_gate, region  # noqa: F401
from test_identity import openssl_certificate


def examine(agent):
    """(exit code, {check: (word, text)}, [remedies])"""
    done = agent.command("doctor", text=True)
    checks = {found[2]: (found[1], found[3]) for found in re.finditer(r"^(ok|note|FAILED) +(.+?): (.*)$", done.stdout, re.M)}
    remedies = re.findall(r"^ +remedy: (.+)$", done.stdout, re.M)
    failed = [name for name, (word, _) in checks.items() if word == "FAILED"]
    assert len(remedies) == len(failed) and done.returncode == (1 if failed else 0), done.stdout + done.stderr
    return done.returncode, checks, remedies


@pytest.fixture
def agent(sweeper, make_agent):
    return make_agent(str(uuid.uuid4()), [sweeper.port])


def test_a_box_in_order_is_found_so(agent, sweeper, box):
    box.write("configs/config.yaml", "token: ghp_0123456789abcdefABCDEF0123456789abcd\n")
    code, checks, _ = examine(agent)
    assert code == 0
    workspace_id = agent.name.removeprefix("agent-")
    assert checks["identity"] == ("ok", f"spiffe://rescue.example/org/acme/workspace/{workspace_id}")
    assert re.fullmatch(r"good until \S+Z, for another \d+ hours", checks["certificate"][1])
    assert checks["key"][0] == checks["rules"][0] == checks["spool"][0] == "ok"
    assert checks["section config.yaml"][1].endswith("1 redactions")
    assert checks["section docker-ps"] == ("note", "there is none here")
    assert "seccomp" in checks["sandbox"][1]
    assert checks["sweeper"] == ("ok", f"https://127.0.0.1:{sweeper.port} takes this identity")


def test_it_sends_no_data_and_takes_no_order(sweeper, database, make_agent):
    workspace_id = database.add_workspace(age_s=700)
    sweeper.sweep_once()
    assert examine(make_agent(workspace_id, [sweeper.port]))[0] == 0
    assert database.query("SELECT state, delivered_at, received_at FROM rescue.captures") == [("ordered", None, None)]
    assert not list(sweeper.archive.rglob("*.gz"))


@pytest.mark.parametrize("harm, check, says, remedy", [
    (lambda agent: agent.settings.update(sweepers=[f"https://127.0.0.1:{free_port()}"]), "sweeper", "connect", "route"),
    (lambda agent: agent.settings["identity"].update(ca=agent.settings["identity"]["cert"]), "sweeper", "certificate",
     "identity.ca"),
    (lambda agent: agent.settings["identity"].update(cert="/nowhere.crt"), "identity", "/nowhere.crt does not exist",
     "identity.enroll"),
    (lambda agent: agent.settings["identity"].update(key="/nowhere.key"), "key", "/nowhere.key", "put the certificate's"),
    (lambda agent: agent.settings.update(spool_dir=str(agent.config)), "spool", str, "writable"),
    (lambda agent: agent.settings.update(unknown=1), "configuration", "unknown", "agent.yaml(5)"),
], ids=["unreachable", "wrong authority", "no certificate", "no key", "no spool", "wrong configuration"])
def test_what_is_wrong_is_named_with_its_remedy(agent, harm, check, says, remedy):
    harm(agent)
    agent.write_config()
    _, checks, remedies = examine(agent)
    assert checks[check][0] == "FAILED" and (says is str or says in checks[check][1]), checks
    assert any(remedy in words for words in remedies), remedies


def test_a_rule_that_does_not_load_would_withhold_everything(agent):
    rules = agent.folder / "agent-rules.d"
    rules.mkdir()
    (rules / "bad.yaml").write_text("no such thing\n")
    _, checks, _ = examine(agent)
    assert checks["rules"][0] == "FAILED" and str(rules) in checks["rules"][1]
    assert checks["section config.yaml"] == ("FAILED", "it would be withheld")


def test_a_key_of_another_or_for_everybody_is_found(agent, authority):
    _, other = authority.issue("--workspace", "another")
    agent.settings["identity"]["key"] = str(other)
    agent.write_config()
    assert "another certificate's" in examine(agent)[1]["key"][1]
    own = agent.folder / "own.key"
    own.write_bytes(authority.issue("--workspace", agent.name.removeprefix("agent-"))[1].read_bytes())
    own.chmod(0o644)
    agent.settings["identity"]["key"] = str(own)
    agent.write_config()
    assert examine(agent)[1]["key"] == ("FAILED", f"others than its owner may read {own}")


@pytest.mark.parametrize("days_from, days_to, word", [(-3, -1, "ended"), (1, 3, "begins")])
def test_a_certificate_out_of_its_time_is_found(agent, authority, tmp_path, days_from, days_to, word):
    cert, key = openssl_certificate(tmp_path, authority, "spiffe://rescue.example/org/acme/workspace/w", days_from, days_to)
    agent.settings["identity"].update(cert=str(cert), key=str(key))
    agent.write_config()
    code, checks, _ = examine(agent)
    assert code == 1 and checks["certificate"][0] == "FAILED" and word in checks["certificate"][1]


def test_an_identity_of_another_trust_domain_is_refused(agent, authority, tmp_path):
    cert, key = openssl_certificate(tmp_path, authority, "spiffe://elsewhere.example/org/acme/workspace/w", -1, 1)
    agent.settings["identity"].update(cert=str(cert), key=str(key))
    agent.write_config()
    _, checks, remedies = examine(agent)
    assert checks["sweeper"][1].endswith("answers 403") and "gate.denied" in remedies[-1]


def test_before_an_enrolment_it_says_which_instance_this_is(gate, make_box, instance):  # noqa: F811
    box = make_box(instance, gate.port)
    code, checks, _ = examine(box)
    assert code == 0 and checks["identity"][0] == checks["sweeper"][0] == "note"
    assert checks["instance"] == ("ok", f"{instance.instance_id} in account {metadata.ACCOUNT} says the metadata service")
    box.settings["identity"]["metadata"] = f"http://127.0.0.1:{free_port()}"
    box.write_config()
    assert examine(box)[1]["instance"][0] == "FAILED"
