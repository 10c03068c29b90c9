"""`rescue-agent redact` as a filter, what it explains, and what check-config says about rules."""

import json
import subprocess

import pytest

from conftest import BIN


@pytest.fixture
def agent(tmp_path):
    rules, root = tmp_path / "rules.d", tmp_path / "root"
    rules.mkdir()
    root.mkdir()
    config = tmp_path / "agent.yaml"
    config.write_text(json.dumps({"sweepers": ["https://127.0.0.1:1"], "root": str(root),
                                  "redaction": {"rules_dir": str(rules)}}))

    def run(*words, text="", **files):
        for name, content in files.items():
            (rules / f"{name}.yaml").write_text(content)
        return subprocess.run([BIN / "rescue-agent", "--config", config, *words], input=text, capture_output=True,
                              text=True, timeout=60, env={"PATH": "/usr/bin:/bin"})
    return run


TEXT = "starting\nexport A_TOKEN=blue-whale-9\n  see https://u:green-parrot-8@h/ and ghp_k3JxQ9wZr7TbN2vLm8HsYd4FcE6uAp1gXo5R\n"


def test_the_filter_prints_the_text_without_its_secrets(agent):
    done = agent("redact", text=TEXT)
    assert done.returncode == 0
    assert done.stdout == ("starting\nexport A_TOKEN=[REDACTED:TOKEN]\n"
                           "  see https://u:[REDACTED:URL_PASSWORD]@h/ and [REDACTED:GITHUB_TOKEN]\n")


def test_a_text_of_any_length_passes_in_bounded_memory(agent, tmp_path):
    line = "2026-11-25T04:00:00Z worker[7]: nothing to see in this line of the log\n"
    count = 12 * 1024 * 1024 // len(line)
    with open(tmp_path / "long.log", "w") as log:
        log.write(line * count + "export A_TOKEN=blue-whale-9\n" + line * count)
    done = subprocess.run(["/usr/bin/env", "bash", "-c", f"ulimit -v 65536; exec {BIN}/rescue-agent redact {tmp_path}/long.log"],
                          capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert done.stdout == line * count + "export A_TOKEN=[REDACTED:TOKEN]\n" + line * count
    done = agent("redact", "--explain", str(tmp_path / "long.log"))
    assert done.stdout == f"{tmp_path}/long.log:{count + 1}:16: key-name TOKEN\n"


def test_explain_names_rule_and_place_and_never_the_value(agent, tmp_path):
    expected = ["2:16: key-name TOKEN", "3:17: url-credentials URL_PASSWORD", "3:39: github-token GITHUB_TOKEN"]
    done = agent("redact", "--explain", text=TEXT)
    assert done.returncode == 0
    assert done.stdout.splitlines() == [f"-:{line}" for line in expected]
    (tmp_path / "a.log").write_text(TEXT)
    done = agent("redact", "--explain", str(tmp_path / "a.log"))
    assert done.stdout.splitlines() == [f"{tmp_path}/a.log:{line}" for line in expected]
    assert agent("check-config", "--explain").returncode == 2


def test_rules_of_the_site_add_disable_and_allow(agent):
    done = agent("redact", text="x acme_abcdef\nsk-1234567890abcdefgh\npassword: handbook-1\npassword: other-2\n", site="""
rules:
  - {name: acme-token, label: ACME, keywords: [acme_], pattern: 'acme_[a-z]{6}'}
disable: [openai-key]
allow:
  - {value: handbook-1, reason: printed in the handbook}
""")
    assert done.stdout == ("x [REDACTED:ACME]\nsk-1234567890abcdefgh\npassword: handbook-1\n"
                           "password: [REDACTED:PASSWORD]\n")


@pytest.mark.parametrize("content, place, words", [
    ("rules:\n  - {name: a, label: A, keywords: [abc], pattern: 'a(b'}\n", "2:", "pattern is wrong"),
    ("disable: [no-such-rule]\n", "1:", "name of a rule"),
    ("allow:\n  - {value: x}\n", "2:", "reason"),
    ("deny: []\n", "1:", "expected"),
])
def test_a_bad_rule_is_told_with_file_and_line_and_nothing_is_printed(agent, content, place, words):
    done = agent("check-config", bad=content)
    assert done.returncode == 2
    assert f"bad.yaml:{place}" in done.stderr and words in done.stderr
    done = agent("redact", text="plain words\n")
    assert done.returncode == 3 and done.stdout == ""
    assert f"bad.yaml:{place}" in done.stderr
