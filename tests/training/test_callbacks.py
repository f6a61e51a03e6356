"""Callbacks: when they act, what they leave behind, what they refuse."""

import csv
import math
import sys

import numpy as np
import pytest

import rnnfast
from rnnfast import callbacks, metrics
from rnnfast.callbacks import Callback

RNG = np.random.default_rng(2)
X, Y = RNG.normal(size=(24, 5, 3)).astype("float32"), RNG.normal(size=(24, 1)).astype("float32")


def model(optimizer="sgd", loss="mse"):
    rnnfast.utils.set_random_seed(1)
    layers = rnnfast.layers
    made = rnnfast.Sequential([layers.Input((5, 3)), layers.GRU(4), layers.Dense(1)])
    made.compile(optimizer, loss, metrics=["mae"])
    return made


class Script(Callback):
    """Puts numbers of its own into the logs, and keeps the weights and learning rates that it sees."""

    def __init__(self, **numbers):
        self.numbers, self.weights, self.rates = numbers, [], []

    def on_epoch_end(self, epoch, logs=None):
        logs |= {name: values[epoch] for name, values in self.numbers.items()}
        self.weights.append(self.model.get_weights())
        self.rates.append(self.model.optimizer.learning_rate)


def fit(epochs, *given, made=None, **options):
    made = made or model()
    return made.fit(X, Y, batch_size=8, epochs=epochs, verbose=0, callbacks=list(given), **options).history, made


def test_what_callbacks_add_to_logs_stays_in_the_epoch():
    ends = []
    last = callbacks.LambdaCallback(on_train_end=lambda logs: ends.append(dict(logs)))
    history, _ = fit(2, Script(own=[1.0, 2.0]), last)
    assert history["own"] == [1.0, 2.0] and ends == [{name: history[name][-1] for name in ("loss", "mae")}]


@pytest.mark.parametrize(
    ("options", "epochs", "best"),
    [
        ({}, 4, 2),  # patience 0: the first epoch that is not better
        ({"patience": 2}, 5, 2),
        ({"patience": 3}, 7, 5),
        ({"patience": 1, "mode": "max"}, 2, 0),
        ({"min_delta": 0.5, "patience": 1}, 3, 1),
        ({"patience": 1, "start_from_epoch": 3}, 7, 5),
        ({"patience": 2, "baseline": 1.0}, 4, 2),
    ],
)
def test_early_stopping(options, epochs, best):
    script = Script(val_loss=[5.0, 4.0, 3.8, 4.5, 4.2, 3.0, 3.5])
    stop = callbacks.EarlyStopping(restore_best_weights=True, **options)
    history, made = fit(7, script, stop)
    assert len(history["loss"]) == epochs
    for actual, expected in zip(made.get_weights(), script.weights[best], strict=True):
        np.testing.assert_array_equal(actual, expected)


def test_what_is_better():
    for name, way in {"val_loss": "down", "a_loss": "down", "val_acc": "up", "mae": "down", "auc": "up"}.items():
        assert metrics.direction_of(name.removeprefix("val_")) == way
    with pytest.raises(ValueError, match="EarlyStopping: whether more or less of 'speed'"):
        fit(2, Script(speed=[1.0, 2.0]), callbacks.EarlyStopping("speed"))
    with pytest.warns(UserWarning, match="no 'val_loss' in the logs, which have: loss, mae"):
        assert len(fit(2, callbacks.EarlyStopping())[0]["loss"]) == 2


def test_reduce_lr_on_plateau():
    script = Script(val_loss=[1.0, 1.0, 1.0, 1.0, 1.0, 0.5, 0.5, 0.5])
    reduce = callbacks.ReduceLROnPlateau(factor=0.1, patience=2, cooldown=1, min_lr=2e-4)
    history, _ = fit(8, script, reduce)
    assert script.rates == pytest.approx([0.01, 0.01, 0.01, 1e-3, 1e-3, 2e-4, 2e-4, 2e-4])
    assert history["learning_rate"] == pytest.approx(script.rates)


