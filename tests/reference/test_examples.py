"""The examples in the reference's docstrings."""

import doctest

import pytest

from rnnfast.reference import activations, cells, dense, sequence


@pytest.mark.parametrize("module", [activations, cells, dense, sequence], ids=lambda module: module.__name__)
def test_examples(module):
    result = doctest.testmod(module)
    assert result.failed == 0
    assert result.attempted > 0 or module is cells
