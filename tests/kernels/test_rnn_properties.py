"""Properties of the recurrent kernels for any mask, lengths and cut, searched by hypothesis."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from kernel_check import check_layer, kernel_forward
from numeric import assert_close, assert_same_bits
from rnn_cases import KINDS, make_layer, mask_of_lengths, normal

INPUTS, UNITS = 3, 17

# The same examples in every run, so that a failure is one of the code and not of the day.
searched = settings(max_examples=60, deadline=None, derandomize=True, database=None)

kinds = st.sampled_from(sorted(KINDS))
dtypes = st.sampled_from([np.dtype(np.float32), np.dtype(np.float64)])
shapes = st.tuples(st.integers(1, 7), st.integers(1, 6))
masks = shapes.flatmap(lambda shape: arrays(np.bool_, shape))


def make(kind, dtype, batch, time, seed=0):
    rng = np.random.default_rng(seed)
    layer = make_layer(kind, INPUTS, UNITS, rng, dtype=dtype)
    return layer, normal(rng, (batch, time, INPUTS), dtype), layer.random_states(rng, batch, dtype), rng


@searched
@given(kind=kinds, dtype=dtypes, mask=masks, backwards=st.booleans(), zero=st.booleans(), sequences=st.booleans())
def test_any_mask(kind, dtype, mask, backwards, zero, sequences):
    layer, x, initial_state, rng = make(kind, dtype, *mask.shape)
    check_layer(
        layer,
        x,
        f"mask={mask.astype(int).tolist()}",
        rng,
        mask=mask,
        initial_state=initial_state,
        go_backwards=backwards,
        zero_output_for_mask=zero,
        return_sequences=sequences,
    )


@searched
@given(kind=kinds, dtype=dtypes, shape=shapes, data=st.data(), backwards=st.booleans())
def test_lengths_are_a_mask(kind, dtype, shape, data, backwards):
    batch, time = shape
    lengths = np.array(data.draw(st.lists(st.integers(0, time), min_size=batch, max_size=batch)))
    layer, x, initial_state, _ = make(kind, dtype, batch, time)
    options = {"initial_state": initial_state, "go_backwards": backwards, "return_sequences": True}
    by_lengths, states, _ = kernel_forward(layer, x, lengths=lengths, **options)
    by_mask, mask_states, _ = kernel_forward(layer, x, mask=mask_of_lengths(lengths, time), **options)
    assert_same_bits(by_lengths, by_mask, f"lengths={lengths}")
    for state, mask_state in zip(states, mask_states, strict=True):
        assert_same_bits(state, mask_state, f"lengths={lengths}")


@searched
@given(kind=kinds, dtype=dtypes, mask=masks, data=st.data())
def test_masked_steps_cost_no_bits(kind, dtype, mask, data):
    """A row's states are those of its real steps alone."""
    layer, x, initial_state, _ = make(kind, dtype, *mask.shape)
    _, states, _ = kernel_forward(layer, x, mask=mask, initial_state=initial_state)
    row = data.draw(st.integers(0, len(mask) - 1))
    own = [state[row : row + 1] for state in initial_state]
    if mask[row].any():
        _, own, _ = kernel_forward(layer, x[row : row + 1, mask[row]], initial_state=own)
    for state, expected in zip(states, own, strict=True):
        assert_same_bits(state[row], expected[0], f"row {row} of {mask.astype(int).tolist()}")


@searched
@given(kind=kinds, dtype=dtypes, mask=masks, data=st.data())
def test_a_batch_may_be_cut(kind, dtype, mask, data):
    layer, x, initial_state, _ = make(kind, dtype, *mask.shape)
    cut = data.draw(st.integers(0, len(mask)))
    options = {"return_sequences": True}
    whole, _, _ = kernel_forward(layer, x, mask=mask, initial_state=initial_state, **options)
    for rows in (slice(0, cut), slice(cut, None)):
        part, _, _ = kernel_forward(
            layer, x[rows], mask=mask[rows], initial_state=[s[rows] for s in initial_state], **options
        )
        assert_same_bits(part, whole[rows], f"rows {rows}")


@searched
@given(kind=kinds, dtype=dtypes, shape=shapes, data=st.data())
def test_a_sequence_may_be_cut(kind, dtype, shape, data):
    batch, time = shape
    layer, x, states, _ = make(kind, dtype, batch, time)
    cut = data.draw(st.integers(1, time))
    whole, whole_states, _ = kernel_forward(layer, x, initial_state=states, return_sequences=True)
    for steps in (slice(0, cut), slice(cut, None)):
        if x[:, steps].shape[1]:
            part, states, _ = kernel_forward(layer, x[:, steps], initial_state=states, return_sequences=True)
            assert_same_bits(part, whole[:, steps], f"steps {steps}")
    for state, whole_state in zip(states, whole_states, strict=True):
        assert_same_bits(state, whole_state, f"cut at {cut}")


@searched
@given(kind=kinds, mask=masks, zero=st.booleans())
def test_backwards_is_the_reversed_sequence(kind, mask, zero):
    layer, x, initial_state, _ = make(kind, np.dtype(np.float64), *mask.shape)
    options = {"initial_state": initial_state, "zero_output_for_mask": zero, "return_sequences": True}
    backwards, _, _ = kernel_forward(layer, x, mask=mask, go_backwards=True, **options)
    reversed_, _, _ = kernel_forward(layer, x[:, ::-1], mask=mask[:, ::-1].copy(), **options)
    assert_close(backwards, reversed_, 1e-15, "output")
