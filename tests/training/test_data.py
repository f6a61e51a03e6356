"""What fit, evaluate and predict take: the same numbers in any shape of data train the same weights."""

import warnings

import numpy as np
import pytest
from own_data import ArrowTable, Column, Exchanged, Table, Tensor, as_object
from two_heads import TwoHeads

import rnnfast
from rnnfast import layers, utils
from rnnfast.callbacks import Callback

RNG = np.random.default_rng(0)
X = RNG.normal(size=(20, 4, 3)).astype("float32")
Y = (X[:, :, 0].sum(1) > 0).astype("int64")
W = RNG.uniform(0.5, 2, 20)
WEIGHTS = [RNG.normal(0, 0.5, shape).astype("f4") for shape in ((3, 12), (4, 12), (2, 12), (4, 2), (2,))]


def compiled(**options):
    model = rnnfast.Sequential(
        [layers.Input((4, 3), name="input"), layers.GRU(4), layers.Dense(2, activation="softmax")]
    )
    model.set_weights(WEIGHTS)
    model.compile("sgd", "sparse_categorical_crossentropy", metrics=["accuracy"], **options)
    return model


def cut(size=8, weights=False):
    return [(X[i : i + size], Y[i : i + size], *([W[i : i + size]] * weights)) for i in range(0, 20, size)]


class Batches(utils.PyDataset):
    def __init__(self, batches, **options):
        super().__init__(**options)
        self.batches, self.begun, self.ended, self.seen = batches, 0, 0, []

    def __len__(self):
        return len(self.batches)

    def __getitem__(self, index):
        self.seen.append(index)
        return self.batches[index]

    def on_epoch_begin(self):
        self.begun += 1

    def on_epoch_end(self):
        self.ended += 1


class Loader:
    """Like a PyTorch DataLoader: it can be iterated again and again, and gives lists of tensors."""

    def __init__(self, batches):
        self._batches = batches

    def __len__(self):
        return len(self._batches)

    def __iter__(self):
        return ([Tensor(part) for part in batch] for batch in self._batches)


