"""POST /v1/enroll as anybody could send it: who gets a certificate, who does not, and that first use binds the key."""

import base64
import concurrent.futures
import datetime
import http.client
import itertools
import json
import re
import ssl
import subprocess

import pytest

import metadata
from conftest import Authority, BIN, Client, ORG, TRUST_DOMAIN

counter = itertools.count(1)


class Key:
    """A P-256 key and its certificate request."""

    def __init__(self, folder, *options):
        self.key, csr = folder / f"box-{next(counter)}.key", folder / "box.csr"
        options = options or ("ec", "-pkeyopt", "ec_paramgen_curve:P-256")
        subprocess.run(["openssl", "req", "-new", "-nodes", "-keyout", self.key, "-out", csr, "-subj",
                        "/CN=operator", "-newkey", *options], check=True, capture_output=True)
        self.csr = csr.read_text()
        self.cert = self.key.with_suffix(".crt")

    def keep(self, answer):
        self.cert.write_text(answer["certificate"])
        return self.cert, self.key


def certificate_text(cert):
    return subprocess.run(["openssl", "x509", "-noout", "-text", "-in", cert], check=True, capture_output=True,
                          text=True).stdout


def validity(cert):
    dates = subprocess.run(["openssl", "x509", "-noout", "-startdate", "-enddate", "-dateopt", "iso_8601", "-in", cert],
                           check=True, capture_output=True, text=True).stdout
    return [datetime.datetime.fromisoformat(part.replace("Z", "+00:00")) for part in re.findall(r"=(.*)", dates)]


@pytest.fixture(scope="session")
def region(tmp_path_factory):
    return metadata.Region(tmp_path_factory.mktemp("region"))


@pytest.fixture
def make_gate(make_sweeper, authority, region):
    def make(databases=None, env=None, tenants=None, **changes):
        sweeper = make_sweeper(databases, env, enroll={
            "enabled": True, "certificates": {metadata.REGION: str(region.cert)}, "accounts": [metadata.ACCOUNT],
            "ca_cert": str(authority.ca), "ca_key": str(authority.folder / "ca.key"), **changes})
        for tenant, extra in zip(sweeper.settings["tenants"], tenants or []):
            tenant.update(extra)
        sweeper.write_config()
        return sweeper.migrate().start()

    return make


@pytest.fixture
def gate(make_gate):
    return make_gate()


@pytest.fixture
def key(tmp_path):
    return Key(tmp_path)


@pytest.fixture
def instance_id():
    return f"i-{next(counter):017x}"


def enroll(gate, region, key, document, signature=None):
    body = {"csr": key.csr, "document": document.decode(), "signature": signature or region.sign(document)}
    return Client(gate.port, gate.authority.ca).request("POST", "/v1/enroll", body=body)


def identity(database, workspace_id):
    columns = "key_sha256, instance_id, fingerprint, extract(epoch FROM not_after), enrolled_at"
    rows = database.query(f"SELECT {columns} FROM rescue.identities WHERE workspace_id = %s", workspace_id)
    return rows[0] if rows else (None,) * 5


def events(database, kind):
    return database.query("SELECT workspace_id, payload FROM rescue.events WHERE event_type = %s", kind)


def test_a_box_gets_its_workspaces_certificate_and_nothing_it_asked_for_itself(gate, database, region, key, instance_id):
    workspace = database.add_workspace(instance_id=instance_id)
    before = database.query("SELECT extract(epoch FROM now())")[0][0]
    status, answer = enroll(gate, region, key, metadata.make_document(instance_id))
    assert status == 201, answer
    pair = key.keep(answer)
    text = certificate_text(pair[0])
    assert f"URI:spiffe://{TRUST_DOMAIN}/org/{ORG}/workspace/{workspace}" in text
    assert f"CN = {instance_id}" in text and "operator" not in text
    assert "TLS Web Client Authentication" in text and "Server" not in text and "CA:FALSE" in text
    begins, ends = (moment.timestamp() for moment in validity(pair[0]))
    assert begins <= before - 299 and before + 86399 <= ends
    assert answer["renew_in_s"] == 57600
    bound = identity(database, workspace)
    assert bound[1] == instance_id and bound[4] is not None and float(bound[3]) == ends
    client = Client(gate.port, gate.authority.ca, *pair)
    assert client.request("GET", "/v1/orders/next?wait=0")[0] == 204
    assert gate.metric("rescue_enrolments_total", result="issued") == 1


