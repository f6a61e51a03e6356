"""fit, evaluate, predict and their single-batch forms, for any model."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from rnnfast import _arguments
from rnnfast.callbacks import Callback, CallbackList, History, ProgressBar
from rnnfast.data.adapt import placed, source_of
from rnnfast.data.batch import Batch
from rnnfast.data.epochs import Epochs
from rnnfast.data.source import Arrays, Source
from rnnfast.models.compiled import Compiled
from rnnfast.models.differentiable import check_differentiable
from rnnfast.models.measuring import measure, predict
from rnnfast.models.predictor import Predictor
from rnnfast.models.reader import InputReader, Reader
from rnnfast.models.sketched import SketchedNetwork
from rnnfast.models.step import train_step
from rnnfast.models.training import train
from rnnfast.models.truncation import check_pieces
from rnnfast.models.validation import Validation, frequency_of

BATCH_SIZE = 32


class Model(Compiled, SketchedNetwork):
    """A network that can be compiled, trained and asked; also the base of models of one's own.

    `Model(inputs, outputs, name=None)` of symbolic tensors makes a functional model: see `Functional`. A subclass holds
    layers as attributes and defines `call(self, x)`, or `call(self, x, training)`, which calls them.

    >>> import numpy as np, rnnfast
    >>> class Residual(rnnfast.Model):
    ...     def __init__(self):
    ...         super().__init__()
    ...         self.rnn = rnnfast.layers.LSTM(3, return_sequences=True)
    ...     def call(self, x):
    ...         return x + self.rnn(x)
    >>> Residual().predict(np.ones((2, 5, 3)), verbose=0).shape
    (2, 5, 3)
    """

    history: History | None = None
    stop_training = False
    _predictor: Predictor | None = None

    def __new__(cls, *args: Any, **options: Any) -> Any:
        if cls is Model and (args or "inputs" in options or "outputs" in options):
            from rnnfast.models.functional import Functional

            return super().__new__(Functional)
        return super().__new__(cls, *args, **options)

    def layers_changed(self) -> None:
        """The engine and the optimizer's buffers belong to the layers of before."""
        self._predictor = None

    # Training

    def fit(
        self,
        x: Any = None,
        y: Any = None,
        batch_size: int | None = None,
        epochs: int = 1,
        verbose: Any = "auto",
        callbacks: Iterable[Callback] | Callback | None = None,
        validation_split: float = 0.0,
        validation_data: Any = None,
        shuffle: bool = True,
        class_weight: dict[int, float] | None = None,
        sample_weight: Any = None,
        initial_epoch: int = 0,
        steps_per_epoch: int | None = None,
        validation_steps: int | None = None,
        validation_batch_size: int | None = None,
        validation_freq: Any = 1,
        *,
        tbptt: int | None = None,
    ) -> History:
        """Train for epochs `initial_epoch` to `epochs` and give the `History`.

        Args:
            x: the inputs, samples first: an array, or anything that becomes one (a list, a pandas or pyarrow table or
                column, a tensor); for a model of several inputs a list of them, a dictionary by input name or a table
                with such columns. Or what gives whole batches `(x, y)` or `(x, y, sample_weight)`: a
                `utils.PyDataset`, a generator, a PyTorch DataLoader, anything that can be iterated.
            y: labels that fit the losses, laid out over the outputs as x over the inputs. None where x gives batches.
            batch_size: of arrays; default 32, or what `steps_per_epoch` needs.
            verbose: 0 silent, 1 or "auto" a bar per epoch, 2 a line per epoch.
            validation_split: share of the samples of arrays, the last ones before shuffling, kept for validation.
            validation_data: (x, y), (x, y, sample_weight) or what gives batches.
            shuffle: draw a new order of the samples, or of a PyDataset's batches, for every epoch.
            class_weight: class number -> weight in training, for one output.
            sample_weight: one weight per sample, or (samples, time); one array for all outputs, or one per output.
            steps_per_epoch, validation_steps: batches of an epoch, of a validation; default all. Batches go on from
                epoch to epoch, each validation of data that can be begun anew begins anew.
            validation_freq: validate every so many epochs, or after the epochs (from 1) in a list.
            tbptt: truncated back-propagation through time: cut every batch into pieces of so many time steps, with an
                update per piece. States go on from piece to piece, gradients do not; each batch begins anew. Needs
                outputs and labels with a time axis, layers that give each step by itself or by states, forwards (no
                convolution, pooling, attention or Bidirectional), and losses of single steps (no CTC).

        Whatever ends it (an error in a callback, Ctrl-C), the model can be used and trained on: its weights are those
        after the last whole update, `model.history` holds the epochs that were done. `on_train_end` is called where
        `fit` comes to its own end alone, so that a backup for going on later is still there after a Ctrl-C.

        ValueError before any work: not compiled, shapes that do not fit, labels or tokens out of range (of data that
        comes in batches: when the batch has come, and the message names it). TypeError: a loss of your own without a
        derivative, or an activation of your own without one in a layer that has to be trained. A loss or gradient that
        is not finite raises `optimizers.NonFiniteError` (a ValueError) that names the epoch and the batch; the weights
        are then those of before the bad update, kept states and moving averages those of before the bad batch.
        UserWarning: data ended too soon; the message names the batch.

        >>> import numpy as np
        >>> import rnnfast
        >>> model = rnnfast.Sequential([rnnfast.layers.GRU(4), rnnfast.layers.Dense(1)])
        >>> model.compile("adam", "mse")
        >>> sorted(model.fit(np.ones((8, 5, 3)), np.ones(8), epochs=2, verbose=0).history)
        ['loss']
        """
        self._refuse_own_steps()
        scores = self.scores_for("fit")
        batch_size = _count("fit: batch_size", batch_size)
        epochs = _arguments.whole_number("fit: epochs", epochs, least=0)
        initial_epoch = _arguments.whole_number("fit: initial_epoch", initial_epoch, least=0)
        steps = _count("fit: steps_per_epoch", steps_per_epoch)
        tbptt = _count("fit: tbptt", tbptt)
        if tbptt is not None:
            check_pieces(self)
        verbose = _verbosity("fit", verbose)
        frequency = frequency_of(validation_freq)
        source = self._source("fit", x, y, sample_weight, class_weight, batch_size=batch_size, steps=steps)
        check_differentiable(self, scores)
        validation: Validation | None = None
        test_size = _count("fit: validation_batch_size", validation_batch_size) or batch_size
        test_steps = _count("fit: validation_steps", validation_steps)
        if validation_data is not None:
            given = validation_data if isinstance(validation_data, (tuple, list)) else (validation_data,)
            if not 1 <= len(given) <= 3:
                raise ValueError("fit: validation_data must be (x, y), (x, y, sample_weight) or an iterable of batches")
            what = "fit: validation_data"
            test = self._source(what, *given, batch_size=test_size, steps=test_steps)
            validation = Validation(Epochs(what, test, test_steps), frequency)
            validation.check(range(initial_epoch, epochs))
        elif validation_split is not None and validation_split != 0:
            source, held_out = _split(source, validation_split)
            if class_weight is not None:  # classes weigh in training alone
                held_out = held_out._replace(sample_weight=[None] * len(held_out.y))
            test = Arrays(held_out, test_size, test_steps)
            validation = Validation(Epochs("fit: validation_split", test, test_steps), frequency)
        data = Epochs("fit", source, steps, shuffle)

        progress, history = ProgressBar(verbose), History()
        hooks = CallbackList(
            [*_as_callbacks(callbacks), *([progress] if verbose else []), history],
            self, [data] if validation is None else [data, validation.data],
            epochs=epochs, steps=data.steps, verbose=verbose,
        )  # fmt: skip
        self.history = history
        try:
            train(self, scores, data, validation, hooks, range(initial_epoch, epochs), tbptt)
        finally:
            progress.close()
        return history

    def train_on_batch(
        self, x: Any, y: Any = None, sample_weight: Any = None, class_weight: Any = None, return_dict: bool = False
    ) -> Any:
        """One update on one batch: its loss, or [loss, metrics...], or a dictionary, measured before the update."""
        scores = self.scores_for("train_on_batch")
        with placed("train_on_batch"):
            batch = Reader(self, scores, class_weight)(x, y, sample_weight)
        check_differentiable(self, scores)
        scores.reset()
        train_step(self, scores, self.optimizer, batch)
        return _plain(scores.results(), return_dict)

    # Measuring and predicting

    def evaluate(
        self,
        x: Any = None,
        y: Any = None,
        batch_size: int | None = None,
        verbose: Any = "auto",
        sample_weight: Any = None,
        steps: int | None = None,
        callbacks: Iterable[Callback] | Callback | None = None,
        return_dict: bool = False,
    ) -> Any:
        """Loss and metrics on data: a float, or [loss, metrics...] where there are metrics, or a dictionary.

        x, y, sample_weight, batch_size, verbose: as `fit` takes them. steps: batches; default all. The order is the
        loss, with several outputs each one's loss, and the metrics; those of several outputs by name.
        """
        scores = self.scores_for("evaluate")
        batch_size, steps = _count("evaluate: batch_size", batch_size), _count("evaluate: steps", steps)
        verbose = _verbosity("evaluate", verbose)
        source = self._source("evaluate", x, y, sample_weight, batch_size=batch_size, steps=steps)
        data = Epochs("evaluate", source, steps)
        hooks = CallbackList(
            [*_as_callbacks(callbacks), *([ProgressBar(verbose)] if verbose else [])],
            self, steps=data.steps, verbose=verbose,
        )  # fmt: skip
        logs = measure(self, scores, data, hooks)
        return _plain(logs, return_dict)

    def test_on_batch(self, x: Any, y: Any = None, sample_weight: Any = None, return_dict: bool = False) -> Any:
        """Loss and metrics on one batch, as `evaluate` gives them."""
        scores = self.scores_for("test_on_batch")
        with placed("test_on_batch"):
            batch = Reader(self, scores)(x, y, sample_weight)
        data = Epochs("test_on_batch", Arrays(batch, batch.rows))
        return _plain(measure(self, scores, data, CallbackList(None, self)), return_dict)

    def predict(
        self,
        x: Any,
        batch_size: int | None = None,
        verbose: Any = "auto",
        steps: int | None = None,
        callbacks: Iterable[Callback] | Callback | None = None,
    ) -> Any:
        """Outputs for x, as `fit` takes it, but labels and weights in batches are passed over: an array (samples, ...),
        or a list of them where there are several outputs. No samples give empty arrays. It prints nothing, whatever
        `verbose`.

        batch_size: samples per call of the engine; it changes no bit of the result. steps: batches; default all.
        """
        steps = _count("predict: steps", steps)
        source = source_of(
            "predict", x, None, None, InputReader(self), _count("predict: batch_size", batch_size), steps,
            lambda: self.predictor.rows(self),
        )  # fmt: skip
        data = Epochs("predict", source, steps)
        hooks = CallbackList(callbacks, self, steps=data.steps, verbose=_verbosity("predict", verbose))
        if isinstance(source, Arrays) and source.whole.rows == 0:
            return self._nothing(source.whole)
        return self.pack_outputs(predict(self, data, hooks))

    def predict_on_batch(self, x: Any) -> Any:
        """`predict` in one piece."""
        with placed("predict_on_batch"):
            batch = InputReader(self)(x)
        if batch.rows == 0:
            return self._nothing(batch)
        data = Epochs("predict_on_batch", Arrays(batch, batch.rows))
        return self.pack_outputs(predict(self, data, CallbackList(None, self)))

    def _nothing(self, batch: Batch) -> Any:
        """The outputs for a batch without samples."""
        shapes = self.output_shapes_for([array.shape for array in batch.x])
        return self.pack_outputs([np.empty(s, d) for s, d in zip(shapes, self.output_dtypes, strict=True)])

    @property
    def predictor(self) -> Predictor:
        """What runs the model on batches outside of training."""
        if self._predictor is None:
            self._predictor = Predictor()
        return self._predictor

    # Checks

    def _refuse_own_steps(self) -> None:
        """ValueError for a class that brings steps of its own, which would not be called."""
        for step in ("train_step", "compute_loss"):
            if hasattr(type(self), step):
                raise ValueError(
                    f"{self.label}: {step} of its own is not called: there is no automatic differentiation. Write the "
                    "loss as a class with call and gradient, or a training loop with train_on_batch"
                )

    def _source(
        self, what: str, x: Any, y: Any = None, sample_weight: Any = None, class_weight: Any = None, **sizes: Any
    ) -> Source:
        reader = Reader(self, self.scores_for(what), class_weight)
        return source_of(what, x, y, sample_weight, reader, **sizes, usual=lambda: BATCH_SIZE)


