"""Recurrent kernels against the reference: every option of a sequence, and every activation."""

import numpy as np
import pytest
from kernel_check import check_layer, kernel_forward
from numeric import assert_same_bits
from rnn_cases import ALL_KINDS, GRADIENTS, make_layer, make_masks, mask_of_lengths, normal

from rnnfast import _kernels, activations
from rnnfast.reference import ELEMENTWISE

BATCH, TIME, INPUTS, UNITS = 6, 7, 5, 19


@pytest.fixture(params=ALL_KINDS)
def kind(request):
    return request.param


@pytest.fixture
def layer(kind, dtype, rng):
    return make_layer(kind, INPUTS, UNITS, rng, dtype=dtype)


@pytest.fixture
def x(dtype, rng):
    return normal(rng, (BATCH, TIME, INPUTS), dtype)


def test_masks_directions_and_states(layer, x, dtype, rng):
    for name, mask in ({"no mask": None} | make_masks(BATCH, TIME, rng)).items():
        for backwards in (False, True):
            for sequences in (False, True):
                for zero in (False, True):
                    initial_state = layer.random_states(rng, BATCH, dtype) if zero != sequences else None
                    check_layer(
                        layer,
                        x,
                        f"mask={name} backwards={backwards} sequences={sequences} zero={zero}",
                        rng,
                        mask=mask,
                        initial_state=initial_state,
                        go_backwards=backwards,
                        return_sequences=sequences,
                        zero_output_for_mask=zero,
                    )


def test_lengths(layer, x, dtype, rng):
    for lengths in ([7, 7, 7, 7, 7, 7], [1, 7, 3, 5, 2, 4], [0, 7, 0, 1, 7, 2], [0] * 6):
        for backwards in (False, True):
            options = {
                "initial_state": layer.random_states(rng, BATCH, dtype),
                "go_backwards": backwards,
                "return_sequences": True,
            }
            check_layer(layer, x, f"lengths={lengths}", rng, lengths=np.array(lengths), **options)
            by_lengths, _, _ = kernel_forward(layer, x, lengths=np.array(lengths, np.int32), **options)
            by_mask, _, _ = kernel_forward(layer, x, mask=mask_of_lengths(lengths, TIME), **options)
            assert_same_bits(by_lengths, by_mask, f"{layer.kind} lengths={lengths}")


def test_no_bias(kind, x, dtype, rng):
    check_layer(make_layer(kind, INPUTS, UNITS, rng, use_bias=False, dtype=dtype), x, "no bias", rng)


def test_activations(kind, dtype, rng):
    """Tolerances for unbounded activations are those of the exact gates, ten times as wide."""
    layer = make_layer(kind, INPUTS, UNITS, rng, dtype=dtype)
    tolerances = (5e-5, 5e-4) if dtype == np.float32 else (1e-11, 1e-9)
    for name in ELEMENTWISE:
        x = normal(rng, (5, 3, INPUTS), dtype, scale=0.5)
        options = {
            "initial_state": [state * dtype.type(0.3) for state in layer.random_states(rng, 5, dtype)],
            "tolerances": tolerances,
            "return_sequences": True,
        }
        check_layer(layer, x, f"activation={name}", rng, activation=name, **options)
        if kind != "simple_rnn":
            check_layer(layer, x, f"recurrent_activation={name}", rng, recurrent_activation=name, **options)


def test_activation_parameter(layer, x, rng):
    for name in ("leaky_relu", "elu", "celu"):
        activation = activations.get(name)._replace(alpha=0.35)
        check_layer(layer, x[:, :3], f"{name} alpha=0.35", rng, activation=activation, tolerances=(5e-5, 5e-4))


