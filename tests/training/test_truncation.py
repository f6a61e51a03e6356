"""Truncated back-propagation: states go on from piece to piece, gradients do not."""

import numpy as np
import pytest
from numeric import assert_close
from two_heads import TwoHeads

import rnnfast
from rnnfast import layers, losses, optimizers
from rnnfast.callbacks import Callback

RNG = np.random.default_rng(2)
X, Y = RNG.normal(size=(6, 10, 3)), RNG.normal(size=(6, 10, 2))
X[4:, 7:] = 0  # masked


class Unaligned(losses.Loss):
    """Takes labels of any shape."""

    def match(self, y_true, y_pred):
        return np.asarray(y_true)

    def call(self, y_true, y_pred):
        return y_pred.mean(axis=-1)

    def gradient(self, y_true, y_pred):
        return np.ones_like(y_pred)


def tagger(stateful=False, **options):
    options |= {"dtype": "float64"}
    rnnfast.utils.set_random_seed(1)
    model = rnnfast.Sequential(
        [
            layers.Masking(dtype="float64"),
            layers.LSTM(4, return_sequences=True, stateful=stateful, **options),
            layers.RNN([layers.GRUCell(3, dtype="float64")], return_sequences=True, stateful=stateful, **options),
            layers.Dense(2, dtype="float64"),
        ]
    )
    model.build((None, None, 3))
    model.compile(optimizers.Adam(0.05), "mse")
    return model


