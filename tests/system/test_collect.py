"""What `rescue-agent collect` finds on a box: prepared folders as root, an Engine double, and a real Docker Engine."""

import base64
import http.server
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import threading

import pytest

from conftest import BIN
from engine import ERR, OUT, Engine, frame, json_file
from private_engine import PrivateEngine

MIB = 1024 * 1024
NAMES = ["config.yaml", "system-prompt.md", "cloud-init-output.log.tail", "cloud-init.status", "docker-ps",
         "agent-container.logs.tail", "model-provider-runtime.env", "host"]
ORDER = {"seed": 20}


def secret(length=40):
    """Letters and digits as a key generator would give them; the same in each run."""
    ORDER["seed"] += 1
    return "".join(random.Random(ORDER["seed"]).choices("ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnpqrstuvwxyz23456789",
                                                       k=length))


def pem(lines=26, begin=True, end=True):
    body = [base64.b64encode(random.Random(i).randbytes(48)).decode() for i in range(lines)]
    return ["-----BEGIN RSA PRIVATE KEY-----"] * begin + body + ["-----END RSA PRIVATE KEY-----"] * end


class Box:
    """A folder that stands for a machine."""

    def __init__(self, folder):
        self.root = folder / "box"
        self.config = folder / "agent.yaml"
        self.settings = {"sweepers": ["https://127.0.0.1:1"], "root": str(self.root),
                         "spool_dir": str(folder / "spool")}
        self.root.mkdir()

    def put(self, path, content=b""):
        place = self.root / path.lstrip("/")
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content if isinstance(content, bytes) else content.encode())
        return place

    @property
    def socket(self):
        return self.root / "var/run/docker.sock"

    def put_container(self, container, logs=None):
        folder = f"/var/lib/docker/containers/{container.id}"
        self.put(f"{folder}/config.v2.json", json.dumps(container.on_disk()))
        self.put(f"{folder}/{container.id}-json.log", json_file(container.logs if logs is None else logs))

    def run(self, **settings):
        # JSON is YAML.
        self.config.write_text(json.dumps({**self.settings, **settings}))
        return subprocess.run([BIN / "rescue-agent", "--config", self.config, "collect"], capture_output=True,
                              timeout=120)

    def collect(self, **settings):
        """The sections by name; each as outcome, content (all parts) and redactions."""
        done = self.run(**settings)
        assert done.returncode == 0, done.stderr.decode()
        sections = {}
        for line in done.stdout.splitlines():
            record = json.loads(line)
            section = sections.setdefault(record["section"], {**record, "content": ""})
            section["content"] += record["content"]
        return sections


@pytest.fixture
def box(tmp_path):
    return Box(tmp_path)


@pytest.fixture
def engine(box):
    with Engine(box.socket) as double:
        yield double


class Metadata:
    """The instance metadata service, version 2: nothing without a token."""

    ROLES = "/latest/meta-data/iam/security-credentials/"

    def __init__(self):
        self.seen, self.has_role = [], True
        double = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def log_message(self, *args):
                pass

            def answer(self, code, body):
                double.seen.append(f"{self.command} {self.path}")
                self.send_response(code)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body.encode())

            def do_PUT(self):
                assert self.headers["X-aws-ec2-metadata-token-ttl-seconds"]
                self.answer(200, "the-token==")

            def do_GET(self):
                if self.headers["X-aws-ec2-metadata-token"] != "the-token==":
                    self.answer(401, "")
                elif not double.has_role:
                    self.answer(404, "")
                elif self.path == Metadata.ROLES:
                    self.answer(200, "web-role\n")
                else:
                    self.answer(200, json.dumps({"Code": "Success", "AccessKeyId": "ASIA2J5PH6W7ZD2LV4ZP",
                                                 "SecretAccessKey": "Zebra/Secret+Access0Key",
                                                 "Token": "SessionToken+Of-This=Role"}))

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def __enter__(self):
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *args):
        self.server.shutdown()
        self.server.server_close()


LOGS = "agent-container.logs.tail"
TAIL = "cloud-init-output.log.tail"
ENV = "model-provider-runtime.env"


# Files

def test_an_empty_box_says_what_is_absent_in_the_words_of_the_contract(box):
    sections = box.collect()
    assert list(sections) == ["verdict"] + NAMES
    assert {name: sections[name]["content"] for name in ("config.yaml", "system-prompt.md", TAIL, LOGS, ENV)} == {
        "config.yaml": "(/configs/config.yaml absent)",
        "system-prompt.md": "(/configs/system-prompt.md absent)",
        TAIL: "(cloud-init-output.log absent)",
        LOGS: "(no agent container)",
        ENV: "(no env)",
    }
    assert sections["docker-ps"]["content"].startswith("(docker unavailable)\n/var/run/docker.sock")
    assert all(sections[name]["outcome"] == "absent" for name in NAMES if name != "host")


