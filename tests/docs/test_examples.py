"""The examples in docstrings run as they stand."""

import doctest
import importlib
import pkgutil

import pytest

import rnnfast

# The demo has no examples, and imports what may not be installed.
MODULES = ["rnnfast", *(module.name for module in pkgutil.walk_packages(rnnfast.__path__, "rnnfast.")
                        if "__main__" not in module.name and not module.name.startswith("rnnfast.demo"))]  # fmt: skip
WITH_EXAMPLES = {"rnnfast.inference", "rnnfast.formats.keras_file", "rnnfast.layers.lstm", "rnnfast.models.sequential",
                 "rnnfast.reference.sequence"}  # fmt: skip


@pytest.mark.parametrize("name", MODULES)
def test_examples(name):
    if name.startswith("rnnfast.formats"):
        pytest.importorskip("h5py", reason="the examples save .keras files, which needs h5py")
    result = doctest.testmod(importlib.import_module(name))
    assert result.failed == 0
    assert result.attempted > 0 or name not in WITH_EXAMPLES
