"""The certificate says who speaks: every wrong one is refused, and nothing is stored."""

import datetime
import gzip
import http.client
import json
import ssl
import subprocess
import uuid

import pytest

from conftest import Authority, Client, ORG, TRUST_DOMAIN, wait_for

WS = "0b1c2d3e-0000-4000-8000-000000000001"
OTHER = "0b1c2d3e-0000-4000-8000-000000000002"


def openssl_certificate(folder, authority, uri, days_from, days_to):
    """A client certificate of the authority with dates that rescuectl would not give."""
    base = folder / uuid.uuid4().hex
    key, request, cert = (base.with_suffix(s) for s in (".key", ".csr", ".crt"))
    day = lambda n: (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=n)).strftime("%y%m%d%H%M%SZ")
    subprocess.run(["openssl", "req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                    "-keyout", key, "-out", request, "-subj", "/CN=test"], check=True, capture_output=True)
    work = folder / (base.name + ".ca")
    work.mkdir()
    (work / "index.txt").write_text("")
    (work / "ca.cnf").write_text(f"""[ca]
default_ca = d
[d]
database = {work}/index.txt
new_certs_dir = {work}
rand_serial = yes
default_md = sha256
policy = p
x509_extensions = e
[p]
commonName = supplied
[e]
subjectAltName = URI:{uri}
extendedKeyUsage = clientAuth
keyUsage = critical, digitalSignature
""")
    subprocess.run(["openssl", "ca", "-batch", "-config", work / "ca.cnf", "-cert", authority.ca, "-keyfile",
                    authority.folder / "ca.key", "-in", request, "-out", cert, "-notext",
                    "-startdate", day(days_from), "-enddate", day(days_to)], check=True, capture_output=True)
    return cert, key


def refused_in_handshake(client):
    """TLS 1.3 lets the client finish before the server has looked at its certificate: the request fails, too."""
    with pytest.raises((ssl.SSLError, ConnectionError, http.client.HTTPException)):
        client.request("GET", "/v1/orders/next?wait=0")


@pytest.fixture
def armed(sweeper, database):
    """A sweeper with an open capture of WS."""
    database.add_workspace(WS, age_s=700)
    capture = wait_for("the capture", lambda: database.captures(WS))[0]
    return sweeper, capture["capture_id"]


def nothing_stored(database):
    return database.query("SELECT count(*) FROM rescue.captures WHERE bundle_sha256 IS NOT NULL")[0][0] == 0


def put(client, capture_id, body=b"", **headers):
    return client.request("PUT", f"/v1/captures/{capture_id}/bundle", body=gzip.compress(body),
                          headers={"Content-Encoding": "gzip", **headers})


def test_no_certificate_is_refused(armed, database):
    sweeper, _ = armed
    refused_in_handshake(Client(sweeper.port, sweeper.authority.ca))
    wait_for("the log line", lambda: "certificate" in sweeper.log_text())
    assert nothing_stored(database)


def test_another_ca_is_refused(armed, database, tmp_path):
    sweeper, _ = armed
    other = Authority(tmp_path / "other-ca")
    refused_in_handshake(Client(sweeper.port, sweeper.authority.ca, *other.issue("--workspace", WS)))
    assert nothing_stored(database)


@pytest.mark.parametrize("days_from, days_to, word", [(-3, -1, "expired"), (1, 3, "not yet valid")])
def test_a_certificate_out_of_its_time_is_refused_and_named(armed, database, tmp_path, days_from, days_to, word):
    sweeper, _ = armed
    uri = f"spiffe://{TRUST_DOMAIN}/org/{ORG}/workspace/{WS}"
    pair = openssl_certificate(tmp_path, sweeper.authority, uri, days_from, days_to)
    refused_in_handshake(Client(sweeper.port, sweeper.authority.ca, *pair))
    wait_for("the reason in the log", lambda: word in sweeper.log_text())
    assert nothing_stored(database)


@pytest.mark.parametrize("uri", [
    f"spiffe://other.example/org/{ORG}/workspace/{WS}",
    f"spiffe://{TRUST_DOMAIN}/org/nobody/workspace/{WS}",
    f"spiffe://{TRUST_DOMAIN}/org/{ORG}/janitor",
    f"https://{TRUST_DOMAIN}/org/{ORG}/workspace/{WS}",
])
def test_a_wrong_name_gets_403_and_no_order(armed, database, tmp_path, uri):
    sweeper, capture_id = armed
    client = Client(sweeper.port, sweeper.authority.ca,
                    *openssl_certificate(tmp_path, sweeper.authority, uri, -1, 1))
    assert client.request("GET", "/v1/orders/next?wait=0")[0] == 403
    assert put(client, capture_id)[0] == 403
    assert nothing_stored(database)
    assert sweeper.metric("rescue_denied_total") >= 2


def test_another_workspaces_certificate_neither_gets_the_order_nor_stores(armed, database):
    sweeper, capture_id = armed
    other = sweeper.client("--workspace", OTHER)
    assert other.request("GET", "/v1/orders/next?wait=0")[0] == 204
    assert put(other, capture_id)[0] == 403
    assert nothing_stored(database)


@pytest.mark.parametrize("method, path", [
    ("POST", f"/v1/workspaces/{WS}/bootstrap-failed"),
    ("GET", f"/v1/workspaces/{WS}/captures"),
    ("GET", "/v1/captures"),
])
def test_an_agents_certificate_does_nothing_on_the_other_routes(armed, database, method, path):
    sweeper, capture_id = armed
    client = sweeper.client("--workspace", WS)
    assert client.request(method, path, body={} if method == "POST" else None)[0] == 403
    assert client.request("GET", f"/v1/captures/{capture_id}")[0] == 403
    assert client.request("POST", f"/v1/captures/{capture_id}/retry")[0] == 403


def test_control_plane_and_operator_do_not_get_orders_or_store(armed, database):
    sweeper, capture_id = armed
    for role in ("--control-plane", "--operator"):
        client = sweeper.client(role)
        assert client.request("GET", "/v1/orders/next?wait=0")[0] == 403
        assert put(client, capture_id)[0] == 403
    assert sweeper.client("--operator").request("POST", f"/v1/workspaces/{WS}/bootstrap-failed", body={})[0] == 403
    assert nothing_stored(database)


def test_tenants_do_not_see_each_other(make_sweeper, make_database):
    one, two = make_database(), make_database()
    sweeper = make_sweeper({ORG: one, "globex": two}).migrate().start()
    one.add_workspace(WS, age_s=700)
    wait_for("the capture", lambda: one.captures(WS))
    assert two.captures() == []
    assert sweeper.client("--workspace", WS, org="globex").request("GET", "/v1/orders/next?wait=0")[0] == 204
    status, body = sweeper.client("--operator", org="globex").request("GET", "/v1/captures")
    assert (status, body) == (200, {"captures": []})
    status, body = sweeper.client("--operator").request("GET", "/v1/captures")
    assert status == 200 and len(body["captures"]) == 1
    capture_id = body["captures"][0]["capture_id"]
    assert sweeper.client("--operator", org="globex").request("GET", f"/v1/captures/{capture_id}")[0] == 404


def test_an_agent_that_does_not_trust_the_sweeper_and_the_sweeper_both_say_so(sweeper, make_agent, tmp_path, authority):
    cert, key = authority.issue("--workspace", WS)
    other = Authority(tmp_path / "other-ca")
    agent = make_agent(WS, [sweeper.port], identity={"cert": str(cert), "key": str(key), "ca": str(other.ca)}).start()
    wait_for("the agent's words", lambda: "certificate is not signed by a known CA" in agent.log_text())
    wait_for("the sweeper's words", lambda: "perhaps it does not trust our certificate" in sweeper.log_text())


def test_an_agent_that_knows_the_sweeper_by_another_name_says_so(make_sweeper, make_agent, authority):
    sweeper = make_sweeper().migrate()
    cert, key = authority.issue("--server", "sweeper.internal")
    sweeper.settings["tls"] |= {"cert": str(cert), "key": str(key)}
    sweeper.write_config()
    agent = make_agent(WS, [sweeper.start().port]).start()
    wait_for("the agent's words", lambda: "certificate is for another host name" in agent.log_text())
    assert "the URL's host is a name in the sweeper's certificate" in agent.log_text()
