"""What is saved comes back: weights bit for bit, predictions, config, how it was compiled."""

import json
import os
import pickle
import zipfile

import numpy as np
import pytest

import rnnfast
from rnnfast import activations, layers, losses, metrics, optimizers


def random_weights(model, seed=1):
    rng = np.random.default_rng(seed)
    for weight in model.weights:
        value = rng.normal(0, 0.3, weight.shape)
        weight.assign(np.abs(value) + 0.1 if "variance" in weight.name else value)
    return model


def round_trip(model, path):
    model.save(path)
    return rnnfast.load_model(path)


def assert_same(model, loaded, x):
    assert loaded.name == model.name
    assert loaded.get_config() == model.get_config()
    for actual, expected in zip(loaded.get_weights(), model.get_weights(), strict=True):
        assert actual.dtype == expected.dtype
        np.testing.assert_array_equal(actual, expected)
    np.testing.assert_array_equal(loaded.predict(x, verbose=0), model.predict(x, verbose=0))


VECTORS = np.random.default_rng(0).normal(size=(3, 5, 4)).astype(np.float32)

STACKS = {
    "masking": lambda: [layers.Masking(-1.0), layers.LSTM(3)],
    "gru_reset_before": lambda: [layers.GRU(3, reset_after=False, go_backwards=True)],
    "no_bias": lambda: [layers.SimpleRNN(3, use_bias=False, activation="relu"), layers.Dense(2, use_bias=False)],
    "activations": lambda: [layers.LSTM(3, activation="softsign", recurrent_activation="hard_sigmoid")],
    "parametric_activation": lambda: [
        layers.Dense(3, activation=activations.leaky_relu._replace(alpha=0.05)),
        layers.Dense(3, activation=activations.elu._replace(alpha=0.5)),
        layers.LSTM(2),
    ],
    "peephole": lambda: [layers.LSTM(3, peephole=True), layers.Dense(1)],
    "layer_norm": lambda: [
        layers.LSTM(3, layer_norm=True, peephole=True, return_sequences=True),
        layers.Bidirectional(layers.GRU(3, layer_norm=True, layer_norm_epsilon=0.1, reset_after=False)),
    ],
    "peephole_in_wrapper": lambda: [layers.Bidirectional(layers.LSTM(3, peephole=True))],
    "dropout": lambda: [layers.Bidirectional(layers.GRU(3, dropout=0.2, recurrent_dropout=0.1, seed=4))],
    "zoneout": lambda: [layers.LSTM(3, zoneout=(0.1, 0.3), return_sequences=True), layers.GRU(2, zoneout=0.2)],
    "projection": lambda: [layers.Bidirectional(layers.LSTM(3, projection_size=2, peephole=True)), layers.Dense(1)],
    "two_of_a_kind": lambda: [layers.LSTM(3, return_sequences=True), layers.LSTM(3), layers.Dense(3), layers.Dense(3)],
    "models_per_step": lambda: [
        layers.Reshape((1, 5, 4)),
        layers.TimeDistributed(rnnfast.Sequential([layers.GRU(3), layers.RepeatVector(2)])),
        layers.TimeDistributed(layers.TimeDistributed(rnnfast.Sequential([layers.Dense(2), layers.Dense(1)]))),
        layers.Flatten(),
    ],
    "own_backward_layer": lambda: [
        layers.Bidirectional(layers.LSTM(3), backward_layer=layers.GRU(2, go_backwards=True))
    ],
    "bidirectional_last": lambda: [layers.Bidirectional(layers.GRU(3), merge_mode="mul")],
    "time_distributed_activation": lambda: [layers.TimeDistributed(layers.Activation("tanh")), layers.GRU(2)],
    "reshaping": lambda: [layers.Flatten(), layers.RepeatVector(3), layers.Dropout(0.3, seed=4), layers.GRU(2)],
    "normalized": lambda: [
        layers.Normalization(axis=[1, 2]),
        layers.Rescaling([1.0, 2, 3, 4], 0.5),
        layers.BatchNormalization(),
        layers.LayerNormalization(axis=[1, 2]),
        layers.LayerNormalization(rms_scaling=True),
        layers.UnitNormalization(),
        layers.Normalization(mean=[0.5], variance=[2.0]),
    ],
    "windows": lambda: [
        layers.Conv1D(6, 2, padding="causal", groups=2, activation="gelu"),
        layers.MaxPooling1D(2, 1),
        layers.AveragePooling1D(2, padding="same"),
        layers.GlobalAveragePooling1D(keepdims=True),
        layers.GRU(2),
    ],
    "moved": lambda: [
        layers.Reshape((2, -1)),
        layers.Permute((2, 1)),
        layers.ZeroPadding1D(1),
        layers.Cropping1D((0, 2)),
        layers.UpSampling1D(2),
        layers.GlobalMaxPooling1D(),
    ],
    "noisy": lambda: [layers.GaussianNoise(0.1), layers.GaussianDropout(0.2, seed=1), layers.SpatialDropout1D(0.3)],
    "rectified": lambda: [
        layers.ReLU(0.5, 0.1, 0.2),
        layers.LeakyReLU(0.1),
        layers.PReLU(shared_axes=[1]),
        layers.ELU(0.5),
        layers.Softmax(axis=1),
    ],
    "activation_layer": lambda: [layers.SimpleRNN(3), layers.Activation("log_softmax")],
    "initializers": lambda: [
        layers.LSTM(3, kernel_initializer="he_normal", bias_initializer="ones", unit_forget_bias=False),
        layers.Dense(2, kernel_initializer=rnnfast.initializers.RandomNormal(0.5, 0.1, seed=3)),
    ],
    "frozen": lambda: [layers.LSTM(3, trainable=False), layers.Dense(1)],
    "cells": lambda: [
        layers.RNN(layers.LSTMCell(3), return_sequences=True, zero_output_for_mask=True),
        layers.RNN([layers.GRUCell(2, reset_after=False), layers.StackedRNNCells([layers.LSTMCell(3)])]),
    ],
    "cells_in_wrapper": lambda: [layers.Bidirectional(layers.RNN([layers.GRUCell(2), layers.GRUCell(2)]))],
    "stateful_options": lambda: [layers.LSTM(3, return_sequences=True, unroll=True, zero_output_for_mask=True)],
}


