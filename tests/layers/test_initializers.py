"""Values that are drawn: those of one draw whatever their number, and no more memory than they take."""

import tracemalloc

import numpy as np
import pytest

from rnnfast import initializers

SHAPE = (700, 600)
DRAWN = [
    (initializers.RandomUniform(-0.3, 0.7, seed=3), lambda rng: rng.uniform(-0.3, 0.7, SHAPE)),
    (initializers.RandomNormal(0.2, 0.6, seed=3), lambda rng: rng.normal(0.2, 0.6, SHAPE)),
    (
        initializers.VarianceScaling(2.0, "fan_in", "uniform", seed=3),
        lambda rng: rng.uniform(-np.sqrt(6 / SHAPE[0]), np.sqrt(6 / SHAPE[0]), SHAPE),
    ),
    (
        initializers.VarianceScaling(2.0, "fan_in", "untruncated_normal", seed=3),
        lambda rng: rng.normal(0, np.sqrt(2 / SHAPE[0]), SHAPE),
    ),
]


@pytest.mark.parametrize("initializer, draw", DRAWN, ids=lambda value: type(value).__name__)
def test_values_are_those_of_one_draw(initializer, draw):
    np.testing.assert_array_equal(initializer(SHAPE), draw(np.random.default_rng(3)).astype("float32"))


# Keras' TruncatedNormal gives the deviation before the cut, its scaled initializers that after it.
CUT = 0.87962566  # the deviation of a standard normal cut off at two


@pytest.mark.parametrize(
    "initializer, mean, deviation",
    [
        (initializers.TruncatedNormal(1.0, 0.5, seed=4), 1.0, 0.5 * CUT),
        (initializers.HeNormal(seed=4), 0.0, np.sqrt(2 / SHAPE[0])),
    ],
)
def test_truncated_values_have_their_spread(initializer, mean, deviation):
    values = initializer(SHAPE, "float64")
    assert values.mean() == pytest.approx(mean, abs=deviation / 100)
    assert values.std() == pytest.approx(deviation, rel=0.01)
    assert abs(values - mean).max() <= 2 * deviation / CUT


@pytest.mark.parametrize(
    "initializer", [*(initializer for initializer, _ in DRAWN), initializers.TruncatedNormal(seed=1)]
)
def test_large_values_take_little_more_than_their_memory(initializer):
    tracemalloc.start()
    try:
        values = initializer((1500, 2000))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert values.nbytes <= peak < 1.5 * values.nbytes
