"""What `compile` fixes: the losses of all outputs, and the metrics that are followed beside them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from rnnfast import _arguments, losses, metrics
from rnnfast.data.batch import Batch
from rnnfast.losses import Slope
from rnnfast.models.output_score import OutputScore


class Scores:
    """Losses and metrics over batches. `compile`'s arguments are laid out over the outputs by `bind`.

    Each argument is one thing (for every output), a list (one entry per output) or a dictionary by output name. The
    logs are `loss`, the weighted sum; `<output>_loss` where several outputs have one; and the metrics, whose names
    begin with that of the output where there are several.
    """

    def __init__(self, loss: Any, loss_weights: Any = None, plain: Any = None, weighted: Any = None) -> None:
        self.loss = _map(losses.get, loss)  # in the structure that the caller gave
        self._loss_weights = loss_weights
        self._plain, self._weighted = plain, weighted
        self._names: list[str] = []
        self._outputs: list[OutputScore] = []
        self._mean_loss = metrics.Mean("loss")
        # Names are checked now, not in the first epoch.
        _map(_check_metric, plain)
        _map(_check_metric, weighted)
        _map(lambda weight: _arguments.number("compile: loss_weights", weight), loss_weights)

    def bind(self, names: Sequence[str]) -> None:
        """Lay the arguments out over the outputs of these names. ValueError: they do not fit."""
        if not names or list(names) == self._names:
            return
        arguments = [
            _per_output("loss", self.loss, names),
            _per_output("loss_weights", self._loss_weights, names),
            *(_metrics_per_output(kind, value, names) for kind, value in self._metric_arguments()),
        ]
        self._outputs = [OutputScore(*given) for given in zip(*arguments, strict=True)]
        self._names = list(names)

    def _metric_arguments(self) -> tuple[tuple[str, Any], tuple[str, Any]]:
        return ("metrics", self._plain), ("weighted_metrics", self._weighted)

    def with_a_loss(self, method: str) -> Scores:
        """These, or ValueError where there is no loss."""
        if not self.given_losses:
            raise ValueError(f"{method}: the model was compiled without a loss; give compile(loss=...)")
        return self

    @property
    def given_losses(self) -> list[losses.Loss]:
        """All that were given."""
        return _leaves(self.loss)

    @property
    def with_loss(self) -> list[bool]:
        """Whether each output has a loss."""
        return [output.loss is not None for output in self._outputs]

    @property
    def loss_per_output(self) -> list[losses.Loss | None]:
        """The loss of each output."""
        return [output.loss for output in self._outputs]

    def check(self, batch: Batch, output_shapes: Sequence[Any]) -> None:
        """ValueError if labels are missing, or do not fit predictions of these shapes."""
        for name, output, y, shape in zip(self._names, self._outputs, batch.y, output_shapes, strict=True):
            if y is not None:
                output.check(y, shape)
            elif output.needs_y:
                raise ValueError("y is missing" + (f" for output {name!r}" if len(self._names) > 1 else ""))

    def slopes(
        self, batch: Batch, outputs: list[Any], masks: list[Any], activations: Sequence[str | None]
    ) -> list[Slope]:
        """Each output's loss and derivative, for the training step."""
        return [output.slope(*given) for output, *given in self._zip(batch, outputs, masks, activations)]

    def values(self, batch: Batch, outputs: list[Any], masks: list[Any]) -> list[float]:
        """Each output's loss."""
        return [output.value(*given) for output, *given in self._zip(batch, outputs, masks)]

    def broken_losses(self, values: Sequence[float], outputs: list[Any]) -> str:
        """Words about losses of the user's own that are not finite where the predictions are."""
        each = zip(self.loss_per_output, values, outputs, strict=True)
        return "".join(
            f"; loss {loss.name!r} gives {value} for finite predictions"
            for loss, value, y_pred in each
            if loss is not None and losses.is_own(loss) and not np.isfinite(value) and np.isfinite(y_pred).all()
        )

    def broken_slopes(self, slopes: Sequence[Slope]) -> str | None:
        """The name of a loss of the user's own whose gradient is not finite."""
        for loss, slope in zip(self.loss_per_output, slopes, strict=True):
            own = loss is not None and losses.is_own(loss)
            if own and slope.gradient is not None and not np.isfinite(slope.gradient).all():
                return loss.name  # type: ignore[union-attr]
        return None

    def total(self, values: Sequence[float]) -> float:
        """The loss that is minimised: the sum of the outputs' losses, each times its weight."""
        return sum(output.weight * value for output, value in zip(self._outputs, values, strict=True))

    def update(self, batch: Batch, outputs: list[Any], masks: list[Any], values: Sequence[float], total: float) -> None:
        """Add a batch. values: the outputs' losses; total: the model's."""
        self._mean_loss.add_number(total, batch.rows * batch.share)
        for output, *given in self._zip(batch, outputs, masks, values):
            output.update(*given, batch.share)

    def _zip(self, batch: Batch, *per_output: Any) -> Any:
        first, second, *rest = per_output
        return zip(self._outputs, batch.y, first, batch.sample_weight, second, *rest, strict=True)

    def reset(self) -> None:
        self._mean_loss.reset_state()
        for output in self._outputs:
            output.reset()

    def results(self) -> dict[str, float]:
        """Means since `reset`, in the order in which Keras lists them."""
        logs = {"loss": self._mean_loss.result()}
        several = len(self._outputs) > 1
        if sum(self.with_loss) > 1:
            logs |= {
                f"{name}_loss": output.mean_loss.result()
                for name, output in zip(self._names, self._outputs, strict=True)
                if output.loss is not None
            }
        named: dict[str, float] = {}
        for name, output in zip(self._names, self._outputs, strict=True):
            for metric, weighted in output.metrics:
                _add(named, f"{name}_" if several else "", metric, weighted)
        return logs | (dict(sorted(named.items())) if several else named)

    @property
    def trackers(self) -> list[metrics.Metric]:
        """What is measured: the mean of the loss, those of the outputs' losses where there are several, the metrics."""
        of_outputs = [o.mean_loss for o in self._outputs if o.loss is not None] if sum(self.with_loss) > 1 else []
        return [self._mean_loss, *of_outputs, *(metric for output in self._outputs for metric, _ in output.metrics)]

    def config(self) -> dict[str, Any]:
        """The arguments of `compile`, in Keras' serialized form."""
        return {
            "loss": _map(losses.serialize, self.loss),
            "loss_weights": self._loss_weights,
            **{name: _map(_metric_config, value) or None for name, value in self._metric_arguments()},
        }


