"""Back-propagation through time of the reference against central finite differences in float64."""

import numpy as np
import pytest
from numeric import assert_close, finite_difference
from rnn_cases import ALL_KINDS, GRADIENTS, make_layer, make_masks, make_noise, normal

from rnnfast.reference import (
    ELEMENTWISE,
    dense_backward,
    dense_forward,
    mean_squared_error,
    rnn_backward,
    rnn_forward,
    softmax_crossentropy,
)

TOLERANCE = 1e-6


def check(layer, x, what, rng, **options):
    """Compare every gradient of ``sum(output * d_output) + sum(states * d_states)``."""

    def forward():
        return rnn_forward(layer.cell, x, *layer.weights, **layer.options, **options)

    output, states, cache = forward()
    d_output = normal(rng, output.shape)
    d_states = [normal(rng, state.shape) for state in states]

    def scalar():
        output, states, _ = forward()
        return float((output * d_output).sum() + sum((s * d).sum() for s, d in zip(states, d_states, strict=True)))

    *gradients, d_initial = rnn_backward(cache, d_output, d_states)
    for name, array, gradient in zip(GRADIENTS, (x, *layer.weights), gradients, strict=True):
        if array is None:
            assert gradient is None, f"{what}: {name}"
        else:
            assert_close(gradient, finite_difference(scalar, array), TOLERANCE, f"{what}: {name}")
    for name, gradient in cache.option_gradients.items():
        assert_close(gradient, finite_difference(scalar, layer.option_weights[name]), TOLERANCE, f"{what}: {name}")
    assert len(d_initial) == layer.states
    for array, gradient in zip(options.get("initial_state") or [], d_initial, strict=False):
        assert_close(gradient, finite_difference(scalar, array), TOLERANCE, f"{what}: d_initial_state")


@pytest.mark.parametrize("kind", ALL_KINDS)
def test_dropout_and_zoneout(kind):
    rng = np.random.default_rng(2)
    batch, time, inputs, units = 3, 4, 2, 3
    layer, x = make_layer(kind, inputs, units, rng), normal(rng, (batch, time, inputs))
    mask = make_masks(batch, time, rng)["gaps"]
    for name, noise in make_noise(layer, batch, time, rng).items():
        if name.startswith("zoneout"):
            noise = {**noise, "zoneout": [np.asarray(share, np.float64) for share in noise["zoneout"]]}
        initial_state = layer.random_states(rng, batch)
        check(layer, x, name, rng, mask=mask, initial_state=initial_state, go_backwards=True, **noise)
        check(layer, x, name, rng, return_sequences=True, initial_state=initial_state, **noise)


@pytest.mark.parametrize("kind", ALL_KINDS)
def test_options(kind):
    rng = np.random.default_rng(1)
    batch, time, inputs, units = 3, 4, 2, 3
    x = normal(rng, (batch, time, inputs))
    check(make_layer(kind, inputs, units, rng, use_bias=False), x, "no bias", rng, return_sequences=True)
    layer = make_layer(kind, inputs, units, rng)
    check(layer, x, "no initial state", rng)
    choices = [(sequences, backwards) for sequences in (False, True) for backwards in (False, True)]
    for number, (name, mask) in enumerate(({"no mask": None} | make_masks(batch, time, rng)).items()):
        sequences, backwards = choices[number % 4]
        for zero in (False, True) if mask is not None else (False,):
            check(
                layer,
                x,
                f"{name}, sequences={sequences}, backwards={backwards}, zero={zero}",
                rng,
                mask=mask,
                initial_state=layer.random_states(rng, batch),
                return_sequences=sequences,
                go_backwards=backwards,
                zero_output_for_mask=zero,
            )


@pytest.mark.parametrize("kind", ALL_KINDS)
def test_activations(kind):
    rng = np.random.default_rng(2)
    layer = make_layer(kind, 2, 2, rng)
    for name in ELEMENTWISE:
        x = normal(rng, (4, 2, 2), scale=0.5)
        state = [0.3 * h for h in layer.random_states(rng, 4)]
        check(layer, x, name, rng, activation=name, initial_state=state)
        if kind != "simple_rnn":
            check(layer, x, f"recurrent {name}", rng, recurrent_activation=name, initial_state=state)


