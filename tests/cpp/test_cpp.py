"""The C++ tests beside this file: each program compiled for every instruction set of the machine, and run.

A program is compiled as the kernels are: with the macro and the flags of one instruction set. It exits with 0 when all
is well.
"""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

import rnnfast

HERE = Path(__file__).parent
SOURCES = sorted(HERE.glob("*.cpp"))
FLAGS = {
    "generic": [],
    "avx2": ["-mavx2", "-mfma"],
    "avx512": ["-mavx512f", "-mavx512dq", "-mavx512bw", "-mavx512vl", "-mfma"],
    "neon": [],
}


@pytest.fixture(scope="session")
def compiler():
    for name in (os.environ.get("CXX"), "c++", "g++", "clang++"):
        if name and shutil.which(name.split()[0]):
            return name.split()
    pytest.skip("no C++ compiler (CXX, c++, g++ or clang++)")


@pytest.mark.parametrize("isa", rnnfast.cpu_info()["available"])
@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.stem)
def test_program(source, isa, compiler, tmp_path):
    program = tmp_path / source.stem
    flags = ["-std=c++17", "-O2", "-ffp-contract=off", *FLAGS[isa], f"-DRNNFAST_ISA_{isa.upper()}"]
    run([*compiler, *flags, str(source), "-o", str(program)])
    run([str(program)])


def run(command):
    result = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert result.returncode == 0, f"{' '.join(command)}\n{result.stdout[-4000:]}\n{result.stderr[-4000:]}"
