"""`.keras` files between real Keras and rnnfast, both ways: the same predictions, weights and training."""

import importlib

import numpy as np
import pytest

import rnnfast

pytest.importorskip("h5py", reason="h5py is not installed (pip install '.[keras]')")

BATCH, TIME, FEATURES, VOCABULARY = 6, 7, 3, 11


def _package(n):
    return rnnfast if n is rnnfast.layers else importlib.import_module("keras")


def _sequence_model(n):
    return _package(n).Sequential(
        [n.Input((TIME, FEATURES)), n.GRU(4, return_sequences=True), n.Bidirectional(n.LSTM(3))]
    )


def _two_heads(n):
    x = n.Input((6,))
    hidden = n.Dense(3, "tanh")(x)
    return _package(n).Model(x, n.Dense(2)(n.concatenate([hidden, n.Dense(2)(hidden)])))


# name -> (input shape, layers of a namespace)
STACKS = {
    "lstm": ((TIME, FEATURES), lambda n: [n.LSTM(5), n.Dense(2)]),
    "gru_any_length": ((None, FEATURES), lambda n: [n.Masking(), n.GRU(4, return_sequences=True), n.GRU(3)]),
    "gru_reset_before": ((TIME, FEATURES), lambda n: [n.GRU(4, reset_after=False, use_bias=False)]),
    "simple_rnn": ((TIME, FEATURES), lambda n: [n.SimpleRNN(4, activation="relu", go_backwards=True)]),
    "tokens": ((TIME,), lambda n: [n.Embedding(VOCABULARY, 4, mask_zero=True), n.LSTM(5), n.Dense(3, "softmax")]),
    "bidirectional": (
        (TIME, FEATURES),
        lambda n: [n.Bidirectional(n.LSTM(4, return_sequences=True), merge_mode="ave"), n.Bidirectional(n.GRU(3))],
    ),
    "own_backward_layer": (
        (TIME, FEATURES),
        lambda n: [n.Bidirectional(n.LSTM(4), backward_layer=n.SimpleRNN(2, go_backwards=True))],
    ),
    "time_distributed": (
        (TIME, FEATURES),
        lambda n: [
            n.LSTM(4, return_sequences=True, recurrent_activation="hard_sigmoid"),
            n.TimeDistributed(n.Dense(3, activation="gelu")),
            n.TimeDistributed(n.Activation("softmax")),
        ],
    ),
    "nested_wrappers": ((2, TIME, FEATURES), lambda n: [n.TimeDistributed(n.Bidirectional(n.GRU(3))), n.LSTM(2)]),
    "models_per_step": (
        (2, TIME, FEATURES),
        lambda n: [
            n.TimeDistributed(_sequence_model(n)),
            n.TimeDistributed(_two_heads(n)),
            n.Dense(2),
        ],
    ),
    "reshaping": (
        (TIME, FEATURES),
        lambda n: [n.Flatten(), n.Dense(4), n.Dropout(0.4), n.RepeatVector(3), n.LSTM(2), n.Activation("log_softmax")],
    ),
    "same_classes": (
        (TIME, FEATURES),
        lambda n: [n.LSTM(3, return_sequences=True), n.Dense(3), n.LSTM(3), n.Dense(3), n.Dense(3, use_bias=False)],
    ),
    "initializers": (
        (TIME, FEATURES),
        lambda n: [
            n.LSTM(3, kernel_initializer="he_uniform", recurrent_initializer="identity", unit_forget_bias=False),
            n.Dense(2, kernel_initializer="lecun_normal", bias_initializer="ones"),
        ],
    ),
    "cells": (
        (TIME, FEATURES),
        lambda n: [
            n.Masking(),
            n.RNN(n.LSTMCell(4, unit_forget_bias=False), return_sequences=True),
            n.RNN([n.GRUCell(3, reset_after=False), n.GRUCell(3), n.SimpleRNNCell(2)], return_sequences=True),
            n.Bidirectional(n.RNN([n.LSTMCell(3), n.StackedRNNCells([n.LSTMCell(2), n.GRUCell(3)])])),
        ],
    ),
    "float64": ((TIME, FEATURES), lambda n: [n.GRU(4, dtype="float64"), n.Dense(2, dtype="float64")]),
}  # fmt: skip


