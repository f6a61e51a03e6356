"""Sequences of the reference against the cells written per unit in plain Python."""

import numpy as np
import pytest
import scalar_cells
from numeric import assert_close
from rnn_cases import KINDS, STATES, make_layer, make_masks

from rnnfast.reference import ELEMENTWISE, rnn_forward

BATCH, TIME, INPUTS, UNITS = 4, 6, 3, 5


def run_scalar(layer, x, initial_state, mask, activation, gate, go_backwards, zero_output):
    """What ``scalar_cells.run`` answers for each row: outputs (batch, time, units) and states."""
    columns = layer.kernel.shape[1]
    zero_bias = np.zeros((2, columns) if layer.options.get("reset_after") else columns)
    norm = None
    if "layer_norm" in layer.options:
        norm = {name: array.tolist() for name, array in layer.options["layer_norm"].items()}
        norm["epsilon"] = layer.options["layer_norm_epsilon"]
    bias = zero_bias if layer.bias is None else layer.bias
    peephole = np.zeros((3, layer.units)) if layer.peephole is None else layer.peephole
    if initial_state is None:
        initial_state = [np.zeros((len(x), layer.units))] * layer.states
    mask = np.ones(x.shape[:2], bool) if mask is None else mask
    rows = [
        scalar_cells.run(
            layer.kind,
            *(array.tolist() for array in (x[row], layer.kernel, layer.recurrent_kernel, bias, peephole)),
            norm,
            [state[row].tolist() for state in initial_state],
            mask[row],
            activation,
            gate,
            go_backwards,
            zero_output,
        )
        for row in range(len(x))
    ]
    outputs = np.array([row[0] for row in rows])
    return outputs, [np.array([row[1][i] for row in rows]) for i in range(layer.states)]


def check(
    layer, x, what, *, activation="tanh", gate="sigmoid", initial_state=None, mask=None, backwards=False, zero=False
):
    expected, expected_states = run_scalar(layer, x, initial_state, mask, activation, gate, backwards, zero)
    for return_sequences in (True, False):
        output, states, _ = rnn_forward(
            layer.cell,
            x,
            *layer.weights,
            **layer.options,
            activation=activation,
            recurrent_activation=gate,
            initial_state=initial_state,
            mask=mask,
            go_backwards=backwards,
            zero_output_for_mask=zero,
            return_sequences=return_sequences,
        )
        assert_close(output, expected if return_sequences else expected[:, -1], 1e-13, f"{what}: output")
        assert len(states) == STATES[layer.cell]
        for state, expected_state in zip(states, expected_states, strict=True):
            assert_close(state, expected_state, 1e-13, f"{what}: state")


@pytest.mark.parametrize("kind", KINDS)
def test_options(kind):
    rng = np.random.default_rng(1)
    layer = make_layer(kind, INPUTS, UNITS, rng)
    x = rng.standard_normal((BATCH, TIME, INPUTS))
    check(make_layer(kind, INPUTS, UNITS, rng, use_bias=False), x, "no bias")
    for initial_state in (None, layer.random_states(rng, BATCH)):
        for backwards in (False, True):
            for name, mask in ({"no mask": None} | make_masks(BATCH, TIME, rng)).items():
                for zero in (False, True):
                    what = f"{name}, backwards={backwards}, zero={zero}, initial={initial_state is not None}"
                    check(layer, x, what, initial_state=initial_state, mask=mask, backwards=backwards, zero=zero)


@pytest.mark.parametrize("kind", KINDS)
def test_activations(kind):
    rng = np.random.default_rng(2)
    layer = make_layer(kind, INPUTS, UNITS, rng)
    x = rng.standard_normal((BATCH, 3, INPUTS))
    start = [0.3 * rng.standard_normal((BATCH, UNITS)) for _ in range(layer.states)]
    for name in ELEMENTWISE:
        check(layer, x, name, activation=name, initial_state=start)
        check(layer, x, f"recurrent {name}", gate=name)