def test_the_row_may_come_after_the_box(gate, database, region, key, instance_id):
    document = metadata.make_document(instance_id)
    connection = Client(gate.port, gate.authority.ca).connect()
    connection.request("POST", "/v1/enroll", body=json.dumps(
        {"csr": key.csr, "document": document.decode(), "signature": region.sign(document)}))
    answer = connection.getresponse()
    assert answer.status == 404 and int(answer.headers["Retry-After"]) > 0
    connection.close()
    database.add_workspace(instance_id=instance_id)
    assert enroll(gate, region, key, document)[0] == 201


def test_a_forged_document_is_refused(gate, database, region, key, instance_id, tmp_path):
    database.add_workspace(instance_id=instance_id)
    document = metadata.make_document(instance_id)
    other = metadata.make_document("i-0fffffffffffffff0")
    forger = metadata.Region(tmp_path / "forger")
    assert enroll(gate, region, key, document, region.sign(other))[0] == 401
    assert enroll(gate, region, key, document.replace(b"m6i", b"m7i"), region.sign(document))[0] == 401
    assert enroll(gate, forger, key, document)[0] == 401
    assert enroll(gate, region, key, document, "bm8=")[0] == 401
    assert enroll(gate, region, key, document, "no base64!")[0] == 401
    assert enroll(gate, region, key, metadata.make_document(instance_id, region="eu-west-1"))[0] == 401
    assert database.query("SELECT count(*) FROM rescue.identities")[0][0] == 0


def test_a_request_without_proof_of_its_key_is_refused(gate, database, region, key, instance_id, tmp_path):
    database.add_workspace(instance_id=instance_id)
    document = metadata.make_document(instance_id)
    der = subprocess.run(["openssl", "req", "-outform", "DER"], input=key.csr.encode(), check=True,
                         capture_output=True).stdout
    text = base64.encodebytes(der[:-3] + bytes([der[-3] ^ 1]) + der[-2:]).decode()
    broken = f"-----BEGIN CERTIFICATE REQUEST-----\n{text}-----END CERTIFICATE REQUEST-----\n"
    rsa = Key(tmp_path, "rsa:2048")
    for csr in (broken, rsa.csr, "no request"):
        key.csr = csr
        assert enroll(gate, region, key, document)[0] == 401
    assert database.query("SELECT count(*) FROM rescue.identities")[0][0] == 0


def test_a_foreign_account_is_refused(gate, database, region, key, instance_id):
    database.add_workspace(instance_id=instance_id)
    assert enroll(gate, region, key, metadata.make_document(instance_id, account="999999999999"))[0] == 403


@pytest.mark.parametrize("seconds", [-3700, -30 * 86400, 400, 86400])
def test_an_old_document_or_one_of_the_future_is_refused(gate, database, region, key, instance_id, seconds):
    database.add_workspace(instance_id=instance_id)
    document = metadata.make_document(instance_id, pending=metadata.utc(seconds))
    assert enroll(gate, region, key, document)[0] == 403
    assert enroll(gate, region, key, metadata.make_document(instance_id, pending=metadata.utc(-3000)))[0] == 201


@pytest.mark.parametrize("state", ["online", "failed", "removed", "hibernated", None])
def test_a_row_of_another_state_is_refused(gate, database, region, key, instance_id, state):
    database.add_workspace(instance_id=instance_id, status=state)
    assert enroll(gate, region, key, metadata.make_document(instance_id))[0] == 403
    assert database.query("SELECT count(*) FROM rescue.identities")[0][0] == 0


def test_two_rows_that_are_booting_on_one_instance_are_nobodys(gate, database, region, key, instance_id):
    database.add_workspace(instance_id=instance_id)
    database.add_workspace(instance_id=instance_id)
    assert enroll(gate, region, key, metadata.make_document(instance_id))[0] == 403


