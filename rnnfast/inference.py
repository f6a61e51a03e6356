"""InferenceModel: a trained model, packed for this machine, that predicts and streams without Python in the loop."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from rnnfast import _arguments, _engine, _structure
from rnnfast.data.named import in_order
from rnnfast.formats.keras_file import load_model
from rnnfast.lowering import LoweredModel
from rnnfast.models import Model
from rnnfast.precision import INFERENCE_DTYPES, WEIGHT_FORMATS, check_goal


class InferenceModel:
    """A snapshot of a model's weights, packed into the layout of this machine's kernels, and its whole graph in C++.

    A call crosses into C++ once, runs without the GIL, and is safe from many threads at once. A row's result has the
    same bits whatever batch it is in, wherever it stands in it, and on however many threads it is computed. Training
    the model afterwards does not change the snapshot.

    source: a built model, or the path of a `.keras` file; of a model with a `call` of its own, the layers that it calls
    now. threads: that a call may use; None follows
    `rnnfast.set_num_threads`.

    dtype: "float32" (default) or "float64", of weights, computation and outputs; weights and inputs of another dtype
    are cast to it. "bfloat16" and "int8" store the weights of recurrent and dense layers in 2 and 1 bytes and round
    what they are multiplied with as well (int8: with one scale for each row and each column); sums, states, inputs and
    outputs stay float32. They trade accuracy for speed, most where a batch is small and the layers are wide. int8
    layers take at most 131072 inputs, and make a row that is not finite NaN.

    optimize_for: "latency" (default): float32 products by fused multiply-adds. "throughput": by three bfloat16 parts,
    no less accurate, on machines that do so faster (AMX); else the same as "latency". With dtype "float32",
    `rnnfast.set_float32_matmul_precision`, as it stands when the model is built, may allow more; other dtypes heed
    neither.

    TypeError: source is neither; ValueError: the model is not built, a layer has no lowering, or one of the others is
    none of the above.

    >>> import numpy as np, rnnfast
    >>> from rnnfast.layers import LSTM, Dense, Input
    >>> model = rnnfast.Sequential([Input((8, 3)), LSTM(16), Dense(2)])
    >>> engine = rnnfast.InferenceModel(model)
    >>> engine(np.zeros((5, 8, 3))).shape
    (5, 2)
    """

    def __init__(
        self, source: Any, dtype: str = "float32", threads: int | None = None, optimize_for: str = "latency"
    ) -> None:
        dtype = _arguments.dtype_name("InferenceModel: dtype", dtype, INFERENCE_DTYPES)
        optimize_for = check_goal(optimize_for)
        self._threads: int = _engine.check_threads(threads, "InferenceModel: threads")  # 0: what every call may use
        model = _model(source)
        self.dtype = dtype
        self._input_names, self._pack = model.input_names, model.pack_outputs
        self._lowered = LoweredModel(model, dtype, optimize_for)
        shapes = [shape for shape, _ in self._lowered.specs]
        self.input_shape: Any = _structure.pack(model.input_shape, shapes)
        self.output_shape: Any = self._pack(model.output_shapes_for(shapes))
        self._run = self._lowered.run
        single = len(self._input_names) == len(model.output_names) == 1 and self._pack([model]) is model
        # An array to an array: nothing to lay out or to pack.
        self._run_single = self._lowered.program.run_function(self._threads) if single else None

    def __call__(self, x: Any) -> Any:
        """The output for a batch; of several outputs, all in the model's structure.

        x: numeric (batch, ...) of the model's input shape, cast to float64 by a float64 model and to float32 by any
        other (tokens: to integers, as Keras casts them); an empty batch gives an empty result. ValueError: another
        shape, no time steps, a token out of range; TypeError: not numeric.
        """
        if self._run_single is not None and not isinstance(x, dict):
            return self._run_single(x)
        inputs = [x] if len(self._input_names) == 1 and not isinstance(x, dict) else self._inputs("input", x)
        return self._pack(self._run(inputs, self._threads))

    def _inputs(self, what: str, x: Any) -> list[Any]:
        return in_order(f"InferenceModel: {what}", x, self._input_names)

    def predict(self, x: Any, batch_size: int | None = None) -> Any:
        """The output for a batch, as `engine(x)`; with `batch_size`, so many rows at a time, to bound memory.

        The result does not depend on `batch_size`.
        """
        if batch_size is None:
            return self(x)
        batch_size = _arguments.whole_number("predict: batch_size", batch_size)
        labels = [f"input {name!r}" for name in self._input_names] if len(self._input_names) > 1 else ["input"]
        given = zip(labels, self._inputs("x", x), strict=True)
        inputs = [_arguments.numeric(f"predict: {label}", one) for label, one in given]
        counts = [array.shape[0] if array.ndim else 0 for array in inputs]
        count = max(counts)
        for label, array, rows in zip(labels, inputs, counts, strict=True):
            if array.ndim and rows != count:
                raise ValueError(
                    f"predict: inputs have different batch sizes: {label} has {rows} rows, another one {count}"
                )
        starts = range(0, max(count, 1), batch_size)
        parts = [self._run([a[i : i + batch_size] if a.ndim else a for a in inputs], self._threads) for i in starts]
        return self._pack([p[0] if len(p) == 1 else np.concatenate(p) for p in zip(*parts, strict=True)])

    def stream(self, batch_size: int = 1) -> Stream:
        """A stream over this model: one time step per call, for `batch_size` independent sequences side by side.

        ValueError: a layer needs more than the past (Bidirectional, go_backwards, Flatten over time, RepeatVector).

        >>> import numpy as np, rnnfast
        >>> from rnnfast.layers import GRU, Input
        >>> engine = rnnfast.InferenceModel(rnnfast.Sequential([Input((None, 3)), GRU(4)]))
        >>> x = np.random.default_rng(0).normal(size=(1, 5, 3)).astype(np.float32)
        >>> stream = engine.stream()
        >>> steps = [stream.step(x[:, t]) for t in range(5)]
        >>> bool((steps[-1] == engine(x)).all())
        True
        """
        rows = _arguments.whole_number("stream: batch_size", batch_size)
        return Stream(self._lowered.program.stream(rows), self._threads)

    def explain(self) -> Explanation:
        """What runs for each layer, and why: print it, or read its `rows`."""
        nodes = self._lowered.program.describe(self._threads)
        budget = self._threads or _engine.get_num_threads()
        rows = []
        for layer, first, last in self._lowered.nodes_of:
            for node in nodes[first:last]:
                rows.append(
                    {
                        "layer": layer.name,
                        "runs": node["op"],
                        "kernel": node["kernel"],
                        "isa": self._lowered.program.isa,
                        "threads": budget,
                        "layout": node["layout"],
                        "sharing": node["sharing"] or "-",
                        "weight_bytes": node["weight_bytes"],
                        "why": node["why"],
                    }
                )
        lowered = self._lowered
        products = f"products: {WEIGHT_FORMATS[lowered.weights]}, by {lowered.program.instructions} ({lowered.why})"
        return Explanation(self.dtype, lowered.program.isa, budget, products, rows)


class Stream:
    """A model that reads one time step per call and keeps the states of its recurrent layers; see
    `InferenceModel.stream`. Calls from several threads take turns.

    `step(x_t)`: advance every recurrent layer by one step. x_t (batch_size, features), or (batch_size,) tokens for a
    model that starts with an Embedding; with a batch_size of 1 the batch axis may be left out, of x_t and so of the
    result. Gives what the model would give had the sequence ended here, (batch_size, ...), bit for bit; a model that
    returns sequences gives the newest step. ValueError: another shape or a token out of range (no state has changed);
    TypeError: not numeric.
    """

    __slots__ = ("_core", "step")

    step: Callable[[Any], np.ndarray]

    def __init__(self, core: Any, threads: int) -> None:
        self._core = core
        self.step = core.step_function(threads)

    @property
    def batch_size(self) -> int:
        return self._core.batch_size

    @property
    def state(self) -> list[list[np.ndarray]]:
        """Copies of the states: for each recurrent layer a list [h], or [h, c] for LSTM, each (batch_size, units).

        Assign such a list to go on from there. ValueError: another number of layers or arrays, or another shape.
        """
        return self._core.state

    @state.setter
    def state(self, states: Sequence[Sequence[Any]]) -> None:
        self._core.state = states

    def reset(self) -> None:
        """Start new sequences, from zero states."""
        self._core.reset()


class Explanation:
    """What an InferenceModel runs.

    products: in which format recurrent and dense layers multiply, with what, and why. dtype, isa, threads: as in the
    rows, which are one dict for each node of the graph: `layer` its name, `runs` the operation, `kernel`, `isa` the
    instruction set, `threads` that a call may use, `layout` of the output ("rows", "batch-major", or "packed": step by
    step, real steps only), `sharing` how a recurrent layer uses threads on a single row where calls follow each other
    ("-" for other layers), `weight_bytes`, and `why` this kernel. `str()` is a table with the reasons above it.
    """

    def __init__(self, dtype: str, isa: str, threads: int, products: str, rows: list[dict[str, Any]]) -> None:
        self.dtype = dtype
        self.isa = isa
        self.threads = threads
        self.products = products
        self.rows = rows

    @property
    def reasons(self) -> list[str]:
        """One sentence on the instruction set, one on the products, one on the threads, one on the layout."""
        cpu = _engine.cpu_info()
        available = ", ".join(cpu["available"])
        chosen = "asked for by RNNFAST_ISA" if cpu["isa_forced"] else "the best that this machine and this build have"
        return [
            f"instruction set {self.isa}: {chosen} (available: {available}); {self.dtype}",
            self.products,
            f"threads: up to {self.threads}; a batch is cut into blocks of rows, each runs the whole graph on one "
            "thread; a few rows run both directions at once, pipeline layers over time or split a layer's units, where "
            "that is worth it, and little work stays on the caller's",
            "layout: values between layers stay packed, step by step, where all that read them only look at real steps",
        ]

    def __str__(self) -> str:
        columns = ("layer", "runs", "kernel", "isa", "threads", "layout", "sharing", "weights", "why")
        shown = [{**row, "weights": _size(row["weight_bytes"])} for row in self.rows]
        cells = [columns, *(tuple(str(row[column]) for column in columns) for row in shown)]
        widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
        lines = ["  ".join(map(str.ljust, line, widths)).rstrip() for line in cells]
        return "\n".join([*self.reasons, "", lines[0], "-" * len(lines[0]), *lines[1:]])

    __repr__ = __str__


def _model(source: Any) -> Any:
    if isinstance(source, (str, os.PathLike)):
        source = load_model(source, compile=False)
    if not isinstance(source, Model):
        raise TypeError(f"InferenceModel: expected a model or a path, got {type(source).__name__}")
    if not source.built:
        raise ValueError(f"InferenceModel: {source.label} is not built: give it an Input, or call it on data first")
    return source


def _size(count: int) -> str:
    return "-" if count == 0 else f"{count / 1024:.0f} KB" if count < 1 << 20 else f"{count / (1 << 20):.1f} MB"
