"""Files of models with a `call` and of layers made of layers: where their weights lie, and what is told of them."""

import h5py
import numpy as np
import pytest
from composites import Encoder, Reader, randomized

import rnnfast
from rnnfast import layers

RNG = np.random.default_rng(21)
X, Y = RNG.normal(size=(6, 5, 4)).astype(np.float32), RNG.normal(size=(6, 2)).astype(np.float32)


class Whole(rnnfast.Model):
    """Its constructor asks for nothing that every layer has; attributes before and behind `layers`, one of them held
    twice, lists in a dictionary, and private ones."""

    def __init__(self, units):
        super().__init__()
        self.tail = {"x": [layers.Dense(units), Encoder(units)]}
        self.bi = layers.Bidirectional(layers.LSTM(units))
        self.end = self.again = layers.Dense(2)
        self._norm = layers.LayerNormalization()

    def call(self, x):
        dense, encoder = self.tail["x"]
        return self.end(self._norm(self.bi(encoder(dense(x)))))


OWN = {"Whole": Whole, "Encoder": Encoder, "Reader": Reader}


@pytest.fixture
def saved(tmp_path):
    model = Whole(3)
    model.compile("adam", "mse")
    model.fit(X, Y, verbose=0)
    randomized(model).save(tmp_path / "m.keras")
    model.save_weights(tmp_path / "m.weights.h5")
    return model, tmp_path


def test_round_trip(saved):
    model, path = saved
    loaded = rnnfast.load_model(path / "m.keras", custom_objects=OWN)
    assert type(loaded) is Whole and loaded.input_shape == model.input_shape
    expected = model.predict(X, verbose=0)
    np.testing.assert_array_equal(loaded.predict(X, verbose=0), expected)
    for one in (model, loaded):
        one.history = one.fit(X, Y, shuffle=False, verbose=0).history
    assert loaded.history == model.history and loaded.optimizer.iterations == 2
    again = Whole(3)
    again.build((None, 5, 4))
    again.load_weights(path / "m.weights.h5")
    np.testing.assert_array_equal(again.predict(X, verbose=0), expected)


def h5_weights(path):
    """{path of an object: its weights} of a weights file."""
    found = {}

    def visit(name, item):
        if isinstance(item, h5py.Group) and name.split("/")[-1] == "vars" and len(item):
            found[name.removesuffix("/vars")] = [item[str(i)][()] for i in range(len(item))]

    with h5py.File(path / "m.weights.h5") as file:
        file.visititems(visit)
    return found


def test_where_weights_lie(saved):
    """As in Keras: what comes behind `layers` among the attributes lies there, a layer that is held twice once."""
    model, path = saved
    places = {place for place in h5_weights(path) if place != "optimizer"}
    encoder = "layers/encoder"
    assert places == {
        "again", "bi/forward_layer/cell", "bi/backward_layer/cell", "layers/dense", "layers/layer_normalization",
        *(f"{encoder}/{part}" for part in ("ends/layer_normalization", "lift", "mix", "layers/gru/cell")),
    }  # fmt: skip
    assert len(model.weights) == sum(map(len, (h5_weights(path)[place] for place in places)))


def test_inside_other_models(tmp_path):
    x, context = layers.Input((4, 3)), layers.Input((5, 2))
    y = Reader(name="reads")(x, context)["read"]
    model = rnnfast.Model([x, context], Whole(2)(rnnfast.Sequential([layers.Dense(4), Encoder(3)])(y)))
    given = [RNG.normal(size=(2, 4, 3)), RNG.normal(size=(2, 5, 2))]
    randomized(model).save(tmp_path / "m.keras")
    loaded = rnnfast.load_model(tmp_path / "m.keras", custom_objects=OWN)
    np.testing.assert_array_equal(loaded.predict(given, verbose=0), model.predict(given, verbose=0))
    copy = rnnfast.models.clone_model(model)
    copy.set_weights(model.get_weights())
    np.testing.assert_array_equal(copy.predict(given, verbose=0), model.predict(given, verbose=0))


class Counted(rnnfast.Model):
    """Several inputs by name, and a way of its own to be built."""

    def __init__(self, sizes=(3, 2), **options):
        super().__init__(**options)
        self.sizes = sizes

    def call(self, x):
        return self.dense(layers.concatenate([x["a"], x["b"]]))

    def build(self, input_shape):
        self.dense = layers.Dense(self.sizes[0])
        super().build(input_shape)

    def get_build_config(self):
        return {"features": [self.input_shape["a"][-1], self.input_shape["b"][-1]]}

    def build_from_config(self, config):
        a, b = config["features"]
        self.build({"a": (None, a), "b": (None, b)})


def test_what_says_itself_how_it_is_built(tmp_path):
    given = {"a": X[:, 0], "b": X[:, 1, :3]}
    model = Counted()
    model.predict(given, verbose=0)
    randomized(model).save(tmp_path / "m.keras")
    loaded = rnnfast.load_model(tmp_path / "m.keras", custom_objects={"Counted": Counted})
    assert loaded.input_shape == {"a": (None, 4), "b": (None, 3)} and list(loaded.sizes) == [3, 2]
    np.testing.assert_array_equal(loaded.predict(given, verbose=0), model.predict(given, verbose=0))


def test_what_is_refused(saved):
    _, path = saved
    with pytest.raises(ValueError, match=r"m\.keras: config\.json: layer Whole is custom.*custom_objects"):
        rnnfast.load_model(path / "m.keras")
    with pytest.raises(ValueError, match=r"m\.keras.*expected a model with a call of its own for Whole"):
        rnnfast.load_model(path / "m.keras", custom_objects={**OWN, "Whole": Encoder})
    wider = type("Whole", (Whole,), {"__init__": lambda self, units: Whole.__init__(self, units + 1)})
    with pytest.raises(ValueError, match=r"model\.weights\.h5: .*expected shape"):
        rnnfast.load_model(path / "m.keras", custom_objects={**OWN, "Whole": wider})
