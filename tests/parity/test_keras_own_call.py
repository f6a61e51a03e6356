"""Layers made of layers and models with a `call`, written once for real Keras and rnnfast: what they compute, how they
are trained, and their files in both directions."""

import numpy as np
import pytest

import rnnfast

pytest.importorskip("h5py", reason="h5py is not installed (pip install '.[keras]')")

RNG = np.random.default_rng(37)
X = RNG.normal(size=(6, 5, 4)).astype(np.float32)
TOKENS = RNG.integers(0, 5, (6, 5))
Y = RNG.normal(size=(6, 2)).astype(np.float32)


def own(n, package):
    """The classes, in the namespace `n`."""
    register = n.saving.register_keras_serializable(package)

    @register
    class Encoder(n.layers.Layer):
        """Layers in every kind of attribute; a weight of its own that is only kept."""

        def __init__(self, units, **options):
            super().__init__(**options)
            self.units = units
            self.steps = [n.layers.GRU(units, return_sequences=True), n.layers.Dense(units, "tanh")]
            self._norm = n.layers.LayerNormalization()
            self.by_name = {"b": n.layers.Dense(units), "a": [n.layers.Dense(units, "relu")]}
            self.add = n.layers.Add()

        def build(self, input_shape):
            self.kept = self.add_weight(shape=(2,), initializer="ones", trainable=False, name="kept")

        def call(self, x):
            y = x
            for layer in self.steps:
                y = layer(y)
            return self._norm(self.add([self.by_name["b"](y), self.by_name["a"][0](x)]))

        def get_config(self):
            return {**super().get_config(), "units": self.units}

    @register
    class Attends(n.layers.Layer):
        """Two arguments, a build that takes both shapes, and no get_config."""

        def __init__(self, units=3, **options):
            super().__init__(**options)
            self.units = units
            self.attention = n.layers.Attention()

        def build(self, query_shape, value_shape):
            self.key = n.layers.Dense(self.units)
            self.key.build(value_shape)

        def call(self, query, value):
            return self.attention([query, self.key(value)])

        def compute_output_shape(self, query_shape, value_shape=None):
            return (*query_shape[:-1], self.units)

    @register
    class Whole(n.Model):
        """Attributes before and behind `layers`, one layer held twice, a block in it."""

        def __init__(self, units=3, **options):
            super().__init__(**options)
            self.words = n.layers.Embedding(5, 4, mask_zero=True)
            self.blocks = [Encoder(units) for _ in range(2)]
            self.a_rnn = n.layers.Bidirectional(n.layers.LSTM(units))
            self.last = self.end = n.layers.Dense(2)

        def call(self, tokens, training=False):
            y = self.words(tokens)
            for block in self.blocks:
                y = block(y)
            return self.end(self.a_rnn(y))

    return Encoder, Attends, Whole


def layers_in_models(n, package):
    encoder, attends, _ = own(n, package)
    query, value = n.layers.Input((5, 4)), n.layers.Input((5, 4))
    shared = encoder(4)
    y = attends(4)(shared(query), shared(value))
    return n.Model([query, value], n.layers.Dense(2)(n.layers.GRU(3)(y)))


def whole(n, package):
    return own(n, package)[2]()


CASES = {"layers": (layers_in_models, [X, X[::-1].copy()]), "model": (whole, TOKENS)}


@pytest.mark.parametrize("case", CASES)
def test_training(twins, same_output, same_step, case):
    make, x = CASES[case]

    def build(n):
        model = make(n, f"step_{case}")
        model.predict(x, verbose=0)
        return model

    peer, fast = twins(build)
    same_output(fast.predict(x, verbose=0), peer.predict(x, verbose=0))
    assert fast.explain().off_engine is None
    same_step(peer, fast, x, Y, "mse")


@pytest.mark.parametrize("to_keras", [True, False])
@pytest.mark.parametrize("case", CASES)
def test_files(keras, same_output, randomize, tmp_path, case, to_keras):
    make, x = CASES[case]
    source, target = (rnnfast, keras) if to_keras else (keras, rnnfast)
    package = f"file_{case}_{to_keras}"
    other = make(target, package)  # registered there, too
    model = make(source, package)
    model.compile("adam", "mse")
    model.fit(x, Y, verbose=0)
    randomize(model)
    expected = model.predict(x, verbose=0)
    model.save(tmp_path / "m.keras")
    loaded = target.models.load_model(tmp_path / "m.keras")
    same_output(loaded.predict(x, verbose=0), expected, "model")
    assert int(loaded.optimizer.iterations) == 1
    loaded.fit(x, Y, verbose=0)

    model.save_weights(tmp_path / "m.weights.h5")
    other.predict(x, verbose=0)
    other.load_weights(tmp_path / "m.weights.h5")
    same_output(other.predict(x, verbose=0), expected, "weights")
