"""What a layer class of the user's own may leave out, as in Keras."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, Any, ClassVar

from rnnfast import _absent
from rnnfast.layers.own_call import shapes_of

_PLAIN = (str, int, float, bool, type(None), list, tuple)  # what a configuration holds by itself


class Subclassed:
    """The part of a layer that makes do with less: a class without `get_config` is described by its constructor's
    arguments, a `build` need neither ask nor say whether the layer is built, and a constructor that does not call
    `super().__init__()` is named."""

    if TYPE_CHECKING:
        built: bool
        input_shape: Any
        _option_shapes: dict[str, Any]
        build: Callable[..., None]

    of_user: ClassVar[bool] = False  # whether the class is the user's own
    is_model: ClassVar[bool] = False  # which knows by itself whether it is built, and casts nothing
    _constructed_with: tuple[Any, dict[str, Any]]

    def __new__(cls, *args: Any, **options: Any) -> Any:
        made = super().__new__(cls)
        if cls._lacks_config():
            made._constructed_with = (args, options)
        return made

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        cls.of_user = cls.__module__.partition(".")[0] != __package__.partition(".")[0]
        if not cls.is_model and cls.of_user and "build" in vars(cls):
            cls.build = _built_once(cls.build)

    if not TYPE_CHECKING:  # for type checkers a layer has only what it names

        def __getattr__(self, name: str) -> Any:
            if "_variables" not in vars(self) and not name.startswith("__"):
                raise TypeError(f"{type(self).__name__}: its __init__ must call super().__init__() first")
            why = _absent.reason("Layer", name) or (_absent.reason("Model", name) if self.is_model else None)
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}{f': {why}' if why else ''}")

    @classmethod
    def _lacks_config(cls) -> bool:
        """Whether it is the user's own, and its `get_config` that of `Layer`, which knows nothing of its arguments."""
        return cls.of_user and bool(cls.get_config.__module__ == f"{__package__}.base")  # type: ignore[attr-defined]

    def _plain_arguments(self) -> dict[str, Any]:
        """The arguments of the constructor of a class that defines no `get_config`, if plain."""
        if not self._lacks_config():
            return {}
        args, options = self._constructed_with
        given = inspect.signature(type(self)).bind(*args, **options).arguments
        return {key: value for key, value in given.items() if isinstance(value, _PLAIN)}

    @classmethod
    def taken_config(cls, config: dict[str, Any]) -> dict[str, Any]:
        """A configuration without what every layer has and a constructor of the user's own does not ask for."""
        asked = inspect.signature(cls).parameters.values()
        if not cls.of_user or any(parameter.kind is parameter.VAR_KEYWORD for parameter in asked):
            return config
        unasked = {"name", "trainable", "dtype"} - {parameter.name for parameter in asked}
        return {key: value for key, value in config.items() if key not in unasked}

    def get_build_config(self) -> dict[str, Any] | None:
        """What `build_from_config` needs, in Keras' form: the shapes that `build` takes. None before it is built."""
        if not self.built or self.input_shape is None:
            return None
        names = list(inspect.signature(type(self).build).parameters)[1:]
        if len(names) < 2:
            return {"input_shape": self.input_shape}
        others = {name: self._option_shapes.get(name.removesuffix("_shape")) for name in names[1:]}
        return {"shapes_dict": {names[0]: self.input_shape, **others}}

    def build_from_config(self, config: dict[str, Any]) -> None:
        """Build the layer as one was built that gave `config` as its `get_build_config`. A class that makes its weights
        in an unusual way defines both."""
        if "shapes_dict" in config:
            self.build(*map(shapes_of, config["shapes_dict"].values()))
        else:
            self.build(shapes_of(config["input_shape"]))

    @property
    def builds_itself(self) -> bool:
        """Whether the class says how it is built from a file."""
        return type(self).build_from_config is not Subclassed.build_from_config


def _built_once(build: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(build)
    def build_once(self: Any, input_shape: Any, *args: Any, **options: Any) -> None:
        if self.built:
            self.check_shape(tuple(input_shape))
            return
        build(self, input_shape, *args, **options)
        if type(self).build is build_once:  # and not one that another calls
            self.set_built(input_shape)

    return build_once
