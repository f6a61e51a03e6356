"""Running ``rnnfast._kernels`` on a test layer and comparing it with the reference."""

import numpy as np
from numeric import assert_close, assert_same_bits
from rnn_cases import GRADIENTS, Layer, normal, reference_forward

from rnnfast import _kernels, activations, reference

# (forward, gradients): largest error allowed, of the tensor's largest magnitude.
TOLERANCES = {np.dtype(np.float32): (5e-6, 5e-5), np.dtype(np.float64): (1e-12, 1e-10)}


def kernel_forward(layer: Layer, x, *, activation="tanh", recurrent_activation="sigmoid", **options):
    """``_kernels.rnn_forward`` of a layer; activations by name."""
    return _kernels.rnn_forward(
        layer.cell,
        x,
        *layer.weights,
        activation=activations.get(activation),
        recurrent_activation=activations.get(recurrent_activation),
        **layer.options,
        **options,
    )


def check_layer(layer: Layer, x, what: str, rng, *, tolerances=None, **options) -> None:
    """Forward (inference and training) and every gradient of the kernels, against the float64 reference."""
    dtype = layer.kernel.dtype
    forward_tolerance, gradient_tolerance = tolerances or TOLERANCES[dtype]
    what = f"{layer.kind} {dtype} x{x.shape} units={layer.units} {what}"

    expected, expected_states, expected_cache = reference_forward(layer, x, **options)
    output, states, cache = kernel_forward(layer, x, **options)
    assert cache is None, what
    assert output.dtype == dtype, what
    assert len(states) == layer.states, what
    assert_close(output, expected, forward_tolerance, f"{what}: output")
    for number, (state, expected_state) in enumerate(zip(states, expected_states, strict=True)):
        assert state.dtype == dtype, what
        assert_close(state, expected_state, forward_tolerance, f"{what}: state {number}")

    trained, trained_states, cache = kernel_forward(layer, x, training=True, **options)
    assert_same_bits(trained, output, f"{what}: output in training and in inference")
    for number, state in enumerate(trained_states):
        assert_same_bits(state, states[number], f"{what}: state {number} in training and in inference")

    d_output = normal(rng, expected.shape, dtype)
    d_states = [normal(rng, state.shape, dtype) for state in expected_states]
    *gradients, d_initial = _kernels.rnn_backward(cache, d_output, d_states)
    *expected_gradients, expected_d_initial = reference.rnn_backward(
        expected_cache, d_output.astype(np.float64), [d.astype(np.float64) for d in d_states]
    )
    for name, gradient, expected_gradient in zip(GRADIENTS, gradients, expected_gradients, strict=True):
        if expected_gradient is None:
            assert gradient is None, f"{what}: {name}"
        else:
            assert gradient.dtype == dtype, f"{what}: {name}"
            assert_close(gradient, expected_gradient, gradient_tolerance, f"{what}: {name}")
    assert cache.option_gradients.keys() == expected_cache.option_gradients.keys(), what
    for name, gradient in cache.option_gradients.items():
        assert gradient.dtype == dtype, f"{what}: {name}"
        assert_close(gradient, expected_cache.option_gradients[name], gradient_tolerance, f"{what}: {name}")
    for number, (gradient, expected_gradient) in enumerate(zip(d_initial, expected_d_initial, strict=True)):
        assert_close(gradient, expected_gradient, gradient_tolerance, f"{what}: gradient of initial state {number}")