def example(shape):
    rng = np.random.default_rng(8)
    if len(shape) == 1:
        return rng.integers(0, VOCABULARY, (BATCH, *shape))
    x = rng.normal(size=(BATCH, *(TIME if n is None else n for n in shape))).astype(np.float32)
    x[0, 3:] = 0
    return x


def build(namespace, name):
    shape, make = STACKS[name]
    model = namespace.Sequential([namespace.layers.Input(shape), *make(namespace.layers)], name="exchanged")
    return model, example(shape)


def assert_equal_weights(actual, expected):
    for a, e in zip(actual.get_weights(), expected.get_weights(), strict=True):
        assert np.asarray(a).dtype == np.asarray(e).dtype
        np.testing.assert_array_equal(np.asarray(a), np.asarray(e))


@pytest.mark.parametrize("name", STACKS)
def test_keras_file_loads_here(keras, randomize, same_output, tmp_path, name):
    model, x = build(keras, name)
    randomize(model)
    model.save(tmp_path / "m.keras")
    loaded = rnnfast.load_model(tmp_path / "m.keras")
    assert loaded.name == "exchanged"
    assert_equal_weights(loaded, model)
    same_output(loaded.predict(x, verbose=0), model.predict(x, verbose=0))


@pytest.mark.parametrize("name", STACKS)
@pytest.mark.filterwarnings("error:Skipping")
def test_file_from_here_loads_in_keras(keras, randomize, same_output, tmp_path, name):
    model, x = build(rnnfast, name)
    randomize(model)
    model.save(tmp_path / "m.keras")
    loaded = keras.models.load_model(tmp_path / "m.keras")
    assert loaded.name == "exchanged"
    assert [layer.name for layer in loaded.layers] == [layer.name for layer in model.layers]
    assert_equal_weights(loaded, model)
    same_output(model.predict(x, verbose=0), loaded.predict(x, verbose=0))


@pytest.mark.parametrize("name", STACKS)
def test_there_and_back_again(keras, randomize, tmp_path, name):
    """Keras writes what it read from here: config and weights are as they were."""
    model, _ = build(rnnfast, name)
    randomize(model)
    model.save(tmp_path / "there.keras")
    keras.models.load_model(tmp_path / "there.keras").save(tmp_path / "back.keras")
    back = rnnfast.load_model(tmp_path / "back.keras")
    assert_equal_weights(back, model)
    assert back.get_config()["layers"] == model.get_config()["layers"]


OPTIMIZERS = {
    "sgd": lambda n: n.SGD(0.05, momentum=0.9, nesterov=True, clipvalue=0.5),
    "plain_sgd": lambda n: n.SGD(0.05),
    "rmsprop": lambda n: n.RMSprop(0.003, rho=0.8, momentum=0.5, centered=True),
    "adam": lambda n: n.Adam(0.01, beta_1=0.8, global_clipnorm=1.0),
    "amsgrad": lambda n: n.Adam(0.01, amsgrad=True, weight_decay=0.1),
    "nadam": lambda n: n.Nadam(0.01),
    "adamax_ema": lambda n: n.Adamax(0.01, use_ema=True, ema_momentum=0.9, ema_overwrite_frequency=3),
    "adagrad": lambda n: n.Adagrad(0.05),
    "adadelta": lambda n: n.Adadelta(0.5),
    "lion": lambda n: n.Lion(0.002),
    "ftrl": lambda n: n.Ftrl(0.05, l1_regularization_strength=0.001),
    "lamb": lambda n: n.Lamb(0.01),
    "adafactor": lambda n: n.Adafactor(0.05, use_ema=True),
    "muon": lambda n: n.Muon(0.02, exclude_layers=["dense"]),
    "schedule": lambda n: n.AdamW(n.schedules.ExponentialDecay(0.02, 4, 0.5)),
    "accumulation": lambda n: n.SGD(0.05, momentum=0.9, gradient_accumulation_steps=2),
}


