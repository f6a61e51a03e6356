"""Names, configs, old arguments, initializers, activations by name."""

import warnings

import numpy as np
import pytest

import rnnfast
from rnnfast import activations, initializers, layers, utils

X = np.random.default_rng(0).normal(size=(2, 5, 3))

EVERY = [
    layers.SimpleRNN(3, activation="relu", return_sequences=True),
    layers.LSTM(3, unit_forget_bias=False, go_backwards=True),
    layers.LSTM(3, peephole=True),
    layers.GRU(3, reset_after=False, zero_output_for_mask=True),
    layers.Bidirectional(layers.LSTM(3), merge_mode="ave"),
    layers.Bidirectional(layers.LSTM(3), backward_layer=layers.GRU(2, go_backwards=True)),
    layers.TimeDistributed(layers.Dense(2, activation="softmax")),
    layers.Dense(2, use_bias=False, kernel_initializer=initializers.HeNormal(seed=3)),
    layers.Dropout(0.25, seed=7),
    layers.Masking(-1.0),
    layers.Activation(activations.leaky_relu._replace(alpha=0.05)),
    layers.Flatten(),
]


@pytest.mark.parametrize("layer", EVERY, ids=lambda layer: layer.name)
def test_config_round_trip(layer):
    config = layers.serialize(layer)
    copy = layers.deserialize(config)
    assert type(copy) is type(layer) and layers.serialize(copy) == config
    expected = layer(X)
    copy.build(X.shape)
    copy.set_weights(layer.get_weights())
    np.testing.assert_array_equal(copy(X), expected)


def test_names_are_keras():
    first = layers.SimpleRNN(1).name
    assert first.startswith("simple_rnn")
    number = int(first.removeprefix("simple_rnn").lstrip("_") or 0)
    assert layers.SimpleRNN(1).name == f"simple_rnn_{number + 1}"
    assert layers.TimeDistributed(layers.Dense(1)).name.startswith("time_distributed")
    assert layers.Dense(1, name="mine").name == "mine"


@pytest.mark.parametrize(
    ("make", "argument"),
    [
        (lambda: layers.LSTM(2, input_shape=(5, 3)), "input_shape"),
        (lambda: layers.LSTM(2, batch_input_shape=(4, 5, 3)), "batch_input_shape"),
        (lambda: layers.GRU(2, input_dim=3), "input_dim"),
        (lambda: layers.Embedding(4, 2, input_length=5), "input_length"),
        (lambda: layers.Dense(4, input_dim=5), "input_dim"),
        (lambda: rnnfast.optimizers.Adam(lr=0.1), "lr"),
    ],
)
def test_old_arguments_warn_where_they_are_written(make, argument):
    with pytest.warns(DeprecationWarning, match=f"{argument}=") as caught:
        made = make()
    assert caught[0].filename == __file__
    if isinstance(made, layers.Layer):
        model = rnnfast.Sequential([made])
        assert model.built and model.input_shape[1:] in ((5, 3), (None, 3), (5,))
    else:
        assert made.learning_rate == 0.1


def test_arguments_without_effect_are_accepted():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        layer = layers.LSTM(2, unroll=True, implementation=1, use_cudnn=False, seed=1, trainable=False)
    assert layer.get_config()["unroll"] is True and layer.trainable_weights == []


@pytest.mark.parametrize("layer", [layers.Dense(3, activation=activations.tanh), layers.LSTM(3, activation=None)])
def test_activation_identifiers(layer):
    assert layer.activation.name == ("tanh" if isinstance(layer, layers.Dense) else "linear")


def test_activations_are_functions():
    x = np.array([-2.0, 0.0, 2.0])
    np.testing.assert_allclose(activations.tanh(x), np.tanh(x), rtol=1e-14)
    np.testing.assert_allclose(activations.hard_sigmoid(x), x / 6 + 0.5, rtol=1e-14)
    np.testing.assert_allclose(activations.softmax(x[None]).sum(), 1.0, rtol=1e-14)
    assert activations.relu([1, -1]).dtype == np.float32
    assert activations.get("swish") is activations.silu and activations.get(None) is activations.linear
    with pytest.raises(ValueError, match=r"'soft_max'\. Did you mean 'softmax'.*Valid names: celu, "):
        activations.get("soft_max")
    with pytest.raises(TypeError, match="numeric"):
        activations.tanh("abc")