def test_the_tail_is_the_last_200_whole_lines(box):
    box.put("/var/log/cloud-init-output.log", "".join(f"line {i}\n" for i in range(1000)) + "unfinished")
    section = box.collect()[TAIL]
    assert section["content"] == "".join(f"line {i}\n" for i in range(801, 1000)) + "unfinished"
    assert section["outcome"] == "ok"


def test_a_tail_over_the_cap_keeps_its_end_and_marks_the_cut(box):
    lines = [f"{i:06d} " + "x y " * 5000 + "\n" for i in range(200)]
    box.put("/var/log/cloud-init-output.log", "".join(lines))
    section = box.collect()[TAIL]
    kept = section["content"].splitlines(keepends=True)
    assert section["outcome"] == "truncated"
    assert kept[:-1] == lines[-len(kept[:-1]):] and 50 <= len(kept) < 60
    assert kept[-1] == f"[cut: {sum(map(len, lines[:-len(kept[:-1])]))} bytes before the first line]\n"


def test_a_config_over_the_cap_keeps_its_beginning_and_marks_the_cut(box):
    lines = [f"key_{i}: value {i}\n" for i in range(100000)]
    box.put("/configs/config.yaml", "".join(lines))
    section = box.collect()["config.yaml"]
    kept = section["content"].splitlines(keepends=True)
    assert section["outcome"] == "truncated"
    assert kept[:-1] == lines[:len(kept) - 1] and sum(map(len, kept[:-1])) <= MIB
    assert kept[-1] == f"[cut: {sum(map(len, lines[len(kept) - 1:]))} bytes after this]\n"


