"""Activated: layers that have an activation, or two, among their arguments."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from rnnfast import activations
from rnnfast.activations import Activation, AnyActivation, FunctionActivation
from rnnfast.layers.base import Layer
from rnnfast.layers.lowered import NoLoweringError


class Activated(Layer):
    """Base of these layers. An activation may be a function of the user's own (`activations.FunctionActivation`): the
    engine cannot run it, and without a derivative nothing learns through it. Whatever is set as one of these attributes
    is taken as the argument is."""

    activation_arguments: ClassVar[tuple[str, ...]] = ("activation",)
    need_elementwise: ClassVar[bool] = False  # whether they must be element-wise
    activation: AnyActivation

    if not TYPE_CHECKING:

        def __setattr__(self, name: str, value: Any) -> None:
            super().__setattr__(name, self._activation_of(name, value) if name in self.activation_arguments else value)

    def _activation_of(self, argument: str, identifier: Any) -> AnyActivation:
        get = activations.get_recurrent if self.need_elementwise else activations.get
        given = self._named(get, argument, identifier)
        if isinstance(given, Activation):
            return given
        if isinstance(given.function, Layer):
            raise TypeError(
                f"{self.label}: {argument}: {given.function.label} does more than apply a built-in activation; put it "
                "behind this layer, as a layer of the model"
            )
        return FunctionActivation(given.function, f"{self.label}: {argument}")

    @property
    def own_activations(self) -> list[FunctionActivation]:
        given = (getattr(self, argument) for argument in self.activation_arguments)
        return [activation for activation in given if isinstance(activation, FunctionActivation)]

    def check_lowering(self) -> None:
        """NoLoweringError: the engine does not have these activations."""
        for activation in self.own_activations:
            raise NoLoweringError(f"{activation.label} is a function of your own, which the engine cannot run")

    @property
    def runs_on(self) -> str:
        return "Python" if self.own_activations else super().runs_on

    @property
    def untrainable(self) -> str | None:
        reasons = (activation.untrainable for activation in self.own_activations)
        return next(filter(None, reasons), super().untrainable)
