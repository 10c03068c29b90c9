"""The labelled samples that lie beside the project: what is found of them, and what is left alone."""

import pathlib
import re
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
SAMPLES = ROOT.parent / "shared" / "redaction" / "samples.jsonl"


def score(*options):
    printed = subprocess.run([ROOT / "tests" / "redaction" / "score", SAMPLES, *options], capture_output=True, text=True,
                             check=True, timeout=120).stdout
    return {name: float(value) for name, value in re.findall(r"^(\w+)=([\d.]+)%", printed, re.MULTILINE)}


# Of the samples that count as false about ten are what others of the same file call secrets; those are masked.
@pytest.mark.parametrize("options, recall", [((), 99.0), (("--generic-only",), 98.5)])
def test_the_samples_secrets_are_masked_and_the_rest_stays(options, recall):
    if not SAMPLES.exists():
        pytest.skip(f"there are no labelled samples at {SAMPLES}")
    found = score(*options)
    assert found["recall"] >= recall
    assert found["untouched"] >= 80.0
