"""What must not change a bit: batch size, place in the batch, threads, padding, and cutting a sequence in two."""

import numpy as np
import pytest
from kernel_check import kernel_forward
from numeric import assert_same_bits
from rnn_cases import ALL_KINDS, GRADIENTS, make_layer, make_masks, mask_of_lengths, normal

from rnnfast import _kernels

# Small work stays on one thread: the larger sizes make sure that a second thread has something to do.
SIZES = [(37, 5, 17, 33), (70, 4, 40, 130)]  # batch, time, inputs, units


@pytest.fixture(params=ALL_KINDS)
def kind(request):
    return request.param


def test_a_row_is_the_same_in_any_batch(kind, dtype, rng, threads):
    for batch, time, inputs, units in SIZES:
        layer = make_layer(kind, inputs, units, rng, dtype=dtype)
        x = normal(rng, (batch, time, inputs), dtype)
        initial_state = layer.random_states(rng, batch, dtype)
        for mask in (None, make_masks(batch, time, rng)["gaps"]):

            def run(rows, mask=mask, layer=layer, x=x, initial_state=initial_state):
                return kernel_forward(
                    layer,
                    x[rows],
                    initial_state=[state[rows] for state in initial_state],
                    mask=None if mask is None else mask[rows],
                    return_sequences=True,
                )

            threads(1)
            output, states, _ = run(slice(None))
            parts = [slice(start, start + size) for size in (1, 2, 3, 4, 5, 6, 7, 8, 9, 17) for start in (0, 5, 20)]
            for count in (1, 2):
                threads(count)
                for rows in [slice(None), *parts, slice(None, None, -1), rng.permutation(batch)]:
                    part_output, part_states, _ = run(rows)
                    what = f"{kind} {dtype} units={units} threads={count} masked={mask is not None} rows={rows}"
                    assert_same_bits(part_output, output[rows], what)
                    for part_state, state in zip(part_states, states, strict=True):
                        assert_same_bits(part_state, state[rows], what)


def test_one_row_on_any_number_of_threads(kind, dtype, rng, threads):
    layer = make_layer(kind, 50, 300, rng, dtype=dtype)
    x = normal(rng, (1, 12, 50), dtype)
    threads(1)
    expected, _, _ = kernel_forward(layer, x, return_sequences=True)
    threads(2)
    output, _, _ = kernel_forward(layer, x, return_sequences=True)
    assert_same_bits(output, expected, kind)


def test_gradients_on_any_number_of_threads(kind, dtype, rng, threads):
    for batch, time, inputs, units in [*SIZES, (1, 30, 20, 150)]:
        layer = make_layer(kind, inputs, units, rng, dtype=dtype)
        x = normal(rng, (batch, time, inputs), dtype)
        d_output = normal(rng, (batch, time, layer.state_sizes[0]), dtype)
        for mask in (None, make_masks(batch, time, rng)["gaps"]):
            results = []
            for count in (1, 2, 1):
                threads(count)
                _, _, cache = kernel_forward(layer, x, mask=mask, return_sequences=True, training=True)
                results.append(_kernels.rnn_backward(cache, d_output))
            for other in results[1:]:
                for name, gradient, expected in zip(GRADIENTS, other, results[0], strict=False):
                    if expected is not None:
                        assert_same_bits(gradient, expected, f"{kind} {dtype} units={units}: {name}")
                for gradient, expected in zip(other[5], results[0][5], strict=True):
                    assert_same_bits(gradient, expected, f"{kind} {dtype} units={units}: initial state")


def test_a_ragged_batch_is_its_rows_alone(kind, dtype, rng):
    batch, time, inputs, units = 9, 8, 7, 21
    layer = make_layer(kind, inputs, units, rng, dtype=dtype)
    x = normal(rng, (batch, time, inputs), dtype)
    lengths = np.array([8, 1, 5, 5, 3, 8, 2, 7, 6])
    for padding in (0.0, 1e30, np.nan):
        padded = np.where(mask_of_lengths(lengths, time)[:, :, None], x, dtype.type(padding))
        output, states, _ = kernel_forward(layer, padded, lengths=lengths)
        for row, length in enumerate(lengths):
            alone, alone_states, _ = kernel_forward(layer, x[row : row + 1, :length])
            assert_same_bits(output[row], alone[0], f"{kind}: row {row}, padded with {padding}")
            for state, alone_state in zip(states, alone_states, strict=True):
                assert_same_bits(state[row], alone_state[0], f"{kind}: state of row {row}")


def test_step_by_step_is_the_whole_sequence(kind, dtype, rng):
    for batch, inputs, units in ((1, 5, 33), (3, 17, 64)):
        layer = make_layer(kind, inputs, units, rng, dtype=dtype)
        x = normal(rng, (batch, 6, inputs), dtype)
        whole, whole_states, _ = kernel_forward(layer, x, return_sequences=True)
        states = None
        for t in range(6):
            output, states, _ = kernel_forward(layer, x[:, t : t + 1], initial_state=states)
            assert_same_bits(output, whole[:, t], f"{kind}: step {t}")
        for state, whole_state in zip(states, whole_states, strict=True):
            assert_same_bits(state, whole_state, f"{kind}: last state")


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_non_finite_values_stay_in_their_row(kind, dtype, rng, bad):
    batch, time, inputs, units = 11, 5, 17, 33
    layer = make_layer(kind, inputs, units, rng, dtype=dtype)
    x = normal(rng, (batch, time, inputs), dtype)
    spoilt = x.copy()
    spoilt[4, 2, 3] = bad
    others = np.arange(batch) != 4
    d_output = normal(rng, (batch, time, layer.state_sizes[0]), dtype)
    results = []
    for array in (x, spoilt):
        output, states, cache = kernel_forward(layer, array, return_sequences=True, training=True)
        output = output.copy()
        dx, *_, d_initial = _kernels.rnn_backward(cache, d_output)
        results.append([output, *states, dx, *d_initial])
    for clean, other in zip(*results, strict=True):
        assert_same_bits(other[others], clean[others], f"{kind}: the other rows")
    assert_same_bits(results[1][0][4, :2], results[0][0][4, :2], f"{kind}: the steps before")
    if np.isnan(bad):
        assert np.isnan(results[1][0][4, 2:]).all(), f"{kind}: the steps from the NaN on"


def test_non_finite_states_stay_in_their_row(kind, dtype, rng):
    layer = make_layer(kind, 5, 33, rng, dtype=dtype)
    x = normal(rng, (6, 3, 5), dtype)
    initial_state = layer.random_states(rng, 6, dtype)
    clean, _, _ = kernel_forward(layer, x, initial_state=initial_state)
    for state in initial_state:
        spoilt = [s.copy() if s is state else s for s in initial_state]
        for s, original in zip(spoilt, initial_state, strict=True):
            if original is state:
                s[2] = np.nan
        output, _, _ = kernel_forward(layer, x, initial_state=spoilt)
        others = np.arange(6) != 2
        assert_same_bits(output[others], clean[others], kind)
        assert np.isnan(output[2]).all()