def _add(logs: dict[str, Any], prefix: str, metric: metrics.Metric, weighted: bool) -> None:
    """Names that come twice get Keras' additions. prefix: that of the output."""
    result = metric.result()
    if isinstance(result, dict):  # of a metric of the user's own: several numbers by names of theirs
        logs.update({f"{prefix}{key}": _plain(metric, value) for key, value in result.items()})
        return
    name = prefix + metric.name
    if name in logs and weighted:
        name = f"{prefix}weighted_{metric.name}"
    base, count = name, 0
    while name in logs:
        count += 1
        name = f"{base}_{count}"
    logs[name] = _plain(metric, result)


def _plain(metric: metrics.Metric, result: Any) -> Any:
    """A number as a float; several as they are."""
    numbers = _arguments.numeric(f"metric {metric.name!r}: its result", result)
    return result if numbers.ndim else float(numbers)


def _is_structure(value: Any) -> bool:
    serialized = isinstance(value, dict) and "class_name" in value
    return isinstance(value, (dict, list, tuple)) and not serialized


def _map(function: Callable[[Any], Any], value: Any) -> Any:
    """The structure with the function's results at its leaves."""
    if value is None:
        return None
    if not _is_structure(value):
        return function(value)
    if isinstance(value, dict):
        return {key: _map(function, item) for key, item in value.items()}
    return [_map(function, item) for item in value]


def _per_output(argument: str, value: Any, names: Sequence[str]) -> list[Any]:
    if not _is_structure(value):
        return [value] * len(names)
    if isinstance(value, dict):
        return _by_name(argument, value, names)
    if len(value) != len(names):
        raise ValueError(f"compile: {argument} must have one entry per output ({_listed(names)}), got {len(value)}")
    return list(value)


def _metrics_per_output(argument: str, value: Any, names: Sequence[str]) -> list[list[Any]]:
    if value is None:
        return [[] for _ in names]
    if isinstance(value, dict) and _is_structure(value):
        entries = _by_name(argument, value, names)
    elif len(names) == 1:
        entries = [value]
    elif isinstance(value, (list, tuple)) and len(value) == len(names):
        entries = list(value)
    else:
        raise ValueError(
            f"compile: {argument} must be a dictionary by output name or a list with one entry per output "
            f"({_listed(names)}), got {value!r}"
        )
    return [_leaves(entry) for entry in entries]


def _leaves(value: Any) -> list[Any]:
    found: list[Any] = []
    _map(found.append, value)
    return found


def _by_name(argument: str, value: dict[str, Any], names: Sequence[str]) -> list[Any]:
    unknown = [key for key in value if key not in names]
    if unknown:
        raise ValueError(f"compile: {argument} names {_listed(unknown)}; the model's outputs are {_listed(names)}")
    return [value.get(name) for name in names]


def _listed(names: Sequence[Any]) -> str:
    return ", ".join(map(repr, names))


def _check_metric(identifier: Any) -> None:
    if not metrics.is_plain_accuracy(identifier):
        metrics.get(identifier)


def made_metrics(value: Any) -> Any:
    """An argument of `compile` with metrics in place of their serialized forms."""
    return _map(lambda given: metrics.get(given) if isinstance(given, dict) else given, value)


def _metric_config(identifier: Any) -> Any:
    return identifier if isinstance(identifier, str) else metrics.serialize(metrics.get(identifier))
