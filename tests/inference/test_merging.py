"""Values that meet with other masks, other sizes, or on any axis: the bits of the layers, on the engine."""

import pytest
from engine_check import check_engine, randomized
from inference_graphs import gaps
from numeric import assert_same_bits

import rnnfast
from rnnfast import layers
from rnnfast.layers import (
    GRU,
    LSTM,
    Add,
    Average,
    Concatenate,
    Dense,
    Embedding,
    Input,
    Masking,
    Maximum,
    Minimum,
    Multiply,
    Subtract,
)

MODES = [Add, Subtract, Multiply, Average, Maximum, Minimum]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("mode", MODES)
def test_masks_that_meet(mode, dtype, rng):
    """Of two inputs, of one of them, or one mask with itself; and who reads the result heeds what is left."""
    one, two = Input((6, 5), dtype=dtype), Input((6, 5), dtype=dtype)
    a = LSTM(7, return_sequences=True, dtype=dtype)(Masking(dtype=dtype)(one))
    b = GRU(7, return_sequences=True, dtype=dtype)(Masking(dtype=dtype)(two))
    plain = Dense(7, dtype=dtype)(two)
    met = [mode(dtype=dtype)(pair) for pair in ([a, b], [plain, a], [a, plain], [a, a])]
    read = [GRU(3, return_sequences=True, dtype=dtype)(value) for value in met]
    model = rnnfast.Model([one, two], [*met, *read])
    check_engine(model, [gaps(rng, 9, 6).astype(dtype), gaps(rng, 9, 6)[::-1].astype(dtype)], rng, dtype)


@pytest.mark.parametrize("mode", [Multiply, Maximum, Minimum])
def test_three_masks(mode, rng):
    inputs = [Input((6, 5)) for _ in range(3)]
    masked = [Masking()(x) for x in inputs]
    model = rnnfast.Model(inputs, [mode()(masked), mode()([masked[0], inputs[1], masked[2]])])
    check_engine(model, [gaps(rng, 8, 6).astype("f") for _ in range(3)], rng)


@pytest.mark.parametrize("mode", MODES)
def test_sizes_of_one(mode, rng):
    """Weights of steps, of features, and what has fewer axes: as attention by hand is written."""
    x, row = Input((6, 5)), Input((5,))
    every = GRU(5, return_sequences=True)(x)
    column, vector = Dense(1)(every), GRU(5)(x)
    frames = layers.Reshape((6, 1, 5))(x)
    pairs = [(every, column), (column, every), (vector, every), (every, row), (frames, x), (row, Dense(1)(row))]
    check_engine(
        rnnfast.Model([x, row], [mode()(list(pair)) for pair in pairs]),
        [rng.standard_normal((7, 6, 5)).astype("f"), rng.standard_normal((7, 5)).astype("f")],
        rng,
    )


def test_weights_of_masked_steps(rng):
    """Both of one mask, of any number of steps."""
    x = Input((None, 5))
    every = LSTM(4, return_sequences=True)(Masking()(x))
    weighted = Multiply()([every, Dense(1, activation="sigmoid")(every)])
    check_engine(rnnfast.Model(x, [weighted, LSTM(3)(weighted)]), [gaps(rng, 9, 6).astype("f")], rng)


@pytest.mark.parametrize("axis", [1, 2, 3, -1, -2])
def test_concatenation_on_any_axis(axis, rng):
    shapes = {1: [(2, 3, 4), (5, 3, 4)], 2: [(2, 3, 4), (2, 1, 4)]}.get(axis % 4, [(2, 3, 4), (2, 3, 6)])
    inputs = [Input(shape) for shape in shapes]
    model = rnnfast.Model(inputs, Concatenate(axis)([*inputs, inputs[0]]))
    check_engine(model, [rng.standard_normal((7, *shape)).astype("f") for shape in shapes], rng)


@pytest.mark.parametrize("masked", [(True, True), (True, False), (False, True), (False, False)])
def test_concatenated_steps(masked, rng):
    """Masks are laid one after the other, too; one may be of any length."""
    inputs = [Input((None, 5)), Input((4, 5))]
    values = [Masking()(x) if m else x for x, m in zip(inputs, masked, strict=True)]
    steps = Concatenate(1)(values)
    twice = Concatenate(1)([values[0], values[0]])
    model = rnnfast.Model(inputs, [steps, LSTM(4)(steps), GRU(3, return_sequences=True)(twice)])
    check_engine(model, [gaps(rng, 9, 6).astype("f"), gaps(rng, 9, 4).astype("f")], rng)


def test_features_of_two_texts(rng):
    """Masks that differ meet where features are laid side by side."""
    one, two = Input((6,), dtype="int32"), Input((6,), dtype="int32")
    words = [Embedding(9, 4, mask_zero=True)(one), Embedding(7, 3, mask_zero=True)(two)]
    both = Concatenate()(words)
    model = rnnfast.Model([one, two], [both, LSTM(4)(both), GRU(3)(Concatenate()([both, words[0]]))])
    check_engine(model, [rng.integers(0, 7, (8, 6)), rng.integers(0, 7, (8, 6))], rng)


def test_streams(rng):
    """A sum of branches runs step by step; what is spread over all steps does not."""
    x = Input((None, 5))
    every = GRU(4, return_sequences=True)(Masking()(x))
    model = randomized(rnnfast.Model(x, Multiply()([every, Dense(1)(every), Dense(4)(x)])), rng)
    array = gaps(rng, 9, 6).astype("f")
    engine = rnnfast.InferenceModel(model)
    stream = engine.stream(9)
    for t in range(6):
        assert_same_bits(stream.step(array[:, t]), engine(array[:, : t + 1])[:, -1], f"step {t}")
    spread = rnnfast.Model(x, Add(name="spread")([every, GRU(4)(x)]))
    with pytest.raises(ValueError, match="layer 'spread' cannot run step by step: every step reads"):
        rnnfast.InferenceModel(spread).stream()


def test_what_does_not_meet():
    long, short = Input((None, 5)), Input((None, 5))
    with pytest.raises(layers.NoLoweringError, match="cannot merge"):
        rnnfast.InferenceModel(rnnfast.Model([long, short], Add()([long, short])))
    masked = rnnfast.Model([long], Multiply()([Masking()(long), layers.Reshape((-1, 1, 5))(long)]))
    with pytest.raises(layers.NoLoweringError, match="a mask over steps that are not those of the output"):
        rnnfast.InferenceModel(masked)
