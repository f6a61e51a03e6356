"""Small things that programs written for Keras do."""

import numpy as np
import pytest

import rnnfast
from rnnfast import keras, layers

X, Y = np.random.default_rng(0).normal(size=(8, 5, 3)), np.random.default_rng(1).normal(size=(8, 1))


def test_variables_are_counted_with():
    variable = layers.Dense(2).add_weight("w", (2,), keras.initializers.Constant(np.array([1.0, -3.0])))
    variable.assign_add([1.0, 1.0])
    variable.assign_sub(np.array([0.5, 0.0]))
    assert variable.numpy().tolist() == [1.5, -2.0] and variable.version == 2
    assert (2 * variable + 1).tolist() == [4.0, -3.0] and (1 - variable / 2).tolist() == [0.25, 2.0]
    assert (-(variable**2)).tolist() == [-2.25, -4.0] and variable[1] == -2
    assert (np.ones((1, 2)) @ variable).tolist() == (variable @ np.ones((2, 1))).tolist() == [-0.5]
    assert (variable - variable).tolist() == [0, 0] and abs(variable).tolist() == [1.5, 2.0]
    assert (variable // 1).tolist() == [1, -2] and (variable % 2).tolist() == [1.5, 0] and (2**variable)[1] == 0.25
    numbers = (variable * 0.5, 1.0 - variable, variable / 2, variable**2, 2.0**variable, variable * variable)
    assert {value.dtype.name for value in numbers} == {"float32"}
    assert (variable * np.ones(2)).dtype == np.float64 and variable.ndim == 1


def test_a_layer_of_ones_own_that_computes_with_its_weights_predicts():
    class Linear(layers.Layer):
        def build(self, input_shape):
            self.w = self.add_weight(shape=(input_shape[-1], 4), initializer="random_normal")
            self.b = self.add_weight(shape=(4,), initializer="ones")

        def call(self, x):
            return keras.ops.matmul(x, self.w) + self.b

    model = keras.Sequential([keras.Input((3,)), Linear(), layers.Dense(1)])
    hidden = X[:, 0].astype("float32") @ model.layers[0].w.value + 1
    np.testing.assert_allclose(model.predict(X[:, 0], verbose=0), model.layers[1](hidden), atol=1e-6)
    model.compile("sgd", "mse")
    with pytest.raises(TypeError, match=r"ops\.matmul is not defined .*the layer Dense, Dot or Attention"):
        model.fit(X[:, 0], Y, verbose=0)


def test_metrics_by_their_functions():
    model = keras.Sequential([keras.Input((5, 3)), layers.LSTM(2), layers.Dense(3, activation="softmax")])
    of_functions = [keras.metrics.sparse_categorical_accuracy, keras.metrics.sparse_top_k_categorical_accuracy]
    model.compile("sgd", "sparse_categorical_crossentropy", metrics=of_functions)
    history = model.fit(X, np.arange(8) % 3, verbose=0).history
    assert set(history) == {"loss", "sparse_categorical_accuracy", "sparse_top_k_categorical_accuracy"}
    model.compile("sgd", "mse", metrics=[keras.metrics.binary_accuracy])
    assert "binary_accuracy" in model.fit(X, np.eye(3)[np.arange(8) % 3], verbose=0).history


def test_older_arguments():
    with pytest.warns(DeprecationWarning, match=r"SGD: argument decay= .*no effect.*InverseTimeDecay"):
        optimizer = keras.optimizers.SGD(0.1, decay=1e-6)
    assert optimizer.learning_rate == 0.1
    assert keras.Input((3,), sparse=False).shape == (None, 3)
    with pytest.raises(ValueError, match="ragged=True is not supported: inputs are arrays"):
        keras.Input((None, 3), ragged=True)
    assert layers.MaxPool1D is layers.MaxPooling1D and keras.__version__ == rnnfast.__version__


def test_settings():
    keras.config.disable_traceback_filtering()
    keras.backend.set_floatx("float32")
    assert keras.backend.backend() == "rnnfast" and keras.config.image_data_format() == "channels_last"
    with pytest.raises(ValueError, match="got 'float64'; give each layer dtype="):
        keras.backend.set_floatx("float64")


def test_a_layer_that_wants_a_mask():
    class Kept(layers.Layer):
        def call(self, x, mask=None):
            assert mask is not None
            return x * mask[..., None]

    tokens = keras.Input((None,), dtype="int32")
    model = keras.Model(tokens, Kept()(layers.Embedding(9, 4, mask_zero=True)(tokens)))
    given = model.predict(np.array([[3, 4, 0]]), verbose=0)
    assert given.shape == (1, 3, 4) and (given[0, 2] == 0).all() and (given[0, 0] != 0).any()


def test_random_numbers():
    tf, random = rnnfast, keras.random
    drawn = []
    for _ in range(2):
        tf.random.set_seed(5)
        drawn.append(random.normal((1000,), 2.0, 0.5))
    assert np.array_equal(*drawn) and drawn[0].dtype == np.float32
    assert abs(drawn[0].mean() - 2) < 0.1 and abs(drawn[0].std() - 0.5) < 0.1
    assert np.array_equal(random.uniform((3,), seed=4), random.uniform((3,), seed=4))
    assert not np.array_equal(random.uniform((3,)), random.uniform((3,)))
    seeds = random.SeedGenerator(1)
    integers = random.randint((2, 500), 3, 6, seed=seeds)
    assert set(integers.ravel()) == {3, 4, 5} and not np.array_equal(integers[0], integers[1])
    shuffled = random.shuffle(np.arange(12).reshape(3, 4), axis=1, seed=random.SeedGenerator.from_config({"seed": 2}))
    assert (np.sort(shuffled, axis=1) == np.arange(12).reshape(3, 4)).all()


def test_whole_numbers_keep_their_values():
    ops = keras.ops
    for made in (ops.convert_to_tensor([2**40, 1]), ops.arange(2**40, 2**40 - 2, -1), ops.array(-(2**31) - 1)):
        assert made.dtype == np.int64
    assert ops.convert_to_tensor([2**40, 1]).tolist() == [2**40, 1]
    assert ops.arange(2**31 - 3, 2**31).dtype == ops.array(-(2**31)).dtype == ops.arange(0).dtype == np.int32
