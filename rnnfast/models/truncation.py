"""Truncated back-propagation through time: long sequences in pieces, each with an update of its own.

The states at the end of a piece are those at the beginning of the next one; gradients end where a piece begins.
"""

from __future__ import annotations

from collections.abc import Iterator

from rnnfast.data.adapt import placed
from rnnfast.data.batch import Batch
from rnnfast.layers.base import Shape
from rnnfast.models.network import Network
from rnnfast.models.scores import Scores


def pieces(model: Network, scores: Scores, batch: Batch, length: int) -> Iterator[Batch]:
    """The batch, cut into pieces of `length` time steps. While the caller walks through them, the model's recurrent
    layers carry their states from call to call; before and after, those that are not stateful have none.

    ValueError: an input, an output or its labels have no time axis, a layer cannot be run on pieces, a loss looks at
    several steps at once, or a piece would not give as many steps as it has.
    """
    check_pieces(model)
    time = _time(model, scores, batch)
    for steps in {min(length, time), time % length} - {0}:
        _check_piece(model, [(x.shape[0], steps, *x.shape[2:]) for x in batch.x], steps)
    try:
        model.carry_state(True)
        for start in range(0, time, length):
            stop = min(start + length, time)
            yield Batch(
                [x[:, start:stop] for x in batch.x],
                [None if y is None else y[:, start:stop] for y in batch.y],
                # One weight per sample holds for all its steps.
                [w if w is None or w.ndim < 2 or w.shape[1] == 1 else w[:, start:stop] for w in batch.sample_weight],
                share=(stop - start) / time,
            )
    finally:
        model.carry_state(False)


def check_pieces(model: Network) -> None:
    """ValueError if a layer cannot be run on pieces of a sequence, as far as it is built."""
    try:
        with placed("fit: tbptt"):
            model.carry_state(True)
    finally:
        model.carry_state(False)


def _time(model: Network, scores: Scores, batch: Batch) -> int:
    """The number of steps that all inputs and outputs have, and what goes with these."""
    shapes = [x.shape for x in batch.x]
    time = shapes[0][1] if len(shapes[0]) > 1 else 0
    for name, shape in zip(model.input_names, shapes, strict=True):
        if len(shape) < 2 or shape[1] != time:
            raise ValueError(f"fit: tbptt: every input must have {time} steps on axis 1, {name!r} has shape {shape}")
    made = model.output_shapes_for(shapes)
    for name, shape, y, weight, loss in zip(
        model.output_names, made, batch.y, batch.sample_weight, scores.loss_per_output, strict=True
    ):
        if y is not None and (len(shape) < 3 or shape[1] != time):
            raise ValueError(
                f"fit: tbptt: every output must have the {time} time steps of the input (return_sequences=True), "
                f"{name!r} has shape {shape}"
            )
        if loss is not None and 1 in loss.axes_of_a_value(len(shape)):
            raise ValueError(
                f"fit: tbptt: every loss must be one of single time steps, {loss.name!r} of output {name!r} is "
                "computed from all of them"
            )
        if y is not None and y.shape[1:2] != (time,):
            raise ValueError(
                f"fit: tbptt: labels must have the {time} time steps of the input on axis 1, those of output "
                f"{name!r} have shape {y.shape}"
            )
        if weight is not None and weight.ndim > 1 and weight.shape[1] not in (1, time):
            raise ValueError(
                f"fit: tbptt: sample_weight must be one per sample, or have the {time} time steps of the input on "
                f"axis 1, that of output {name!r} has shape {weight.shape}"
            )
    return time


def _check_piece(model: Network, shapes: list[Shape], steps: int) -> None:
    """ValueError if a layer wants all time steps at once."""
    why = f"fit: tbptt: a layer cannot be run on a piece of {steps} time steps"
    try:
        made = model.output_shapes_for(shapes)
    except ValueError as error:
        raise ValueError(f"{why}: {error}") from None
    for name, shape in zip(model.output_names, made, strict=True):
        if len(shape) > 1 and shape[1] != steps:
            raise ValueError(f"{why}: {name!r} would give shape {shape}")
