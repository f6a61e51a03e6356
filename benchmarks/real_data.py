"""The examples' networks on real data, in rnnfast and in Keras: the same losses, the same quality, how long it takes.

    python benchmarks/real_data.py --data FOLDER [--problem film_reviews ...] [--seeds N] [--json FILE]

First 50 steps from the same initial weights, on the same batches, with the same optimizer: the largest relative
difference of any loss. Then whole trainings from different seeds: the metric on held-out data, its spread from seed to
seed, and the seconds that an epoch takes, both sides in turns. Keras runs on the backend that KERAS_BACKEND names. On
TensorFlow the losses of networks with an Embedding part: for a token that occurs several times in a batch, Keras' Adam
squares the gradients of its places one by one there, where PyTorch, JAX and rnnfast square their sum.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import statistics
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from contest import machine
from workloads.data import add_folder_argument

STEPS = 50
BOUND = 1e-3  # relative, of any loss in the first STEPS


class Problem(NamedTuple):
    """A network of the examples, and data cut into batches the way that every side sees them."""

    name: str
    network: Callable[[Any], Any]  # keras or rnnfast.keras -> the model, not compiled
    loss: str
    adam: dict[str, Any]  # arguments of the optimizer
    batches: Callable[[int], Iterator[tuple[Any, np.ndarray]]]  # of an epoch
    quality: Callable[[Any], float]  # of a trained model, on held-out data
    metric: str
    epochs: int


def _cut(x: Any, rows: Any) -> Any:
    return {name: part[rows] for name, part in x.items()} if isinstance(x, dict) else x[rows]


def _shuffled(x: Any, y: np.ndarray, size: int) -> Callable[[int], Iterator[tuple[Any, np.ndarray]]]:
    def batches(epoch: int) -> Iterator[tuple[Any, np.ndarray]]:
        order = np.random.default_rng(epoch).permutation(len(y))
        for start in range(0, len(y) - size + 1, size):
            rows = order[start : start + size]
            yield _cut(x, rows), y[rows]

    return batches


def _error(x: Any, y: np.ndarray, scale: float) -> Callable[[Any], float]:
    """Root mean squared error in the units of the data."""
    return lambda model: scale * float(np.sqrt(np.mean((model.predict(x, verbose=0) - y) ** 2)))


def _film_reviews(folder: Path | None, length: int | None) -> list[Problem]:
    example, data = _example("film_reviews"), _example("example_data")
    x, y, _ = data.reviews(folder, example.VOCABULARY, length or example.LENGTH)
    held = len(x) * 4 // 5

    def quality(model: Any) -> float:
        return float(((model.predict(x[held:], verbose=0)[:, 0] > 0.5) == y[held:]).mean())

    return [
        Problem(
            "film_reviews",
            example.network,
            "binary_crossentropy",
            {},
            _shuffled(x[:held], y[:held].astype(np.float32)[:, None], example.BATCH),
            quality,
            "accuracy",
            4,
        )
    ]


def _shakespeare(folder: Path | None, length: int | None) -> list[Problem]:
    example, data = _example("shakespeare"), _example("example_data")
    piece = length or example.PIECE
    text, symbols, _ = data.characters(folder)
    x, y = example.streams(text, 500_000)
    held = x.shape[1] * 9 // 10 // piece * piece

    def pieces(start: int, stop: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        for step in range(start, stop, piece):
            yield x[:, step : step + piece], y[:, step : step + piece]

    def quality(model: Any) -> float:
        _reset(model)
        losses = [model.test_on_batch(*batch) for batch in pieces(held, x.shape[1] // piece * piece)]
        return float(np.exp(np.mean(losses)))

    return [
        Problem(
            "shakespeare",
            lambda keras: example.network(keras, len(symbols), stateful=_states_can_be_carried()),
            "sparse_categorical_crossentropy",
            {"learning_rate": 0.002, "clipnorm": 1.0},
            lambda epoch: pieces(0, held),
            quality,
            "perplexity",
            2,
        )
    ]


def _pollution(folder: Path | None, length: int | None) -> list[Problem]:
    example, data = _example("pollution"), _example("example_data")
    x, y, scale = example.windows(data.pollution(folder)[0])
    held = len(y) * 4 // 5
    train = {name: part[:held] for name, part in x.items()}
    test = {name: part[held:] for name, part in x.items()}
    return [
        Problem(
            f"pollution, {cell}",
            lambda keras, cell=cell: example.network(keras, cell),
            "mse",
            {},
            _shuffled(train, y[:held], example.BATCH),
            _error(test, y[held:], scale),
            "error, ug/m3",
            3,
        )
        for cell in ("LSTM", "GRU")
    ]


def _temperatures(folder: Path | None, length: int | None) -> list[Problem]:
    example, data = _example("temperatures"), _example("example_data")
    x, y, _, deviation = example.windows(data.temperatures(folder)[0])
    held = len(y) - 365
    return [
        Problem(
            "temperatures",
            example.network,
            "mse",
            {},
            _shuffled(x[:held], y[:held], example.BATCH),
            _error(x[held:], y[held:], deviation),
            "error, C",
            10,
        )
    ]


PROBLEMS = {
    "film_reviews": _film_reviews,
    "shakespeare": _shakespeare,
    "pollution": _pollution,
    "temperatures": _temperatures,
}


def _example(name: str) -> Any:
    """A module of the examples, whose folder workloads.data has put on the path."""
    return importlib.import_module(name)


def _states_can_be_carried() -> bool:
    """Keras 3.15 carries the states of stateful layers from batch to batch in training on TensorFlow alone: on PyTorch
    it fails, on JAX it forgets them. There every piece of the text begins anew, on both sides."""
    import keras

    return keras.backend.backend() == "tensorflow"


def _reset(model: Any) -> None:
    for layer in model.layers:
        if getattr(layer, "stateful", False):
            layer.reset_state()


def _built(problem: Problem, keras: Any) -> Any:
    model = problem.network(keras)
    model.compile(keras.optimizers.Adam(**problem.adam), problem.loss)
    return model


def first_steps(problem: Problem, ours: Any, theirs: Any, steps: int = STEPS) -> float:
    """The largest relative difference of the losses of the first steps, from the weights of `theirs`."""
    there, here = _built(problem, theirs), _built(problem, ours)
    here.set_weights(there.get_weights())
    worst, epoch, done = 0.0, 0, 0
    while done < steps:
        for batch in problem.batches(epoch):
            a, b = float(here.train_on_batch(*batch)), float(there.train_on_batch(*batch))
            worst = max(worst, abs(a - b) / abs(b))
            done += 1
            if done == steps:
                break
        epoch += 1
    return worst


class _Training:
    """A model trained epoch by epoch, with the time that each takes."""

    def __init__(self, problem: Problem, keras: Any, seed: int) -> None:
        keras.utils.set_random_seed(seed)
        self.problem, self.model, self.seconds = problem, _built(problem, keras), []

    def epoch(self, number: int) -> None:
        _reset(self.model)
        start = time.perf_counter()
        for batch in self.problem.batches(number):
            self.model.train_on_batch(*batch)
        self.seconds.append(time.perf_counter() - start)


def compare(problem: Problem, ours: Any, theirs: Any, seeds: int) -> dict[str, Any]:
    sides = {"rnnfast": ours, "keras": theirs}
    quality: dict[str, list[float]] = {side: [] for side in sides}
    seconds: dict[str, list[float]] = {side: [] for side in sides}
    for seed in range(seeds):
        trainings = {side: _Training(problem, keras, seed) for side, keras in sides.items()}
        for epoch in range(problem.epochs):
            for training in trainings.values():
                training.epoch(epoch)
        for side, training in trainings.items():
            quality[side].append(problem.quality(training.model))
            seconds[side] += training.seconds[1:] if len(training.seconds) > 1 else training.seconds
    return {
        "problem": problem.name,
        "metric": problem.metric,
        "epochs": problem.epochs,
        "difference": first_steps(problem, ours, theirs),
        **{side: {"quality": quality[side], "seconds": statistics.median(seconds[side])} for side in sides},
    }


def _row(result: dict[str, Any]) -> str:
    cells = [result["problem"], f"{result['difference']:.1e}", result["metric"]]
    for side in ("rnnfast", "keras"):
        values = result[side]["quality"]
        cells.append(f"{statistics.mean(values):.3f} ({min(values):.3f} to {max(values):.3f})")
    ours, theirs = (result[side]["seconds"] for side in ("rnnfast", "keras"))
    return " | ".join([*cells, f"{ours:.2f}", f"{theirs:.2f}", f"{theirs / ours:.1f}"])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_folder_argument(parser)
    parser.add_argument("--problem", nargs="+", choices=PROBLEMS, default=list(PROBLEMS), help="only these")
    parser.add_argument("--seeds", type=int, default=3, help="trainings of each side (default 3)")
    parser.add_argument("--threads", type=int, default=1, help="of every side (default 1)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures here")
    options = parser.parse_args()
    os.environ["OMP_NUM_THREADS"] = os.environ["TF_NUM_INTRAOP_THREADS"] = str(options.threads)
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    import keras

    import rnnfast.keras

    rnnfast.set_num_threads(options.threads)
    print("problem | first steps | metric | rnnfast | Keras | s per epoch | Keras' | ratio")
    results = []
    for name in options.problem:
        for problem in PROBLEMS[name](options.data, None):
            results.append(compare(problem, rnnfast.keras, keras, options.seeds))
            print(_row(results[-1]), flush=True)
    if options.json:
        about = {"keras": keras.__version__, "backend": keras.backend.backend(), "threads": options.threads}
        options.json.write_text(json.dumps({"machine": machine.describe(), **about, "results": results}, indent=1))
    return 1 if any(result["difference"] > BOUND for result in results) else 0


if __name__ == "__main__":
    raise SystemExit(main())
