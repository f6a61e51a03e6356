"""Attention and Dot, and layers along axes other than the last: the engine gives what the layers give."""

import numpy as np
import pytest
from engine_check import check_engine, randomized
from inference_graphs import gaps
from numeric import assert_same_bits

import rnnfast
from rnnfast import layers
from rnnfast.layers import (
    GRU,
    LSTM,
    AdditiveAttention,
    Attention,
    BatchNormalization,
    Bidirectional,
    Dense,
    Dot,
    Input,
    LayerNormalization,
    Masking,
    PReLU,
    ReLU,
    Reshape,
    Softmax,
    UnitNormalization,
)

TOLERANCE = {"float32": 5e-6, "float64": 1e-12}


def check(model, x, rng, dtype="float32"):
    check_engine(model, x, rng, dtype, TOLERANCE[dtype])


ATTENTION = {
    "dot": lambda **options: Attention(**options),
    "scaled": lambda **options: Attention(use_scale=True, **options),
    "concat": lambda **options: Attention(use_scale=True, score_mode="concat", **options),
    "additive": lambda **options: AdditiveAttention(**options),
    "plain_additive": lambda **options: AdditiveAttention(use_scale=False, dropout=0.3, **options),
}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("kind", ATTENTION)
def test_attention(kind, masked, dtype, rng):
    """Of values of another width than their keys; masked on either side; causal or not."""
    query, value = Input((None, 5), dtype=dtype), Input((None, 5), dtype=dtype)
    skip = Masking(dtype=dtype) if masked else lambda x: x
    asked = LSTM(7, return_sequences=True, dtype=dtype)(skip(query))
    keys = Bidirectional(GRU(7, return_sequences=True, dtype=dtype), merge_mode="sum", dtype=dtype)(skip(value))
    values = Dense(19, dtype=dtype)(keys)
    make = ATTENTION[kind]
    pair = make(dtype=dtype)([asked, keys])
    causal, scores = make(dtype=dtype)([asked, values, keys], use_causal_mask=True, return_attention_scores=True)
    after = GRU(3, dtype=dtype)(causal)
    model = rnnfast.Model([query, value], [pair, causal, scores, after])
    check(model, [gaps(rng, 9, 6).astype(dtype), gaps(rng, 9, 18).astype(dtype)], rng, dtype)


def test_attention_over_one_value(rng):
    """Of itself, and of what goes backwards."""
    x = Input((None, 5))
    back = LSTM(4, return_sequences=True, go_backwards=True)(x)
    model = rnnfast.Model(x, [Attention()([back, back]), AdditiveAttention()([x, x])])
    check(model, [rng.standard_normal((3, 1, 5)).astype("f")], rng)
    check(model, [rng.standard_normal((3, 17, 5)).astype("f")], rng)


def test_attention_needs_all_steps():
    x = Input((None, 5))
    with pytest.raises(ValueError, match="layer 'look' cannot run step by step: it needs all time steps at once"):
        rnnfast.InferenceModel(rnnfast.Model(x, Attention(name="look")([x, x]))).stream()


@pytest.mark.parametrize("normalize", [False, True])
def test_dot(normalize, rng):
    a, b = Input((6, 5)), Input((3, 5))
    v, w = Input((5,)), Input((4, 5, 6))
    pairs = [(a, b, 2), (a, v, (2, 1)), (v, v, 1), (a, w, (1, 3)), (w, a, (-1, 1)), (b, w, (-1, 2)), (a, a, 1)]
    model = rnnfast.Model([a, b, v, w], [Dot(axes, normalize=normalize)([x, y]) for x, y, axes in pairs])
    check(model, [rng.standard_normal((7, *t.shape[1:])).astype("f") for t in (a, b, v, w)], rng)


def test_dot_over_steps_of_any_number(rng):
    """Masks end there."""
    x = Input((None, 5))
    y = LSTM(4, return_sequences=True)(Masking()(x))
    scores = Dot(2)([y, y])
    model = rnnfast.Model(x, [Dot((2, 1))([Softmax()(scores), y]), Dot(1)([y, y])])
    check(model, [gaps(rng, 9, 6).astype("f")], rng)