@pytest.mark.parametrize("trained", [True, False])
@pytest.mark.parametrize("to_keras", [True, False])
@pytest.mark.parametrize("name", OPTIMIZERS)
@pytest.mark.filterwarnings("error:Skipping")
def test_training_goes_on_in_the_other(keras, randomize, same_output, tmp_path, name, to_keras, trained):
    """Train in one, save, train on in the other: the losses are those of the one that never moved."""
    source, load = (rnnfast, keras.models.load_model) if to_keras else (keras, rnnfast.load_model)
    model, x = build(source, "tokens")
    randomize(model)
    y = np.arange(BATCH) % 3
    model.compile(OPTIMIZERS[name](source.optimizers), "sparse_categorical_crossentropy", metrics=["accuracy"])
    fit = {"epochs": 2, "batch_size": 4, "shuffle": False, "verbose": 0}
    if trained:
        model.fit(x, y, **fit)
    model.save(tmp_path / "m.keras")
    moved = load(tmp_path / "m.keras")
    there, here = moved.fit(x, y, **fit).history, model.fit(x, y, **fit).history
    assert set(there) == set(here)
    for key in here:
        same_output(there[key], here[key], key)


@pytest.mark.parametrize("to_keras", [True, False])
def test_values_given_as_an_array_move_along(keras, tmp_path, to_keras):
    source, load = (rnnfast, keras.models.load_model) if to_keras else (keras, rnnfast.load_model)
    table = np.arange(12, dtype=np.float32).reshape(4, 3)
    embedding = source.layers.Embedding(4, 3, embeddings_initializer=source.initializers.Constant(table))
    source.Sequential([source.layers.Input((None,), dtype="int32"), embedding]).save(tmp_path / "m.keras")
    moved = load(tmp_path / "m.keras").layers[-1]
    np.testing.assert_array_equal(np.asarray(moved.embeddings_initializer((4, 3))), table)
    np.testing.assert_array_equal(moved.get_weights()[0], table)


LOSSES = {
    "object": lambda n: n.losses.BinaryCrossentropy(from_logits=True),
    "smoothing": lambda n: n.losses.CategoricalCrossentropy(label_smoothing=0.1),
    "name": lambda n: "mse",
    "function": lambda n: n.losses.mean_absolute_error,
}
METRICS = {
    "none": lambda n: None,
    "names": lambda n: ["accuracy", "mae"],
    "objects": lambda n: [n.metrics.MeanSquaredError(), n.metrics.BinaryAccuracy(threshold=0.4)],
    "function": lambda n: [n.losses.mean_squared_error],
}


@pytest.mark.parametrize("to_keras", [True, False])
@pytest.mark.parametrize(
    ("loss", "metrics"), [*((name, "none") for name in LOSSES), *(("name", name) for name in METRICS)]
)
def test_loss_and_metrics_move_along(keras, randomize, same_output, tmp_path, loss, metrics, to_keras):
    source, load = (rnnfast, keras.models.load_model) if to_keras else (keras, rnnfast.load_model)
    model, x = build(source, "tokens")
    randomize(model)
    y = np.eye(3, dtype=np.float32)[np.arange(BATCH) % 3]
    model.compile("sgd", LOSSES[loss](source), metrics=METRICS[metrics](source))
    model.save(tmp_path / "m.keras")
    moved = load(tmp_path / "m.keras")
    results = [m.evaluate(x, y, verbose=0, return_dict=True) for m in (moved, model)]
    assert set(results[0]) == set(results[1])
    for key, expected in results[1].items():
        same_output(results[0][key], expected, key)


