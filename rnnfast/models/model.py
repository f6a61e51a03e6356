"""compile, fit, evaluate, predict and their single-batch forms, for any model."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import numpy as np

from rnnfast import _arguments, optimizers
from rnnfast.callbacks import Callback, CallbackList, History, ProgressBar
from rnnfast.data.arrays import Arrays, split
from rnnfast.data.batch import Batch
from rnnfast.models.network import Network
from rnnfast.models.predictor import Predictor
from rnnfast.models.reader import Reader
from rnnfast.models.scores import Scores
from rnnfast.optimizers import NonFiniteError

BATCH_SIZE = 32


class Model(Network):
    """Base of models: a network that can be compiled, trained and asked."""

    optimizer: Any = None  # an optimizers.Optimizer once compiled
    history: History | None = None
    stop_training = False
    _scores: Scores | None = None
    _predictor: Predictor | None = None

    def layers_changed(self) -> None:
        """The engine and the optimizer's buffers belong to the layers of before."""
        self._predictor = None

    def compile(
        self,
        optimizer: Any = "rmsprop",
        loss: Any = None,
        loss_weights: Any = None,
        metrics: Any = None,
        weighted_metrics: Any = None,
        run_eagerly: bool = False,
        steps_per_execution: int = 1,
        jit_compile: Any = "auto",
        auto_scale_loss: bool = True,
    ) -> None:
        """Fix how the model is trained: names, classes or instances, as Keras takes them.

        loss, loss_weights, metrics and weighted_metrics of a model with several outputs are one thing for all of them
        (not metrics), a list with one entry per output, or a dictionary by output name; an output whose loss is None
        has none. The loss of the model is the sum of the outputs' losses, each times its weight, default 1. metrics
        see no sample weights, weighted_metrics do. run_eagerly, steps_per_execution, jit_compile and auto_scale_loss
        are accepted and have no effect.

        ValueError, TypeError: a name is not known, or what is given does not fit the outputs.
        """
        scores = Scores(loss, loss_weights, metrics, weighted_metrics)
        scores.bind(self.output_names)
        self.optimizer = optimizers.get(optimizer)
        self._scores = scores

    @property
    def compiled(self) -> bool:
        return self._scores is not None

    @property
    def loss(self) -> Any:
        return None if self._scores is None else self._scores.loss

    def get_compile_config(self) -> dict[str, Any] | None:
        """The arguments of `compile` in Keras' serialised form, or None before it."""
        if self._scores is None or self.optimizer is None:
            return None
        return {"optimizer": optimizers.serialize(self.optimizer), **self._scores.config()}

    def compile_from_config(self, config: dict[str, Any]) -> None:
        known = ("optimizer", "loss", "loss_weights", "metrics", "weighted_metrics")
        self.compile(**{key: config[key] for key in known if config.get(key) is not None})

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
        validation_freq: int = 1,
    ) -> History:
        """Train for epochs `initial_epoch` to `epochs` and give the `History`.

        x: array (samples, ...). y: labels that fit the loss. batch_size: default 32. verbose: 0 silent, 1 or "auto" a
        bar per epoch, 2 a line per epoch. validation_split: share of the samples, the last ones before shuffling, kept
        for validation; validation_data: (x, y) or (x, y, sample_weight) instead. class_weight: class number -> weight.
        sample_weight: one weight per sample, or (samples, time).

        ValueError before any work: not compiled, shapes that do not fit, labels or tokens out of range. A loss or
        gradient that is not finite raises `optimizers.NonFiniteError` (a ValueError) that names the epoch and the
        batch; the weights are then those of before the bad update.

        >>> import numpy as np
        >>> import rnnfast
        >>> model = rnnfast.Sequential([rnnfast.layers.GRU(4), rnnfast.layers.Dense(1)])
        >>> model.compile("adam", "mse")
        >>> sorted(model.fit(np.ones((8, 5, 3)), np.ones(8), epochs=2, verbose=0).history)
        ['loss']
        """
        scores = self._compiled("fit")
        for argument, value in (("steps_per_epoch", steps_per_epoch), ("validation_steps", validation_steps)):
            if value is not None:
                raise ValueError(f"fit: argument {argument}={value!r} is not supported yet; give arrays and batch_size")
        size = _positive("fit", "batch_size", batch_size, BATCH_SIZE)
        epochs = _arguments.whole_number("fit: epochs", epochs, least=0)
        initial_epoch = _arguments.whole_number("fit: initial_epoch", initial_epoch, least=0)
        validation_freq = _arguments.whole_number("fit: validation_freq", validation_freq)
        whole = self._read("fit", x, y, sample_weight, class_weight)
        held_out: Batch | None = None
        if validation_data is not None:
            if not isinstance(validation_data, (tuple, list)) or len(validation_data) not in (2, 3):
                raise ValueError("fit: validation_data must be (x, y) or (x, y, sample_weight)")
            held_out = self._read("fit: validation_data", *validation_data)
        elif validation_split is not None and validation_split != 0:
            whole, held_out = split("fit", whole, validation_split)
        data = Arrays(whole, size)
        validation = (
            None
            if held_out is None
            else Arrays(held_out, _positive("fit", "validation_batch_size", validation_batch_size, size))
        )

        verbose = _verbosity("fit", verbose)
        progress, history = ProgressBar(verbose), History()
        hooks = CallbackList(
            [*_as_callbacks(callbacks), *([progress] if verbose else []), history],
            self, epochs=epochs, steps=data.steps, verbose=verbose,
        )  # fmt: skip
        self.history, self.stop_training = history, False
        logs: dict[str, float] = {}
        hooks.on_train_begin()
        try:
            for epoch in range(initial_epoch, epochs):
                hooks.on_epoch_begin(epoch)
                logs = self._epoch(epoch, data, shuffle, hooks)
                if validation is not None and (epoch + 1) % validation_freq == 0:
                    measured = self._evaluate(validation, hooks)
                    logs |= {f"val_{name}": value for name, value in measured.items()}
                scores.reset()
                hooks.on_epoch_end(epoch, logs)
                if self.stop_training:
                    break
        finally:
            progress.close()
        hooks.on_train_end(logs)
        return history

    def _epoch(self, epoch: int, data: Arrays, shuffle: bool, hooks: CallbackList) -> dict[str, float]:
        scores = self._compiled("fit")
        scores.reset()
        for i, batch in enumerate(data.batches(shuffle)):
            hooks.on_train_batch_begin(i)
            try:
                self._train_step(batch)
            except NonFiniteError as error:
                raise NonFiniteError(f"fit: epoch {epoch + 1}, batch {i + 1}: {error}") from None
            hooks.on_train_batch_end(i, scores.results())
        return scores.results()

    def _train_step(self, batch: Batch) -> None:
        """Forward with a tape, the losses and their gradients, backward along the tape, one update."""
        scores, optimizer = self._compiled("train_on_batch"), self.optimizer
        outputs, masks, tape = self.run(batch.x, [None] * len(batch.x), training=True)
        slopes = scores.slopes(batch, outputs, masks, self.output_activations)
        values = [slope.value for slope in slopes]
        total = scores.total(values)
        if not math.isfinite(total):
            self._blame(batch, total)
        scores.update(batch, outputs, masks, values, total)
        for variable in self.weights:
            variable.grad = None
        self.backward_run([slope.gradient for slope in slopes], tape, [slope.at_logits for slope in slopes])
        variables = self.trainable_weights
        if variables:
            optimizer.apply(variables)

    def _blame(self, batch: Batch, value: float) -> None:
        """The loss is not finite: say whose fault it is. If it is the last update's, undo that."""
        for name, array in batch.named():
            if array.dtype.kind == "f" and not np.isfinite(array).all():
                raise NonFiniteError(f"the loss is {value}: {name} holds values that are not finite; weights unchanged")
        if not self.optimizer.undo():
            raise NonFiniteError(
                f"the loss is {value} before the first update of these weights, which are unchanged: "
                "x, y or the weights are too large"
            )
        raise NonFiniteError(
            f"the loss is {value}; the last update has been undone. A smaller learning_rate "
            f"(it is {self.optimizer.learning_rate:g}) or clipnorm=1.0 often helps"
        )

    def train_on_batch(
        self, x: Any, y: Any = None, sample_weight: Any = None, class_weight: Any = None, return_dict: bool = False
    ) -> Any:
        """One update on one batch: its loss, or [loss, metrics...], or a dictionary, measured before the update."""
        scores = self._compiled("train_on_batch")
        batch = self._read("train_on_batch", x, y, sample_weight, class_weight)
        scores.reset()
        self._train_step(batch)
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
        """Loss and metrics on data: a float, or [loss, metrics...] where there are metrics, or a dictionary."""
        scores = self._compiled("evaluate")
        if steps is not None:
            raise ValueError(f"evaluate: argument steps={steps!r} is not supported yet; give arrays and batch_size")
        size = _positive("evaluate", "batch_size", batch_size, BATCH_SIZE)
        data = Arrays(self._read("evaluate", x, y, sample_weight), size)
        verbose = _verbosity("evaluate", verbose)
        hooks = CallbackList(
            [*_as_callbacks(callbacks), *([ProgressBar(verbose)] if verbose else [])],
            self, steps=data.steps, verbose=verbose,
        )  # fmt: skip
        logs = self._evaluate(data, hooks)
        scores.reset()
        return _plain(logs, return_dict)

    def _evaluate(self, data: Arrays, hooks: CallbackList) -> dict[str, float]:
        scores = self._compiled("evaluate")
        scores.reset()
        hooks.on_test_begin()
        # The engine gives no mask: where the loss needs the output's, the layers run.
        function = None if self.creates_mask else self._prediction()[0]
        for i, batch in enumerate(data.batches()):
            hooks.on_test_batch_begin(i)
            no_masks: list[np.ndarray | None] = [None] * len(batch.x)
            if function is None:
                outputs, masks, _ = self.run(batch.x, no_masks, training=False)
            else:
                outputs = function(batch.x)
                masks = [None] * len(outputs)
            values = scores.values(batch, outputs, masks)
            scores.update(batch, outputs, masks, values, scores.total(values))
            hooks.on_test_batch_end(i, scores.results())
        logs = scores.results()
        hooks.on_test_end(logs)
        return logs

    def test_on_batch(self, x: Any, y: Any = None, sample_weight: Any = None, return_dict: bool = False) -> Any:
        """Loss and metrics on one batch, as `evaluate` gives them."""
        self._compiled("test_on_batch")
        batch = self._read("test_on_batch", x, y, sample_weight)
        return _plain(self._evaluate(Arrays(batch, batch.rows), CallbackList(None, self)), return_dict)

    def predict(
        self,
        x: Any,
        batch_size: int | None = None,
        verbose: Any = "auto",
        steps: int | None = None,
        callbacks: Iterable[Callback] | Callback | None = None,
    ) -> Any:
        """Outputs for x (samples, ...); no samples give an empty array. It prints nothing, whatever `verbose`.

        batch_size: samples per call of the engine; it changes no bit of the result.
        """
        if steps is not None:
            raise ValueError(f"predict: argument steps={steps!r} is not supported yet; give an array and batch_size")
        inputs = Reader("predict", self).inputs(x)
        return self._predict("predict", inputs, batch_size, verbose, callbacks)

    def predict_on_batch(self, x: Any) -> Any:
        """`predict` in one piece."""
        inputs = Reader("predict_on_batch", self).inputs(x)
        return self._predict("predict_on_batch", inputs, max(1, len(inputs[0])), 0, None)

    def _predict(self, method: str, inputs: list[np.ndarray], batch_size: Any, verbose: Any, callbacks: Any) -> Any:
        count = len(inputs[0])
        if count == 0:
            shapes = self.output_shapes_for([a.shape for a in inputs])
            return self.pack_outputs([np.empty(s, d) for s, d in zip(shapes, self.output_dtypes, strict=True)])
        function, rows = self._prediction()
        size = _positive(method, "batch_size", batch_size, rows)
        hooks = CallbackList(callbacks, self, steps=-(-count // size), verbose=verbose)
        hooks.on_predict_begin()
        parts = []
        for i, start in enumerate(range(0, count, size)):
            hooks.on_predict_batch_begin(i)
            parts.append(function([a[start : start + size] for a in inputs]))
            hooks.on_predict_batch_end(i)
        hooks.on_predict_end()
        return self.pack_outputs([p[0] if len(p) == 1 else np.concatenate(p) for p in zip(*parts, strict=True)])

    def _prediction(self) -> Any:
        if self._predictor is None:
            self._predictor = Predictor()
        return self._predictor.function(self)

    # Checks

    def _compiled(self, method: str) -> Scores:
        if self._scores is None:
            raise ValueError(f"{method}: the model is not compiled; call compile(optimizer, loss, metrics) first")
        return self._scores

    def _read(self, method: str, x: Any, y: Any, sample_weight: Any = None, class_weight: Any = None) -> Batch:
        return Reader(method, self, self._compiled(method), class_weight).batch(x, y, sample_weight)


def _positive(method: str, argument: str, value: Any, default: int) -> int:
    return default if value is None else _arguments.whole_number(f"{method}: {argument}", value)


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
