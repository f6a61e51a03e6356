"""compile, fit, evaluate, predict and their single-batch forms, for any model."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import numpy as np

from rnnfast import _arguments, optimizers, regularizers
from rnnfast.callbacks import Callback, CallbackList, History, ProgressBar
from rnnfast.layers import Layer
from rnnfast.models.data import Dataset
from rnnfast.models.predictor import Predictor
from rnnfast.models.scores import Scores
from rnnfast.optimizers import NonFiniteError

BATCH_SIZE = 32


class Model(Layer):
    """Base of models: a layer that can be compiled, trained and asked. A subclass defines `run` and `layers`."""

    optimizer: Any = None  # an optimizers.Optimizer once compiled
    history: History | None = None
    stop_training = False
    _scores: Scores | None = None
    _predictor: Predictor | None = None

    @property
    def layers(self) -> list[Layer]:
        raise TypeError(f"{self.label} does not define layers")

    @property
    def sublayers(self) -> list[Layer]:
        return self.layers

    def run(self, x: np.ndarray, mask: np.ndarray | None, training: bool) -> tuple[np.ndarray, Any, Any]:
        """Output, its mask, and the tape that `backward` takes."""
        raise TypeError(f"{self.label} does not define run(x, mask, training)")

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

        metrics see no sample weights, weighted_metrics do. run_eagerly, steps_per_execution, jit_compile and
        auto_scale_loss are accepted and have no effect. loss_weights other than None is a ValueError.
        """
        if loss_weights is not None:
            raise ValueError(f"compile: loss_weights={loss_weights!r} is not supported: the model has one output")
        scores = Scores(loss, metrics, weighted_metrics)
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
        data = self._dataset("fit", x, y, sample_weight, class_weight)
        validation: Dataset | None = None
        if validation_data is not None:
            if not isinstance(validation_data, (tuple, list)) or len(validation_data) not in (2, 3):
                raise ValueError("fit: validation_data must be (x, y) or (x, y, sample_weight)")
            validation = self._dataset("fit: validation_data", *validation_data)
        elif validation_split is not None and validation_split != 0:
            data, validation = data.split("fit", validation_split)
        validation_size = _positive("fit", "validation_batch_size", validation_batch_size, size)

        verbose = _verbosity("fit", verbose)
        progress, history = ProgressBar(verbose), History()
        hooks = CallbackList(
            [*_as_callbacks(callbacks), *([progress] if verbose else []), history],
            self, epochs=epochs, steps=data.steps(size), verbose=verbose,
        )  # fmt: skip
        self.history, self.stop_training = history, False
        logs: dict[str, float] = {}
        hooks.on_train_begin()
        try:
            for epoch in range(initial_epoch, epochs):
                hooks.on_epoch_begin(epoch)
                logs = self._epoch(epoch, data, size, shuffle, hooks)
                if validation is not None and (epoch + 1) % validation_freq == 0:
                    measured = self._evaluate(validation, validation_size, hooks)
                    logs |= {f"val_{name}": value for name, value in measured.items()}
                scores.reset()
                hooks.on_epoch_end(epoch, logs)
                if self.stop_training:
                    break
        finally:
            progress.close()
        if epochs > 0:
            self.optimizer.finalize_variable_values(self.trainable_weights)
        hooks.on_train_end(logs)
        return history

    def _epoch(self, epoch: int, data: Dataset, size: int, shuffle: bool, hooks: CallbackList) -> dict[str, float]:
        scores = self._compiled("fit")
        scores.reset()
        for i, batch in enumerate(data.batches(size, shuffle)):
            hooks.on_train_batch_begin(i)
            try:
                self._train_step(batch)
            except NonFiniteError as error:
                raise NonFiniteError(f"fit: epoch {epoch + 1}, batch {i + 1}: {error}") from None
            hooks.on_train_batch_end(i, scores.results())
        return scores.results()

    def _train_step(self, data: Dataset) -> None:
        """Forward with a tape, the loss and its gradient, backward along the tape, one update."""
        scores, optimizer = self._compiled("train_on_batch"), self.optimizer
        loss = scores.needed_loss("train_on_batch")
        self.clear_losses()
        y_pred, mask, tape = self.run(data.x, None, training=True)
        y_true = loss.match(data.y, y_pred)
        values = loss.call(y_true, y_pred)
        weights = loss.weights(values.shape, data.sample_weight, mask)
        value = loss.reduce(values, weights) + sum(self.losses)
        if not math.isfinite(value):
            self._blame(data, value)
        scores.update(data, y_pred, mask, value)

        # Through softmax or sigmoid and cross-entropy at once: p - y, exact where either alone would lose digits.
        at_logits = (
            loss.logits_activation is not None
            and not getattr(loss, "from_logits", False)
            and self.output_activation == loss.logits_activation
        )
        gradient = (loss.logit_gradient if at_logits else loss.gradient)(y_true, y_pred)
        gradient = gradient * (1 / values.size if weights is None else weights[..., None] / values.size)
        gradient = gradient.astype(y_pred.dtype, copy=False)
        variables = self.trainable_weights
        for variable in self.weights:
            variable.grad = None
        (self.backward_logits if at_logits else self.backward)(gradient, tape, need_dx=False)
        regularizers.add_gradients(variables)
        if variables:
            optimizer.apply(variables)

    def _blame(self, data: Dataset, value: float) -> None:
        """The loss is not finite: say whose fault it is. If it is the last update's, undo that."""
        for name, array in data._asdict().items():
            if array is not None and array.dtype.kind == "f" and not np.isfinite(array).all():
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
        data = self._dataset("train_on_batch", x, y, sample_weight, class_weight)
        scores.reset()
        self._train_step(data)
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
        data = self._dataset("evaluate", x, y, sample_weight)
        verbose = _verbosity("evaluate", verbose)
        hooks = CallbackList(
            [*_as_callbacks(callbacks), *([ProgressBar(verbose)] if verbose else [])],
            self, steps=data.steps(size), verbose=verbose,
        )  # fmt: skip
        logs = self._evaluate(data, size, hooks)
        scores.reset()
        return _plain(logs, return_dict)

    def _evaluate(self, data: Dataset, size: int, hooks: CallbackList) -> dict[str, float]:
        scores = self._compiled("evaluate")
        loss = scores.needed_loss("evaluate")
        scores.reset()
        hooks.on_test_begin()
        # The engine gives no mask and no layer's outputs: where the loss needs them, the layers run.
        function = None if self.creates_mask or self.penalizes_outputs else self._prediction()[0]
        for i, batch in enumerate(data.batches(size)):
            hooks.on_test_batch_begin(i)
            self.clear_losses()
            if function is None:
                y_pred, mask, _ = self.run(batch.x, None, training=False)
            else:
                y_pred, mask = function(batch.x), None
            value = loss(batch.y, y_pred, batch.sample_weight, mask) + sum(self.losses)
            scores.update(batch, y_pred, mask, value)
            hooks.on_test_batch_end(i, scores.results())
        logs = scores.results()
        hooks.on_test_end(logs)
        return logs

    def test_on_batch(self, x: Any, y: Any = None, sample_weight: Any = None, return_dict: bool = False) -> Any:
        """Loss and metrics on one batch, as `evaluate` gives them."""
        self._compiled("test_on_batch")
        data = self._dataset("test_on_batch", x, y, sample_weight)
        return _plain(self._evaluate(data, len(data), CallbackList(None, self)), return_dict)

    def predict(
        self,
        x: Any,
        batch_size: int | None = None,
        verbose: Any = "auto",
        steps: int | None = None,
        callbacks: Iterable[Callback] | Callback | None = None,
    ) -> np.ndarray:
        """Outputs for x (samples, ...); no samples give an empty array. It prints nothing, whatever `verbose`.

        batch_size: samples per call of the engine; it changes no bit of the result.
        """
        if steps is not None:
            raise ValueError(f"predict: argument steps={steps!r} is not supported yet; give an array and batch_size")
        x = self._prepared("predict", x)
        if len(x) == 0:
            return np.empty(self.compute_output_shape(x.shape), self.layers[-1].dtype)
        function, rows = self._prediction()
        size = _positive("predict", "batch_size", batch_size, rows)
        hooks = CallbackList(callbacks, self, steps=-(-len(x) // size), verbose=verbose)
        hooks.on_predict_begin()
        parts = []
        for i, start in enumerate(range(0, len(x), size)):
            hooks.on_predict_batch_begin(i)
            parts.append(function(x[start : start + size]))
            hooks.on_predict_batch_end(i)
        hooks.on_predict_end()
        return parts[0] if len(parts) == 1 else np.concatenate(parts)

    def predict_on_batch(self, x: Any) -> np.ndarray:
        """`predict` in one piece."""
        x = self._prepared("predict_on_batch", x)
        return self.predict(x, batch_size=max(1, len(x)))

    def _prediction(self) -> Any:
        self.clear_losses()
        if self._predictor is None:
            self._predictor = Predictor()
        return self._predictor.function(self)

    # Checks

    def _compiled(self, method: str) -> Scores:
        if self._scores is None:
            raise ValueError(f"{method}: the model is not compiled; call compile(optimizer, loss, metrics) first")
        return self._scores

    def _prepared(self, method: str, x: Any) -> np.ndarray:
        if x is None:
            raise ValueError(f"{method}: x is missing")
        if isinstance(x, (list, tuple)) and len(x) == 1 and isinstance(x[0], np.ndarray):
            x = x[0]  # Keras' list of inputs
        if not hasattr(x, "__array__") and not isinstance(x, (list, tuple)):
            raise TypeError(f"{method}: x must be an array, got {type(x).__name__}")
        return self.prepare(x)

    def _dataset(self, method: str, x: Any, y: Any, sample_weight: Any = None, class_weight: Any = None) -> Dataset:
        scores = self._compiled(method)
        scores.needed_loss(method)
        data = Dataset.of(method, self._prepared(method, x), y, sample_weight, class_weight)
        scores.check(method, data, self.compute_output_shape(data.x.shape))
        return data


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