def test_activations_with_parameters(keras, randomize, same_output, tmp_path):
    model = keras.Sequential(
        [
            keras.layers.Input((TIME, FEATURES)),
            keras.layers.Dense(4, activation=keras.layers.LeakyReLU(negative_slope=0.05)),
            keras.layers.Dense(4, activation=keras.layers.ELU(alpha=0.5)),
            keras.layers.LSTM(3, activation=keras.activations.softsign),
        ]
    )
    randomize(model)
    x = example((TIME, FEATURES))
    model.save(tmp_path / "m.keras")
    loaded = rnnfast.load_model(tmp_path / "m.keras")
    same_output(loaded.predict(x, verbose=0), model.predict(x, verbose=0))
    loaded.save(tmp_path / "back.keras")
    same_output(keras.models.load_model(tmp_path / "back.keras").predict(x, verbose=0), model.predict(x, verbose=0))


def test_stateful_model(keras, randomize, same_output, tmp_path):
    model = keras.Sequential(
        [keras.layers.Input(batch_shape=(BATCH, TIME, FEATURES)), keras.layers.LSTM(4, stateful=True)]
    )
    randomize(model)
    model.save(tmp_path / "m.keras")
    loaded = rnnfast.load_model(tmp_path / "m.keras")
    x = example((TIME, FEATURES))
    for _ in range(2):
        same_output(loaded.predict(x, batch_size=BATCH, verbose=0), model.predict(x, batch_size=BATCH, verbose=0))


@pytest.mark.filterwarnings("ignore:You are saving a model that has not yet been built")
def test_unbuilt_keras_model(keras, tmp_path):
    keras.Sequential([keras.layers.LSTM(3)]).save(tmp_path / "m.keras")
    loaded = rnnfast.load_model(tmp_path / "m.keras")
    assert not loaded.built
    assert loaded.layers[0].units == 3


def test_model_built_by_its_first_data(keras, same_output, tmp_path):
    x = example((TIME, FEATURES))
    model = keras.Sequential([keras.layers.LSTM(3), keras.layers.Dense(2)])
    expected = model.predict(x, verbose=0)
    model.save(tmp_path / "m.keras")
    same_output(rnnfast.load_model(tmp_path / "m.keras").predict(x, verbose=0), expected)


def refused(model, tmp_path):
    model.save(tmp_path / "m.keras")
    with pytest.raises(ValueError) as caught:
        rnnfast.load_model(tmp_path / "m.keras")
    assert "m.keras" in str(caught.value)
    return str(caught.value)


def test_operations_in_a_graph_are_refused(keras, tmp_path):
    x = keras.layers.Input((TIME, FEATURES))
    y = keras.layers.LSTM(3)(keras.ops.tanh(x))
    assert "operation" in refused(keras.Model(x, y), tmp_path)
    words = keras.layers.Embedding(9, 3, mask_zero=True)
    tokens = keras.layers.Input((TIME,))
    _, state = keras.layers.GRU(3, return_state=True)(x)
    y = keras.layers.GRU(3)(words(tokens), initial_state=state, mask=words.compute_mask(tokens))
    assert "a mask beside initial_state" in refused(keras.Model([x, tokens], y), tmp_path)


@pytest.mark.parametrize(
    ("make", "word"),
    [
        (lambda n: n.SeparableConv1D(3, 2), "SeparableConv1D"),
        (lambda n: n.BatchNormalization(renorm=True), "renorm"),
        (lambda n: n.Conv1D(3, 2, data_format="channels_first"), "data_format"),
        (lambda n: n.LSTM(3, dtype="mixed_float16"), "mixed_float16"),
    ],
)
def test_unsupported_says_so(keras, tmp_path, make, word):
    model = keras.Sequential([keras.layers.Input((TIME, FEATURES)), make(keras.layers)])
    message = refused(model, tmp_path)
    assert word in message and "layers[1]" in message


def test_keras_refuses_peepholes(keras, tmp_path):
    model = rnnfast.Sequential([rnnfast.layers.Input((TIME, FEATURES)), rnnfast.layers.LSTM(3, peephole=True)])
    model.save(tmp_path / "m.keras")
    with pytest.raises(TypeError, match="PeepholeLSTM"):
        keras.models.load_model(tmp_path / "m.keras")
