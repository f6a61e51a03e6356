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


@pytest.fixture(autouse=True)
def threads():
    """``rnnfast.set_num_threads``, set to one thread before each test: results do not depend on the number (which
    test_rnn_bits.py checks), but on a busy machine the time of small cases on many threads does.
    """
    before = rnnfast.get_num_threads()
    rnnfast.set_num_threads(1)
    yield rnnfast.set_num_threads
    rnnfast.set_num_threads(before)
