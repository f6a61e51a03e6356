"""Whether the gradients that training needs exist."""

from __future__ import annotations

from typing import Any

from rnnfast import _structure
from rnnfast.models.scores import Scores


class _Value:
    """What stands for an output: its shape, and whether a layer with trainable weights is on the way to it."""

    def __init__(self, shape: Any, learns: bool) -> None:
        self.shape = shape
        self.learns = learns


def check_differentiable(model: Any, scores: Scores) -> None:
    """TypeError for a loss without a gradient, and where one would have to go through a layer that has none, such as an
    activation of the user's own without a derivative. A model that is not built tells in its backward pass."""
    for loss in scores.given_losses:
        if loss.untrainable is not None:
            raise TypeError(loss.untrainable)
    if model.built and model.untrainable is not None:
        model.lower_through(_follow, [_Value(shape, False) for shape, _ in model.input_specs])


def _follow(layer: Any, x: Any, options: dict[str, Any]) -> Any:
    """The outputs of a layer, from what it reads."""
    if hasattr(layer, "lower_through"):
        return layer.pack_outputs(layer.lower_through(_follow, layer.by_name(x)))
    read = _structure.flatten([x, options])
    learns = bool(layer.trainable_weights) or any(isinstance(v, _Value) and v.learns for v in read)
    if learns and layer.untrainable is not None:
        raise TypeError(layer.untrainable)
    shapes, given = (_structure.map_leaves(lambda v: getattr(v, "shape", v), part) for part in (x, options))
    return _structure.map_leaves(lambda shape: _Value(shape, learns), layer.call_output_shape(shapes, given))
