"""Constructor arguments of a wrong kind, sizes that no memory holds, arrays that mean more than their numbers."""

import numpy as np
import pytest

from rnnfast import initializers, layers, losses, metrics, optimizers

X = np.ones((2, 5, 3), "float32")
NOT_NUMBERS = [None, "x", b"x", [], {}, object(), np.ones(3), True, float("nan"), float("inf"), 10**400]


@pytest.mark.parametrize("value", NOT_NUMBERS, ids=lambda v: repr(v)[:20])
@pytest.mark.parametrize(
    ("make", "what"),
    [
        (lambda v: layers.Masking(v), "mask_value"),
        (lambda v: initializers.Identity(v), "Identity: gain"),
        (lambda v: initializers.Orthogonal(gain=v), "Orthogonal: gain"),
        (lambda v: initializers.RandomNormal(stddev=v), "RandomNormal: stddev"),
        (lambda v: initializers.RandomUniform(minval=v), "RandomUniform: minval"),
        (lambda v: initializers.VarianceScaling(v), "VarianceScaling: scale"),
        (lambda v: metrics.BinaryAccuracy(threshold=v), "threshold"),
        (lambda v: losses.BinaryCrossentropy(label_smoothing=v), "label_smoothing"),
        (lambda v: optimizers.SGD(v), "SGD: learning_rate"),
        (lambda v: optimizers.SGD(momentum=v), "SGD: momentum"),
        (lambda v: optimizers.Adam(beta_1=v), "Adam: beta_1"),
    ],
)
def test_numbers(make, what, value):
    with pytest.raises(ValueError, match=f"{what} must be a number, got"):
        make(value)


@pytest.mark.parametrize("seed", [-1, 1.5, "x", [], np.ones(3), True])
def test_seeds(seed):
    makes = (initializers.GlorotUniform, lambda s: layers.Dropout(0.5, seed=s), lambda s: layers.GRU(3, seed=s))
    for make in makes:
        with pytest.raises(ValueError, match="seed must be None or a non-negative integer"):
            make(seed)


@pytest.mark.parametrize("shape", [1.5, "x", b"x", {}, object(), int, {3}])
def test_shapes_that_are_none(shape):
    makes = (
        layers.Input,
        lambda s: layers.Input(batch_shape=s),
        lambda s: layers.Dropout(0.5, s),
        lambda s: layers.GRU(3).build(s),
    )
    for make in makes:
        with pytest.raises(TypeError, match=r"shape.* must be a shape"):
            make(shape)
    with pytest.warns(DeprecationWarning), pytest.raises(TypeError, match="input_shape must be a shape"):
        layers.GRU(3, input_shape=shape)


@pytest.mark.parametrize("size", [0, -1, 1.5, "3", True, 2**70])
def test_sizes(size):
    for make in (
        lambda n: layers.Input((n,)),
        lambda n: layers.Input((3,), batch_size=n),
        layers.GRU,
        layers.RepeatVector,
    ):
        with pytest.raises(ValueError, match=r"must (be a|hold) positive integer"):
            make(size)


@pytest.mark.parametrize("dtype", [5, True, 1.5, object(), "half", np.int32, np.ones(3)], ids=str)
def test_dtypes(dtype):
    with pytest.raises(ValueError, match=r"layer 'gru.*dtype must be 'float32' or 'float64'"):
        layers.GRU(3, dtype=dtype)
    assert layers.GRU(3, dtype=np.float64).dtype == layers.GRU(3, dtype=np.dtype("f8")).dtype == "float64"
    if not isinstance(dtype, (str, type)):
        with pytest.raises(TypeError, match=r"layer 'input.*: dtype"):
            layers.Input((3,), dtype=dtype)


@pytest.mark.parametrize(
    ("make", "weight"),
    [
        (lambda: layers.LSTM(2**40).build((None, 5, 3)), r"weight 'kernel' of shape \(3, 4398046511104\)"),
        (lambda: layers.LSTM(2**22).build((None, 5, 3)), r"weight 'recurrent_kernel' of shape \(4194304, 16777216\)"),
        (lambda: layers.Dense(2**62).build((None, 3)), r"weight 'kernel' of shape \(3, 4611686018427387904\)"),
        (lambda: layers.Dense(4).build((None, 2**80)), "weight 'kernel'"),
        (lambda: layers.Embedding(2**40, 2**10).build((None, 3)), "weight 'embeddings'"),
    ],
)
def test_weights_that_no_memory_holds(make, weight):
    with pytest.raises(ValueError, match=f"layer '.*{weight}"):
        make()


