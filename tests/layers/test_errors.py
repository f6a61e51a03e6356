"""Bad input: one clear error that names the layer and what is wrong, before any work."""

import re

import numpy as np
import pytest

from rnnfast import layers
from rnnfast.regularizers import Regularizer

X = np.ones((2, 5, 3), "float32")
CELLS = [layers.SimpleRNN, layers.LSTM, layers.GRU]


def built(layer):
    layer.build((None, 5, 3))
    return layer


CALLS = [
    (lambda la: la(np.ones((2, 3))), ValueError, r"rank 3 \(batch, time, features\), got shape \(2, 3\)"),
    (lambda la: la(np.ones((2, 5, 4))), ValueError, r"expected 3 features.*\(2, 5, 4\)"),
    (lambda la: la(np.ones((2, 0, 3))), ValueError, "at least one time step"),
    (lambda la: la(X, mask=np.ones((2, 5), "float32")), TypeError, "mask must be boolean, got dtype float32"),
    (lambda la: la(X, mask=np.ones((2, 4), bool)), ValueError, r"mask must have shape \(2, 5\), got \(2, 4\)"),
    (lambda la: la(X, mask=np.ones((2, 5, 1), bool)), ValueError, r"mask must have shape \(2, 5\)"),
    (lambda la: la(X, lengths=[1.0, 2.0]), TypeError, "lengths must be integers"),
    (lambda la: la(X, lengths=[1]), ValueError, r"lengths must have shape \(2,\), got \(1,\)"),
    (lambda la: la(X, lengths=[1, 6]), ValueError, "between 0 and 5"),
    (lambda la: la(X, lengths=[1, 5], mask=np.ones((2, 5), bool)), ValueError, "either mask or lengths"),
    (lambda la: la(X, initial_state=[np.ones((2, 3))] * la.state_count), ValueError, r"shape \(2, 4\), got \(2, 3\)"),
    (lambda la: la(X, initial_state=[np.ones((2, 4))] * 3), ValueError, "got 3"),
    (lambda la: la(np.full((2, 5, 3), "a")), TypeError, "numeric"),
    (lambda la: la(X.astype(complex)), TypeError, "complex128"),
    (lambda la: la(X.astype(object)), TypeError, "object"),
    (lambda la: la([[[1.0, 2.0, 3.0]], [[1.0]]]), ValueError, "no array"),
    (lambda la: la(layers.InputLayer((5, 3))), TypeError, "Sequential"),
    (lambda la: la.set_weights([np.ones(3)]), ValueError, "weights, got 1"),
]


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize(("call", "kind", "message"), CALLS)
def test_calls(cell, call, kind, message):
    layer = built(cell(4, name="culprit"))
    with pytest.raises(kind, match=message) as error:
        call(layer)
    assert "'culprit'" in str(error.value) and cell.__name__ in str(error.value)


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize(
    ("options", "kind", "message"),
    [
        ({"units": 0}, ValueError, "units must be a positive integer, got 0"),
        ({"units": 2.5}, ValueError, "units must be a positive integer, got 2.5"),
        ({"dropout": 1.0}, ValueError, "dropout must be a number from 0 up to, not including, 1, got 1.0"),
        ({"dropout": "much"}, ValueError, "dropout must be a number, got 'much'"),
        ({"recurrent_dropout": -0.2}, ValueError, "recurrent_dropout must be a number from 0"),
        ({"kernel_regularizer": "l3"}, ValueError, "kernel_regularizer: unknown regularizer 'l3'"),
        ({"bias_regularizer": lambda w: 0.0}, TypeError, "bias_regularizer: .* that defines .* gradient"),
        ({"recurrent_constraint": object()}, TypeError, "recurrent_constraint: constraint must be a name"),
        ({"activity_regularizer": Regularizer()}, TypeError, "Regularizer does not define __call__"),
        ({"activation": "tan"}, ValueError, r"unknown activation 'tan'\. Did you mean 'tanh'"),
        ({"activation": "softmax"}, ValueError, "activation: 'softmax' is not possible.*element-wise"),
        ({"activation": 3}, TypeError, "activation"),
        ({"kernel_initializer": "glorot"}, ValueError, r"unknown initializer 'glorot'\. Did you mean 'glorot_"),
        ({"return_sequence": True}, TypeError, "'return_sequence'; did you mean return_sequences"),
        ({"dtype": "float16"}, ValueError, "dtype must be 'float32' or 'float64', got 'float16'"),
        ({"dtype": "fast"}, ValueError, "dtype must be 'float32' or 'float64', got 'fast'"),
        ({"name": ""}, TypeError, "name must be"),
    ],
    ids=str,
)
def test_recurrent_arguments(cell, options, kind, message):
    with pytest.raises(kind, match=message) as error:
        cell(**{"units": 4, **options})
    assert cell.__name__ in str(error.value) or "initializer" in str(error.value)


@pytest.mark.parametrize("argument", ["recurrent_activation"])
@pytest.mark.parametrize("cell", [layers.LSTM, layers.GRU])
def test_recurrent_activation(cell, argument):
    with pytest.raises(ValueError, match=r"recurrent_activation: unknown activation 'sigmoidd'.*'sigmoid'"):
        cell(4, **{argument: "sigmoidd"})


