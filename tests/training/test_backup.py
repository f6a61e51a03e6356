"""BackupAndRestore: a run that is killed and started again ends with the bits of one that was not."""

import os
import subprocess
import sys

import numpy as np
import pytest
from numeric import assert_same_bits

import rnnfast
from rnnfast.callbacks import BackupAndRestore, Callback, EarlyStopping, LearningRateScheduler

EPOCHS, BATCHES = 4, 5

# A program that ends by its own SIGKILL at the hook, and in the turn, that it is given: there is no clean-up.
PROGRAM = """
import os, signal, sys
import numpy as np
import rnnfast
from rnnfast import layers
from rnnfast.callbacks import BackupAndRestore, Callback, LearningRateScheduler, ReduceLROnPlateau

folder, save_freq, hook, turn, steps = sys.argv[1:6]
rnnfast.utils.set_random_seed(3)
rng = np.random.default_rng(0)
x, y = rng.normal(size=(40, 6, 3)).astype("float32"), rng.normal(size=(40, 2)).astype("float32")
model = rnnfast.Sequential([layers.Input((6, 3)), layers.Dropout(0.3), layers.GRU(5, dropout=0.0), layers.Dense(2)])
model.compile(rnnfast.optimizers.Adam(0.02), "mse", metrics=["mae"])

class Kill(Callback):
    left = int(turn)

def count(self, *_):
    self.left -= 1
    if self.left == 0:
        os.kill(os.getpid(), signal.SIGKILL)

if hook != "never":
    setattr(Kill, hook, count)
history = model.fit(
    x, y, batch_size=8, epochs=4, verbose=0, validation_split=0.1, steps_per_epoch=int(steps) or None,
    callbacks=[BackupAndRestore(folder + "/backup", int(save_freq) if save_freq.isdigit() else save_freq), Kill(),
               LearningRateScheduler(lambda epoch, rate: rate * 0.9),
               ReduceLROnPlateau("loss", factor=0.5, patience=1, min_delta=0.05)],
)
np.savez(folder + "/end.npz", *model.get_weights(), loss=history.history["loss"], val=history.history["val_mae"])
"""


def run(folder, save_freq, hook="never", turn=0, steps=0):
    arguments = [str(folder), str(save_freq), hook, str(turn), str(steps)]
    done = subprocess.run([sys.executable, "-c", PROGRAM, *arguments], capture_output=True, text=True, timeout=120)
    assert done.returncode == (0 if hook == "never" else -9), done.stderr
    return done


def whole_run(folder, steps=0):
    run(folder, "epoch", steps=steps)
    assert not (folder / "backup").exists()
    return dict(np.load(folder / "end.npz"))


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    return whole_run(tmp_path_factory.mktemp("whole"))


@pytest.mark.parametrize(
    ("save_freq", "hook", "turn"),
    [
        ("epoch", "on_train_batch_end", 2 * BATCHES + 3),
        ("epoch", "on_epoch_end", 3),
        (3, "on_train_batch_begin", 2 * BATCHES + 2),
        (3, "on_test_batch_end", 2),
        (2, "on_epoch_begin", 4),
    ],
)
def test_killed_and_started_again(tmp_path, whole, save_freq, hook, turn):
    check_killed(tmp_path, whole, save_freq, hook, turn)


def check_killed(folder, whole, save_freq, hook, turn, steps=0):
    run(folder, save_freq, hook, turn, steps)
    assert (folder / "backup").exists()
    run(folder, save_freq, steps=steps)
    end = dict(np.load(folder / "end.npz"))
    assert set(end) == set(whole)
    for name, expected in whole.items():
        assert_same_bits(end[name], expected, name)


@pytest.fixture(scope="module")
def whole_in_steps(tmp_path_factory):
    return whole_run(tmp_path_factory.mktemp("whole"), steps=2)


@pytest.mark.parametrize(("save_freq", "hook", "turn"), [("epoch", "on_epoch_begin", 2), (1, "on_train_batch_end", 4)])
def test_killed_within_a_pass_over_several_epochs(tmp_path, whole_in_steps, save_freq, hook, turn):
    check_killed(tmp_path, whole_in_steps, save_freq, hook, turn, steps=2)


class Stop(Exception):
    pass


class Break(Callback):
    """Raises after so many batches."""

    def __init__(self, batches):
        self.left = batches

    def on_train_batch_end(self, batch, logs=None):
        self.left -= 1
        if not self.left:
            raise Stop


def model_and_data(units=4):
    rnnfast.utils.set_random_seed(5)
    rng = np.random.default_rng(1)
    model = rnnfast.Sequential(
        [rnnfast.layers.Input((4, 2)), rnnfast.layers.LSTM(units), rnnfast.layers.Dropout(0.2), rnnfast.layers.Dense(1)]
    )
    model.compile("rmsprop", "mse")
    return model, rng.normal(size=(20, 4, 2)).astype("float32"), rng.normal(size=20).astype("float32")


def fit(model, x, y, *callbacks, epochs=EPOCHS):
    return model.fit(x, y, batch_size=4, epochs=epochs, verbose=0, callbacks=list(callbacks)).history