def test_first_use_binds_the_key_until_an_operator_resets_it(gate, database, region, key, instance_id, tmp_path):
    workspace = database.add_workspace(instance_id=instance_id)
    document = metadata.make_document(instance_id)
    thief = Key(tmp_path)
    assert enroll(gate, region, key, document)[0] == 201
    assert enroll(gate, region, key, document)[0] == 201
    bound = identity(database, workspace)
    for _ in range(3):
        assert enroll(gate, region, thief, document)[0] == 409
    assert identity(database, workspace) == bound
    raised = events(database, "WORKSPACE_IDENTITY_CONFLICT")
    assert len(raised) == 1 and raised[0][0] == workspace
    assert raised[0][1]["instance_id"] == instance_id and raised[0][1]["bound_key_sha256"] == bound[0]
    assert raised[0][1]["key_sha256"] != bound[0] and raised[0][1]["address"].startswith("127.0.0.1:")
    assert database.query("SELECT count(*) FROM structure_events WHERE event_type = 'WORKSPACE_IDENTITY_CONFLICT'") == [(1,)]

    cert, operator_key = gate.authority.issue("--operator")
    reset = [BIN / "rescuectl", "identity", "reset", "--sweeper", f"https://127.0.0.1:{gate.port}", "--cert", cert,
             "--key", operator_key, "--ca", gate.authority.ca]
    assert subprocess.run([*reset, workspace], capture_output=True).returncode == 0
    assert subprocess.run([*reset, workspace], capture_output=True).returncode == 3
    audited = events(database, "WORKSPACE_IDENTITY_RESET")
    assert len(audited) == 1 and audited[0][1]["key_sha256"] == bound[0] and len(audited[0][1]["operator"]) == 16
    assert enroll(gate, region, thief, document)[0] == 201
    assert enroll(gate, region, key, document)[0] == 409
    assert len(events(database, "WORKSPACE_IDENTITY_CONFLICT")) == 2


def test_of_two_keys_at_once_exactly_one_wins(make_gate, database, region, tmp_path):
    gate = make_gate(per_instance_per_min=1000)
    keys = [Key(tmp_path) for _ in range(8)]
    for _ in range(5):
        instance_id = f"i-{next(counter):017x}"
        workspace = database.add_workspace(instance_id=instance_id)
        document = metadata.make_document(instance_id)
        signature = region.sign(document)
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            codes = list(pool.map(lambda key: enroll(gate, region, key, document, signature)[0], keys))
        assert sorted(codes) == [201] + [409] * 7
        assert enroll(gate, region, keys[codes.index(201)], document, signature)[0] == 201
        assert identity(database, workspace)[0] is not None


def test_a_new_instance_of_the_workspace_takes_its_identity_over(gate, database, region, key, instance_id, tmp_path):
    workspace = database.add_workspace(instance_id=instance_id)
    assert enroll(gate, region, key, metadata.make_document(instance_id))[0] == 201
    database.execute("UPDATE workspaces SET instance_id = 'i-0000000000000aaaa' WHERE id = %s", workspace)
    assert enroll(gate, region, key, metadata.make_document(instance_id))[0] == 404
    assert enroll(gate, region, Key(tmp_path), metadata.make_document("i-0000000000000aaaa"))[0] == 201


def test_a_known_box_may_come_back_after_its_boot_failed(gate, database, region, key, instance_id, tmp_path):
    workspace = database.add_workspace(instance_id=instance_id)
    document = metadata.make_document(instance_id)
    assert enroll(gate, region, key, document)[0] == 201
    database.execute("UPDATE workspaces SET status = 'failed' WHERE id = %s", workspace)
    assert enroll(gate, region, key, document)[0] == 201
    assert enroll(gate, region, Key(tmp_path), document)[0] == 403
    # Its key is proof enough, however long ago the instance was started.
    old = metadata.make_document(instance_id, pending=metadata.utc(-86400))
    assert enroll(gate, region, key, old)[0] == 201
    assert enroll(gate, region, Key(tmp_path), old)[0] == 403
    # Online it has nothing to tell any more, in which it stands down; a stranger is not told that much.
    database.execute("UPDATE workspaces SET status = 'online' WHERE id = %s", workspace)
    assert enroll(gate, region, key, old)[0] == 410
    assert enroll(gate, region, Key(tmp_path), document)[0] == 403


def test_another_tenants_row_catches_no_box(make_gate, make_database, region, key, instance_id):
    one, two = make_database(), make_database()
    gate = make_gate({ORG: one, "globex": two})
    workspace = two.add_workspace(instance_id=instance_id)
    status, answer = enroll(gate, region, key, metadata.make_document(instance_id))
    assert status == 201 and f"/org/globex/workspace/{workspace}" in certificate_text(key.keep(answer)[0])
    one.add_workspace(instance_id=instance_id)
    assert enroll(gate, region, key, metadata.make_document(instance_id))[0] == 403


def test_an_account_can_be_tied_to_a_tenant(make_gate, make_database, region, key, instance_id):
    one, two = make_database(), make_database()
    gate = make_gate({ORG: one, "globex": two}, tenants=[{"accounts": ["111111111111"]},
                                                         {"accounts": [metadata.ACCOUNT]}])
    one.add_workspace(instance_id=instance_id)
    assert enroll(gate, region, key, metadata.make_document(instance_id))[0] == 404
    two.add_workspace(instance_id=instance_id)
    status, answer = enroll(gate, region, key, metadata.make_document(instance_id))
    assert status == 201 and "/org/globex/" in certificate_text(key.keep(answer)[0])