@pytest.mark.parametrize("name", STACKS)
def test_layers(tmp_path, name):
    model = random_weights(rnnfast.Sequential([layers.Input((5, 4)), *STACKS[name]()]))
    assert_same(model, round_trip(model, tmp_path / "m.keras"), VECTORS)


def test_every_kind_of_weight(model, saved):
    tokens = np.random.default_rng(0).integers(0, 11, (4, 6))
    assert_same(model, rnnfast.load_model(saved), tokens)


@pytest.mark.parametrize("shape", [(None, 4), (5, 4)])
def test_input_shape_comes_back(tmp_path, shape):
    model = rnnfast.Sequential([layers.Input(shape), layers.LSTM(2)])
    assert_same(model, round_trip(model, tmp_path / "m.keras"), VECTORS)


def test_batch_size_comes_back(tmp_path):
    model = rnnfast.Sequential([layers.Input(batch_shape=(3, 5, 4)), layers.LSTM(2, stateful=True)])
    loaded = round_trip(model, tmp_path / "m.keras")
    assert loaded.get_config() == model.get_config()
    for _ in range(2):  # the state is kept, and is none of the file's business
        np.testing.assert_array_equal(
            loaded.predict(VECTORS, batch_size=3, verbose=0), model.predict(VECTORS, batch_size=3, verbose=0)
        )


def test_model_built_without_input_layer(tmp_path):
    model = rnnfast.Sequential([layers.LSTM(2), layers.Dense(1)])
    model.build((None, 5, 4))
    loaded = round_trip(model, tmp_path / "m.keras")
    np.testing.assert_array_equal(loaded.predict(VECTORS, verbose=0), model.predict(VECTORS, verbose=0))


def test_float64(tmp_path):
    model = rnnfast.Sequential(
        [layers.Input((5, 4)), layers.LSTM(3, dtype="float64"), layers.Dense(2, dtype="float64")]
    )
    assert_same(model, round_trip(model, tmp_path / "m.keras"), VECTORS.astype(np.float64))


def test_drawn_weights_do_not_stay(tmp_path):
    """Loading leaves the initializers as they were: a layer of the loaded config draws its own weights again."""
    model = rnnfast.Sequential([layers.Input((5, 4)), layers.LSTM(3)])
    loaded = round_trip(model, tmp_path / "m.keras")
    fresh = layers.LSTM.from_config(loaded.layers[-1].get_config())
    fresh.build((None, 5, 4))
    assert np.abs(fresh.get_weights()[0]).min() > 0