@pytest.mark.parametrize(
    "layer",
    [
        LayerNormalization(axis=1),
        LayerNormalization(axis=(1, 2)),
        LayerNormalization(axis=(1, 3), rms_scaling=True),
        LayerNormalization(axis=(2, 3)),
        BatchNormalization(axis=1),
        BatchNormalization(axis=2),
        UnitNormalization(axis=2),
        UnitNormalization(axis=(1, 2)),
        Softmax(axis=1),
        Softmax(axis=(1, 3)),
        PReLU(),
        PReLU(shared_axes=[1]),
        PReLU(shared_axes=[1, 2]),
        PReLU(shared_axes=[2]),
        PReLU(shared_axes=[1, 2, 3]),
        ReLU(max_value=1.0),
        ReLU(max_value=6.0, negative_slope=0.2, threshold=0.5),
        ReLU(threshold=0.3),
    ],
)
def test_any_axes(layer, rng):
    layer = type(layer).from_config({**layer.get_config(), "name": None})
    x = Input((4, 3, 5))
    model = rnnfast.Model(x, layer(x))
    check(model, [rng.standard_normal((7, 4, 3, 5)).astype("f")], rng)


@pytest.mark.parametrize("layer", [ReLU(threshold=0.3), PReLU(shared_axes=[1]), LayerNormalization(axis=(2,))])
def test_steps_of_any_number_and_masks(layer, rng):
    layer = type(layer).from_config({**layer.get_config(), "name": None})
    x = Input((None, 5))
    y = GRU(4, return_sequences=True)(layer(LSTM(6, return_sequences=True)(Masking()(x))))
    check(rnnfast.Model(x, y), [gaps(rng, 9, 6).astype("f")], rng)


def test_axes_together_of_any_number_of_steps(rng):
    x = Input((None, 5))
    check(rnnfast.Model(x, Softmax(axis=(1, 2))(x)), [rng.standard_normal((7, 4, 5)).astype("f")], rng)


def test_not_a_number_stays_one():
    x = Input((3,))
    model = rnnfast.Model(x, [ReLU(max_value=2.0)(x), PReLU(alpha_initializer="ones")(x), ReLU(threshold=1.0)(x)])
    array = np.array([[np.nan, -np.inf, np.inf]], "f")
    for got, wanted in zip(model.predict(array, verbose=0), model(array), strict=True):
        np.testing.assert_array_equal(got, wanted)


@pytest.mark.parametrize(
    "shape, target",
    [
        ((None, 6), (-1, 3)),
        ((None, 6), (-1, 2, 3)),
        ((None, 2, 3), (-1, 6)),
        ((4, None), (-1, 4)),
        ((None, 4), (2, -1)),
        ((None, 4), (3, -1, 2)),
    ],
)
def test_reshape_of_unknown_sizes(shape, target, rng):
    x = Input(shape)
    model = rnnfast.Model(x, Reshape(target)(x))
    for unknown in (3, 6):
        check(model, [rng.standard_normal((5, *(n or unknown for n in shape))).astype("f")], rng)


def test_reshape_that_does_not_fit():
    x = Input((None, 4))
    engine = rnnfast.InferenceModel(rnnfast.Model(x, Reshape((3, -1), name="threes")(x)))
    with pytest.raises(ValueError, match="layer 'threes': an axis of 5 cannot be divided evenly"):
        engine(np.ones((2, 5, 4)))
    two = Input((None, None, 4))
    with pytest.raises(layers.NoLoweringError, match="one size may be unknown"):
        rnnfast.InferenceModel(rnnfast.Model(two, Reshape((-1, 4))(two)))


def test_reshaped_features_stream(rng):
    """Where the first axis stays, a step stays a step."""
    x = Input((None, 2, 3))
    model = randomized(rnnfast.Model(x, GRU(4)(Reshape((-1, 6))(x))), rng)
    array = rng.standard_normal((2, 5, 2, 3)).astype("f")
    stream = rnnfast.InferenceModel(model).stream(2)
    for t in range(5):
        got = stream.step(array[:, t])
    assert_same_bits(got, rnnfast.InferenceModel(model)(array), "the last step")