def same(model, other):
    for a, b in zip(model.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("weights", [False, True])
@pytest.mark.parametrize(
    "data",
    [
        Batches,
        lambda batches: Batches(batches, workers=3, max_queue_size=1),
        Loader,
        lambda batches: iter(batches * 3),
        lambda batches: (batch for batch in [*batches, *batches, *batches]),
        lambda batches: Batches([({"input": x}, [y], *w) for x, y, *w in batches]),
    ],
    ids=["dataset", "threads", "loader", "iterator", "generator", "dictionaries"],
)
def test_batches_train_as_arrays_do(data, weights):
    expected, model = compiled(), compiled()
    given = {"sample_weight": W} if weights else {}
    history = expected.fit(X, Y, batch_size=8, epochs=3, shuffle=False, verbose=0, **given)
    batches = data(cut(weights=weights))
    once = iter(batches) is batches
    steps = {"steps_per_epoch": 3} if once else {}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        got = model.fit(batches, epochs=3, shuffle=False, verbose=0, **steps)
    same(model, expected)
    assert got.history == history.history and got.epoch == [0, 1, 2] and got.params["steps"] == 3


@pytest.mark.parametrize("wrap", [list, lambda a: a.tolist(), Exchanged, Tensor, lambda a: [a], lambda a: {"input": a}])
def test_arrays_of_other_kinds(wrap):
    expected, model = compiled(), compiled()
    expected.fit(X, Y, verbose=0, shuffle=False)
    model.fit(wrap(X), Y, verbose=0, shuffle=False)
    same(model, expected)
    assert model.evaluate(wrap(X), Y, verbose=0) == expected.evaluate(X, Y, verbose=0)
    np.testing.assert_array_equal(model.predict(wrap(X)), expected.predict(X))
    np.testing.assert_array_equal(model.predict_on_batch(wrap(X)), expected.predict_on_batch(X))
    assert model.train_on_batch(wrap(X), Y) == expected.train_on_batch(X, Y)


@pytest.mark.parametrize("table", [Table, ArrowTable])
def test_tables(table):
    x, y, w = RNG.normal(size=(9, 3)), RNG.integers(0, 2, 9), RNG.uniform(size=9)
    models = [rnnfast.Sequential([layers.Input((3,)), layers.RepeatVector(2), layers.GRU(2), layers.Dense(1)])
              for _ in range(2)]  # fmt: skip
    values = [RNG.normal(size=np.shape(a)) for a in models[0].get_weights()]
    for model, given in zip(models, [(x, y, w), (table(a=x[:, 0], b=x[:, 1], c=x[:, 2]), Column(y), Column(w))],
                            strict=True):  # fmt: skip
        model.set_weights(values)
        model.compile("sgd", "mse")
        model.fit(given[0], given[1], sample_weight=given[2], shuffle=False, batch_size=4, verbose=0)
    same(*models)


@pytest.mark.parametrize("table", [Table, ArrowTable])
def test_columns_are_the_inputs_of_their_names(table):
    a, b, y = RNG.normal(size=(6, 5, 3)), RNG.normal(size=(6, 3, 2)), RNG.integers(0, 3, 6)
    model = TwoHeads()
    model.compile("sgd", {"left": "sparse_categorical_crossentropy"})
    expected = model.evaluate([a, b], {"left": y}, verbose=0)
    given = table(b=as_object(b), a=as_object(a), left=y)
    assert model.evaluate(given, table(left=y, right=y), verbose=0) == expected


def test_validation_on_anything():
    expected = compiled().fit(X, Y, epochs=2, verbose=0, shuffle=False, validation_data=(X, Y, W)).history
    for data, options in (
        ([X, Y, W], {}),
        (Batches([(X, Y, W)]), {}),
        (Loader([(X, Y, W)]), {}),
        (iter([(X, Y, W), (X, Y, W)]), {"validation_steps": 1}),
    ):
        history = (
            compiled()
            .fit(X, Y, epochs=2, verbose=0, shuffle=False, validation_data=data, validation_batch_size=20, **options)
            .history
        )
        assert history["loss"] == expected["loss"]
        assert history["val_loss"] == pytest.approx(expected["val_loss"], rel=1e-6)
    some = compiled().fit(X, Y, epochs=5, verbose=0, validation_data=(X, Y), validation_freq=[2, 5]).history
    assert len(some["val_loss"]) == 2
    data = Batches(cut(4))
    compiled().fit(X, Y, verbose=0, validation_data=data, validation_steps=2, epochs=2)
    assert data.seen == [0, 1, 0, 1]  # each validation begins anew


def test_evaluate_and_predict_on_batches():
    model = compiled()
    expected = model.evaluate(X, Y, sample_weight=W, batch_size=8, verbose=0)
    outputs = model.predict(X)
    for data in (Batches, Loader, iter):
        assert model.evaluate(data(cut(weights=True)), verbose=0) == expected
        np.testing.assert_array_equal(model.predict(data(cut(weights=True))), outputs)
    np.testing.assert_array_equal(model.predict(Batches([x for x, _ in cut()])), outputs)
    np.testing.assert_array_equal(model.predict(Loader([(x,) for x, _ in cut()]), steps=2), outputs[:16])
    assert model.evaluate(iter(cut()), steps=1, verbose=0) == pytest.approx(model.evaluate(X[:8], Y[:8], verbose=0))


def test_orders_of_a_dataset():
    data = Batches(cut(4))
    utils.set_random_seed(1)
    compiled().fit(data, epochs=2, verbose=0)
    first, second = data.seen[:5], data.seen[5:]
    assert sorted(first) == sorted(second) == list(range(5)) and first != second
    assert (data.begun, data.ended) == (2, 2)


def test_steps_per_epoch_go_on_where_the_last_epoch_ended():
    data, epochs = Batches(cut(4)), []

    class Record(Callback):
        def on_epoch_end(self, epoch, logs=None):
            epochs.append(data.seen[:])
            data.seen.clear()

    history = compiled().fit(data, epochs=2, steps_per_epoch=5, shuffle=False, verbose=0, callbacks=[Record()])
    assert epochs == [[0, 1, 2, 3, 4]] * 2 and history.params["steps"] == 5
    epochs.clear()
    with pytest.warns(UserWarning, match="fit: the data ended after batch 1 of an epoch of 2, which ends with it"):
        compiled().fit(data, epochs=4, steps_per_epoch=2, shuffle=False, verbose=0, callbacks=[Record()])
    assert epochs == [[0, 1], [2, 3], [4], [0, 1]]


def test_steps_choose_the_batch_size_of_arrays():
    model, other = compiled(), compiled()
    history = model.fit(X, Y, steps_per_epoch=3, shuffle=False, verbose=0)
    other.fit(X, Y, batch_size=7, shuffle=False, verbose=0)
    same(model, other)
    assert history.params["steps"] == 3 and model.optimizer.iterations == 3
    split = compiled().fit(X, Y, steps_per_epoch=4, validation_split=0.2, verbose=0)
    assert split.params["steps"] == 4 and split.model.optimizer.iterations == 4


def test_a_generator_that_ends_too_soon():
    model = compiled()
    with pytest.warns(UserWarning, match="fit: the data ended after batch 1 of an epoch of 2"):
        history = model.fit(iter(cut()), epochs=2, steps_per_epoch=2, verbose=0)
    assert history.epoch == [0, 1] and model.optimizer.iterations == 3
    with pytest.warns(UserWarning, match="fit: x has come to its end after epoch 1 of 3, and training with it"):
        history = compiled().fit(iter(cut()), epochs=3, verbose=0)
    assert history.epoch == [0]
    with pytest.warns(UserWarning, match="after epoch 3 of 9"):
        history = compiled().fit(iter(cut()), epochs=9, steps_per_epoch=1, verbose=0)
    assert history.epoch == [0, 1, 2]
    history = compiled().fit(X, Y, epochs=3, verbose=0, validation_data=iter([(X, Y)] * 2), validation_steps=1).history
    assert len(history["val_loss"]) == 2  # the third has no data


def test_masks_of_batches_and_steps_without_any():
    tokens, labels = RNG.integers(1, 6, (6, 5)), RNG.integers(0, 3, (6, 5))
    tokens[2:, 3:], tokens[4] = 0, 0
    model = rnnfast.Sequential(
        [layers.Embedding(6, 3, mask_zero=True), layers.GRU(4, return_sequences=True), layers.Dense(3, "softmax")]
    )
    model.compile("sgd", "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.build((None, 5))
    loss, accuracy = model.evaluate(Loader([(tokens, labels)]), verbose=0)
    probabilities, real = model.predict(tokens), tokens != 0
    right = probabilities.argmax(-1) == labels
    chosen = np.take_along_axis(probabilities, labels[..., None], -1)[..., 0]
    assert loss == pytest.approx(-np.log(chosen[real]).mean(), rel=1e-5)
    assert accuracy == pytest.approx(right[real].mean())
    before = model.get_weights()
    nothing = np.zeros_like(tokens)
    assert model.train_on_batch(nothing, labels) == [0.0, 0.0]
    assert model.fit(nothing, labels, verbose=0, tbptt=2).history == {"loss": [0.0], "accuracy": [0.0]}
    for old, new in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


BAD = [
    (lambda m: m.fit(iter([(X, Y), (X[:, :, :2], Y)]), verbose=0), ValueError, r"fit: batch 2: .*\(20, 4, 2\)"),
    (lambda m: m.fit(iter([(X, Y), (X, Y + 1)]), verbose=0), ValueError, "fit: batch 2: .*class 2 in y_true is out"),
    (lambda m: m.fit(iter([(X, Y), X]), verbose=0), ValueError, "fit: batch 2: y is missing"),
    (lambda m: m.fit(iter([(X, Y, W, W)]), verbose=0), ValueError, "fit: batch 1: expected x, .* got 4 values"),
    (lambda m: m.fit(iter([(X[:0], Y[:0])]), verbose=0), ValueError, "fit: batch 1: x has no samples"),
    (lambda m: m.fit(iter([(X, Y[:3])]), verbose=0), ValueError, "fit: batch 1: x has 20 samples, y has"),
    (lambda m: m.fit(iter([("x", Y)]), verbose=0), TypeError, "fit: batch 1: x must be an array, got str"),
    (lambda m: m.fit(iter([]), verbose=0), ValueError, "fit: the data gave no batch"),
    (lambda m: m.fit(Batches([]), verbose=0), ValueError, "fit: the data gave no batch"),
    (lambda m: m.evaluate(iter([]), verbose=0), ValueError, "evaluate: the data gave no batch"),
    (lambda m: m.predict(iter([])), ValueError, "predict: the data gave no batch"),
    (lambda m: m.fit(Batches(cut()), validation_split=0.5), ValueError, "validation_split needs arrays"),
    (lambda m: m.fit(Batches(cut()), Y), ValueError, "fit: y must be left out where x gives batches"),
    (lambda m: m.fit(Batches(cut()), sample_weight=W), ValueError, "fit: sample_weight must be left out"),
    (lambda m: m.fit(X, Y, epochs=2, validation_data=iter(cut())), ValueError, "validation_data is an iterator"),
    (lambda m: m.fit(X, Y, validation_data=iter([(X, Y + 2)]), verbose=0), ValueError, "validation_data: batch 1: "),
    (lambda m: m.fit(X, Y, validation_data=()), ValueError, "validation_data must be"),
    (lambda m: m.fit(X, Y, validation_data=5), TypeError, "fit: validation_data: x must be an array"),
    (lambda m: m.fit(X, Y, validation_freq=[1, 0]), ValueError, "validation_freq must be a positive integer"),
    (lambda m: m.fit(utils.PyDataset(), verbose=0), TypeError, "defines neither __len__ nor num_batches"),
    (lambda m: m.predict(iter(cut()), steps=0), ValueError, "predict: steps must be a positive integer"),
    (lambda m: m.evaluate(X, Y, steps=0), ValueError, "evaluate: steps must be a positive integer"),
]


@pytest.mark.parametrize(("call", "kind", "message"), BAD)
def test_errors(call, kind, message):
    with pytest.raises(kind, match=message):
        call(compiled())


def test_class_weights_of_batches():
    expected, model = compiled(), compiled()
    expected.fit(X, Y, class_weight={0: 3.0}, batch_size=8, shuffle=False, verbose=0)
    model.fit(Batches(cut()), class_weight={0: 3.0}, shuffle=False, verbose=0)
    same(model, expected)
    with pytest.raises(ValueError, match="batch 1: give either sample_weight or class_weight"):
        model.fit(Batches(cut(weights=True)), class_weight={0: 3.0}, verbose=0)


def test_the_first_batch_builds_a_model():
    model = rnnfast.Sequential([layers.GRU(3), layers.Dense(1)])
    assert model.predict(iter([X[:2], X[2:5]])).shape == (5, 1)
    other = rnnfast.Sequential([layers.GRU(3), layers.Dense(1)])
    other.compile("sgd", "mse")
    other.fit(iter(cut()), verbose=0)
    assert other.built and other.input_shape == (None, None, 3)


def test_stop_training_within_an_epoch():
    class Stop(Callback):
        def on_train_batch_end(self, batch, logs=None):
            self.model.stop_training = batch == 1

    model = compiled()
    assert model.fit(X, Y, batch_size=4, epochs=5, verbose=0, callbacks=[Stop()]).epoch == [0]
    assert model.optimizer.iterations == 2