@pytest.mark.parametrize("batch, time, inputs, units", [(1, 1, 1, 1), (1, 4, 1, 3), (3, 1, 4, 1), (2, 9, 1, 1)])
def test_sizes_of_one(batch, time, inputs, units):
    rng = np.random.default_rng(3)
    for kind in KINDS:
        check(make_layer(kind, inputs, units, rng), rng.standard_normal((batch, time, inputs)), kind)


def test_masked_input_may_be_anything():
    rng = np.random.default_rng(4)
    mask = np.array([[True, False, True], [False, True, True]])
    x = rng.standard_normal((2, 3, INPUTS))
    garbage = np.where(mask[:, :, None], x, np.nan)
    for kind in KINDS:
        layer = make_layer(kind, INPUTS, UNITS, rng)
        clean, _, _ = rnn_forward(layer.cell, x, *layer.weights, **layer.options, mask=mask)
        output, _, _ = rnn_forward(layer.cell, garbage, *layer.weights, **layer.options, mask=mask)
        np.testing.assert_array_equal(output, clean)


def test_float32_stays_float32():
    rng = np.random.default_rng(5)
    x = rng.standard_normal((BATCH, TIME, INPUTS)).astype(np.float32)
    for kind in KINDS:
        layer = make_layer(kind, INPUTS, UNITS, rng, dtype=np.float32)
        output, states, _ = rnn_forward(layer.cell, x, *layer.weights, **layer.options)
        assert {array.dtype for array in (output, *states)} == {np.dtype(np.float32)}


def test_empty_batch():
    rng = np.random.default_rng(6)
    for kind in KINDS:
        layer = make_layer(kind, INPUTS, UNITS, rng)
        x = np.zeros((0, TIME, INPUTS))
        output, states, _ = rnn_forward(layer.cell, x, *layer.weights, **layer.options, return_sequences=True)
        assert output.shape == (0, TIME, UNITS)
        assert [state.shape for state in states] == [(0, UNITS)] * layer.states


@pytest.mark.parametrize(
    "change, message",
    [
        ({"cell": "elman"}, "cell: expected 'simple_rnn', 'lstm' or 'gru', received 'elman'"),
        ({"x": np.zeros((2, 3))}, r"x: expected \(batch, time, input\)"),
        ({"x": np.zeros((2, 0, INPUTS))}, "at least one step"),
        ({"x": np.zeros((2, 3, INPUTS + 1))}, r"kernel: expected shape \(4, 20\), received \(3, 20\)"),
        ({"bias": np.zeros(1)}, "bias: expected shape"),
        ({"peephole": np.zeros((1, UNITS))}, "peephole: expected shape"),
        ({"initial_state": [np.zeros((2, UNITS))]}, "initial_state: expected 2 arrays, received 1"),
        ({"initial_state": [np.zeros((2, UNITS)), np.zeros((1, UNITS))]}, r"initial_state\[1\]: expected shape"),
        ({"mask": np.ones((2, 1), bool)}, "mask: expected shape"),
        ({"mask": np.ones((2, 3))}, "mask: expected dtype bool"),
    ],
)
def test_bad_arguments(change, message):
    layer = make_layer("lstm", INPUTS, UNITS, np.random.default_rng(7))
    arguments = {
        "cell": "lstm",
        "x": np.zeros((2, 3, INPUTS)),
        "kernel": layer.kernel,
        "recurrent_kernel": layer.recurrent_kernel,
        "bias": layer.bias,
    } | change
    with pytest.raises(ValueError, match=message):
        rnn_forward(**arguments)


def test_peephole_is_for_lstm():
    layer = make_layer("gru", INPUTS, UNITS, np.random.default_rng(8))
    with pytest.raises(ValueError, match="only an LSTM"):
        rnn_forward("gru", np.zeros((2, 3, INPUTS)), *layer.weights[:3], np.zeros((3, UNITS)))
