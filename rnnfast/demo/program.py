"""Handwritten digits, read row by row: from the data to a served model.

Each scan of scikit-learn's digits (8 x 8 pixels) is a sequence: 8 steps, one row of 8 pixels each. An LSTM reads the
rows from the top down, and a softmax layer turns what it remembers into a belief in each of the ten digits.
"""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np

import rnnfast
from rnnfast import callbacks, layers, optimizers
from rnnfast.demo import contest, figure, terminal

BATCH = 32


def load_digits(seed: int) -> tuple[np.ndarray, ...]:
    """Scans (samples, 8 rows, 8 pixels) in [0, 1] and their digits: x_train, x_test, y_train, y_test.

    A quarter is held out, stratified: every digit has the same share in both parts.
    """
    from sklearn import datasets
    from sklearn.model_selection import train_test_split

    digits = datasets.load_digits()
    scans = (digits.images / 16.0).astype(np.float32)
    return tuple(train_test_split(scans, digits.target, test_size=0.25, stratify=digits.target, random_state=seed))


def build_model() -> rnnfast.Sequential:
    model = rnnfast.Sequential(
        [
            layers.Input((8, 8)),
            layers.Dropout(0.1),
            layers.LSTM(128),
            layers.Dropout(0.4),
            layers.Dense(10, activation="softmax"),
        ]
    )
    model.compile(
        optimizer=optimizers.Adam(learning_rate=5e-3, global_clipnorm=1.0),
        loss="sparse_categorical_crossentropy",
        metrics=["accuracy"],
    )
    return model


class SlowDown(callbacks.Callback):
    """A tenth of the learning rate for the last quarter of the epochs, so that the weights settle."""

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        if epoch == self.params["epochs"] - self.params["epochs"] // 4:
            self.model.optimizer.learning_rate /= 10


def read_row_by_row(engine: rnnfast.InferenceModel, scans: np.ndarray) -> np.ndarray:
    """Belief (samples, rows, digits) after every row: a stream holds one state per scan and takes a row at a time."""
    stream = engine.stream(batch_size=len(scans))
    return np.stack([stream.step(scans[:, row]) for row in range(scans.shape[1])], axis=1)


def run(epochs: int, directory: Path, seed: int) -> float:
    """Run the demo, write `digits.keras` and `rnnfast-demo.png` to `directory` and give the accuracy on held-out data.

    epochs: at least 1. seed: of the split into training and held-out scans, the initial weights, the order of the
    batches and the dropout. Needs the extra `demo`.
    """
    x_train, x_test, y_train, y_test = load_digits(seed)
    print(f"{len(x_train)} handwritten digits to learn from and {len(x_test)} held out, as 8 rows of 8 pixels each\n")

    rnnfast.utils.set_random_seed(seed)
    model = build_model()
    model.summary()
    start = time.perf_counter()
    fitted = model.fit(
        x_train,
        y_train,
        batch_size=BATCH,
        epochs=epochs,
        validation_data=(x_test, y_test),
        callbacks=[SlowDown()],
    )
    seconds = time.perf_counter() - start
    print(f"\ntrained {epochs} epochs in {seconds:.1f} s (threads: {rnnfast.get_num_threads()})")

    path = directory / "digits.keras"
    model.save(path)
    engine = rnnfast.InferenceModel(path)
    answers = engine.predict(x_test)
    same("the saved model, served,", answers, "the trained one", model.predict(x_test, verbose=0))
    print(f"saved {path} and loaded it to serve: it predicts the same, bit for bit\n")

    beliefs = read_row_by_row(engine, x_test)
    same("a stream that has read all rows", beliefs[:, -1], "a prediction from the whole scan", answers)
    shown = hardest_to_read(beliefs, y_test)
    print(f"one held-out scan of a {y_test[shown]}, row by row, and the belief in each digit so far")
    terminal.print_reading(x_test[shown], beliefs[shown])

    print("\nagainst rnnfast.reference, the same formulas in plain NumPy, with the same weights in float32")
    for line in contest.lines(model, engine, x_test, y_test, BATCH):
        print(line)

    picture = directory / "rnnfast-demo.png"
    accuracy = float(np.mean(answers.argmax(axis=1) == y_test))
    figure.draw(picture, fitted.history, x_test[shown], beliefs[shown], accuracy)
    print(f"\nwrote {picture}")
    print(f"test accuracy {accuracy:.3f}")
    return accuracy


def same(name: str, values: np.ndarray, other_name: str, other: np.ndarray) -> None:
    if not np.array_equal(values, other):
        difference = np.abs(values - other).max()
        raise ValueError(f"{name} and {other_name} differ by up to {difference:.2g}; they should agree bit for bit")


def hardest_to_read(beliefs: np.ndarray, digits: np.ndarray) -> int:
    """Of the scans that are surely read right in the end, the one on whose way the leading digit changed most often."""
    leading = beliefs.argmax(axis=2)
    changes = (leading[:, 1:] != leading[:, :-1]).sum(axis=1)
    surely_right = beliefs[np.arange(len(digits)), -1, digits] > 0.99
    return int(np.argmax(np.where(surely_right, changes, -1)))
