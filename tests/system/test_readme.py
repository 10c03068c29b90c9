"""What the README shows exists and works: configurations, files, keys, metrics, sections, subcommands."""

import re
import subprocess

import pytest

from conftest import BIN, ROOT

README = (ROOT / "README.md").read_text()


def table(heading, column=0):
    """The code words in a column of the table below a heading."""
    part = README.split(f"\n{heading}\n", 1)[1].split("\n#", 1)[0]
    rows = [line.replace("\\|", "/").split("|")[1:] for line in part.splitlines() if line.startswith("| `")]
    return [word for row in rows for word in re.findall(r"`([^`]+)`", row[column])]


@pytest.mark.parametrize("text", [re.sub(r"^ +", lambda found: found[0][3:], text, flags=re.M)
                                  for text in re.findall(r"```yaml\n(.*?)```", README, re.S)])
def test_each_configuration_that_is_shown_is_accepted(tmp_path, text):
    config = tmp_path / "shown.yaml"
    config.write_text(text)
    program = "rescue-agent" if text.startswith("sweepers:") else "rescue-sweeper"
    done = subprocess.run([BIN / program, "--config", config, "check-config"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_every_file_that_is_named_is_there():
    names = set(re.findall(r"\]\(([\w./-]+)\)", README)) | set(re.findall(r"\b((?:packaging|tests|proto)/[\w./-]+\w)", README))
    assert len(names) > 8
    for name in names:
        assert (ROOT / name).exists(), name


@pytest.mark.parametrize("heading, sources", [("### sweeper.yaml", "sweeper/config*.c"), ("### agent.yaml", "agent/config*.c")])
def test_every_key_of_the_tables_is_one_that_the_program_reads(heading, sources):
    code = "".join(path.read_text() for path in ROOT.glob(sources))
    keys = [word for word in table(heading) if re.fullmatch(r"[\w.\[\]]+", word)]
    assert len(keys) > 10
    for key in keys:
        last = key.split(".")[-1].removesuffix("[]")
        assert re.search(rf'"{last}"|\b{last}[,)]', code), f"{heading}: {key}"


def test_every_metric_that_is_named_is_exposed():
    code = (ROOT / "sweeper" / "metrics.c").read_text()
    part = README.split("\n## Troubleshooting\n", 1)[1].split("\n## ", 1)[0]
    for name in set(re.findall(r"`(rescue_\w+)", part)):
        assert f'"{name}"' in code, name


def test_every_subcommand_that_is_shown_is_in_the_programs_help():
    for program in ("rescue-sweeper", "rescuectl", "rescue-agent"):
        text = subprocess.run([BIN / program, "--help"], capture_output=True, text=True).stdout
        for command in set(re.findall(rf"\b{program} (?:--config \w+ )?([a-z][a-z-]+)\b", README)):
            assert re.search(rf"^  +{command}\b", text, re.M), f"{program} {command}"