@pytest.mark.parametrize("save_freq", ["epoch", 1, 4])
@pytest.mark.parametrize("batches", [1, 5, 6, 14])
def test_after_every_kind_of_break(tmp_path, save_freq, batches):
    model, x, y = model_and_data()
    expected = fit(model, x, y, Break(0), EarlyStopping("loss", patience=9, restore_best_weights=True))
    broken, x, y = model_and_data()
    after = [EarlyStopping("loss", patience=9, restore_best_weights=True), BackupAndRestore(tmp_path / "b", save_freq)]
    with pytest.raises(Stop):
        fit(broken, x, y, Break(batches), *after)
    again, x, y = model_and_data()
    after = [EarlyStopping("loss", patience=9, restore_best_weights=True), BackupAndRestore(tmp_path / "b", save_freq)]
    assert fit(again, x, y, Break(0), *after) == expected
    for actual, wanted in zip(again.get_weights(), model.get_weights(), strict=True):
        assert_same_bits(actual, wanted, "weights")


def test_files_come_and_go(tmp_path):
    model, x, y = model_and_data()
    folder = tmp_path / "deep" / "backup"
    fit(model, x, y, BackupAndRestore(folder, delete_checkpoint=False, double_checkpoint=True), epochs=2)
    assert sorted(os.listdir(folder)) == ["training_state.npz", "training_state.npz.bkp"]
    # All epochs are done: nothing is left to train.
    before = model.get_weights()
    assert len(fit(model, x, y, BackupAndRestore(folder, delete_checkpoint=False), epochs=2)["loss"]) == 2
    for actual, wanted in zip(model.get_weights(), before, strict=True):
        assert_same_bits(actual, wanted, "weights")
    # The last state is damaged: the one before it is taken.
    (folder / "training_state.npz").write_bytes(b"cut off")
    (folder / "own.txt").write_text("not the callback's")
    fit(model, x, y, BackupAndRestore(folder, double_checkpoint=True), epochs=3)
    assert os.listdir(folder) == ["own.txt"]


def test_what_is_refused(tmp_path):
    model, x, y = model_and_data()
    folder = tmp_path / "backup"
    fit(model, x, y, BackupAndRestore(folder, delete_checkpoint=False), epochs=1)
    other, _, _ = model_and_data(units=5)
    with pytest.raises(ValueError, match=r"is not of this model.*shape"):
        fit(other, x, y, BackupAndRestore(folder))
    with pytest.raises(ValueError, match=r"callbacks \['History', 'BackupAndRestore'\], this one"):
        fit(model, x, y, EarlyStopping("loss"), BackupAndRestore(folder))
    (folder / "training_state.npz").write_bytes(b"cut off")
    with pytest.raises(ValueError, match="holds no state of training"):
        fit(model, x, y, BackupAndRestore(folder))
    for arguments in ({"backup_dir": ""}, {"backup_dir": "b", "save_freq": 0}, {"backup_dir": "b", "save_freq": "no"}):
        with pytest.raises(ValueError, match="BackupAndRestore"):
            BackupAndRestore(**arguments)


def test_a_scheduler_that_multiplies_is_called_once_per_epoch(tmp_path):
    rates = []
    for left in (0, 8):
        model, x, y = model_and_data()
        callbacks = [LearningRateScheduler(lambda epoch, rate: rate * 0.5), BackupAndRestore(tmp_path / "b", 3)]
        if left:
            with pytest.raises(Stop):
                fit(model, x, y, Break(left), *callbacks)
            model, x, y = model_and_data()
        rates.append(fit(model, x, y, Break(0), *callbacks)["learning_rate"])
    assert rates[0] == rates[1] == pytest.approx([0.001 * 0.5**n for n in range(1, EPOCHS + 1)])


class Numbered(rnnfast.utils.PyDataset):
    """Five batches, by index."""

    def __init__(self, x, y):
        super().__init__()
        self.x, self.y = x, y

    def __len__(self):
        return 5

    def __getitem__(self, index):
        return self.x[4 * index : 4 * index + 4], self.y[4 * index : 4 * index + 4]


def as_arrays(x, y):
    return {"x": x, "y": y, "batch_size": 4}


def as_dataset(x, y):
    return {"x": Numbered(x, y)}


def as_generator(x, y):
    """One pass, through training and through validation."""
    data = Numbered(x, y)
    batches = [data[i % 5] for i in range(12)]
    return {"x": iter(batches), "validation_data": iter(batches[::-1]), "validation_steps": 3}


@pytest.mark.filterwarnings("ignore:fit. the data ended after batch")
@pytest.mark.parametrize("save_freq", ["epoch", 1, 2])
@pytest.mark.parametrize("batches", [2, 3, 4, 6, 7, 9])
@pytest.mark.parametrize("given", [as_arrays, as_dataset, as_generator])
def test_a_pass_over_several_epochs(tmp_path, given, save_freq, batches):
    """Three batches per epoch, of passes of five."""

    def train(left):
        model, x, y = model_and_data()
        callbacks = [Break(left), BackupAndRestore(tmp_path / "b", save_freq, delete_checkpoint=False)]
        history = model.fit(**given(x, y), epochs=4, steps_per_epoch=3, verbose=0, callbacks=callbacks)
        return model.get_weights(), history.history

    expected, history = train(0)
    (tmp_path / "b" / "training_state.npz").unlink()
    with pytest.raises(Stop):
        train(batches)
    weights, history_again = train(0)
    assert history_again == history
    for actual, wanted in zip(weights, expected, strict=True):
        assert_same_bits(actual, wanted, "weights")


def test_data_that_had_come_to_its_end_is_not_begun_anew(tmp_path):
    iterations = []
    for _ in range(2):
        model, x, y = model_and_data()
        backup = BackupAndRestore(tmp_path / "b", delete_checkpoint=False)
        with pytest.warns(UserWarning, match="fit: x has come to its end after epoch 1 of 3"):
            model.fit(iter([(x, y)] * 2), epochs=3, verbose=0, callbacks=[backup])
        iterations.append(model.optimizer.iterations)
    assert iterations == [2, 2]
