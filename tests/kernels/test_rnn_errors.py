"""Bad arguments of the recurrent kernels: an error before any work, never a crash."""

import numpy as np
import pytest
from kernel_check import kernel_forward
from rnn_cases import make_layer

from rnnfast import _kernels, activations

BATCH, TIME, INPUTS, UNITS = 2, 3, 4, 5


def arguments(kind="lstm", dtype=np.float32):
    layer = make_layer(kind, INPUTS, UNITS, np.random.default_rng(0), dtype=dtype)
    return {
        "cell": layer.cell,
        "x": np.ones((BATCH, TIME, INPUTS), dtype),
        "kernel": layer.kernel,
        "recurrent_kernel": layer.recurrent_kernel,
        "bias": layer.bias,
        "peephole": layer.peephole,
        "activation": activations.get("tanh"),
        "recurrent_activation": activations.get("sigmoid"),
        **layer.options,
    }


def forward(arguments):
    positional = ("cell", "x", "kernel", "recurrent_kernel", "bias", "peephole")
    options = {name: value for name, value in arguments.items() if name not in positional}
    return _kernels.rnn_forward(*(arguments[name] for name in positional), **options)


F = np.float32
STATE = np.zeros((BATCH, UNITS), F)
BAD = {
    "unknown cell": {"cell": "elman"},
    "x of rank 2": {"x": np.ones((BATCH, INPUTS), F)},
    "x of rank 4": {"x": np.ones((1, BATCH, TIME, INPUTS), F)},
    "no time steps": {"x": np.ones((BATCH, 0, INPUTS), F)},
    "another number of features": {"x": np.ones((BATCH, TIME, INPUTS + 1), F)},
    "integer x": {"x": np.ones((BATCH, TIME, INPUTS), int)},
    "half precision": {"x": np.ones((BATCH, TIME, INPUTS), np.float16)},
    "x of another dtype": {"x": np.ones((BATCH, TIME, INPUTS), np.float64)},
    "x of objects": {"x": np.ones((BATCH, TIME, INPUTS), object)},
    "x in another byte order": {"x": np.ones((BATCH, TIME, INPUTS), F).astype(F().dtype.newbyteorder())},
    "x no array": {"x": [[[1.0] * INPUTS] * TIME] * BATCH},
    "kernel of another shape": {"kernel": np.ones((INPUTS, 4 * UNITS - 1), F)},
    "kernel of another dtype": {"kernel": np.ones((INPUTS, 4 * UNITS))},
    "kernel in Fortran order": {"kernel": np.ones((4 * UNITS, INPUTS), F).T},
    "no kernel": {"kernel": None},
    "recurrent kernel of another shape": {"recurrent_kernel": np.ones((UNITS, 3 * UNITS), F)},
    "recurrent kernel of rank 1": {"recurrent_kernel": np.ones(UNITS, F)},
    "recurrent kernel in Fortran order": {"recurrent_kernel": np.ones((4 * UNITS, UNITS), F).T},
    "bias of another shape": {"bias": np.ones((2, 4 * UNITS), F)},
    "bias of another dtype": {"bias": np.ones(4 * UNITS)},
    "bias not contiguous": {"bias": np.ones(8 * UNITS, F)[::2]},
    "peephole of another shape": {"peephole": np.ones((4, UNITS), F)},
    "one state for an lstm": {"initial_state": [STATE]},
    "three states": {"initial_state": [STATE] * 3},
    "state of another shape": {"initial_state": [STATE, STATE[:1]]},
    "state of another dtype": {"initial_state": [STATE, STATE.astype(np.float64)]},
    "float mask": {"mask": np.ones((BATCH, TIME), F)},
    "integer mask": {"mask": np.ones((BATCH, TIME), np.uint8)},
    "mask of another shape": {"mask": np.ones((BATCH, TIME + 1), bool)},
    "mask transposed": {"mask": np.ones((TIME, BATCH), bool)},
    "mask of rank 3": {"mask": np.ones((BATCH, TIME, 1), bool)},
    "float lengths": {"lengths": np.ones(BATCH)},
    "lengths of another shape": {"lengths": np.ones(BATCH + 1, int)},
    "length below zero": {"lengths": np.array([1, -1])},
    "length above the time": {"lengths": np.array([1, TIME + 1])},
    "mask and lengths": {"mask": np.ones((BATCH, TIME), bool), "lengths": np.ones(BATCH, int)},
    "softmax": {"activation": activations.get("softmax")},
    "recurrent softmax": {"recurrent_activation": activations.get("log_softmax")},
    "activation id out of range": {"activation": activations.get("tanh")._replace(id=99)},
    "negative activation id": {"activation": activations.get("tanh")._replace(id=-1)},
}