def test_each_result_alone():
    """The gradient is the sum of what each output and state contributes; None is zero."""
    rng = np.random.default_rng(3)
    layer = make_layer("lstm_peephole", 2, 3, rng)
    x = normal(rng, (2, 3, 2))
    output, states, cache = rnn_forward(layer.cell, x, *layer.weights, return_sequences=True)
    d_output, d_h, d_c = normal(rng, output.shape), normal(rng, states[0].shape), normal(rng, states[1].shape)
    whole = rnn_backward(cache, d_output, [d_h, d_c])
    parts = [
        rnn_backward(cache, d_output),
        rnn_backward(cache, None, [d_h, None]),
        rnn_backward(cache, None, [None, d_c]),
    ]
    for index, name in enumerate(GRADIENTS):
        assert_close(sum(part[index] for part in parts), whole[index], 1e-13, name)
    for index in range(2):
        assert_close(sum(part[5][index] for part in parts), whole[5][index], 1e-13, "d_initial_states")


def test_no_gradient_reaches_masked_input():
    rng = np.random.default_rng(4)
    mask = np.array([[True, False, True], [False, True, False]])
    x = np.where(mask[:, :, None], normal(rng, (2, 3, 2)), np.nan)
    for kind in ALL_KINDS:
        layer = make_layer(kind, 2, 3, rng)
        output, _, cache = rnn_forward(layer.cell, x, *layer.weights, **layer.options, mask=mask, return_sequences=True)
        dx, *gradients = rnn_backward(cache, np.ones_like(output))
        assert not dx[~mask].any() and dx[mask].all()
        assert all(np.isfinite(gradient).all() for gradient in gradients[:3])


def test_float32_stays_float32():
    rng = np.random.default_rng(5)
    x = normal(rng, (2, 3, 2), np.float32)
    for kind in ALL_KINDS:
        layer = make_layer(kind, 2, 3, rng, dtype=np.float32)
        output, _, cache = rnn_forward(layer.cell, x, *layer.weights, **layer.options)
        *gradients, d_initial = rnn_backward(cache, output)
        assert {g.dtype for g in (*gradients, *d_initial) if g is not None} == {np.dtype(np.float32)}


@pytest.mark.parametrize("activation", ["linear", "tanh", "softmax", "log_softmax"])
@pytest.mark.parametrize("use_bias", [True, False])
def test_dense(activation, use_bias):
    rng = np.random.default_rng(6)
    x, kernel, bias = normal(rng, (2, 3, 4)), normal(rng, (4, 5)), normal(rng, 5) if use_bias else None
    y, cache = dense_forward(x, kernel, bias, activation)
    dy = normal(rng, y.shape)

    def scalar():
        return float((dense_forward(x, kernel, bias, activation)[0] * dy).sum())

    dx, dkernel, dbias = dense_backward(cache, dy)
    assert_close(dx, finite_difference(scalar, x), TOLERANCE, "dx")
    assert_close(dkernel, finite_difference(scalar, kernel), TOLERANCE, "dkernel")
    if bias is None:
        assert dbias is None
    else:
        assert_close(dbias, finite_difference(scalar, bias), TOLERANCE, "dbias")


def test_losses():
    rng = np.random.default_rng(7)
    y, target, labels = normal(rng, (3, 4)), normal(rng, (3, 4)), np.array([3, 0, 2])
    _, gradient = mean_squared_error(y, target)
    assert_close(gradient, finite_difference(lambda: mean_squared_error(y, target)[0], y), TOLERANCE, "mse")
    _, gradient = softmax_crossentropy(y, labels)
    assert_close(gradient, finite_difference(lambda: softmax_crossentropy(y, labels)[0], y), TOLERANCE, "crossentropy")
