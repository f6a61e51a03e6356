"""Classes and functions of the user's own in files between real Keras and rnnfast: one program, two namespaces."""

import numpy as np
import pytest

import rnnfast

pytest.importorskip("h5py", reason="h5py is not installed (pip install '.[keras]')")

RNG = np.random.default_rng(31)
X = RNG.normal(size=(6, 5, 4)).astype(np.float32)


def own(n, package):
    """A layer, a layer made of layers, an initializer and a constraint, as Keras' guides write them."""

    @n.saving.register_keras_serializable(package)
    class Shift(n.layers.Layer):
        def __init__(self, factor=1.0, **options):
            super().__init__(**options)
            self.factor = factor

        def build(self, input_shape):
            self.shift = self.add_weight(shape=(input_shape[-1],), initializer="random_normal", name="shift")

        def call(self, x):
            return x * self.factor + self.shift

        def get_config(self):
            return {**super().get_config(), "factor": self.factor}

    @n.saving.register_keras_serializable(package)
    class Both(n.layers.Layer):
        def __init__(self, units, **options):
            super().__init__(**options)
            self.units = units
            self.b_dense = n.layers.Dense(units, activation="tanh")
            self.a_rnn = n.layers.GRU(units, return_sequences=True)

        def build(self, input_shape):
            self.a_rnn.build(input_shape)
            self.b_dense.build((*input_shape[:-1], self.units))

        def call(self, x):
            return self.b_dense(self.a_rnn(x))

        def compute_output_shape(self, input_shape):
            return (*input_shape[:-1], self.units)

        def get_config(self):
            return {**super().get_config(), "units": self.units}

    @n.saving.register_keras_serializable(package)
    class Third(n.initializers.Initializer):
        def __call__(self, shape, dtype=None):
            return n.initializers.Constant(1 / 3)(shape, dtype)

    @n.saving.register_keras_serializable(package, name="keep")
    def kept(w):
        return w

    return Shift, Both, Third, kept


def build(n, package):
    shift, both, third, kept = own(n, package)
    return n.Sequential(
        [
            n.layers.Input((5, 4)),
            shift(0.5),
            both(3),
            n.layers.LSTM(3, kernel_initializer=third(), kernel_constraint=kept),
            n.layers.Dense(2, bias_initializer=third()),
        ]
    )


@pytest.mark.parametrize("to_keras", [True, False])
def test_files(keras, same_output, randomize, tmp_path, to_keras):
    source, target = (rnnfast, keras) if to_keras else (keras, rnnfast)
    package = f"parity_{to_keras}"
    own(target, package)  # registered there, too
    model = build(source, package)
    for layer in [*model.layers, model.layers[1].a_rnn, model.layers[1].b_dense]:
        randomize(layer)
    model.save(tmp_path / "m.keras")
    loaded = target.models.load_model(tmp_path / "m.keras")
    assert [type(layer).__name__ for layer in loaded.layers] == ["Shift", "Both", "LSTM", "Dense"]
    assert type(loaded.layers[2].kernel_initializer).__name__ == "Third"
    same_output(loaded.predict(X, verbose=0), model.predict(X, verbose=0))


def test_functions_as_initializers(keras, same_output):
    """The same values reach every weight."""

    def waves(shape, dtype=None):
        return np.sin(np.arange(np.prod(shape))).reshape(shape).astype("float32") / 4

    def model(n):
        return n.Sequential(
            [
                n.layers.Input((5, 4)),
                n.layers.Bidirectional(n.layers.LSTM(3, kernel_initializer=waves, return_sequences=True)),
                n.layers.GRU(2, recurrent_initializer=waves, bias_initializer=n.initializers.zeros()),
                n.layers.Dense(3, kernel_initializer=waves),
            ]
        )

    with keras.saving.custom_object_scope({"waves": waves}):  # Keras' Bidirectional looks it up
        peer = model(keras)
    fast = model(rnnfast)
    for i in (0, 3, 7, 9):
        same_output(fast.get_weights()[i], peer.get_weights()[i], fast.weights[i].path)


def test_lookups(keras):
    def thing(x):
        return x

    for n in (keras, rnnfast):
        for room in (n.saving, n.utils):
            assert room.get_registered_name(thing) == "thing"
            with room.custom_object_scope({"thing": thing}):
                assert room.get_registered_object("thing") is thing
            assert room.get_registered_object("thing") is None
            assert room.get_registered_object("thing", custom_objects={"thing": thing}) is thing
        n.saving.register_keras_serializable("pack", name="other")(thing)
        assert n.utils.get_registered_name(thing) == "pack>other"
        assert n.utils.get_custom_objects().pop("pack>other") is thing


@pytest.mark.parametrize("module", [__name__, "__main__"])
def test_names_of_built_in_ones(keras, tmp_path, module):
    """A class, or a function, of one's own that Keras has saved is not taken for the built-in one of its name."""

    def ones(shape, dtype=None):
        return keras.ops.full(shape, 2.0, dtype)

    def own(base):
        return type("Dense", (base.Dense,), {"__module__": module})

    ones.__module__ = module
    for layer, name in (
        (own(keras.layers)(2), "Dense"),
        (keras.layers.Dense(2, kernel_initializer=ones), "ones"),
    ):
        keras.Sequential([keras.layers.Input((4,)), layer]).save(tmp_path / "m.keras")
        with pytest.raises(ValueError, match=f"{name} is custom"):
            rnnfast.load_model(tmp_path / "m.keras")
    for source, target in ((keras, rnnfast), (rnnfast, keras)):
        layers = [source.layers.Input((4,)), own(source.layers)(2), source.layers.Dense(3)]
        source.Sequential(layers).save(tmp_path / "m.keras")
        made = own(target.layers)
        loaded = target.models.load_model(tmp_path / "m.keras", custom_objects={"Dense": made})
        assert [type(layer) for layer in loaded.layers] == [made, target.layers.Dense]
