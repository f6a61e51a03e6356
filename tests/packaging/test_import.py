"""What `import rnnfast` brings in, and what the installed package says of itself."""

import importlib.metadata
import subprocess
import sys
from importlib.resources import files

import pytest

import rnnfast

LAZY = ["scipy", "h5py", "tqdm", "sklearn", "matplotlib", "rnnfast._blas"]


def modules_after(statement: str) -> set[str]:
    program = f"import sys; {statement}; print(*sys.modules)"
    run = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    return set(run.stdout.split())


def test_import_leaves_optional_modules_alone():
    assert modules_after("import rnnfast").isdisjoint(LAZY)


def test_version_is_that_of_the_distribution():
    assert rnnfast.__version__ == importlib.metadata.version("rnnfast")


@pytest.mark.parametrize("name", ["py.typed", "_kernels.pyi", "_engine.pyi", "_blas.pyi"])
def test_type_information_is_installed(name):
    assert files("rnnfast").joinpath(name).is_file()


def test_licence_and_command_are_declared():
    distribution = importlib.metadata.distribution("rnnfast")
    assert distribution.metadata["License-Expression"] == "BSD-3-Clause"
    (command,) = distribution.entry_points.select(group="console_scripts")
    assert (command.name, command.value) == ("rnnfast", "rnnfast.cli:main")


def test_blas_of_scipy_is_found_and_named():
    from rnnfast import _blas

    assert set(_blas.info()) == {"library", "path", "config"}
