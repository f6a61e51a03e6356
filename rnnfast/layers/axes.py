"""Layers that work along chosen axes of their input, and the check of such a choice."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from rnnfast import _arguments
from rnnfast.layers.base import Layer, Shape
from rnnfast.layers.lowered import NoLoweringError


def given_axes(what: str, axis: Any) -> list[int]:
    """An axis, or a list of different ones, as a list. TypeError: no integers; ValueError: none, or one twice."""
    axes = [axis] if _arguments.is_whole(axis) else axis
    if not isinstance(axes, (list, tuple)) or not all(_arguments.is_whole(a) for a in axes):
        raise TypeError(f"{what} must be an integer or a list of integers, got {axis!r}")
    if not axes or len(set(axes)) < len(axes):
        raise ValueError(f"{what} must name one or more different axes, got {axis!r}")
    return [int(a) for a in axes]


class AxisLayer(Layer):
    """Base of layers that work along `along`, some axes of the input; negative ones count from the end.

    Weights have one element for each place along these axes: their sizes must be known, and stay.
    """

    axis: Any  # one, or a list, as configurations have it
    needs_sizes = True

    @property
    def along(self) -> list[int]:
        return [self.axis] if _arguments.is_whole(self.axis) else list(self.axis)

    def resolved(self, rank: int) -> tuple[int, ...]:
        """The axes of an input of so many axes, ascending, from 0 on. ValueError: it has no such axes."""
        axes = sorted(a + rank if a < 0 else a for a in self.along)
        if any(not 0 <= a < rank for a in axes) or len(set(axes)) < len(axes):
            raise ValueError(f"{self.label}: axis={self.along} does not fit an input of {rank} axes")
        return tuple(axes)

    def check_shape(self, shape: Shape) -> None:
        super().check_shape(shape)
        axes = self.resolved(len(shape))
        if not self.needs_sizes:
            return
        for axis in axes:
            if not self.built:
                if shape[axis] is None:
                    raise ValueError(f"{self.label}: the size of axis {axis} must be known, got shape {shape}")
            elif self.input_shape is not None and (
                len(shape) != len(self.input_shape) or shape[axis] not in (None, self.input_shape[axis])
            ):
                raise ValueError(f"{self.label}: expected input of shape {self.input_shape}, got {shape}")

    @property
    def mixes_time(self) -> bool:
        return self.input_shape is not None and 1 in self.resolved(len(self.input_shape))

    def sizes_along(self, shape: Shape) -> tuple[int, ...]:
        return tuple(n for n in (shape[axis] for axis in self.resolved(len(shape))) if n is not None)

    def spread(self, weight: np.ndarray, rank: int) -> np.ndarray:
        """A weight along these axes, as it is broadcast to an input of so many axes."""
        sizes = iter(weight.shape)
        axes = self.resolved(rank)
        return weight.reshape([next(sizes) if axis in axes else 1 for axis in range(rank)])

    def others(self, rank: int) -> tuple[int, ...]:
        """The axes that the layer does not work along."""
        axes = self.resolved(rank)
        return tuple(axis for axis in range(rank) if axis not in axes)

    def lower_along(
        self, program: Any, value: Any, lower: Callable[[Any], Any], *, takes_any_size: bool = False
    ) -> Any:
        """`lower` of a value whose last axis is those that the layer works along, and these put back in their places.

        NoLoweringError: they are not the last one, and the batch is among them, the value has a mask, or the size of
        one is not known, unless `lower` takes any.
        """
        shape = self.input_shape or ()
        if self.is_last(len(shape)):
            return lower(value)
        axes = self.resolved(len(shape))
        for found, reason in (
            (0 in axes, "the engine does not work along the batch"),
            (
                not takes_any_size and any(shape[axis] is None for axis in axes),
                f"the engine must know their sizes, and the input is {shape}",
            ),
            (program.masked(value), "the engine takes values without a mask only"),
        ):
            if found:
                raise NoLoweringError(f"{self.label}: along axes {self.along}: {reason}")
        order = [*self.others(len(shape))[1:], *axes]
        sizes = [-1 if n is None else n for n in (shape[axis] for axis in order)]
        moved = program.permute(value, [axis - 1 for axis in order], self.name)
        if len(axes) > 1:
            along = sizes[-len(axes) :]
            together = [*sizes[: -len(axes)], -1 if -1 in along else math.prod(along)]
            moved = program.reshape(lower(program.reshape(moved, together, self.name)), sizes, self.name)
        else:
            moved = lower(moved)
        return program.permute(moved, [order.index(axis) for axis in range(1, len(shape))], self.name)

    def is_last(self, rank: int) -> bool:
        return self.resolved(rank) == (rank - 1,)
