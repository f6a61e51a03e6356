"""The kernel tests under every other instruction set of the machine, and the bits that these must share.

The instruction set is chosen once per process (RNNFAST_ISA), so each gets a process of its own.
"""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import rnnfast

HERE = Path(__file__).parent
PROJECT = HERE.parents[1]
AVAILABLE = rnnfast.cpu_info()["available"]
# These have a fused multiply-add and give the same bits; the generic kernels are a family of their own.
FUSED = [isa for isa in AVAILABLE if isa != "generic"]


def python(isa, folder, *arguments):
    """Run Python under an instruction set, in a folder where the project's sources cannot shadow what is installed."""
    environment = os.environ | {"RNNFAST_ISA": isa}
    return subprocess.run(
        [sys.executable, *map(str, arguments)], env=environment, cwd=folder, capture_output=True, text=True, timeout=600
    )


@pytest.mark.parametrize("isa", [isa for isa in AVAILABLE if isa != rnnfast.cpu_info()["isa"]])
def test_kernels(isa, tmp_path):
    options = ["-c", PROJECT / "pyproject.toml", f"--rootdir={PROJECT}", "-q", "-p", "no:cacheprovider"]
    result = python(isa, tmp_path, "-m", "pytest", *options, f"--ignore={__file__}", HERE)
    summary = result.stdout[-6000:] + result.stderr[-2000:]
    assert result.returncode == 0, f"under {isa}:\n{summary}"
    assert re.search(r"\b[1-9]\d* passed", summary), f"no test ran under {isa}:\n{summary}"


@pytest.mark.parametrize("isa", AVAILABLE)
def test_the_environment_chooses(isa, tmp_path):
    result = python(isa, tmp_path, "-c", "import rnnfast; print(rnnfast.cpu_info()['isa'])")
    assert (result.returncode, result.stdout.strip()) == (0, isa), result.stderr


def test_what_the_machine_lacks_is_an_error(tmp_path):
    lacking = [isa for isa in ("amx", "avx2", "neon") if isa not in AVAILABLE]
    assert lacking, "no machine has both x86's and ARM's"
    for isa, problem in [*((isa, "is not available") for isa in lacking), ("sse9", "is unknown")]:
        result = python(isa, tmp_path, "-c", "import rnnfast; rnnfast.cpu_info()")
        assert result.returncode == 1, f"{isa}: exit code {result.returncode}"
        last = result.stderr.splitlines()[-1]
        assert last.startswith("ImportError") and f"RNNFAST_ISA={isa} {problem}" in last and "generic" in last, last


@pytest.mark.skipif(len(FUSED) < 2, reason="the machine has fewer than two instruction sets with fused multiply-add")
def test_same_bits(tmp_path):
    digests = {}
    for isa in FUSED:
        result = python(isa, tmp_path, PROJECT / "tests" / "support" / "kernel_digest.py")
        assert result.returncode == 0, f"under {isa}:\n{result.stderr}"
        digests[isa] = json.loads(result.stdout)
    expected = digests[FUSED[0]]
    assert len(expected) > 100
    for isa in FUSED[1:]:
        assert digests[isa].keys() == expected.keys()
        differing = [case for case in expected if digests[isa][case] != expected[case]]
        assert not differing, f"{isa} and {FUSED[0]} differ in {len(differing)} of {len(expected)}: {differing[:20]}"
