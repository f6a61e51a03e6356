"""Fixtures of the kernel tests. They run on whatever instruction set the process has (RNNFAST_ISA)."""

import numpy as np
import pytest

import rnnfast


@pytest.fixture(params=[np.float32, np.float64], ids=["float32", "float64"])
def dtype(request):
    return np.dtype(request.param)


@pytest.fixture
def rng():
    return np.random.default_rng(20)


@pytest.fixture
def threads():
    """``rnnfast.set_num_threads``; the count is put back afterwards."""
    before = rnnfast.get_num_threads()
    yield rnnfast.set_num_threads
    rnnfast.set_num_threads(before)