@pytest.mark.parametrize(
    ("name", "std"),
    [
        ("glorot_uniform", (2 / 500) ** 0.5),
        ("glorot_normal", (2 / 500) ** 0.5),
        ("he_uniform", (2 / 200) ** 0.5),
        ("he_normal", (2 / 200) ** 0.5),
        ("lecun_uniform", (1 / 200) ** 0.5),
        ("lecun_normal", (1 / 200) ** 0.5),
        ("random_normal", 0.05),
        ("random_uniform", 0.1 / 12**0.5),
        ("truncated_normal", 0.05 * 0.8796),
        ("zeros", 0.0),
        ("ones", 0.0),
    ],
)
def test_initializers(name, std):
    utils.set_random_seed(0)
    values = initializers.get(name)((200, 300))
    assert values.dtype == np.float32 and abs(values.std() - std) <= 0.02 * std
    assert abs(values.mean() - (1.0 if name == "ones" else 0.0)) <= 0.02 * std
    copy = initializers.get(initializers.serialize(initializers.get(name)))
    assert type(copy) is type(initializers.get(name))


def test_fans_by_axes():
    options = {"input_axes": [0], "output_axes": [1, 2]}
    values = initializers.VarianceScaling(2.0, "fan_out", "untruncated_normal", seed=1, **options)((40, 20, 30))
    assert abs(values.std() - (2 / 600) ** 0.5) <= 0.02 * (2 / 600) ** 0.5
    preset = initializers.glorot_uniform(seed=2, **options)
    assert initializers.get(initializers.serialize(preset)).get_config() == {"seed": 2, **options}
    np.testing.assert_allclose(np.abs(preset((40, 20, 30))).max(), (6 / 640) ** 0.5, rtol=1e-3)
    one, other = (initializers.VarianceScaling(distribution=name, seed=3) for name in ("normal", "truncated_normal"))
    np.testing.assert_array_equal(one((4, 5)), other((4, 5)))
    with pytest.raises(ValueError, match="give both input_axes and output_axes"):
        initializers.HeNormal(input_axes=[0])
    with pytest.raises(ValueError, match=r"do not fit a weight of shape \(2, 3\)"):
        preset((2, 3))


@pytest.mark.parametrize("identifier", [X[0], initializers.Constant(X[0])], ids=["array", "constant"])
def test_given_values(identifier):
    given = initializers.get(identifier)
    np.testing.assert_array_equal(given(X[0].shape, "float64"), X[0])
    again = initializers.get(initializers.serialize(given))
    np.testing.assert_array_equal(again(X[0].shape, "float64"), X[0])
    layer = layers.Embedding(X.shape[1], X.shape[2], embeddings_initializer=identifier, dtype="float64")
    layer.build((None, 4))
    np.testing.assert_array_equal(layer.get_weights()[0], X[0])
    with pytest.raises(ValueError, match="value has shape"):
        given((7, 7))


@pytest.mark.parametrize(
    "value",
    [[1.0], {"class_name": "__numpy__", "config": {"value": ["x"], "dtype": "float32"}},
     {"class_name": "__numpy__", "config": {"value": [1.0], "dtype": "object"}},
     {"class_name": "__numpy__", "config": 3}, {"class_name": "__lambda__", "config": {"value": [1.0]}}],
)  # fmt: skip
def test_given_values_of_a_damaged_configuration(value):
    with pytest.raises((ValueError, TypeError), match="value"):
        initializers.get({"class_name": "Constant", "config": {"value": value}})


@pytest.mark.parametrize("shape", [(4, 12), (12, 4), (5, 5)])
def test_orthogonal(shape):
    q = initializers.Orthogonal(gain=2.0, seed=0)(shape, "float64")
    small = q @ q.T if shape[0] <= shape[1] else q.T @ q
    np.testing.assert_allclose(small, 4 * np.eye(min(shape)), atol=1e-12)


def test_seeds():
    a, b = initializers.GlorotUniform(seed=1), initializers.GlorotUniform(seed=1)
    np.testing.assert_array_equal(a((3, 4)), b((3, 4)))
    utils.set_random_seed(5)
    first = layers.LSTM(4)(X)
    utils.set_random_seed(5)
    np.testing.assert_array_equal(layers.LSTM(4)(X), first)
    with pytest.raises(ValueError, match="non-negative integer"):
        utils.set_random_seed(-1)