@pytest.mark.parametrize(
    "call",
    [
        lambda la, m: la(m(X)),
        lambda la, m: la(X, mask=m(np.ones((2, 5), bool))),
        lambda la, m: la(X, lengths=m([1, 2])),
        lambda la, m: la(X, initial_state=[m(np.ones((2, 4)))]),
        lambda la, m: la([m(x) for x in X]),
        lambda la, m: la.set_weights([m(w) for w in la.get_weights()]),
        lambda la, m: la.kernel.assign(m(la.kernel.numpy())),
        lambda la, m: la.activation(m(X)),
        lambda la, m: losses.mean_squared_error(m(X), X),
        lambda la, m: losses.mean_squared_error(X, m(X)),
    ],
)
def test_masked_arrays(call):
    layer = layers.GRU(4)
    layer.build((None, 5, 3))
    with pytest.raises(TypeError, match=r"masked array.*filled"):
        call(layer, np.ma.masked_array)


@pytest.mark.parametrize("weights", [5, None, "abc", [None] * 3, [np.ones((3, 12))] + [np.ones(1, complex)] * 2])
def test_set_weights_writes_all_or_nothing(weights):
    layer = layers.GRU(4)
    layer.build((None, 5, 3))
    before = layer.get_weights()
    with pytest.raises(TypeError, match="layer 'gru"):
        layer.set_weights(weights)
    for a, b in zip(layer.get_weights(), before, strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("states", [5, "ab", {}, None])
def test_states_that_are_no_lists(states):
    for layer in (layers.LSTM(3), layers.Bidirectional(layers.LSTM(3))):
        if states is not None:
            with pytest.raises(TypeError, match="initial_state must be a list of arrays"):
                layer(X, initial_state=states)
        with pytest.raises((TypeError, ValueError), match="initial_state"):
            layer(X, initial_state=[states] * (2 if isinstance(layer, layers.LSTM) else 4))


@pytest.mark.parametrize(
    "layer", [layers.Dropout(0.5), layers.Flatten(), layers.InputLayer((5, 3))], ids=lambda la: la.name
)
def test_what_is_passed_on_is_the_callers_own(layer):
    x = X.copy()
    y = layer(x)
    y[:] = 7
    np.testing.assert_array_equal(x, X)


def test_noise_shape_that_does_not_fit():
    with pytest.raises(ValueError, match=r"noise_shape \(None, 4, 1\) does not fit input of shape"):
        layers.Dropout(0.5, (None, 4, 1))(X, training=True)
    assert layers.Dropout(0.5, (None, 1, 3))(X, training=True).shape == X.shape


def test_configs_that_are_none():
    for config in (None, 5, "x", [], object()):
        with pytest.raises((TypeError, ValueError), match=r"a config is a dictionary|unknown layer"):
            layers.deserialize(config)


class Unhashable:
    __hash__ = None

    def __call__(self):
        return 1


def test_what_cannot_be_looked_up():
    with pytest.raises(TypeError, match="must be a name"):
        optimizers.get(Unhashable())
    with pytest.raises(TypeError, match=r"loss 'unhashable' must take \(y_true, y_pred\)"):
        losses.get(Unhashable())


def test_layers_as_activations():
    x = np.random.default_rng(1).normal(size=(2, 5, 3)).astype(np.float32)
    for layer in (layers.LeakyReLU(0.1), layers.ELU(0.5), layers.ReLU(), layers.ReLU(6.0), layers.ReLU(None, 0.3)):
        dense = layers.Dense(4, activation=layer)
        linear = layers.Dense(4)
        linear.build(x.shape)
        dense.build(x.shape)
        linear.set_weights(dense.get_weights())
        np.testing.assert_allclose(dense(x), layer(linear(x)), rtol=1e-6, atol=1e-7)
        assert layers.LSTM(2, activation=layer)(x).shape == (2, 2)
    for layer in (layers.ReLU(2.0), layers.PReLU()):
        with pytest.raises(TypeError, match=r"\(GRU\): activation: .*P?ReLU.* put it behind this layer"):
            layers.GRU(3, activation=layer)


def test_states_of_a_stateful_layer():
    x = np.random.default_rng(1).normal(size=(2, 5, 3)).astype(np.float32)
    layer = layers.LSTM(4, stateful=True)
    assert layer.states is None
    output = layer(x)
    np.testing.assert_array_equal(layer.states[0], output)
    fresh = layers.LSTM(4)
    fresh.build(x.shape)
    fresh.set_weights(layer.get_weights())
    np.testing.assert_array_equal(fresh(x, initial_state=layer.states), layer(x))
    layer.reset_state()
    assert layer.states is None
