"""What is set on a layer after a predict: predict, a call and training do as a layer does that was made so."""

import numpy as np
import pytest
from numeric import assert_close

import rnnfast
from rnnfast import layers

RNG = np.random.default_rng(11)
X = RNG.normal(size=(4, 6, 3)).astype("float32")
X[0, 3:] = 0.25  # masked


def model_of(layer):
    model = rnnfast.Sequential([layers.Input((6, 3)), layers.Masking(0.25), layer])
    for variable in model.weights:
        variable.assign(RNG.normal(size=variable.shape) ** (2 if "variance" in variable.name else 1))
    return model


def stack(**options):
    return layers.RNN([layers.LSTMCell(3), layers.GRUCell(2)], **options)


def both(**options):
    return layers.Bidirectional(layers.GRU(2), **options)


# A layer, its arguments, an attribute, and what it is set to.
CASES = [
    (layers.LSTM, {"units": 3}, "return_sequences", True),
    (layers.LSTM, {"units": 3}, "go_backwards", True),
    (layers.LSTM, {"units": 3}, "activation", "softsign"),
    (layers.LSTM, {"units": 3}, "recurrent_activation", rnnfast.activations.hard_sigmoid),
    (layers.LSTM, {"units": 3, "return_sequences": True}, "zero_output_for_mask", True),
    (layers.GRU, {"units": 3}, "zoneout", 0.3),
    (layers.GRU, {"units": 3, "layer_norm": True}, "layer_norm_epsilon", 0.5),
    (stack, {}, "return_sequences", True),
    (stack, {}, "go_backwards", True),
    (both, {}, "merge_mode", "sum"),
    (layers.Dense, {"units": 3, "activation": "softmax"}, "activation", None),
    (layers.Dense, {"units": 3}, "activation", np.tanh),
    (layers.Conv1D, {"filters": 3, "kernel_size": 2}, "padding", "causal"),
    (layers.Conv1D, {"filters": 3, "kernel_size": 2}, "strides", 2),
    (layers.Conv1D, {"filters": 3, "kernel_size": 2}, "dilation_rate", (2,)),
    (layers.MaxPooling1D, {"strides": 2}, "pool_size", 3),
    (layers.AveragePooling1D, {"pool_size": 4}, "padding", "same"),
    (layers.LayerNormalization, {}, "epsilon", 0.5),
    (layers.BatchNormalization, {}, "epsilon", 0.5),
    (layers.UnitNormalization, {}, "axis", [1, 2]),
    (layers.LeakyReLU, {}, "negative_slope", 0.7),
    (layers.ELU, {}, "alpha", 0.7),
    (layers.ReLU, {}, "max_value", 0.5),
    (layers.Reshape, {"target_shape": (3, 6)}, "target_shape", (18,)),
    (layers.UpSampling1D, {"size": 2}, "size", 3),
    (layers.Rescaling, {"scale": 2.0}, "scale", 3),
    (layers.Rescaling, {"scale": 2.0}, "offset", [1.0, 2.0, 3.0]),
]


@pytest.mark.parametrize(("make", "arguments", "attribute", "value"), CASES)
def test_predict_follows(make, arguments, attribute, value):
    model = model_of(make(**arguments))
    before = model.predict(X, verbose=0)
    setattr(model.layers[-1], attribute, value)
    made_so = model_of(make(**{**arguments, attribute: value}))
    made_so.set_weights(model.get_weights())
    after = model.predict(X, verbose=0)
    assert before.shape != after.shape or np.abs(before - after).max() > 1e-3
    assert_close(after, model(X), 2e-6, "predict")
    assert_close(after, made_so(X), 2e-6, "as made so")
    if attribute != "activation":
        assert model.layers[-1].get_config()[attribute] == made_so.layers[-1].get_config()[attribute]


def test_a_cell_hands_on_what_is_set():
    model = model_of(layers.RNN([layers.LSTMCell(3), layers.GRUCell(2)]))
    before = model.predict(X, verbose=0)
    cell = model.layers[-1].cell.cells[1]
    cell.activation = "relu"
    assert cell.get_config()["activation"] == "relu"
    assert np.abs(model.predict(X, verbose=0) - before).max() > 1e-3
    assert_close(model.predict(X, verbose=0), model(X), 2e-6, "predict")


def test_stateful_from_now_on():
    model = model_of(layers.GRU(3))
    first = model.predict(X, verbose=0)
    model.layers[-1].stateful = True
    np.testing.assert_array_equal(model.predict(X, verbose=0), first)
    second = model.predict(X, verbose=0)
    assert np.abs(second - first).max() > 1e-3
    model.layers[-1].stateful = False
    np.testing.assert_array_equal(model.predict(X, verbose=0), first)


@pytest.mark.parametrize("layer", [layers.LSTM(8), layers.RNN(layers.LSTMCell(8))], ids=["layer", "cell"])
def test_dropout_of_a_recurrent_layer(layer):
    part = getattr(layer, "cell", None) if isinstance(layer, layers.RNN) else layer
    model = model_of(layer)
    np.testing.assert_array_equal(model(X, training=True), model(X))
    part.dropout, part.recurrent_dropout = 0.5, 0.25
    assert part.get_config()["dropout"] == 0.5
    assert np.abs(model(X, training=True) - model(X)).max() > 1e-3
    part.dropout = part.recurrent_dropout = 0
    np.testing.assert_array_equal(model(X, training=True), model(X))


@pytest.mark.parametrize(
    ("layer", "attribute", "value", "kind", "message"),
    [
        (layers.LSTM(2, name="a"), "dropout", 1.5, ValueError, "'a' .LSTM.: dropout must be a number"),
        (layers.LSTM(2, name="a"), "activation", "softmax", ValueError, "'a' .LSTM.: activation.*softmax"),
        (layers.Dense(2, name="a"), "activation", "nothing", ValueError, "'a' .Dense.: activation.*nothing"),
        (layers.Conv1D(2, 2, strides=2, name="a"), "dilation_rate", 2, ValueError, "cannot both be greater"),
        (layers.MaxPooling1D(2, name="a"), "padding", "causal", ValueError, "padding must be one of"),
    ],
)
def test_what_cannot_be_set(layer, attribute, value, kind, message):
    before = getattr(layer, attribute)
    with pytest.raises(kind, match=message):
        setattr(layer, attribute, value)
    assert getattr(layer, attribute) == before


def test_the_engine_is_kept_as_long_as_nothing_is_set():
    class Counting(rnnfast.Model):
        """Its own attributes are no concern of the engine."""

        def __init__(self):
            super().__init__()
            self.rnn = layers.LSTM(3)
            self.calls = 0

        def call(self, x):
            self.calls += 1
            return self.rnn(x)

    for model in (model_of(layers.LSTM(3)), Counting()):
        model.predict(X, verbose=0)
        engine = model.predictor._current_engine(model)
        model.compile("sgd", "mse")
        model.predict_on_batch(X)
        assert model.predictor._current_engine(model) is engine
        model.layers[-1].go_backwards = True
        assert model.predictor._current_engine(model) is not engine