@pytest.mark.parametrize("what", BAD)
def test_forward(what):
    forward(arguments())  # good without the change
    with pytest.raises((ValueError, TypeError)):
        forward(arguments() | BAD[what])


def test_gru_bias_has_two_rows_only_with_reset_after():
    for kind, shape in (("gru", (3 * UNITS,)), ("gru_reset_before", (2, 3 * UNITS))):
        with pytest.raises(ValueError):
            forward(arguments(kind) | {"bias": np.ones(shape, F)})


def test_peephole_is_for_lstm():
    for kind in ("simple_rnn", "gru"):
        with pytest.raises(ValueError):
            forward(arguments(kind) | {"peephole": np.ones((3, UNITS), F)})


@pytest.mark.parametrize("kind", ["lstm_norm", "gru_norm"])
@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"kernel_gamma": np.ones(UNITS, F)}, r"layer_norm\['kernel_gamma'\]: expected shape"),
        ({"recurrent_gamma": None}, "recurrent_gamma"),
        ({"beta": np.ones(UNITS, F)}, "layer_norm: expected kernel_gamma, recurrent_gamma.* got .*beta"),
    ],
)
def test_layer_norm(kind, change, message):
    good = arguments(kind)
    forward(good)
    with pytest.raises((ValueError, TypeError), match=message):
        forward(good | {"layer_norm": good["layer_norm"] | change})


def test_what_layer_norm_does_not_go_with():
    good = arguments("gru_norm")
    for epsilon in (0.0, -1.0, np.nan, np.inf):
        with pytest.raises(ValueError, match="layer_norm_epsilon: expected a positive number"):
            forward(good | {"layer_norm_epsilon": epsilon})
    with pytest.raises(ValueError, match="layer_norm: not together with"):
        forward(good | {"h_factors": np.ones((3, BATCH, UNITS), F)})
    with pytest.raises(ValueError, match="layer_norm: only an lstm or a gru has it, not simple_rnn"):
        forward(arguments("simple_rnn") | {"layer_norm": good["layer_norm"]})


def cache_of(kind="lstm", **options):
    layer = make_layer(kind, INPUTS, UNITS, np.random.default_rng(0), dtype=F)
    return kernel_forward(layer, np.ones((BATCH, TIME, INPUTS), F), training=True, **options)[2]


@pytest.mark.parametrize(
    "d_output, d_states",
    [
        (np.ones((BATCH, UNITS), F), None),  # of the last step, where all steps were returned
        (np.ones((BATCH, TIME, UNITS + 1), F), None),
        (np.ones((BATCH, TIME, UNITS)), None),
        (np.ones((BATCH, TIME, UNITS), int), None),
        (None, [STATE]),
        (None, [STATE, STATE, STATE]),
        (None, [STATE[:1], STATE]),
        (None, [None, STATE.astype(np.float64)]),
    ],
)
def test_backward(d_output, d_states):
    with pytest.raises((ValueError, TypeError)):
        _kernels.rnn_backward(cache_of(return_sequences=True), d_output, d_states)


def test_backward_needs_a_cache_that_was_not_used():
    cache = cache_of()
    _kernels.rnn_backward(cache, np.ones((BATCH, UNITS), F))
    with pytest.raises(ValueError):
        _kernels.rnn_backward(cache, np.ones((BATCH, UNITS), F))
    for nothing in (None, object()):
        with pytest.raises((ValueError, TypeError)):
            _kernels.rnn_backward(nothing, np.ones((BATCH, UNITS), F))