@pytest.mark.parametrize(
    ("make", "kind", "message"),
    [
        (lambda: layers.Dense(-1), ValueError, "units"),
        (lambda: layers.Dense(3, activation="swich"), ValueError, "'swish'"),
        (lambda: layers.Dense(3, bias_constraint="non_ge"), ValueError, "Did you mean 'non_neg'"),
        (
            lambda: layers.TimeDistributed(layers.Dense(3, activity_regularizer="l2")),
            ValueError,
            "no effect inside TimeDistributed",
        ),
        (lambda: layers.Dense(3)(np.ones(3)), ValueError, "rank 2 or more"),
        (lambda: layers.Dropout(1.5), ValueError, "between 0 and 1"),
        (lambda: layers.Dropout(0.5, noise_shape=(1,))(X), ValueError, "noise_shape"),
        (lambda: layers.Embedding(0, 3), ValueError, "input_dim"),
        (lambda: layers.Embedding(5, 3)([[1, 5]]), ValueError, r"token 5 at \(0, 1\).*0 <= token < 5"),
        (lambda: layers.Embedding(5, 3)([[-1]]), ValueError, "token -1"),
        (lambda: layers.Embedding(5, 3)([["a"]]), TypeError, "numeric"),
        (lambda: layers.RepeatVector(0), ValueError, "n must be"),
        (lambda: layers.RepeatVector(2)(X), ValueError, "rank 2"),
        (lambda: layers.TimeDistributed(3), TypeError, "must be a layer"),
        (lambda: layers.TimeDistributed(layers.Dense(2))(np.ones((2, 3))), ValueError, "rank 3 or more"),
        (lambda: layers.TimeDistributed(layers.GRU(2, stateful=True)), ValueError, "stateful"),
        (lambda: layers.Bidirectional(layers.Dense(2)), TypeError, "recurrent layer"),
        (lambda: layers.Bidirectional(layers.GRU(2), merge_mode="max"), ValueError, "merge_mode"),
        (lambda: layers.Bidirectional(layers.GRU(2), backward_layer=layers.GRU(2)), ValueError, "go_backwards"),
        (
            lambda: layers.Bidirectional(
                layers.GRU(2), backward_layer=layers.GRU(2, go_backwards=True, return_sequences=True)
            ),
            ValueError,
            "return_sequences",
        ),
        (
            lambda: layers.Bidirectional(
                layers.GRU(2), merge_mode="sum", backward_layer=layers.GRU(3, go_backwards=True)
            ),
            ValueError,
            "units",
        ),
        (lambda: layers.Bidirectional(layers.GRU(2))(X, initial_state=[X[:, 0]]), ValueError, "initial_state"),
        (lambda: layers.Flatten(data_format="channels_first"), ValueError, "data_format"),
        (lambda: layers.Activation("relu7"), ValueError, "'relu6'"),
        (lambda: layers.Input(), ValueError, "shape"),
        (lambda: layers.Input((3, 0)), ValueError, "positive integers"),
        (lambda: layers.Dense(3).count_params(), ValueError, "not built"),
        (lambda: layers.LSTM(3).build((None, 5, None)), ValueError, "features must be known"),
        (lambda: layers.deserialize({"class_name": "Dance", "config": {}}), ValueError, "unknown layer 'Dance'"),
        (lambda: layers.deserialize({"config": {}}), ValueError, "class_name"),
    ],
)
def test_other_layers(make, kind, message):
    with pytest.raises(kind, match=message):
        make()


@pytest.mark.parametrize(
    ("initializer", "words"),
    [
        (lambda shape, dtype=None: None, "must be numeric, got None"),
        (lambda shape, dtype=None: "ones", "must be numeric, got 'ones'"),
        (lambda shape, dtype=None: np.ones(shape, complex), "must be numeric, got dtype complex128"),
        (lambda shape: np.ones(shape), r"initializer <lambda> must take \(shape, dtype=None\), but takes \(shape\)"),
    ],
)
@pytest.mark.parametrize("cell", CELLS)
def test_errors_of_own_initializers(cell, initializer, words):
    with pytest.raises(TypeError, match=rf"layer 'rec' \({cell.__name__}\): weight 'kernel' of shape .*{words}"):
        built(cell(4, name="rec", kernel_initializer=initializer))


STATES = [
    (layers.GRU, [None], r"\[\(None, 5\)\], got \[None\]"),
    (layers.LSTM, ["state", None], r"\[\(None, 5\), \(None, 5\)\], got \[\(None, 5\), None\]"),
    (lambda n: layers.RNN(layers.GRUCell(n)), [None], r"\[\(None, 5\)\], got \[None\]"),
    (lambda n: layers.Bidirectional(layers.GRU(n)), ["state", None], r"\[\(None, 5\)\], got \[None\]"),
]


@pytest.mark.parametrize(("make", "states", "message"), STATES)
def test_a_state_that_is_missing(make, states, message):
    given = [layers.Input((5,)) if state else None for state in states]
    with pytest.raises(ValueError, match=f"layer '.*: initial_state must have shapes {message}"):
        make(5)(layers.Input((None, 3)), initial_state=given)


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
@pytest.mark.parametrize("token", [np.nan, np.inf, -np.inf, 1e30])
def test_tokens_that_are_no_integers(token, dtype):
    layer = layers.Embedding(4, 2, name="words")
    with np.errstate(over="ignore"):
        tokens = np.array([[1, token]], dtype)
    with pytest.raises(ValueError, match=re.escape(f"'words' (Embedding): token {tokens[0, 1]} at (0, 1) is out of")):
        layer(tokens)
