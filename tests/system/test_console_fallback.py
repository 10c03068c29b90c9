"""Console output of boxes whose agent never came. EC2, STS and the metadata service are tests/doubles/ec2.py."""

import json
import uuid

import pytest

from conftest import wait_for
from ec2 import Ec2Double, Key, Refused, verify
from loki_process import Loki

INSTANCE = "i-0123456789abcdef0"
SECRET = "sk-1234567890abcdefghCANARY"
ENVIRONMENT = {"AWS_ACCESS_KEY_ID": "AKIDEXAMPLE0000USER1",
               "AWS_SECRET_ACCESS_KEY": "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "AWS_SESSION_TOKEN": ""}
NO_ENVIRONMENT = {name: "" for name in ENVIRONMENT}


@pytest.fixture
def ec2():
    double = Ec2Double().start()
    yield double
    double.stop()


@pytest.fixture
def start(make_sweeper, ec2):
    def start(env=None, **changes):
        fallback = {"enabled": True, "region": ec2.region, "endpoint": ec2.url, "sts_endpoint": ec2.url,
                    "metadata": ec2.url, **changes}
        return make_sweeper(env=ENVIRONMENT if env is None else env, capture={"deadline_s": 1, "grace_h": 24},
                            console_fallback=fallback).migrate().start()
    return start


def unreachable(database, instance_id=INSTANCE):
    """The capture of a box that is overdue and whose agent will not come."""
    workspace_id = database.add_workspace(age_s=100000, instance_id=instance_id)
    return wait_for("the verdict", lambda: database.captures(workspace_id))[0]["capture_id"]


def hurry(database):
    database.execute("UPDATE rescue.captures SET console_due_at = now() WHERE console_due_at IS NOT NULL")


def wait_for_console(sweeper, database, capture_id, hurried=False):
    """The records once the archive has both."""
    def both():
        if hurried:
            hurry(database)
        found = sweeper.archived(capture_id)
        return found if found and len(found) > 1 else None
    return wait_for("the console output in the archive", both)


def test_console_output_follows_the_unreachable_record(start, database, ec2):
    ec2.consoles[INSTANCE] = f"[    0.000000] Linux\npassword={SECRET}\n\x1b[0mKernel panic \xff\n".encode("latin-1")
    sweeper = start()
    records = wait_for_console(sweeper, database, unreachable(database))
    assert [(record["section"], record["outcome"]) for record in records] == [("verdict", "unreachable"),
                                                                              ("console-output", "ok")]
    content = records[1]["content"]
    assert "Linux\n" in content and "Kernel panic" in content and "[REDACTED:" in content
    assert SECRET not in json.dumps(records) and records[1]["redactions"] >= 1
    assert records[1]["instance_id"] == INSTANCE and records[1]["capture_id"] == records[0]["capture_id"]
    action, instance, key_id, query = ec2.asked[0]
    assert (action, instance, key_id) == ("GetConsoleOutput", INSTANCE, ENVIRONMENT["AWS_ACCESS_KEY_ID"])
    assert query["Latest"] == "true" and len(ec2.asked) == 1
    assert SECRET not in sweeper.log_text() and ENVIRONMENT["AWS_SECRET_ACCESS_KEY"] not in sweeper.log_text()


def test_older_instances_are_asked_for_what_they_have(start, database, ec2):
    ec2.consoles[INSTANCE] = b"old kind\n"
    ec2.old_kind.add(INSTANCE)
    records = wait_for_console(start(), database, unreachable(database))
    assert records[1]["content"] == "old kind\n"
    assert ["Latest" in asked[3] for asked in ec2.asked] == [True, False]


def test_instance_role_and_assumed_role(start, database, ec2):
    ec2.consoles[INSTANCE] = b"hello\n"
    role = "arn:aws:iam::123456789012:role/path/console-reader"
    records = wait_for_console(start(env=NO_ENVIRONMENT, role=role), database, unreachable(database))
    assert records[1]["content"] == "hello\n"
    (first, arn, own, _), (second, _, assumed, _) = ec2.asked
    assert (first, arn, second) == ("AssumeRole", role, "GetConsoleOutput")
    assert ec2.keys[own].token == "metadata/token+==" and ec2.keys[assumed].token == "assumed/token+=="
    # They are kept for the next one.
    capture_id = unreachable(database)
    wait_for("the second", lambda: len(ec2.asked) == 3)
    assert ec2.asked[2][2] == assumed and capture_id


@pytest.mark.parametrize("failure, words", [
    ((400, "InvalidInstanceID.NotFound"), "EC2 answered with 400 InvalidInstanceID.NotFound"),
    ((403, "UnauthorizedOperation"), "EC2 answered with 403 UnauthorizedOperation"),
    (b"<r><output>%%%%</output></r>", "no console output that can be read"),
    (b"<output>" + b"QUJD" * 200000 + b"</output>", "is larger than"),
], ids=["unknown", "denied", "not-base64", "too-large"])
def test_refusals_stand_in_the_record(start, database, ec2, failure, words):
    ec2.failures.append(failure)
    records = wait_for_console(start(), database, unreachable(database))
    assert records[1]["outcome"] == "error" and words in records[1]["content"]
    assert len(ec2.asked) == 1


def test_throttling_and_outages_are_tried_again(start, database, ec2):
    ec2.consoles[INSTANCE] = b"at last\n"
    ec2.failures.extend([(503, "RequestLimitExceeded"), (500, "InternalError")])
    sweeper = start()
    records = wait_for_console(sweeper, database, unreachable(database), hurried=True)
    assert records[1]["content"] == "at last\n" and len(ec2.asked) == 3
    assert sweeper.metric("rescue_console_outputs_total", result="later") == 2
    assert sweeper.metric("rescue_console_outputs_total", result="output") == 1


def test_console_that_stays_empty_is_said_to_be(start, database, ec2):
    ec2.consoles[INSTANCE] = b""
    records = wait_for_console(start(), database, unreachable(database), hurried=True)
    assert records[1]["outcome"] == "absent" and "no console output" in records[1]["content"]
    assert len(ec2.asked) == 5


def test_without_credentials_the_record_says_so(start, database, ec2):
    records = wait_for_console(start(env=NO_ENVIRONMENT, metadata="http://127.0.0.1:1"), database,
                               unreachable(database), hurried=True)
    assert records[1]["outcome"] == "error" and "no AWS credentials" in records[1]["content"]
    assert ec2.asked == []


def test_strange_instance_ids_are_not_asked_for(start, database, ec2):
    records = wait_for_console(start(), database, unreachable(database, "i-0abc&Action=TerminateInstances"))
    assert records[1]["outcome"] == "error" and ec2.asked == []


def test_neither_sweep_nor_shipping_waits_for_aws(start, database, ec2):
    release = []
    plain = ec2.answer

    def slow(*request):
        wait_for("the release", lambda: release)
        return plain(*request)

    ec2.answer = slow
    ec2.consoles[INSTANCE] = b"late\n"
    sweeper = start()
    first = unreachable(database)
    second = unreachable(database, "i-0fedcba9876543210")
    for capture_id in (first, second):
        wait_for("the unreachable record", lambda: sweeper.archived(capture_id))
    release.append(True)
    assert wait_for_console(sweeper, database, first)[1]["content"] == "late\n"


def test_agent_that_comes_late_takes_its_place(start, database, ec2, make_agent):
    ec2.consoles[INSTANCE] = b"console\n"
    sweeper = start()
    workspace_id = str(uuid.uuid4())
    database.add_workspace(workspace_id, age_s=100000, instance_id=INSTANCE)
    capture_id = wait_for("the verdict", lambda: database.captures(workspace_id))[0]["capture_id"]
    wait_for_console(sweeper, database, capture_id)
    make_agent(workspace_id, [sweeper.port]).start()
    records = wait_for("the agent's bundle", lambda: [record for record in sweeper.archived(capture_id)
                                                      if record["section"] == "config.yaml"] and
                       sweeper.archived(capture_id))
    assert "console-output" not in {record["section"] for record in records}


def test_disabled_it_asks_nobody(make_sweeper, database, ec2):
    ec2.consoles[INSTANCE] = b"console\n"
    sweeper = make_sweeper(env=ENVIRONMENT, capture={"deadline_s": 1, "grace_h": 24},
                           console_fallback={"region": ec2.region, "endpoint": ec2.url}).migrate().start()
    capture_id = unreachable(database)
    assert len(wait_for("the record", lambda: sweeper.archived(capture_id))) == 1
    assert ec2.asked == []


def test_configuration_is_checked(make_sweeper):
    for fallback, words in (({"enabled": True}, "region"), ({"role": "admin"}, "role"), ({"endpoint": "ftp://x"}, "URL")):
        done = make_sweeper(console_fallback=fallback).command("check-config")
        assert done.returncode == 2 and words in done.stderr


def test_the_double_refuses_what_is_signed_wrongly():
    """AWS's own example of a signature (IAM user guide, "Signature Version 4 test suite": get-vanilla)."""
    keys = {"AKIDEXAMPLE": Key("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")}
    headers = {"host": "example.amazonaws.com", "x-amz-date": "20150830T123600Z", "X-Amz-Date": "20150830T123600Z",
               "Authorization": "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, "
                                "SignedHeaders=host;x-amz-date, Signature="
                                "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"}
    import ec2
    ec2.MAX_SKEW, before = ec2.datetime.timedelta(days=100000), ec2.MAX_SKEW
    try:
        assert verify("GET", "/", headers, b"", keys, "us-east-1", "service") == "AKIDEXAMPLE"
        with pytest.raises(Refused):
            verify("GET", "/?a=b", headers, b"", keys, "us-east-1", "service")
    finally:
        ec2.MAX_SKEW = before


def test_loki_has_record_and_console_output_once_each(make_sweeper, database, ec2, tmp_path):
    """The record is shipped first, and again with the console output: under its old timestamp, so it is the same entry."""
    loki = Loki(tmp_path).start()
    try:
        ec2.consoles[INSTANCE] = b"console\n"
        fallback = {"enabled": True, "region": ec2.region, "endpoint": ec2.url}
        make_sweeper(env=ENVIRONMENT, capture={"deadline_s": 1, "grace_h": 24}, console_fallback=fallback,
                     sinks=[{"kind": "loki", "url": loki.url}]).migrate().start()
        capture_id = unreachable(database)
        wait_for("both shipped", lambda: database.query(
            "SELECT 1 FROM rescue.captures WHERE capture_id = %s AND shipped_at IS NOT NULL AND console_due_at IS NULL",
            capture_id))
        lines = [json.loads(entry["line"]) for entry in loki.entries()]
    finally:
        loki.stop()
    assert [(line["section"], line["outcome"]) for line in lines] == [("verdict", "unreachable"), ("console-output", "ok")]
