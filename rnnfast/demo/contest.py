"""The demo's model beside the same model in plain NumPy: rnnfast.reference, with the same weights."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from rnnfast import reference

Call = Callable[[], Any]


def reference_logits(weights: list[np.ndarray], scans: np.ndarray) -> tuple[np.ndarray, tuple[Any, Any]]:
    """The model's pre-softmax output, and the caches for `reference_gradients`."""
    kernel, recurrent_kernel, bias, dense_kernel, dense_bias = weights
    h, _, lstm_cache = reference.rnn_forward("lstm", scans, kernel, recurrent_kernel, bias)
    logits, dense_cache = reference.dense_forward(h, dense_kernel, dense_bias)
    return logits, (lstm_cache, dense_cache)


def reference_predict(weights: list[np.ndarray], scans: np.ndarray) -> np.ndarray:
    return reference.activate("softmax", reference_logits(weights, scans)[0])


def reference_gradients(weights: list[np.ndarray], scans: np.ndarray, digits: np.ndarray) -> list[Any]:
    """Gradients of the mean cross-entropy by each of the weights."""
    logits, (lstm_cache, dense_cache) = reference_logits(weights, scans)
    _, d_logits = reference.softmax_crossentropy(logits, digits)
    dh, d_dense_kernel, d_dense_bias = reference.dense_backward(dense_cache, d_logits)
    _, d_kernel, d_recurrent_kernel, d_bias, _, _ = reference.rnn_backward(lstm_cache, dh)
    return [d_kernel, d_recurrent_kernel, d_bias, d_dense_kernel, d_dense_bias]


def lines(model: Any, engine: Any, scans: np.ndarray, digits: np.ndarray, batch: int) -> Iterator[str]:
    """Measure and describe, case by case. The last case trains `model` further.

    A training step of rnnfast also counts its dropout, its optimizer and its metrics; the reference only finds the
    gradients.
    """
    weights = model.get_weights()
    difference = np.abs(engine.predict(scans) - reference_predict(weights, scans)).max()
    yield f"  predictions agree to {difference:.0e}"

    def infer(count: int) -> tuple[str, Call, Call]:
        x = scans[:count]
        return f"{count} scan{'s' if count > 1 else ''}", lambda: engine(x), lambda: reference_predict(weights, x)

    def train() -> tuple[str, Call, Call]:
        x, y = scans[:batch], digits[:batch]
        return f"train on {batch}", lambda: model.train_on_batch(x, y), lambda: reference_gradients(weights, x, y)

    for name, ours, theirs in (infer(1), infer(batch), infer(len(scans)), train()):
        fast, slow = medians(ours, theirs)
        yield f"  {name:<12} {fast * 1e6:8,.0f} us   NumPy {slow * 1e6:8,.0f} us   {slow / fast:5.1f} times as fast"


def medians(*calls: Call, rounds: int = 30) -> list[float]:
    """Median seconds of each call. The calls take turns, so that whatever slows the machine slows all of them."""
    seconds: list[list[float]] = [[] for _ in calls]
    for _ in range(rounds):
        for call, taken in zip(calls, seconds, strict=True):
            start = time.perf_counter()
            call()
            taken.append(time.perf_counter() - start)
    return [statistics.median(taken) for taken in seconds]
