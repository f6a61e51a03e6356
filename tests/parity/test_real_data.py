"""The examples' networks beside real Keras: the same losses over the first fifty steps.

On generated data; `benchmarks/real_data.py --data FOLDER` does the same on real data, at full length.
"""

import sys
from pathlib import Path

import pytest

keras = pytest.importorskip("keras", reason="the comparison needs Keras")

import rnnfast.keras  # noqa: E402

_BENCHMARKS = str(Path(__file__).parents[2] / "benchmarks")
_LENGTH = 24  # Keras' loop over steps is slow in its torch backend


@pytest.fixture(scope="module")
def real_data():
    sys.path.insert(0, _BENCHMARKS)
    try:
        import real_data

        yield real_data
    finally:
        sys.path.remove(_BENCHMARKS)


@pytest.mark.parametrize("name", ["film_reviews", "shakespeare", "pollution", "temperatures"])
def test_first_steps(real_data, name):
    for problem in real_data.PROBLEMS[name](None, _LENGTH):
        keras.utils.set_random_seed(1)
        difference = real_data.first_steps(problem, rnnfast.keras, keras)
        assert difference <= real_data.BOUND, problem.name