def test_rates_are_per_instance_and_per_address(make_gate, database, region, key, instance_id):
    gate = make_gate(per_instance_per_min=2, per_address_per_min=6)
    database.add_workspace(instance_id=instance_id)
    document = metadata.make_document(instance_id)
    signature = region.sign(document)
    # What is forged in an instance's name does not count against it.
    assert enroll(gate, region, key, document, "bm8=")[0] == 401
    assert [enroll(gate, region, key, document, signature)[0] for _ in range(3)] == [201, 201, 429]
    other = metadata.make_document("i-0000000000000bbbb")
    assert [enroll(gate, region, key, other)[0] for _ in range(3)] == [404, 404, 429]
    assert gate.metric("rescue_enrolments_total", result="limited_instance") == 1
    assert gate.metric("rescue_enrolments_total", result="limited_address") == 1


def test_what_is_no_enrolment_is_refused(gate, authority):
    client = Client(gate.port, authority.ca)
    assert client.request("POST", "/v1/enroll", body="x" * 40000)[0] == 413
    assert client.request("POST", "/v1/enroll", body="[]")[0] == 400
    assert client.request("POST", "/v1/enroll", body={"csr": "x"})[0] == 400
    assert client.request("POST", "/v1/enroll", body={"csr": "x", "document": "{}", "signature": "x"})[0] == 401
    assert client.request("GET", "/v1/enroll")[0] == 405
    # A stranger has one request, learns nothing and does nothing else.
    connection = client.connect()
    connection.request("GET", "/v1/enroll")
    assert connection.getresponse().headers["Connection"] == "close"
    connection.close()
    for method, path in [("GET", "/v1/orders/next?wait=0"), ("POST", "/v1/identity/renew"), ("GET", "/v1/captures"),
                         ("GET", "/v1/nothing")]:
        assert client.request(method, path)[0] == 403


@pytest.mark.parametrize("role", [("--workspace", "w1"), ("--control-plane",), ("--operator",)])
def test_who_has_a_certificate_does_not_enrol(gate, database, region, key, instance_id, role):
    database.add_workspace(instance_id=instance_id)
    document = metadata.make_document(instance_id)
    body = {"csr": key.csr, "document": document.decode(), "signature": region.sign(document)}
    assert gate.client(*role).request("POST", "/v1/enroll", body=body)[0] == 403


def test_renewal_is_for_the_key_that_enrolled(gate, database, region, key, instance_id, tmp_path):
    workspace = database.add_workspace(instance_id=instance_id)
    _, answer = enroll(gate, region, key, metadata.make_document(instance_id))
    client = Client(gate.port, gate.authority.ca, *key.keep(answer))
    first = identity(database, workspace)
    status, renewed = client.request("POST", "/v1/identity/renew", body={"csr": key.csr})
    assert status == 201 and renewed["certificate"] != answer["certificate"]
    assert identity(database, workspace)[2] != first[2]
    thief = Key(tmp_path)
    assert client.request("POST", "/v1/identity/renew", body={"csr": thief.csr})[0] == 409
    assert len(events(database, "WORKSPACE_IDENTITY_CONFLICT")) == 1
    assert client.request("POST", "/v1/identity/renew", body={})[0] == 400
    # A certificate that was made by hand is renewed by hand.
    static = gate.client("--workspace", workspace)
    assert static.request("POST", "/v1/identity/renew", body={"csr": thief.csr})[0] == 409
    other = gate.client("--workspace", database.add_workspace(instance_id="i-0000000000000cccc"))
    assert other.request("POST", "/v1/identity/renew", body={"csr": key.csr})[0] == 403
    for role in ("--operator", "--control-plane"):
        assert gate.client(role).request("POST", "/v1/identity/renew", body={"csr": key.csr})[0] == 403


@pytest.mark.parametrize("change, code", [
    ("UPDATE workspaces SET status = 'failed'", 201),
    ("UPDATE workspaces SET status = 'online'", 403),
    ("UPDATE workspaces SET instance_id = 'i-0000000000000dddd'", 403),
    ("DELETE FROM workspaces", 403),
    ("UPDATE rescue.identities SET key_sha256 = NULL", 403),
])
def test_renewal_ends_when_the_workspace_has_nothing_to_tell(gate, database, region, key, instance_id, change, code):
    database.add_workspace(instance_id=instance_id)
    _, answer = enroll(gate, region, key, metadata.make_document(instance_id))
    client = Client(gate.port, gate.authority.ca, *key.keep(answer))
    database.execute(change)
    assert client.request("POST", "/v1/identity/renew", body={"csr": key.csr})[0] == code