def test_learning_rate_scheduler(capsys):
    history, _ = fit(3, callbacks.LearningRateScheduler(lambda epoch, rate: rate / (epoch + 1), verbose=1))
    assert history["learning_rate"] == pytest.approx([0.01, 0.005, 0.005 / 3])
    assert "Epoch 2: learning rate set to 0.005." in capsys.readouterr().out
    assert fit(2, callbacks.LearningRateScheduler(lambda epoch: 0.25))[0]["learning_rate"] == [0.25, 0.25]
    with pytest.raises(ValueError, match="what schedule returns must be a number, got 'no'"):
        fit(1, callbacks.LearningRateScheduler(lambda epoch: "no"))


def test_model_checkpoint(tmp_path):
    pytest.importorskip("h5py")
    script = Script(val_loss=[3.0, 1.0, 2.0, 0.5])
    every = callbacks.ModelCheckpoint(tmp_path / "all" / "{epoch:02d}-{val_loss:.1f}.keras")
    best = callbacks.ModelCheckpoint(tmp_path / "best-{epoch}.keras", save_best_only=True)
    batches = callbacks.ModelCheckpoint(str(tmp_path / "batch-{epoch}-{batch}.keras"), save_freq=5)
    fit(4, script, every, best, batches)
    assert sorted(p.name for p in (tmp_path / "all").iterdir()) == [
        "01-3.0.keras", "02-1.0.keras", "03-2.0.keras", "04-0.5.keras"
    ]  # fmt: skip
    assert sorted(p.name for p in tmp_path.glob("b*")) == [
        "batch-2-2.keras", "batch-4-1.keras", "best-1.keras", "best-2.keras", "best-4.keras"
    ]  # fmt: skip
    loaded = rnnfast.load_model(tmp_path / "best-2.keras")
    for actual, expected in zip(loaded.get_weights(), script.weights[1], strict=True):
        np.testing.assert_array_equal(actual, expected)
    weights = callbacks.ModelCheckpoint(tmp_path / "{epoch}.weights.h5", save_weights_only=True)
    script = Script()
    fit(2, script, weights)
    again = model()
    again.load_weights(tmp_path / "1.weights.h5")
    for actual, expected in zip(again.get_weights(), script.weights[0], strict=True):
        np.testing.assert_array_equal(actual, expected)
    for call in (lambda: again.save_weights(tmp_path / "1.weights.h5", overwrite=False),
                 lambda: again.load_weights(tmp_path / "best-2.keras"),
                 lambda: rnnfast.Sequential([rnnfast.layers.GRU(2)]).save_weights("a.weights.h5")):  # fmt: skip
        with pytest.raises(ValueError, match="_weights: "):
            call()
    with pytest.raises(ValueError, match="filepath names 'nothing', there are: epoch, loss, mae"):
        fit(1, callbacks.ModelCheckpoint(tmp_path / "{nothing}.keras"))


def test_csv_logger(tmp_path):
    path = tmp_path / "log.csv"
    fit(2, callbacks.CSVLogger(path, separator=";"))
    made = fit(1, callbacks.CSVLogger(path, separator=";", append=True))[1]
    rows = list(csv.DictReader(path.open(), delimiter=";"))
    assert list(rows[0]) == ["epoch", "loss", "mae", "val_loss", "val_mae"]
    assert [row["epoch"] for row in rows] == ["0", "1", "0"] and rows[0]["val_loss"] == "NA"
    fit(1, callbacks.CSVLogger(path), made=made, validation_split=0.25)
    (row,) = csv.DictReader(path.open())
    assert list(row) == ["epoch", "loss", "mae", "val_loss", "val_mae"] and float(row["val_loss"]) > 0


