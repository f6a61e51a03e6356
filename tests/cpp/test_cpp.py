"""The C++ tests beside this file, built by `setup.py build_cpp_tests` with the flags of the product, and run.

A program exits with 0 when all is well. Those that include kernels are built once per instruction set.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import rnnfast

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
AVAILABLE = rnnfast.cpu_info()["available"]
# AMX is for products alone: the other kernels of its table are those of AVX-512.
VECTORS = [isa for isa in AVAILABLE if isa != "amx"]
PLAIN = ["test_core", "test_buffer", "test_formats", "test_training_formats", "test_pipeline", "test_step_barrier"]
PROGRAMS = [*PLAIN, *(f"test_math.{isa}" for isa in VECTORS)]


@pytest.fixture(scope="session")
def built(tmp_path_factory):
    if not any(shutil.which(name.split()[0]) for name in (os.environ.get("CXX"), "c++", "g++", "clang++") if name):
        pytest.skip("no C++ compiler (CXX, c++, g++ or clang++)")
    pytest.importorskip("setuptools", minversion="77")
    folder = tmp_path_factory.mktemp("cpp")
    places = [f"--build-clib={folder}", f"--build-temp={folder}/objects"]
    run([sys.executable, "setup.py", "-q", "build_cpp_tests", *places])
    return folder


@pytest.mark.parametrize("program", PROGRAMS)
def test_program(program, built):
    run([str(built / program)])


def test_every_program_is_run():
    assert {name.split(".")[0] for name in PROGRAMS} == {path.stem for path in HERE.glob("*.cpp")}


def run(command):
    result = subprocess.run(command, capture_output=True, text=True, timeout=600, cwd=ROOT)
    assert result.returncode == 0, f"{' '.join(command)}\n{result.stdout[-4000:]}\n{result.stderr[-4000:]}"
