"""Recurrent kernels against the reference over sizes around the vector widths and the row tiles."""

import numpy as np
import pytest
from kernel_check import check_layer
from rnn_cases import ALL_KINDS, make_layer, normal

UNITS = (1, 3, 15, 16, 17, 31, 33, 64, 65, 100, 127)
INPUTS = (1, 3, 16, 17, 33)
BATCHES = (1, 2, 3, 4, 5, 6, 7, 8, 9, 17, 33)
TIMES = (1, 2, 3, 4, 5, 20)


def check(kind, batch, time, inputs, units, dtype, rng, tolerances=None):
    layer = make_layer(kind, inputs, units, rng, dtype=dtype)
    sequences = (batch + time) % 2 == 0
    x = normal(rng, (batch, time, inputs), dtype)
    check_layer(layer, x, "", rng, return_sequences=sequences, tolerances=tolerances)


@pytest.mark.parametrize("kind", ALL_KINDS)
def test_units(kind, dtype, rng):
    """Every number of units three times, each time beside another batch, time and input size."""
    for turn in range(3):
        for number, units in enumerate(UNITS):
            inputs = INPUTS[(number + turn) % len(INPUTS)]
            batch = BATCHES[(3 * number + 4 * turn) % len(BATCHES)]
            time = TIMES[(number + 2 * turn) % len(TIMES)]
            check(kind, batch, time, inputs, units, dtype, rng)


@pytest.mark.parametrize("kind", ALL_KINDS)
def test_batches(kind, dtype, rng):
    for batch in BATCHES:
        check(kind, batch, 3, 5, 33, dtype, rng)


@pytest.mark.parametrize("kind", ALL_KINDS)
def test_inputs_and_times(kind, dtype, rng):
    for inputs in INPUTS:
        for time in TIMES:
            check(kind, 3, time, inputs, 18, dtype, rng)


@pytest.mark.parametrize("kind", ALL_KINDS)
def test_long_sequences(kind, dtype, rng):
    # Normalisation magnifies the rounding of rows of little variance, such as those of one input near zero.
    tolerances = (2e-5, 2e-4) if kind.endswith("_norm") and dtype == np.float32 else None
    for batch, inputs, units in ((1, 17, 64), (3, 1, 17), (9, 33, 100)):
        check(kind, batch, 100, inputs, units, dtype, rng, tolerances)