def test_a_secret_that_the_cut_of_a_config_divides_does_not_survive(box):
    key = secret()
    line = f"api_key: sk-{key}\n"
    filler = "plain: text\n" * ((MIB - 30) // 12)
    box.put("/configs/config.yaml", filler + "#" * (MIB - len(filler) - 21) + "\n" + line + "more: text\n")
    section = box.collect()["config.yaml"]
    assert section["outcome"] == "truncated"
    assert key[:6] not in section["content"]


def test_a_key_whose_begin_line_was_cut_off_does_not_survive(box):
    block = pem(lines=260)
    box.put("/var/log/cloud-init-output.log", "\n".join(["before"] * 50 + block + ["after"] * 10) + "\n")
    section = box.collect()[TAIL]
    assert section["redactions"] > 0 and section["content"].endswith("after\n" * 10)
    assert not any(line in section["content"] for line in block[1:-1])


def test_a_last_line_longer_than_the_section_shows_its_end_only_with_its_beginning_known(box):
    key = secret(3000)
    box.put("/var/log/cloud-init-output.log", "x\nPASSWORD='" + key + "' " + "word " * (MIB // 5 - 300) + "end\n")
    section = box.collect()[TAIL]
    assert section["outcome"] == "truncated" and "word end\n[cut: " in section["content"]
    assert not any(key[i:i + 20] in section["content"] for i in range(0, len(key) - 20, 20))


@pytest.mark.parametrize("section, path", [("config.yaml", "/configs/config.yaml"),
                                           (TAIL, "/var/log/cloud-init-output.log")])
def test_one_line_beyond_all_caps_is_withheld(box, section, path):
    box.put(path, b"A" * (3 * MIB))
    found = box.collect()[section]
    assert found["outcome"] == "error" and "longer than" in found["content"] and "AAAA" not in found["content"]


def test_a_huge_sparse_file_costs_nothing(box):
    place = box.put("/var/log/cloud-init-output.log")
    with open(place, "r+b") as file:
        file.truncate(1 << 40)
        file.seek(0, os.SEEK_END)
        file.write(b"\nlast words\n")
    section = box.collect()[TAIL]
    assert section["outcome"] == "truncated" and section["content"].startswith("last words\n[cut: ")


@pytest.mark.parametrize("kind", ["fifo", "device", "folder", "socket"])
def test_what_is_no_file_is_not_opened_and_the_others_ship(box, kind):
    box.put("/configs/system-prompt.md", "be kind\n")
    place = box.root / "configs/config.yaml"
    made = None
    if kind == "fifo":
        os.mkfifo(place)
    elif kind == "device":
        if os.getuid() != 0:
            pytest.skip("making a device needs root")
        os.mknod(place, 0o20666, os.makedev(1, 5))  # /dev/zero: endless
    elif kind == "folder":
        place.mkdir()
    else:
        made = socket.socket(socket.AF_UNIX)
        here = os.getcwd()
        os.chdir(place.parent)
        made.bind(place.name)
        os.chdir(here)
    sections = box.collect()
    assert sections["config.yaml"]["outcome"] == "error"
    assert "not a regular file" in sections["config.yaml"]["content"]
    assert sections["system-prompt.md"]["content"] == "be kind\n"
    if made is not None:
        made.close()


def test_links_stay_inside_the_root(box, tmp_path):
    (tmp_path / "outside").write_text("not the box's\n")
    box.put("/data/config.yaml", "runtime: hermes\n")
    (box.root / "configs").mkdir()
    (box.root / "configs/config.yaml").symlink_to("/data/config.yaml")
    (box.root / "configs/system-prompt.md").symlink_to(tmp_path / "outside")
    box.put("/var/log/.keep")
    (box.root / "var/log/cloud-init-output.log").symlink_to("../../../outside")
    sections = box.collect()
    assert sections["config.yaml"]["content"] == "runtime: hermes\n"
    assert sections["system-prompt.md"]["outcome"] == "absent"
    assert sections[TAIL]["outcome"] == "absent"


def test_binary_content_becomes_text(box):
    box.put("/var/log/cloud-init-output.log", b"\x00\xff\xfe binary \x80\n" + bytes(range(256)) + b"\n")
    section = box.collect()[TAIL]
    assert "\ufffd\ufffd\ufffd binary \ufffd\n" in section["content"] and "\x00" not in section["content"]


def test_a_file_that_grows_and_is_truncated_meanwhile_never_breaks_a_collection(box):
    place = box.put("/var/log/cloud-init-output.log")
    writer = subprocess.Popen(["/bin/sh", "-c", 'while :; do i=0; while [ $i -lt 500 ]; do echo "line $i"; i=$((i+1)); '
                               'done >> "$0"; : > "$0"; done', place])
    try:
        for _ in range(20):
            assert box.collect()[TAIL]["outcome"] in ("ok", "error", "truncated")
    finally:
        writer.kill()
        writer.wait()


def test_cloud_init_status_holds_both_files_under_headings(box):
    box.put("/var/lib/cloud/data/status.json", '{"v1": {"stage": "modules-final"}}')
    (box.root / "run/cloud-init").mkdir(parents=True)
    (box.root / "run/cloud-init/status.json").symlink_to("../../var/lib/cloud/data/status.json")
    section = box.collect()["cloud-init.status"]
    assert section["content"] == ('== /run/cloud-init/status.json ==\n{"v1": {"stage": "modules-final"}}\n'
                                  "== /run/cloud-init/result.json ==\n(absent)\n")


def test_extra_sections_come_last_and_disabled_ones_not_at_all(box):
    box.put("/var/log/molecule-runtime.log", "one\ntwo\nthree\n")
    sections = box.collect(sections={
        "extra": [{"name": "runtime.log.tail", "path": "/var/log/molecule-runtime.log", "tail_lines": 2},
                  {"name": "missing", "path": "/nowhere"}],
        "disable": [LOGS, "host"]})
    assert list(sections)[-2:] == ["runtime.log.tail", "missing"]
    assert sections["runtime.log.tail"]["content"] == "two\nthree\n"
    assert sections["missing"]["content"] == "(/nowhere absent)"
    assert LOGS not in sections and "host" not in sections


def test_the_first_error_and_the_boot_id_stand_in_the_verdict(box):
    box.put("/proc/sys/kernel/random/boot_id", "5c6c8a40-6b4c-4b8e-9d0a-0123456789ab\n")
    box.put("/var/log/cloud-init-output.log", "Setting up liberror-perl (0.17)\nGet:1 libgpg-error0\n" +
            "E: Unable to locate package foo\nfatal: later\n" + "fine\n" * 300)
    verdict = box.collect()["verdict"]["content"]
    assert "E: Unable to locate package foo" in verdict and "fatal: later" not in verdict
    assert "5c6c8a40-6b4c-4b8e-9d0a-0123456789ab" in verdict


def test_known_values_of_the_box_are_masked_wherever_they_stand(box):
    value = "correct horse battery staple"
    box.put("/configs/.auth_token", value + "\n")
    box.put("/configs/system-prompt.md", f"never say {value} aloud\n")
    assert "staple" not in box.collect()["system-prompt.md"]["content"]


def masked_everywhere(box, values, **settings):
    """The values stand in a file where nothing tells that they are secrets; what the collection makes of it."""
    box.put("/configs/system-prompt.md", "".join(f"saw {value} here\n" for value in values))
    sections = box.collect(**settings)
    content = sections["system-prompt.md"]["content"]
    assert [value for value in values if value in content] == []
    return sections


def test_secrets_of_every_container_are_masked_wherever_they_stand(box, engine):
    engine.add("ws-one", env=["A_TOKEN=blue whale nine", "DATABASE_URL=postgres://app:red-panda-12@db/x", "HOME=/root"])
    engine.add("side-car", env=["APP_PASSWORD=green parrot", "GREETING=good morning"])
    sections = masked_everywhere(box, ["blue whale nine", "Ymx1ZSB3aGFsZSBuaW5l", "blue%20whale%20nine",
                                       "626c7565207768616c65206e696e65", "green parrot", "red-panda-12"])
    assert "containers 3" in sections["verdict"]["content"] and "not all read" not in sections["verdict"]["content"]
    box.put("/configs/system-prompt.md", "good morning /root\n")
    assert box.collect()["system-prompt.md"]["content"] == "good morning /root\n"


def test_secrets_of_containers_on_disk_serve_when_the_engine_hangs(box, engine):
    container = engine.add("ws-one", env=["A_TOKEN=blue whale nine"])
    box.put_container(container)
    container.hang = {"inspect"}
    masked_everywhere(box, ["blue whale nine"], capture_deadline_s=2)


def test_an_engine_that_tells_nothing_is_named_in_the_verdict(box, engine):
    engine.hang = {"list"}
    verdict = box.collect(capture_deadline_s=2)["verdict"]["content"]
    assert "containers 0 (not all read)" in verdict


def test_secrets_of_home_folders_and_the_environment_are_masked(box):
    box.put("/root/.netrc", "machine h login u password grey-seal-7\n")
    box.put("/home/bob/.aws/credentials", "[default]\naws_secret_access_key = tan-otter-55\n")
    box.put("/home/eve/.docker/config.json", json.dumps({"auths": {"r": {"auth": base64.b64encode(
        b"eve:pale-heron-66").decode()}}}))
    box.put("/proc/1/environ", b"HOME=/\0FIRST_SECRET=dun-horse-33\0")
    box.put("/etc/environment", "SECOND_SECRET=roan-goat-22\n")
    masked_everywhere(box, ["grey-seal-7", "tan-otter-55", "pale-heron-66", "dun-horse-33", "roan-goat-22"])


def test_credentials_of_the_instance_role_are_masked_on_ec2_only(box):
    with Metadata() as metadata:
        values = ["Zebra/Secret+Access0Key", "SessionToken+Of-This=Role"]
        box.put("/configs/system-prompt.md", "".join(f"saw {value} here\n" for value in values))
        assert values[0] in box.collect(redaction={"metadata": metadata.url})["system-prompt.md"]["content"]
        assert metadata.seen == []
        box.put("/sys/class/dmi/id/sys_vendor", "Amazon EC2\n")
        masked_everywhere(box, values, redaction={"metadata": metadata.url})
        assert metadata.seen == ["PUT /latest/api/token", f"GET {Metadata.ROLES}", f"GET {Metadata.ROLES}web-role"]
        metadata.has_role = False
        verdict = box.collect(redaction={"metadata": metadata.url})["verdict"]["content"]
        assert "metadata 0\n" in verdict
    verdict = box.collect(redaction={"metadata": metadata.url})["verdict"]["content"]
    assert "metadata 0 (not all read)" in verdict


def test_a_known_value_that_cannot_be_read_withholds_everything(box):
    box.put("/configs/system-prompt.md", "be kind\n")
    (box.root / "configs/.auth_token").mkdir()
    done = box.run()
    assert b"be kind" not in done.stdout
    records = [json.loads(line) for line in done.stdout.splitlines()]
    assert all(record["outcome"] == "withheld" for record in records if record["section"] != "verdict")


def test_the_host_section_reads_the_kernel_log_and_the_last_oom_kill(box):
    box.put("/proc/meminfo", "MemTotal: 1000 kB\nVmallocTotal: 5 kB\nMemAvailable: 10 kB\n")
    box.put("/proc/loadavg", "9.12 4.00 1.00 2/300 4242\n")
    box.put("/var/log/kern.log", "".join(f"kernel: [{i}.0] line\n" for i in range(300)) +
            "kernel: [400.0] Out of memory: Killed process 812 (node)\n" + "kernel: later\n" * 200)
    content = box.collect()["host"]["content"]
    assert "MemTotal: 1000 kB\nMemAvailable: 10 kB\n" in content and "Vmalloc" not in content
    assert "9.12 4.00 1.00" in content
    assert "== last OOM kill ==\nkernel: [400.0] Out of memory: Killed process 812 (node)\n" in content
    assert content.count("kernel: later\n") == 100
    assert "/         space " in content and "inodes " in content


def test_the_environment_of_the_first_process_serves_without_a_container(box):
    box.put("/proc/1/environ", b"HOME=/root\0MODEL=opus\0My_Provider=x\0")
    box.put("/etc/environment", 'PATH=/bin\nexport RUNTIME_KIND="hermes"\n# MODEL=comment\n')
    assert box.collect()[ENV]["content"] == ("# from /proc/1/environ\nMODEL=opus\nMy_Provider=x\n"
                                             '# from /etc/environment\nRUNTIME_KIND="hermes"\n')


# The Engine double

def test_both_streams_are_merged_in_order_of_time(box, engine):
    # The Engine gives all of one stream before the other.
    engine.add("ws-local", logs=[(OUT, "one\n", 1), (OUT, "three\n", 3), (ERR, "two\n", 2), (ERR, "four\n", 4)])
    section = box.collect()[LOGS]
    assert section["content"].splitlines() == [
        "2026-11-24T04:00:01.000000Z out one", "2026-11-24T04:00:02.000000Z err two",
        "2026-11-24T04:00:03.000000Z out three", "2026-11-24T04:00:04.000000Z err four"]
    assert section["outcome"] == "ok"


def test_docker_ps_is_a_table_of_all_containers(box, engine):
    engine.add("ws-local", image="acme/agent:2", exit_code=137)
    engine.add("sidecar\nevil", image="otel/opentelemetry-collector", state="running", created=1795492801)
    lines = box.collect()["docker-ps"]["content"].splitlines()
    assert lines[0].split() == ["NAME", "IMAGE", "STATE", "STATUS", "EXIT", "CREATED"]
    assert "137" in lines[1].split() and "Exited (137) 2 minutes ago" in lines[1]
    assert lines[2].startswith("sidecar evil ") and len(lines) == 3


def test_the_verdict_names_container_rule_exit_code_and_oom(box, engine):
    engine.add("ws-local", exit_code=137).oom_killed = True
    verdict = box.collect()["verdict"]["content"]
    assert "name=ws-local" in verdict and "137" in verdict and "name ws-<workspace id>" in verdict
    assert "oom_killed: true" in verdict or "oom_killed: yes" in verdict


def test_the_containers_environment_is_preferred_and_only_the_names_that_count(box, engine):
    key = secret()
    box.put("/proc/1/environ", b"MODEL=host\0")
    engine.add("ws-local", env=["MODEL=opus", "SECRET=no", f"MODEL_API_KEY=sk-{key}", "runtime=hermes"])
    section = box.collect()[ENV]
    assert section["content"].splitlines()[:2] == ["# from the container", "MODEL=opus"]
    assert "runtime=hermes" in section["content"] and "SECRET" not in section["content"]
    assert key not in section["content"]


def test_a_key_printed_by_a_container_does_not_survive(box, engine):
    block = pem()
    logs = [(OUT, f"line {i}\n", i) for i in range(30)]
    # The other stream speaks in the middle of it.
    for i, line in enumerate(block):
        logs += [(OUT, line + "\n", 100 + 2 * i), (ERR, "warning: slow\n", 101 + 2 * i)]
    engine.add("ws-local", logs=logs + [(OUT, "after\n", 3000)])
    section = box.collect()[LOGS]
    assert section["redactions"] > 0 and section["content"].endswith(" out after\n") and "line 29" in section["content"]
    assert not any(line in section["content"] for line in block[1:-1])


def test_a_key_that_began_before_the_last_200_lines_does_not_survive(box, engine):
    block = pem(lines=250)
    engine.add("ws-local", logs=[(OUT, line + "\n") for line in ["start"] * 20 + block + ["after"] * 100])
    section = box.collect()[LOGS]
    assert section["content"].count(" out after\n") == 100
    assert not any(line in section["content"] for line in block[1:-1])


@pytest.mark.parametrize("tty", [False, True])
def test_a_secret_that_stands_where_the_engine_parts_a_long_line_does_not_survive(box, engine, tty):
    key = secret(48)
    line = "x " * 8185 + f"API_KEY=sk-{key} and more\n"
    assert line.index(key) < 16384 < line.index(key) + len(key)
    engine.add("ws-local", logs=[(OUT, line)], tty=tty)
    section = box.collect()[LOGS]
    assert section["content"].endswith(" and more\n") and "2026" not in section["content"][4:]
    assert key[:10] not in section["content"] and key[-10:] not in section["content"]


def test_a_terminals_log_is_read_without_frames(box, engine):
    engine.add("ws-local", logs=[(OUT, "hello\n"), (OUT, "\x01\x00\x00\x00looks framed\n")], tty=True)
    assert box.collect()[LOGS]["content"].splitlines() == [
        "2026-11-24T04:00:00.000000Z tty hello",
        "2026-11-24T04:00:01.000000Z tty \x01\ufffd\ufffd\ufffdlooks framed"]


def test_only_the_last_200_lines_of_a_log_are_shown(box, engine):
    engine.add("ws-local", logs=[(OUT, f"line {i}\n") for i in range(1000)])
    section = box.collect()[LOGS]
    lines = section["content"].splitlines()
    assert section["outcome"] == "ok" and len(lines) == 200
    assert lines[0].endswith(" line 800") and lines[-1].endswith(" line 999")


def test_a_log_over_the_cap_keeps_its_end(box, engine):
    engine.add("ws-local", logs=[(OUT, f"{i} " + "x y " * 4000 + "\n") for i in range(200)])
    section = box.collect()[LOGS]
    assert section["outcome"] == "truncated" and len(section["content"]) <= MIB + 100
    lines = section["content"].splitlines()
    assert lines[-2].split()[2] == "199" and lines[-1] == f"[cut: {200 - len(lines) + 1} lines before the first line]"


def test_an_engine_that_no_longer_speaks_the_version_is_asked_without(box, engine):
    engine.refuses_version = True
    engine.add("ws-local", logs=[(OUT, "hello\n")])
    assert " out hello" in box.collect()[LOGS]["content"]
    assert any(path.startswith("/containers/json") for path in engine.requests)


def test_a_logging_driver_that_cannot_be_read_is_named(box, engine):
    message = "configured logging driver does not support reading"
    engine.add("ws-local").log_answer = (501, {"message": message})
    section = box.collect()[LOGS]
    assert section["outcome"] == "error" and message in section["content"]


def test_with_such_a_driver_the_log_file_on_disk_serves(box, engine):
    container = engine.add("ws-local", logs=[(OUT, "from disk\n")])
    container.log_answer = (501, {"message": "configured logging driver does not support reading"})
    container.log_path = "/elsewhere/x-json.log"
    box.put("/elsewhere/x-json.log", json_file(container.logs))
    assert " out from disk\n" in box.collect()[LOGS]["content"]


def test_an_inspect_answer_of_10_mb_is_read(box, engine):
    engine.add("ws-local", env=["MODEL=opus"], logs=[(OUT, "hello\n")]).padding = 10 * MIB
    sections = box.collect()
    assert "MODEL=opus" in sections[ENV]["content"] and " out hello" in sections[LOGS]["content"]


def test_an_inspect_answer_beyond_the_cap_leaves_what_the_list_tells(box, engine):
    container = engine.add("ws-local", logs=[(OUT, "hello\n")])
    container.padding = 17 * MIB
    box.put_container(container)
    sections = box.collect()
    assert " out hello" in sections[LOGS]["content"] and "Exited (3)" in sections["docker-ps"]["content"]


@pytest.mark.parametrize("what", ["early end in a frame", "early end in a header", "hang"])
def test_a_log_that_breaks_off_is_shown_as_far_as_it_came(box, engine, what):
    container = engine.add("ws-local", logs=[(OUT, "hello\n"), (ERR, "never all of it\n")])
    first = len(frame(OUT, b"2026-11-24T04:00:00.000000000Z hello\n"))
    if what == "hang":
        container.log_hangs_after = first + 20
    else:
        container.log_ends_early = first + (50 if what == "early end in a frame" else 5)
    section = box.collect(capture_deadline_s=2)[LOGS]
    assert section["outcome"] == "truncated" and " out hello\n" in section["content"]
    assert "never all of it" not in section["content"] and "[cut: " in section["content"]


def test_a_log_that_breaks_off_is_read_from_disk_if_it_is_there(box, engine):
    container = engine.add("ws-local", logs=[(OUT, "hello\n"), (ERR, "all of it\n")])
    container.log_ends_early = 60
    box.put_container(container)
    section = box.collect()[LOGS]
    assert section["outcome"] == "ok" and " err all of it\n" in section["content"]


def test_garbage_instead_of_frames_is_an_error_and_no_crash(box, engine):
    engine.add("ws-local").log_bytes = b"\xde\xad\xbe\xef" * 5000
    section = box.collect()[LOGS]
    assert section["outcome"] == "error" and "log cannot be read" in section["content"]


@pytest.mark.parametrize("garbage", [b"", b"\x00" * 100, b"SSH-2.0-OpenSSH_9.2\r\n", b"HTTP/1.1 200 OK\r\n\r\n[{",
                                     b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n[1,2]"])
def test_garbage_instead_of_an_engine_costs_only_its_sections(box, engine, garbage):
    engine.garbage = garbage
    box.put("/configs/config.yaml", "runtime: hermes\n")
    sections = box.collect()
    assert sections["config.yaml"]["content"] == "runtime: hermes\n"
    assert sections[LOGS]["content"] == "(no agent container)"
    if not garbage.endswith(b"[1,2]"):
        assert sections["docker-ps"]["content"].startswith("(docker unavailable)\n")
        assert sections["docker-ps"]["outcome"] == "error"


@pytest.mark.parametrize("answer", [(500, {"message": "boom"}), (200, {"a": 1}), (200, b"[" * 100000),
                                    (200, b"[null, 5, {}, {\"Id\": \"../../etc\"}]")])
def test_wrong_answers_are_no_containers(box, engine, answer):
    engine.list_answer = answer
    assert box.collect()[LOGS]["content"] == "(no agent container)"


def test_a_hung_engine_costs_its_sections_and_the_disk_serves(box, engine):
    container = engine.add("ws-local", logs=[(OUT, "hello\n"), (ERR, "from disk\n")], env=["MODEL=opus"])
    engine.hang = {"list"}
    box.put_container(container)
    box.put("/configs/config.yaml", "runtime: hermes\n")
    sections = box.collect(capture_deadline_s=2)
    assert sections["docker-ps"]["content"] == "(docker unavailable)\nthe Engine did not answer in time"
    assert sections["docker-ps"]["outcome"] == "error"
    assert " out hello\n" in sections[LOGS]["content"] and " err from disk\n" in sections[LOGS]["content"]
    assert "MODEL=opus" in sections[ENV]["content"]
    assert "name=ws-local" in sections["verdict"]["content"]
    assert sections["config.yaml"]["content"] == "runtime: hermes\n"


def test_a_log_that_hangs_is_read_from_disk(box, engine):
    container = engine.add("ws-local", logs=[(OUT, "from disk\n")])
    container.hang = {"logs"}
    box.put_container(container)
    sections = box.collect(capture_deadline_s=2)
    assert " out from disk\n" in sections[LOGS]["content"] and "Exited (3)" in sections["docker-ps"]["content"]


def test_on_disk_the_container_is_chosen_by_the_same_rules(box):
    double = Engine(box.root / "unused.sock")
    wanted = double.add("ws-local", logs=[(OUT, "the agent\n")], created=1)
    other = double.add("newer", logs=[(OUT, "something else\n")], created=1795492900)
    for container in (wanted, other):
        box.put_container(container)
    double.server.server_close()
    assert " out the agent\n" in box.collect()[LOGS]["content"]


def test_a_log_file_without_a_description_still_serves(box):
    double = Engine(box.root / "unused.sock")
    container = double.add("whatever", logs=[(OUT, "orphan\n")])
    double.server.server_close()
    box.put(f"/var/lib/docker/containers/{container.id}/{container.id}-json.log",
            "not json\n" + json_file(container.logs) + '{"log": 5}\n{"half')
    assert [line[28:] for line in box.collect()[LOGS]["content"].splitlines()] == ["out orphan"]


def test_a_socket_path_longer_than_the_kernel_allows_is_reached(tmp_path):
    folder = tmp_path
    while len(str(folder)) < 150:
        folder = folder / ("d" * 40)
    folder.mkdir(parents=True)
    box = Box(folder)
    with Engine(tmp_path / "s") as engine:
        engine.add("ws-local", logs=[(OUT, "hello\n")])
        box.socket.parent.mkdir(parents=True)
        os.link(tmp_path / "s", box.socket)
        assert " out hello\n" in box.collect()[LOGS]["content"]


# A real Engine

IMAGE_PROGRAMS = ("sh", "echo", "sleep", "env", "cat", "seq", "head")


@pytest.fixture(scope="module")
def docker(tmp_path_factory):
    """A private Docker Engine whose data lies below a box's root; stopped by the pid that it wrote."""
    busybox = next((p for p in ("/bin/busybox", "/usr/bin/busybox") if os.path.exists(p)), None)
    if busybox is None:
        pytest.skip("busybox-static is not installed")
    folder = tmp_path_factory.mktemp("docker")
    box = Box(folder)
    box.socket.parent.mkdir(parents=True)
    engine = PrivateEngine(folder, box.root / "var/lib/docker")
    os.link(engine.socket, box.socket)
    image = folder / "image/bin"
    image.mkdir(parents=True)
    shutil.copy(busybox, image / "busybox")
    for name in IMAGE_PROGRAMS:
        (image / name).symlink_to("busybox")
    engine.import_image(folder / "image", "box:1")
    try:
        yield box, engine.run, engine.daemon
    finally:
        engine.stop()


@pytest.fixture
def real(docker):
    box, run, daemon = docker
    started = []

    def start(name, script, *options):
        started.append(name)
        run("run", "-d", "--name", name, "--network", "none", *options, "box:1", "/bin/sh", "-c", script)
        # Every script ends; its log is complete by then.
        run("wait", name)

    yield box, start, daemon
    if started:
        run("rm", "-f", *started)


def test_a_real_engine_tells_of_a_crashed_agent(real):
    box, start, _ = real
    key = secret()
    start("ws-local", f"echo hello out; echo err >&2; echo token=ghp_{key}; exit 3", "-e", "MODEL=x", "-e",
          f"PROVIDER_TOKEN={key}")
    start("otel-collector", "exit 0")
    sections = box.collect()
    logs = sections[LOGS]["content"]
    assert sections[LOGS]["outcome"] == "ok"
    assert " out hello out\n" in logs and " err err\n" in logs and key not in logs
    assert "MODEL=x" in sections[ENV]["content"] and key not in sections[ENV]["content"]
    row = next(line for line in sections["docker-ps"]["content"].splitlines() if line.startswith("ws-local"))
    assert "Exited (3)" in row and "box:1" in row
    assert "name=ws-local" in sections["verdict"]["content"] and "3" in sections["verdict"]["content"]


def test_a_real_engine_with_a_terminal(real):
    box, start, _ = real
    start("ws-local", "echo hello; echo more >&2", "-t")
    lines = box.collect()[LOGS]["content"].splitlines()
    assert [line[28:] for line in lines] == ["tty hello", "tty more"]


@pytest.mark.parametrize("options", [[], ["-t"]])
def test_a_real_engines_long_line_comes_out_in_one_piece(real, options):
    box, start, _ = real
    start("ws-local", "i=0; while [ $i -lt 5000 ]; do echo -n \"word $i \"; i=$((i+1)); done; echo end", *options)
    lines = box.collect()[LOGS]["content"].splitlines()
    assert len(lines) == 1
    assert lines[0][32:] == "".join(f"word {i} " for i in range(5000)) + "end"


def test_a_real_engines_log_is_merged_and_cut_to_200_lines(real):
    box, start, _ = real
    start("ws-local", "for i in $(seq 1 300); do echo out $i; echo err $i >&2; done")
    lines = box.collect()[LOGS]["content"].splitlines()
    assert len(lines) == 200
    assert [line[:27] for line in lines] == sorted(line[:27] for line in lines)


def test_a_key_printed_by_a_real_container_does_not_survive(real):
    box, start, _ = real
    block = pem()
    script = "".join(f"echo '{line}'; " for line in block)
    start("ws-local", "echo before; " + script + "echo after")
    section = box.collect()[LOGS]
    assert " out before\n" in section["content"] and " out after\n" in section["content"]
    assert not any(line in section["content"] for line in block[1:-1])


def test_a_real_engines_log_driver_none_is_named(real):
    box, start, _ = real
    start("ws-local", "echo hello", "--log-driver", "none")
    section = box.collect()[LOGS]
    assert section["outcome"] == "error" and "does not support reading" in section["content"]


def test_labels_and_configured_names_choose_among_real_containers(real):
    box, start, _ = real
    start("ws-local", "echo by workspace")
    start("labelled", "echo by label", "--label", "molecule.platform.managed=true")
    start("newest", "echo by age")
    assert " by label\n" in box.collect()[LOGS]["content"]
    docker = {"container": {"name": "newest"}}
    sections = box.collect(docker=docker)
    assert " by age\n" in sections[LOGS]["content"] and "configured name" in sections["verdict"]["content"]
    assert " by workspace\n" in box.collect(docker={"container": {"name": "ws-local", "image": "box"}})[LOGS]["content"]


def test_a_stopped_real_engines_log_is_read_from_disk(real):
    """After SIGSTOP the socket takes connections, but nobody answers."""
    box, start, daemon = real
    start("ws-local", "echo left on disk; exit 4", "-e", "MODEL=kept")
    os.kill(daemon.pid, signal.SIGSTOP)
    try:
        sections = box.collect(capture_deadline_s=2)
    finally:
        os.kill(daemon.pid, signal.SIGCONT)
    assert sections["docker-ps"]["content"] == "(docker unavailable)\nthe Engine did not answer in time"
    assert " out left on disk\n" in sections[LOGS]["content"]
    assert "MODEL=kept" in sections[ENV]["content"]
    assert "4" in sections["verdict"]["content"] and "name=ws-local" in sections["verdict"]["content"]
