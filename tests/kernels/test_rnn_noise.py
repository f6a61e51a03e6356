"""Dropout and zoneout inside the recurrent kernels against the reference."""

import numpy as np
import pytest
from kernel_check import check_layer, kernel_forward
from numeric import assert_same_bits
from rnn_cases import ALL_KINDS, make_layer, make_masks, make_noise, normal

import rnnfast
from rnnfast import _kernels

BATCH, TIME, INPUTS = 6, 5, 7


@pytest.mark.parametrize("units", [3, 21, 67])
@pytest.mark.parametrize("kind", ALL_KINDS)
def test_against_the_reference(kind, units, dtype, rng):
    layer = make_layer(kind, INPUTS, units, rng, dtype=dtype)
    x = normal(rng, (BATCH, TIME, INPUTS), dtype)
    masks = make_masks(BATCH, TIME, rng)
    for name, noise in make_noise(layer, BATCH, TIME, rng, dtype).items():
        initial_state = layer.random_states(rng, BATCH, dtype)
        check_layer(layer, x, name, rng, initial_state=initial_state, return_sequences=True, **noise)
        options = {"mask": masks["gaps"], "go_backwards": True, "initial_state": initial_state}
        check_layer(layer, x, f"{name}, gaps, backwards", rng, **options, **noise)
        options = {"mask": masks["some rows all masked"], "return_sequences": True, "zero_output_for_mask": True}
        check_layer(layer, x, f"{name}, some rows masked", rng, **options, **noise)
    layer = make_layer(kind, INPUTS, units, rng, use_bias=False, dtype=dtype)
    noise = make_noise(layer, BATCH, TIME, rng, dtype).get("both dropouts", {})
    check_layer(layer, x, "no bias", rng, activation="softsign", lengths=np.array([5, 2, 0, 1, 4, 3]), **noise)


@pytest.mark.parametrize("kind", ALL_KINDS)
def test_more_rows_than_are_taken_at_a_time(kind, rng):
    layer = make_layer(kind, 70, 19, rng)
    x = normal(rng, (BATCH, 50, 70), np.float64)
    noise = make_noise(layer, BATCH, 50, rng, np.float64).get("both dropouts", {})
    lengths = np.array([50, 41, 50, 17, 50, 49])
    check_layer(layer, x, kind, rng, lengths=lengths, go_backwards=True, return_sequences=True, **noise)


@pytest.mark.parametrize("kind", ["simple_rnn", "lstm", "gru", "gru_reset_before", "lstm_norm"])
def test_a_wide_layer_is_the_same_on_any_number_of_threads(kind, rng):
    layer = make_layer(kind, 40, 128, rng, dtype=np.float32)
    x = normal(rng, (32, 20, 40), np.float32)
    for name, noise in make_noise(layer, 32, 20, rng, np.float32).items():
        results = []
        for threads in (1, 2):
            rnnfast.set_num_threads(threads)
            try:
                output, states, cache = kernel_forward(layer, x, training=True, **noise)
                gradients = _kernels.rnn_backward(cache, np.ones_like(output))
            finally:
                rnnfast.set_num_threads(None)
            results.append([output, *states, *(g for g in gradients[:-1] if g is not None)])
        for one, two in zip(*results, strict=True):
            assert_same_bits(one, two, f"{kind}, {name}")


def test_a_state_that_stays_is_exactly_the_one_before(rng):
    layer = make_layer("lstm", INPUTS, 19, rng, dtype=np.float32)
    x = normal(rng, (BATCH, 1, INPUTS), np.float32)
    before = layer.random_states(rng, BATCH, np.float32)
    kept = [rng.random((BATCH, 1, 19)) < 0.5 for _ in range(2)]
    _, plain, _ = kernel_forward(layer, x, initial_state=before)
    _, after, _ = kernel_forward(layer, x, initial_state=before, zoneout=kept)
    for new, stays, old, state in zip(plain, kept, before, after, strict=True):
        assert_same_bits(state, np.where(stays[:, 0], old, new), "state")


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"x_factors": np.ones((3, 6, 7))}, ValueError, r"x_factors: expected shape \(4, 6, 7\)"),
        ({"h_factors": np.ones((4, 6, 7), np.float32)}, TypeError, "h_factors"),
        ({"zoneout": [0.1]}, ValueError, "zoneout: expected 2 entries, got 1"),
        ({"zoneout": [0.1, 1.5]}, ValueError, r"zoneout\[1\]: expected a share from 0 to 1, got 1.5"),
        ({"zoneout": [np.ones((6, 5, 4)), 0.1]}, TypeError, r"zoneout\[0\]: expected bool"),
        ({"zoneout": [np.ones((6, 4, 4), bool), 0.1]}, ValueError, r"zoneout\[0\]: expected shape \(6, 5, 4\)"),
    ],
)
def test_errors(options, error, message, rng):
    layer = make_layer("lstm", INPUTS, 4, rng)
    with pytest.raises(error, match=message):
        kernel_forward(layer, np.ones((BATCH, TIME, INPUTS)), **options)


@pytest.mark.parametrize("kind", ["lstm_peephole", "simple_rnn"])
def test_where_there_is_no_zoneout(kind, rng):
    layer = make_layer(kind, INPUTS, 4, rng)
    with pytest.raises(ValueError, match="zoneout: only for an lstm without peepholes"):
        kernel_forward(layer, np.ones((BATCH, TIME, INPUTS)), zoneout=[0.1] * layer.states)