def test_a_sweeper_whose_clock_is_far_off_decides_by_the_databases(make_gate, database, region, key, instance_id, tmp_path):
    source, shim = tmp_path / "clock.c", tmp_path / "clock.so"
    source.write_text("""
#define _GNU_SOURCE
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
int clock_gettime(clockid_t id, struct timespec *ret)
{
	int failed = (int)syscall(SYS_clock_gettime, id, ret);
	if (id == CLOCK_REALTIME)
		ret->tv_sec += 200 * 86400;
	return failed;
}
time_t time(time_t *ret)
{
	struct timespec now;
	clock_gettime(CLOCK_REALTIME, &now);
	if (ret)
		*ret = now.tv_sec;
	return now.tv_sec;
}
""")
    subprocess.run(["gcc", "-shared", "-fPIC", "-o", shim, source], check=True)
    gate = make_gate(env={"LD_PRELOAD": str(shim), "ASAN_OPTIONS": "verify_asan_link_order=0"})
    workspace = database.add_workspace(instance_id=instance_id)
    status, answer = enroll(gate, region, key, metadata.make_document(instance_id))
    assert status == 201, answer
    begins, ends = validity(key.keep(answer)[0])
    now = datetime.datetime.now(datetime.timezone.utc)
    assert begins < now < ends and ends - now < datetime.timedelta(days=2)
    database.add_workspace(instance_id="i-0000000000000eeee")
    old = metadata.make_document("i-0000000000000eeee", pending=metadata.utc(-7200))
    assert enroll(gate, region, key, old)[0] == 403
    assert identity(database, workspace)[0] is not None


def test_the_index_that_enrolment_wants_is_offered_and_made(gate, database, region, key, instance_id):
    offered = gate.command("migrate", check=True).stdout
    assert "rescue_instance" in offered and "(instance_id)" in offered
    database.execute("""INSERT INTO workspaces (id, status, instance_id)
                        SELECT gen_random_uuid(), 'online', 'i-' || n FROM generate_series(1, 20000) n""")
    gate.command("migrate", "--create-index", check=True)
    assert "instance_id" not in gate.command("migrate", check=True).stdout
    database.add_workspace(instance_id=instance_id)
    database.execute("ANALYZE workspaces")
    assert enroll(gate, region, key, metadata.make_document(instance_id))[0] == 201
    plan = database.query("EXPLAIN SELECT count(*) FROM workspaces WHERE instance_id = 'i-7'")
    assert any("rescue_instance" in line for line, in plan)


def test_enrolment_that_is_off_lets_no_stranger_in(sweeper, key):
    with pytest.raises(Exception):
        Client(sweeper.port, sweeper.authority.ca).request("POST", "/v1/enroll", body={"csr": key.csr})
    assert sweeper.client("--workspace", "w1").request("POST", "/v1/enroll", body={})[0] == 404
    assert sweeper.client("--workspace", "w1").request("POST", "/v1/identity/renew", body={"csr": key.csr})[0] == 404


def test_an_authority_of_enrolments_own_counts_for_boxes_only(make_gate, database, region, key, instance_id, tmp_path):
    own = Authority(tmp_path / "own")
    gate = make_gate(ca_cert=str(own.ca), ca_key=str(own.folder / "ca.key"))
    database.add_workspace(instance_id=instance_id)
    status, answer = enroll(gate, region, key, metadata.make_document(instance_id))
    assert status == 201
    box = Client(gate.port, gate.authority.ca, *key.keep(answer))
    assert box.request("GET", "/v1/orders/next?wait=0")[0] == 204
    for role in ("--operator", "--control-plane"):
        with pytest.raises((ssl.SSLError, ConnectionError, http.client.HTTPException)):
            Client(gate.port, gate.authority.ca, *own.issue(role)).request("GET", "/v1/captures")
    assert gate.client("--operator").request("GET", "/v1/captures")[0] == 200


def test_an_authority_that_cannot_sign_is_named_at_the_start(make_sweeper, authority, region, tmp_path):
    other = Authority(tmp_path / "other")
    sweeper = make_sweeper(enroll={
        "enabled": True, "certificates": {metadata.REGION: str(region.cert)}, "accounts": [metadata.ACCOUNT],
        "ca_cert": str(authority.ca), "ca_key": str(other.folder / "ca.key")}).migrate()
    done = sweeper.command("run")
    assert done.returncode == 2 and "does not belong" in done.stderr
    assert "does not belong" in sweeper.command("check-config").stderr