def test_terminate_on_nan(capsys):
    made = model("sgd", rnnfast.losses.MeanSquaredError())
    made.optimizer.learning_rate = 1e30
    with pytest.warns(RuntimeWarning, match="overflow"):
        history, _ = fit(5, callbacks.TerminateOnNaN(), made=made)
    assert len(history["loss"]) == 1 and math.isnan(history["loss"][0])
    assert "Training ends here" in capsys.readouterr().out
    assert all(np.isfinite(w).all() for w in made.get_weights())
    with pytest.raises(ValueError, match="epoch 1"), pytest.warns(RuntimeWarning, match="overflow"):
        fit(1, callbacks.TerminateOnNaN(raise_error=True), made=made)


def test_lambda_callback():
    calls = []
    hooks = {name: (lambda *a, name=name: calls.append(name)) for name in ("on_epoch_end", "on_test_begin")}
    fit(2, callbacks.LambdaCallback(on_train_begin=lambda logs=None: calls.append("on_train_begin"), **hooks),
        validation_split=0.25)  # fmt: skip
    assert calls == ["on_train_begin", "on_test_begin", "on_epoch_end", "on_test_begin", "on_epoch_end"]
    with pytest.raises(ValueError, match=r"on_epoch_edn.*on_epoch_end"):
        callbacks.LambdaCallback(on_epoch_edn=print)


def test_tensorboard(tmp_path):
    pytest.importorskip("tensorboard", reason="TensorBoard is not installed (pip install '.[tensorboard]')")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    board = callbacks.TensorBoard(tmp_path, histogram_freq=1, update_freq=2, write_steps_per_second=True)
    history, made = fit(2, board, validation_split=0.25)
    train, validation = (EventAccumulator(str(tmp_path / part)).Reload() for part in ("train", "validation"))
    names = {"batch_loss", "batch_mae", "epoch_learning_rate", "epoch_loss", "epoch_mae", "epoch_steps_per_second"}
    tags = train.Tags()
    assert names <= set(tags["scalars"] + tags["tensors"])
    assert {f"{w.path}/histogram" for w in made.weights} <= set(tags["tensors"] + tags["histograms"])
    tags = validation.Tags()
    assert {"epoch_loss", "evaluation_loss_vs_iterations"} <= set(tags["scalars"] + tags["tensors"])
    from tensorboard.util.tensor_util import make_ndarray

    values = [make_ndarray(e.tensor_proto).item() for e in train.Tensors("epoch_loss")]
    assert values == pytest.approx(history["loss"])


def test_tensorboard_is_missing(monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorboard.summary", None)
    monkeypatch.setitem(sys.modules, "tensorboard", None)
    with pytest.raises(ImportError, match=r'pip install "rnnfast\[tensorboard\]"'):
        callbacks.TensorBoard()


@pytest.mark.parametrize(
    ("call", "kind", "message"),
    [
        (lambda: callbacks.EarlyStopping(mode="best"), ValueError, "EarlyStopping: mode"),
        (lambda: callbacks.EarlyStopping(patience=-1), ValueError, "patience"),
        (lambda: callbacks.EarlyStopping(monitor=3), TypeError, "monitor"),
        (lambda: callbacks.ReduceLROnPlateau(factor=1.0), ValueError, "factor"),
        (lambda: callbacks.ModelCheckpoint("model.h5"), ValueError, "'.keras', got 'model.h5'"),
        (lambda: callbacks.ModelCheckpoint("a.keras", save_weights_only=True), ValueError, ".weights.h5"),
        (lambda: callbacks.ModelCheckpoint("a.keras", save_freq=0), ValueError, "save_freq"),
        (lambda: callbacks.LearningRateScheduler(0.1), TypeError, "schedule must be a function"),
        (lambda: callbacks.LambdaCallback(on_epoch_end=3), TypeError, "on_epoch_end must be a function"),
        (lambda: callbacks.TensorBoard(profile_batch=2), ValueError, "profile_batch"),
    ],
)
def test_refused(call, kind, message):
    with pytest.raises(kind, match=message):
        call()
