"""Activated: layers that have an activation, or two, among their arguments."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from rnnfast import activations
from rnnfast.activations import Activation, AnyActivation, FunctionActivation, OverLastAxis
from rnnfast.layers.base import Layer, Shape
from rnnfast.layers.lowered import NoLoweringError


class Activated(Layer):
    """Base of these layers. An activation may be a function of the user's own (`activations.FunctionActivation`): the
    engine cannot run it, and without a derivative nothing learns through it. Nor does the engine have those that run in
    NumPy (`activations.OverLastAxis`). Whatever is set as one of these attributes is taken as the argument is."""

    activation_arguments: ClassVar[tuple[str, ...]] = ("activation",)
    need_elementwise: ClassVar[bool] = False  # whether they must be element-wise
    activation: AnyActivation

    if not TYPE_CHECKING:

        def __setattr__(self, name: str, value: Any) -> None:
            super().__setattr__(name, self._activation_of(name, value) if name in self.activation_arguments else value)

    def _activation_of(self, argument: str, identifier: Any) -> AnyActivation:
        get = activations.get_recurrent if self.need_elementwise else activations.get
        given = self._named(get, argument, identifier)
        if not isinstance(given, FunctionActivation):
            return given
        if isinstance(given.function, Layer):
            raise TypeError(
                f"{self.label}: {argument}: {given.function.label} does more than apply a built-in activation; put it "
                "behind this layer, as a layer of the model"
            )
        return FunctionActivation(given.function, f"{self.label}: {argument}")

    @property
    def _given(self) -> list[AnyActivation]:
        return [getattr(self, argument) for argument in self.activation_arguments]

    @property
    def own_activations(self) -> list[FunctionActivation]:
        return [activation for activation in self._given if isinstance(activation, FunctionActivation)]

    def check_lowering(self) -> None:
        """NoLoweringError: the engine does not have these activations."""
        for activation in self._given:
            if isinstance(activation, FunctionActivation):
                raise NoLoweringError(f"{activation.label} is a function of your own, which the engine cannot run")
            if isinstance(activation, OverLastAxis):
                raise NoLoweringError(f"{self.label}: the engine does not have activation {activation.name!r}")

    @property
    def runs_on(self) -> str:
        return super().runs_on if all(isinstance(given, Activation) for given in self._given) else "Python"

    def activated_shape(self, shape: Shape) -> Shape:
        """The shape of what `activation` gives for an array of this shape. ValueError: it cannot take it."""
        try:
            return (*shape[:-1], self.activation.output_size(shape[-1])) if shape else shape
        except ValueError as error:
            raise ValueError(f"{self.label}: {error}") from None

    @property
    def untrainable(self) -> str | None:
        reasons = (activation.untrainable for activation in self.own_activations)
        return next(filter(None, reasons), super().untrainable)