def test_any_strides(kind, dtype, rng):
    layer = make_layer(kind, INPUTS, UNITS, rng, dtype=dtype)
    base = normal(rng, (2 * BATCH, 2 * TIME, 2 * INPUTS), dtype)
    readonly = base[:BATCH, :TIME, :INPUTS].copy()
    readonly.flags.writeable = False
    views = {
        "slice": base[:BATCH, :TIME, :INPUTS],
        "every second row and step": base[::2, ::2, :INPUTS],
        "every second feature": base[:BATCH, :TIME, ::2],
        "time-major": np.ascontiguousarray(base[:BATCH, :TIME, :INPUTS].swapaxes(0, 1)).swapaxes(0, 1),
        "Fortran order": np.asfortranarray(base[:BATCH, :TIME, :INPUTS]),
        "negative strides": base[BATCH - 1 :: -1, TIME - 1 :: -1, INPUTS - 1 :: -1],
        "broadcast": np.broadcast_to(base[:1, :1, :INPUTS], (BATCH, TIME, INPUTS)),
        "read-only": readonly,
    }
    mask = make_masks(BATCH, TIME, rng)["gaps"]
    for name, view in views.items():
        d_output = normal(rng, (TIME, layer.state_sizes[0], BATCH), dtype).transpose(2, 0, 1)
        d_state = [normal(rng, (size, BATCH), dtype).T for size in layer.state_sizes]
        for options in ({}, {"mask": mask}, {"mask": np.asfortranarray(mask)}):
            initial_state = [normal(rng, (size, BATCH), dtype).T for size in layer.state_sizes]
            options = options | {"return_sequences": True, "training": True}
            output, _, cache = kernel_forward(layer, view, initial_state=initial_state, **options)
            plain_output, _, plain_cache = kernel_forward(
                layer, view.copy(order="C"), initial_state=[s.copy(order="C") for s in initial_state], **options
            )
            assert_same_bits(output, plain_output, f"{kind}, {name}: output")
            *gradients, d_initial = _kernels.rnn_backward(cache, d_output, d_state)
            *plain, plain_initial = _kernels.rnn_backward(
                plain_cache, d_output.copy(order="C"), [d.copy(order="C") for d in d_state]
            )
            for what, gradient, expected in zip(GRADIENTS, gradients, plain, strict=True):
                if expected is not None:
                    assert_same_bits(gradient, expected, f"{kind}, {name}: {what}")
            for gradient, expected in zip(d_initial, plain_initial, strict=True):
                assert_same_bits(gradient, expected, f"{kind}, {name}: initial state")


def test_arguments_are_left_alone(layer, x, dtype, rng):
    initial_state = layer.random_states(rng, BATCH, dtype)
    mask = make_masks(BATCH, TIME, rng)["gaps"]
    arguments = [x, mask, *initial_state, *(w for w in layer.weights if w is not None)]
    before = [array.copy() for array in arguments]
    output, states, cache = kernel_forward(layer, x, initial_state=initial_state, mask=mask, training=True)
    d_output, d_states = normal(rng, output.shape, dtype), [normal(rng, s.shape, dtype) for s in states]
    before += [array.copy() for array in (d_output, *d_states)]
    _kernels.rnn_backward(cache, d_output, d_states)
    for array, copy in zip([*arguments, d_output, *d_states], before, strict=True):
        np.testing.assert_array_equal(array, copy)


def test_parts_of_the_gradient(layer, x, dtype, rng):
    """No output gradient, no state gradient, one state alone, no dx."""
    for d_states_given in ([], [0], [layer.states - 1]):
        for with_output in (True, False):
            output, states, cache = kernel_forward(layer, x, training=True)
            d_output = normal(rng, output.shape, dtype)
            d_states = [normal(rng, state.shape, dtype) for state in states]
            partial = [d if i in d_states_given else None for i, d in enumerate(d_states)]
            got = _kernels.rnn_backward(cache, d_output if with_output else None, partial or None)
            _, _, cache = kernel_forward(layer, x, training=True)
            zeros = [np.zeros_like(d) if p is None else p for p, d in zip(partial, d_states, strict=True)]
            whole = _kernels.rnn_backward(cache, d_output if with_output else np.zeros_like(d_output), zeros)
            for name, gradient, expected in zip(GRADIENTS, got, whole, strict=False):
                if expected is not None:
                    np.testing.assert_array_equal(gradient, expected, err_msg=name)
    _, _, cache = kernel_forward(layer, x, training=True)
    dx, *others = _kernels.rnn_backward(cache, d_output, need_dx=False)
    _, _, cache = kernel_forward(layer, x, training=True)
    _, *expected_others = _kernels.rnn_backward(cache, d_output)
    assert dx is None
    for name, gradient, expected in zip(GRADIENTS[1:], others, expected_others, strict=False):
        if expected is not None:
            assert_same_bits(gradient, expected, name)


def test_empty_batch(layer, dtype):
    x = np.zeros((0, TIME, INPUTS), dtype)
    for sequences in (False, True):
        output, states, cache = kernel_forward(layer, x, return_sequences=sequences, training=True)
        state = layer.state_sizes[0]
        assert output.shape == ((0, TIME, state) if sequences else (0, state))
        assert [state.shape for state in states] == [(0, size) for size in layer.state_sizes]
        dx, *gradients, d_initial = _kernels.rnn_backward(cache, np.zeros_like(output))
        assert dx.shape == x.shape
        assert [d.shape for d in d_initial] == [(0, size) for size in layer.state_sizes]
        for weight, gradient in zip(layer.weights, gradients, strict=True):
            assert (weight is None) == (gradient is None)
            assert gradient is None or (gradient.shape == weight.shape and not gradient.any())