def test_one_piece_is_all_of_back_propagation():
    whole, pieces = tagger(), tagger()
    whole.fit(X, Y, batch_size=4, epochs=2, shuffle=False, verbose=0)
    pieces.fit(X, Y, batch_size=4, epochs=2, shuffle=False, verbose=0, tbptt=10)
    for a, b in zip(whole.get_weights(), pieces.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("weights", [None, RNG.uniform(0.5, 2, 6), RNG.uniform(0, 1, (6, 10))])
def test_pieces_are_those_of_a_stateful_model(weights):
    by_hand, model = tagger(stateful=True), tagger()
    for _ in range(2):
        for rows in (slice(0, 4), slice(4, 6)):
            for steps in (slice(0, 4), slice(4, 8), slice(8, 10)):
                w = None if weights is None else weights[rows] if weights.ndim == 1 else weights[rows, steps]
                by_hand.train_on_batch(X[rows, steps], Y[rows, steps], sample_weight=w)
            by_hand.reset_states()
    model.fit(X, Y, batch_size=4, epochs=2, shuffle=False, verbose=0, sample_weight=weights, tbptt=4)
    assert model.optimizer.iterations == 12
    for a, b in zip(by_hand.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_nothing_is_carried_out_of_training():
    model = tagger()
    model.fit(X, Y, verbose=0, tbptt=3, validation_data=(X, Y))
    np.testing.assert_array_equal(model(X), model(X))
    assert_close(model.predict(X), model(X), 1e-12, "predict")
    assert model.history.history["val_loss"][0] == pytest.approx(model.evaluate(X, Y, verbose=0))


def test_a_stateful_model_goes_on_from_batch_to_batch():
    model, other = tagger(stateful=True), tagger(stateful=True)
    model.fit(X, Y, verbose=0, shuffle=False, tbptt=5)
    for start in (0, 5):
        other.train_on_batch(X[:, start : start + 5], Y[:, start : start + 5])
    np.testing.assert_array_equal(model(X), other(X))


def test_a_callback_that_raises_leaves_no_states():
    class Stop(Callback):
        def on_train_batch_end(self, batch, logs=None):
            raise KeyboardInterrupt

    class Weight(layers.Dense):
        def backward(self, dy, cache, *, need_dx=True):
            raise KeyboardInterrupt

    model = tagger()
    with pytest.raises(KeyboardInterrupt):
        model.fit(X, Y, verbose=0, tbptt=4, callbacks=[Stop()])
    np.testing.assert_array_equal(model(X), model(X))
    model.add(Weight(2, dtype="float64"))
    model.compile("sgd", "mse")
    with pytest.raises(KeyboardInterrupt):
        model.fit(X, Y, verbose=0, tbptt=4)
    np.testing.assert_array_equal(model(X), model(X))


@pytest.mark.parametrize(
    ("stack", "y", "message"),
    [
        ([layers.GRU(2)], Y[:, 0], r"every output must have the 10 time steps .*has shape \(6, 2\)"),
        ([layers.GRU(2), layers.RepeatVector(4)], Y[:, :4], "layer 'repeat_vector"),
        ([layers.Bidirectional(layers.GRU(1, return_sequences=True))], Y, "'bidirectional.* is not the same"),
        ([layers.GRU(2, return_sequences=True, go_backwards=True)], Y, "go_backwards=True the first steps come last"),
        (
            [layers.Flatten(), layers.Dense(20), layers.Reshape((-1, 2))],
            Y,
            r"piece of 5 .*'reshape.*\(6, 10, 2\)",
        ),
        ([layers.PReLU(), layers.Dense(2)], Y, "layer 'p_re_lu"),
        ([layers.UpSampling1D(2), layers.Dense(2)], np.repeat(Y, 2, 1), "must have the 10 time steps"),
    ],
)
def test_models_that_cannot_be_trained_in_pieces(stack, y, message):
    model = rnnfast.Sequential(stack)
    model.compile("sgd", "mse")
    with pytest.raises(ValueError, match=f"fit: .*{message}"):
        model.fit(X, y, verbose=0, tbptt=5)


@pytest.mark.parametrize("tbptt", [0, -1, 2.5, "x", True])
def test_lengths_that_are_none(tbptt):
    with pytest.raises(ValueError, match="fit: tbptt must be a positive integer"):
        tagger().fit(X, Y, verbose=0, tbptt=tbptt)


@pytest.mark.parametrize(
    ("loss", "y", "weights", "message"),
    [
        ("ctc", [[1, 0]] * 6, None, "every loss must be one of single time steps, 'ctc' of output 'own"),
        (losses.CategoricalCrossentropy(axis=1), Y, None, "'categorical_crossentropy' of output 'own"),
        (losses.CosineSimilarity(axis=-2), Y, None, "'cosine_similarity' of output 'own"),
        (Unaligned(), Y[:, :2], None, r"labels must have the 10 time steps .*'own\w*' have shape \(6, 2, 2\)"),
        (Unaligned(), Y[:, 0, 0], None, r"labels must have the 10 time steps .* have shape \(6,\)"),
        ("mse", Y, np.ones((6, 5)), r"sample_weight must be one per sample, .* has shape \(6, 5\)"),
    ],
)
def test_losses_and_labels_that_are_not_of_single_steps(loss, y, weights, message):
    model = rnnfast.Sequential([layers.Input((None, 3)), layers.GRU(2, return_sequences=True, name="own")])
    model.compile("sgd", loss)
    before = model.get_weights()
    with pytest.raises(ValueError, match=f"fit: tbptt: .*{message}"):
        model.fit(X, np.asarray(y), sample_weight=weights, verbose=0, tbptt=5)
    assert model.optimizer.iterations == 0
    for value, expected in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(value, expected)


def test_one_weight_per_sample_may_have_an_axis_of_time():
    models = [tagger(), tagger()]
    weights = RNG.uniform(0.5, 2, 6)
    for model, w in zip(models, (weights, weights[:, None]), strict=True):
        model.fit(X, Y, sample_weight=w, shuffle=False, verbose=0, tbptt=5)
    np.testing.assert_array_equal(models[0](X), models[1](X))


def test_inputs_of_different_lengths():
    model = TwoHeads()
    model.compile("sgd", {"right": "mse"})
    with pytest.raises(ValueError, match=r"fit: tbptt: every input must have 5 steps on axis 1, 'b' has shape"):
        model.fit([X[:, :5], X[:, :4, :2]], [None, Y[:, :4, :1]], verbose=0, tbptt=2)


def each_layer_alone():
    """Layers of one input that give as many steps as they get, with a mixture of options."""
    yield from (layers.Conv1D(4, size, padding=padding) for size in (1, 3) for padding in ("same", "causal"))
    yield from (pool(size, 1, "same") for pool in (layers.MaxPooling1D, layers.AveragePooling1D) for size in (1, 2))
    yield from (layers.Softmax(axis) for axis in (-1, -2, [1, 2]))
    yield from (layers.LayerNormalization(axis, center=False, scale=False) for axis in (-1, -2, [-2, -1]))
    yield from (layers.UnitNormalization(axis) for axis in (-1, 1))
    yield from (layers.Permute(dims) for dims in ((1, 2), (2, 1)))
    yield from (layers.Reshape(shape) for shape in ((-1, 4), (8, -1)))
    yield from (layers.ZeroPadding1D(n) for n in (0, 1))
    yield from (layers.Cropping1D(n) for n in (0, 1))
    yield layers.Bidirectional(layers.GRU(2, return_sequences=True))
    yield from (
        layers.Masking(),
        layers.Dense(4),
        layers.PReLU(shared_axes=[1]),
        layers.BatchNormalization(),
        layers.Rescaling(2),
    )
    yield from (layers.Activation("tanh"), layers.LeakyReLU(), layers.ELU(), layers.ReLU(), layers.Dropout(0.5))
    yield layers.TimeDistributed(layers.Dense(4))
    yield layers.LSTM(4, return_sequences=True)


@pytest.mark.parametrize("layer", list(each_layer_alone()), ids=lambda layer: layer.name)
def test_layers_say_whether_they_mix_time_steps(layer):
    x = RNG.normal(size=(3, 8, 4)).astype("float32")
    whole = layer(x)
    if layer.mixes_time:
        with pytest.raises(ValueError, match=f"layer '{layer.name}'.* is not the same"):
            layer.carry_state(True)
    else:
        layer.carry_state(True)
    try:
        pieces = np.concatenate([layer(x[:, :3]), layer(x[:, 3:])], axis=1)
    except ValueError:  # it wants all steps
        pieces = np.zeros(0)
    same = pieces.shape == whole.shape and np.allclose(pieces, whole, rtol=1e-5, atol=1e-6)
    assert same != layer.mixes_time


@pytest.mark.parametrize(
    ("join", "message"),
    [
        (lambda a, b: layers.Attention()([a, b]), "layer 'attention"),
        (lambda a, b: layers.Dot((2, 1))([layers.Dot(2)([a, b]), b]), "layer 'dot"),
        (lambda a, b: layers.Concatenate(axis=1)([a, b]), "layer 'concatenate"),
        (lambda a, b: layers.Add()([a, layers.GRU(2)(b)]), "layer 'add"),
        (lambda a, b: layers.Add()([a, layers.GlobalAveragePooling1D()(b)]), "layer 'global_average_pooling1d"),
        (lambda a, b: layers.Add()([a, layers.RepeatVector(5)(layers.GRU(2)(b))]), "layer 'repeat_vector"),
        (lambda a, b: layers.GRU(2, return_sequences=True)(a, initial_state=[layers.GRU(2)(b)]), "an initial_state"),
    ],
)
def test_graphs_that_join_steps(join, message):
    a, b = layers.Input((None, 2)), layers.Input((None, 2))
    model = rnnfast.Model([a, b], layers.TimeDistributed(layers.Activation("tanh"))(join(a, b)))
    model.compile("sgd", "mse")
    before = model.get_weights()
    with pytest.raises(ValueError, match=message):
        model.fit([Y, Y], Y, verbose=0, tbptt=5)
    for value, expected in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(value, expected)


def test_inputs_are_joined_step_by_step():
    a, b = layers.Input((None, 3), dtype="float64"), layers.Input((None, 2), dtype="float64")
    merged = layers.Concatenate()([layers.GRU(2, return_sequences=True)(a), layers.Dense(2)(b)])
    model = rnnfast.Model([a, b], layers.Dense(2)(merged))
    model.compile("sgd", "mse")
    model.fit([X, Y], Y, verbose=0, tbptt=4)
    assert model.optimizer.iterations == 3


@pytest.mark.parametrize("weights", [None, RNG.uniform(0, 1, 6)])
def test_a_short_last_piece_counts_by_its_steps(weights):
    model = tagger()
    model.layers[0].mask_value = 99.0  # no step is masked: every step counts the same
    model.compile(optimizers.SGD(0.0), "mse", metrics=["mae"], weighted_metrics=["mse"])
    wanted = model.evaluate(X, Y, batch_size=4, verbose=0, sample_weight=weights, return_dict=True)
    logs = model.fit(X, Y, batch_size=4, shuffle=False, verbose=0, sample_weight=weights, tbptt=4).history
    assert {name: value[0] for name, value in logs.items()} == pytest.approx(wanted, rel=1e-12)