def _count(what: str, value: Any) -> int | None:
    return None if value is None else _arguments.whole_number(what, value)


def _split(source: Source, fraction: Any) -> tuple[Source, Batch]:
    what = "fit: validation_split"
    if not 0 < _arguments.number(what, fraction) < 1:
        raise ValueError(f"{what} must lie between 0 and 1, got {fraction!r}")
    if not isinstance(source, Arrays):
        raise ValueError(f"{what} needs arrays, and x gives batches; use validation_data")
    with placed("fit"):
        return source.split(fraction)


def _verbosity(method: str, verbose: Any) -> int:
    if not isinstance(verbose, (int, str)) or verbose not in ("auto", 0, 1, 2):
        raise ValueError(f"{method}: verbose must be 'auto', 0, 1 or 2, got {verbose!r}")
    return 1 if verbose == "auto" else int(verbose)


def _as_callbacks(callbacks: Any) -> list[Callback]:
    if callbacks is None or isinstance(callbacks, Callback):
        return [] if callbacks is None else [callbacks]
    return _arguments.items("callbacks", callbacks, "a Callback or a list of them")


def _plain(logs: dict[str, float], return_dict: bool) -> Any:
    """What Keras returns: a float where there is only the loss."""
    if return_dict:
        return logs
    values = list(logs.values())
    return values[0] if len(values) == 1 else values