COMPILED = {
    "names": lambda: ("sgd", "mse", ["mae"]),
    "objects": lambda: (
        optimizers.SGD(0.02, momentum=0.9, nesterov=True, clipnorm=1.0),
        losses.BinaryCrossentropy(from_logits=True),
        [metrics.MeanSquaredError()],
    ),
    "rmsprop": lambda: (optimizers.RMSprop(rho=0.8, centered=True, clipvalue=0.1), "mae", []),
    "adam": lambda: (optimizers.Adam(0.003, beta_1=0.8, epsilon=1e-5, global_clipnorm=2.0), "mse", ["mse"]),
    "amsgrad": lambda: (optimizers.AdamW(0.003, amsgrad=True), "mse", []),
    "nadam": lambda: (optimizers.Nadam(0.003), "mse", []),
    "schedule": lambda: (optimizers.Adamax(optimizers.schedules.CosineDecay(0.1, 10)), "mse", []),
    "average": lambda: (optimizers.Adadelta(0.1, use_ema=True, ema_overwrite_frequency=3), "mse", []),
    "accumulation": lambda: (optimizers.Lion(0.003, gradient_accumulation_steps=3), "mse", []),
}


@pytest.mark.parametrize("name", COMPILED)
def test_training_goes_on_as_if_never_saved(tmp_path, name):
    """Optimizer, its state, loss and metrics come back: the next epoch is bit for bit the same."""
    optimizer, loss, metric_list = COMPILED[name]()
    model = random_weights(rnnfast.Sequential([layers.Input((5, 4)), layers.LSTM(3), layers.Dense(2)]))
    model.compile(optimizer, loss, metrics=metric_list)
    y = np.random.default_rng(2).integers(0, 2, (3, 2)).astype(np.float32)
    model.fit(VECTORS, y, epochs=2, batch_size=2, shuffle=False, verbose=0)
    loaded = round_trip(model, tmp_path / "m.keras")
    assert loaded.optimizer.get_config() == model.optimizer.get_config()
    histories = [m.fit(VECTORS, y, epochs=2, batch_size=2, shuffle=False, verbose=0).history for m in (model, loaded)]
    assert histories[0] == histories[1]
    for actual, expected in zip(loaded.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(actual, expected)


def test_a_learning_rate_that_is_a_function_is_left_out(tmp_path):
    model = rnnfast.Sequential([layers.Input((3,)), layers.Dense(2)])
    model.compile(optimizers.SGD(lambda: 0.1), "mse")
    with pytest.warns(UserWarning, match="leaves out how the model was compiled"):
        model.save(tmp_path / "m.keras")
    assert not rnnfast.load_model(tmp_path / "m.keras").compiled


def test_penalties_and_limits_come_back(tmp_path):
    options = {"kernel_regularizer": "l1_l2", "activity_regularizer": "l2", "bias_constraint": "non_neg"}
    model = rnnfast.Sequential(
        [
            layers.Input((4,), dtype="int64"),
            layers.Embedding(5, 3, embeddings_regularizer="l1", embeddings_constraint="unit_norm"),
            layers.Bidirectional(
                layers.LSTM(3, recurrent_constraint="max_norm", recurrent_regularizer="l2", **options)
            ),
            layers.Dense(2, kernel_constraint="min_max_norm", **options),
        ]
    )
    model.save(tmp_path / "m.keras")
    loaded = rnnfast.load_model(tmp_path / "m.keras")
    assert loaded.get_config() == model.get_config() and len(model.losses) == 6
    assert loaded.losses == model.losses
    for variable, back in zip(model.weights, loaded.weights, strict=True):
        assert type(back.regularizer) is type(variable.regularizer)
        assert type(back.constraint) is type(variable.constraint)


def test_without_compiling(saved):
    loaded = rnnfast.load_model(saved, compile=False)
    with pytest.raises(ValueError, match="compile"):
        loaded.fit(np.zeros((2, 6), int), np.zeros(2), verbose=0)


def test_saving_replaces_in_one_step(model, saved, monkeypatch):
    before = saved.read_bytes()
    monkeypatch.setattr(os, "replace", lambda *_: (_ for _ in ()).throw(OSError("disk full")))
    with pytest.raises(OSError, match="disk full"):
        model.save(saved)
    assert saved.read_bytes() == before
    assert os.listdir(saved.parent) == [saved.name]


def test_overwrite(model, saved):
    model.save(saved)
    with pytest.raises(ValueError, match="overwrite"):
        model.save(saved, overwrite=False)


def test_the_suffix_says_what_it_is(model, tmp_path):
    with pytest.raises(ValueError, match=r"\.keras"):
        model.save(tmp_path / "model.h5")


def test_an_unbuilt_model_is_not_saved(tmp_path):
    with pytest.raises(ValueError, match="build"):
        rnnfast.Sequential([layers.LSTM(2)]).save(tmp_path / "m.keras")


class MyModel(rnnfast.Sequential):
    """Neither a built-in class nor one with a call."""


@pytest.mark.parametrize(
    ("layer", "word"),
    [
        (lambda: MyModel([layers.GRU(2)], name="mine"), "mine"),
        (lambda: layers.Dense(2, activation=activations.celu._replace(alpha=0.5)), "celu"),
    ],
)
def test_what_could_not_be_read_again_is_not_written(tmp_path, layer, word):
    model = rnnfast.Sequential([layers.Input((5, 4)), layer()])
    with pytest.raises(ValueError, match=rf"save: .*{word}"):
        model.save(tmp_path / "m.keras")
    assert not os.listdir(tmp_path)


def test_a_metric_without_a_name_is_left_out_with_a_warning(tmp_path):
    model = rnnfast.Sequential([layers.Input((5, 4)), layers.GRU(2)])
    model.compile("sgd", "mse", metrics=[lambda y_true, y_pred: np.abs(y_true - y_pred).max(axis=-1)])
    with pytest.warns(UserWarning, match="leaves out how the model was compiled"):
        model.save(tmp_path / "m.keras")
    loaded = rnnfast.load_model(tmp_path / "m.keras")
    assert not loaded.compiled
    np.testing.assert_array_equal(loaded.predict(VECTORS, verbose=0), model.predict(VECTORS, verbose=0))


def test_layout_is_that_of_keras(saved):
    """What Keras 3 looks for, so that its loader finds it even where no Keras is installed to ask."""
    import h5py

    with zipfile.ZipFile(saved) as archive:
        assert archive.namelist() == ["metadata.json", "config.json", "model.weights.h5"]
        assert json.loads(archive.read("metadata.json"))["keras_version"].startswith("3.")
        config = json.loads(archive.read("config.json"))
        with archive.open("model.weights.h5") as member, h5py.File(member, "r") as file:
            found = []
            file.visititems(lambda name, item: found.append(name) if isinstance(item, h5py.Dataset) else None)
    assert config["class_name"] == "Sequential"
    assert [entry["class_name"] for entry in config["config"]["layers"]] == [
        "InputLayer", "Embedding", "Bidirectional", "GRU", "TimeDistributed", "SimpleRNN", "Dense",
    ]  # fmt: skip
    assert {name for name in found if name.startswith("layers/")} == {
        "layers/embedding/vars/0",
        *(f"layers/bidirectional/{d}_layer/cell/vars/{i}" for d in ("forward", "backward") for i in range(3)),
        *(f"layers/{cell}/cell/vars/{i}" for cell in ("gru", "simple_rnn") for i in range(3)),
        *(f"layers/time_distributed/layer/vars/{i}" for i in range(2)),
        *(f"layers/dense/vars/{i}" for i in range(2)),
    }


def test_missing_h5py_says_what_to_install(model, tmp_path, monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "h5py", None)
    with pytest.raises(ImportError, match=r'pip install "rnnfast\[keras\]"'):
        model.save(tmp_path / "m.keras")
    assert not os.listdir(tmp_path)


def test_a_cell_without_a_configuration_is_not_saved(tmp_path):
    from own_cells import CallOnly

    with pytest.warns(UserWarning, match="step by step"):
        model = rnnfast.Sequential([layers.Input((5, 4)), layers.RNN(CallOnly(2))])
    with pytest.raises(TypeError, match="cell CallOnly cannot be written down: it has no get_config"):
        model.save(tmp_path / "m.keras")


def test_a_loaded_cell_forgets_the_file(tmp_path):
    model = random_weights(rnnfast.Sequential([layers.Input((5, 4)), layers.RNN(layers.LSTMCell(3))]))
    loaded = pickle.loads(pickle.dumps(round_trip(model, tmp_path / "m.keras")))
    assert_same(model, loaded, VECTORS)
