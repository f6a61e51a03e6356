"""model.explain(): what computes each layer in training, what options cost, what keeps predict off the engine."""

import numpy as np
import pytest
from own_cells import CallOnly

import rnnfast
from rnnfast import layers
from rnnfast.layers import GRU, LSTM, RNN, Bidirectional, Dense, Input, LSTMCell, SimpleRNN


def costs(*given):
    model = rnnfast.Sequential([Input((None, 3)), *given])
    return {name for row in model.explain().rows for name in row["costs"]}


@pytest.mark.parametrize(
    "layer, expected",
    [
        (LSTM(4), set()),
        (LSTM(4, return_sequences=True, go_backwards=True, use_bias=False), set()),
        (SimpleRNN(4), set()),
        (SimpleRNN(4, activation="relu"), {"activation"}),
        (GRU(4, recurrent_activation="hard_sigmoid", reset_after=False), {"activation", "reset_after"}),
        (LSTM(4, dropout=0.1, zoneout=(0.0, 0.2)), {"dropout", "zoneout"}),
        (LSTM(4, projection_size=2, recurrent_dropout=0.1), {"projection_size", "recurrent_dropout"}),
        (LSTM(4, peephole=True, kernel_regularizer="l2"), {"peephole", "regularizer"}),
        (GRU(4, bias_constraint="non_neg", activity_regularizer="l1"), {"constraint", "activity_regularizer"}),
        (Bidirectional(GRU(4, stateful=True, dropout=0.2)), {"stateful", "dropout"}),
        (RNN([LSTMCell(4, recurrent_dropout=0.2), LSTMCell(3, projection_size=2)]),
         {"recurrent_dropout", "projection_size"}),
        (Dense(3, kernel_regularizer="l1"), {"regularizer"}),
    ],
)  # fmt: skip
def test_options_that_cost(layer, expected):
    assert costs(layer) == expected


@pytest.mark.parametrize(
    ("axis", "reason"),
    [
        ([1, 2], r"along axes \[1, 2\]: the engine must know their sizes, and the input is \(None, None, 3\)"),
        (1, r"along axes \[1\]: the engine must know their sizes"),
        ([0, 2], "the engine does not work along the batch"),
    ],
)
def test_axes_that_the_engine_cannot_work_along(axis, reason):
    model = rnnfast.Sequential([Input((None, 3)), layers.UnitNormalization(axis=axis)])
    with pytest.raises(layers.NoLoweringError, match=reason):
        rnnfast.InferenceModel(model)
    assert "the engine" in model.explain().off_engine
    x = np.random.default_rng(1).normal(size=(2, 4, 3)).astype(np.float32)
    along = tuple(axis) if isinstance(axis, list) else axis
    expected = x / np.sqrt((x**2).sum(axis=along, keepdims=True))
    np.testing.assert_allclose(model.predict(x, verbose=0), expected, rtol=1e-6)


def test_dropout_costs_more_beside_recurrent_dropout():
    """And beside a single gate, whose factors the kernels multiply with as well."""
    alone, both, one_gate = (
        rnnfast.Sequential([Input((None, 3)), layer]).explain().rows[0]["costs"]["dropout"]
        for layer in (LSTM(2, dropout=0.1), LSTM(2, dropout=0.1, recurrent_dropout=0.1), SimpleRNN(2, dropout=0.1))
    )
    assert alone.startswith("per batch") and both == one_gate and both.startswith("per gate")


class Own(layers.Layer):
    def forward(self, x, *, mask=None, training=False):
        return x, None


def test_what_computes():
    x = Input((None, 3))
    y = layers.LayerNormalization()(Bidirectional(GRU(4, return_sequences=True))(x))
    inner = rnnfast.Sequential([Input((None, 8)), Dense(2, name="end")], name="inner")
    with pytest.warns(UserWarning, match="step by step"):
        slow = RNN(CallOnly(3), name="slow")(y)
    told = rnnfast.Model(x, [inner(y), Own(name="own")(y), slow]).explain()
    means = {row["layer"]: row["runs_on"] for row in told.rows}
    assert means["end"] == "C++" and means["own"] == means["slow"] == "Python"
    assert [mean for name, mean in means.items() if name.startswith(("bidir", "layer_norm"))] == ["C++", "NumPy"]
    assert "CallOnly" in str(told) and str(told) == repr(told)


def test_what_keeps_predict_off_the_engine():
    def told(*given):
        return rnnfast.Sequential([Input((None, 3)), *given]).explain()

    assert told(LSTM(4, zoneout=0.2)).off_engine is None
    assert "run on the inference engine" in str(told(LSTM(4)))
    assert told(LSTM(4, stateful=True)).off_engine is None
    assert told(LSTM(4), Dense(2, dtype="float64")).off_engine.endswith("got float32 and float64")
    x = Input((None, 3))
    rows = rnnfast.Model(x, layers.TimeDistributed(Own(name="own"))(x)).explain()
    assert "layer by layer: layer 'own'" in str(rows)


def test_not_built():
    with pytest.raises(ValueError, match="is not built"):
        rnnfast.Sequential([LSTM(4)]).explain()
    model = rnnfast.Sequential([LSTM(4)])
    model(np.ones((1, 2, 3)))
    assert len(model.explain().rows) == 1
