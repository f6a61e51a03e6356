"""clone_model: the same model with layers, and so weights, of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from rnnfast import _structure
from rnnfast._custom_objects import CustomObjectScope, noting
from rnnfast.layers import Input, Layer
from rnnfast.layers.symbolic import SymbolicTensor
from rnnfast.models.functional import Functional
from rnnfast.models.model import Model
from rnnfast.models.sequential import Sequential

Clone = Callable[[Any], Any]


def clone_model(
    model: Model,
    input_tensors: Any = None,
    clone_function: Clone | None = None,
    call_function: Callable[..., Any] | None = None,
    recursive: bool = False,
) -> Any:
    """A model like `model`, with newly made layers and initial weights; compiled as it is, if it is.

    Args:
        model: any model; one of a class of your own is made again from its `get_config`, without the other arguments.
        input_tensors: symbolic tensors to build on, in the structure of `model.input`; default new inputs.
        clone_function: `clone_function(layer)` gives the layer that takes the place of each one but the inputs, once
            for each; default one of the same configuration.
        call_function: of functional models, `call_function(layer, x, **options)` calls each new layer; default
            `layer(x, **options)`.
        recursive: also clone what models inside the model are made of, by the same functions; default: such a model
            is cloned as a layer.

    Raises:
        TypeError: `model` is no model, or an input is no symbolic tensor.
        ValueError: input_tensors do not fit, or an argument is not for this kind of model.

    Example:
        >>> import rnnfast
        >>> from rnnfast.layers import LSTM, Bidirectional, Dense, Input
        >>> model = rnnfast.Sequential([Input((5, 3)), LSTM(4), Dense(1)])
        >>> def both_ways(layer):
        ...     config = layer.get_config()
        ...     return Bidirectional(LSTM.from_config(config)) if isinstance(layer, LSTM) else Dense.from_config(config)
        >>> rnnfast.models.clone_model(model, clone_function=both_ways).layers[0].compute_output_shape((2, 5, 3))
        (2, 8)
    """
    if not isinstance(model, Model):
        raise TypeError(f"clone_model: expected a model, got {model!r} of type {type(model).__name__}")
    tensors = None if input_tensors is None else _checked(input_tensors)
    if isinstance(model, Functional):
        copy = _functional(model, tensors, _Cloner(clone_function, call_function, recursive), call_function or _call)
    elif call_function is not None:
        raise ValueError(f"clone_model: call_function is for functional models, got {model.label}")
    elif isinstance(model, Sequential):
        copy = _sequential(model, tensors, _Cloner(clone_function, call_function, recursive))
    elif clone_function is not None or tensors is not None:
        raise ValueError(
            "clone_model: clone_function and input_tensors are for functional models and Sequential, got " + model.label
        )
    else:
        copy = _same(model)
    with _again(f"how {model.label} was compiled", model.get_compile_config) as config:
        if config is not None:
            copy.compile_from_config(config)
    return copy


class _Cloner:
    """Clones each layer once, models inside by `clone_model` if `recursive`."""

    def __init__(self, function: Clone | None, call_function: Any, recursive: bool) -> None:
        self._function = function or _same
        self._call_function = call_function
        self._recursive = recursive
        self._made: dict[int, Any] = {}

    def __call__(self, layer: Layer) -> Any:
        if id(layer) not in self._made:
            self._made[id(layer)] = self._clone(layer)
        return self._made[id(layer)]

    def _clone(self, layer: Layer) -> Any:
        if self._recursive and isinstance(layer, (Functional, Sequential)):
            call_function = self._call_function if isinstance(layer, Functional) else None
            return clone_model(layer, None, self, call_function, True)
        made = self._function(layer)
        if not isinstance(made, Layer):
            raise TypeError(f"clone_model: clone_function must give a layer for {layer.label}, got {made!r}")
        return made


def _same(layer: Any) -> Any:
    """One of the same configuration."""
    with _again(layer.label, layer.get_config) as config:
        return type(layer).from_config(config)


@contextmanager
def _again(what: str, get_config: Callable[[], Any]) -> Iterator[Any]:
    """A configuration, in a scope in which what it holds of the user's own can be made again; errors name `what`."""
    try:
        with noting() as own:
            config = get_config()
        with CustomObjectScope(own):
            yield config
    except (TypeError, ValueError) as error:
        kind = TypeError if isinstance(error, TypeError) else ValueError
        raise kind(f"clone_model: {what} cannot be made again from its configuration: {error}") from error


def _call(layer: Any, x: Any, **options: Any) -> Any:
    return layer(x, **options)


def _checked(input_tensors: Any) -> Any:
    tensors = _structure.listed(input_tensors)
    for tensor in _structure.flatten(tensors):
        if not isinstance(tensor, SymbolicTensor):
            raise TypeError(f"clone_model: input_tensors must be symbolic tensors, got {tensor!r}")
    return tensors


def _sequential(model: Sequential, tensors: Any, clone: _Cloner) -> Sequential:
    given = _structure.flatten(tensors) if tensors is not None else model.inputs if model.built else []
    if len(given) > 1:
        raise ValueError(f"clone_model: {model.label} takes one input, got {len(given)} input_tensors")
    starts = [Input(batch_shape=t.shape, dtype=t.dtype, name=t.name if tensors is None else None) for t in given]
    return Sequential([*starts, *map(clone, model.layers)], name=model.name, trainable=model.trainable)


def _functional(model: Functional, tensors: Any, clone: _Cloner, call: Callable[..., Any]) -> Any:
    if tensors is None:
        tensors = _structure.map_leaves(lambda t: Input(batch_shape=t.shape, dtype=t.dtype, name=t.name), model.input)
    starts = _structure.flatten(tensors)
    if _structure.map_leaves(lambda _: None, tensors) != _structure.map_leaves(lambda _: None, model.input):
        raise ValueError(f"clone_model: input_tensors must have the structure of {model.input}, got {tensors}")
    ends = model.graph.replay(starts, lambda node, x, options: call(clone(node.layer), x, **options))
    return type(model)(tensors, model.pack_outputs(ends), name=model.name, trainable=model.trainable)
