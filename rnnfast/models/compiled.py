"""What `compile` fixes of a model, and how that is written down."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rnnfast import optimizers
from rnnfast.metrics import Metric
from rnnfast.models.scores import Scores, made_metrics


class Compiled:
    """The part of a model that knows its optimizer, its losses and its metrics."""

    if TYPE_CHECKING:

        @property
        def output_names(self) -> list[str]: ...

    optimizer: Any = None  # an optimizers.Optimizer once compiled
    _scores: Scores | None = None

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

    @property
    def metrics(self) -> list[Metric]:
        """What `fit` and `evaluate` measure: the mean loss, those of several outputs, the metrics of `compile`."""
        return [] if self._scores is None else self._scores.trackers

    @property
    def metrics_names(self) -> list[str]:
        """The names of what `evaluate` gives, in its order; some are known once the model is built."""
        return [] if self._scores is None else list(self._scores.results())

    def reset_metrics(self) -> None:
        """Begin to measure anew, as every epoch and every `evaluate` do."""
        if self._scores is not None:
            self._scores.reset()

    def get_metrics_result(self) -> dict[str, float]:
        """What was measured last, by name: in the last epoch or validation of `fit`, by `evaluate`, on a batch."""
        return {} if self._scores is None else self._scores.results()

    def get_compile_config(self) -> dict[str, Any] | None:
        """The arguments of `compile` in Keras' serialized form, or None before it."""
        if self._scores is None or self.optimizer is None:
            return None
        return {"optimizer": optimizers.serialize(self.optimizer), **self._scores.config()}

    def compile_from_config(self, config: dict[str, Any]) -> None:
        known = ("optimizer", "loss", "loss_weights", "metrics", "weighted_metrics")
        arguments = {key: config[key] for key in known if config.get(key) is not None}
        for key in arguments.keys() & {"metrics", "weighted_metrics"}:
            arguments[key] = made_metrics(arguments[key])  # now, while classes of the user's own are known
        self.compile(**arguments)

    def scores_for(self, method: str) -> Scores:
        """The losses and metrics. ValueError: the model is not compiled, or has no loss. method: what needs them."""
        if self._scores is None:
            raise ValueError(f"{method}: the model is not compiled; call compile(optimizer, loss, metrics) first")
        return self._scores.with_a_loss(method)
