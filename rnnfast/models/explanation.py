"""What `explain` of a model tells: what computes each layer in training, and what its options cost."""

from __future__ import annotations

from typing import Any

from rnnfast.lowering import flat_layers
from rnnfast.models.predictor import obstacle


class TrainingExplanation:
    """What trains a model. `str()` is a table with a sentence on `predict` above it.

    rows: a dict for each layer, those of nested models in their place: `layer` its name, `class`, `runs_on` ("C++": the
    core; "NumPy": whole arrays; "Python": code of the user's), and `costs`, a dict from each option in use that is
    paid for in training to what it takes, in kind. off_engine: why `predict` and `evaluate` run layer by layer, None
    where they run on the inference engine.
    """

    def __init__(self, model: Any) -> None:
        self.off_engine = obstacle(model)
        self.rows: list[dict[str, Any]] = [
            {
                "layer": layer.name,
                "class": type(layer).__name__,
                "runs_on": layer.runs_on,
                "costs": layer.option_costs(),
            }
            for layer in flat_layers(model)
        ]

    def __str__(self) -> str:
        columns = ("layer", "class", "runs on", "what options cost")
        lines = [columns]
        for row in self.rows:
            costs = [f"{option}: {cost}" for option, cost in row["costs"].items()] or ["-"]
            lines.append((row["layer"], row["class"], row["runs_on"], costs[0]))
            lines += [("", "", "", cost) for cost in costs[1:]]
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        table = ["  ".join(map(str.ljust, line, widths)).rstrip() for line in lines]
        where = "on the inference engine" if self.off_engine is None else f"layer by layer: {self.off_engine}"
        return "\n".join([f"predict and evaluate run {where}", "", table[0], "-" * len(table[0]), *table[1:]])

    __repr__ = __str__
