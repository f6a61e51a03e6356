"""Names: automatic layer names, and lookup of classes by name with errors that suggest the nearest one."""

from __future__ import annotations

import difflib
import re
from collections import Counter
from collections.abc import Callable, Hashable, Iterable
from typing import Any, Generic, TypeVar

from rnnfast import _absent, _custom_objects
from rnnfast._custom_objects import CustomObjectScope

T = TypeVar("T")

_used_names: Counter[str] = Counter()


def snake_case(name: str) -> str:
    """`TimeDistributed` -> `time_distributed`, `LSTM` -> `lstm`, as Keras names its layers."""
    name = re.sub("(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.sub("([a-z])([A-Z])", r"\1_\2", name).lower()


def auto_name(class_name: str) -> str:
    """The next free automatic name of a class: `lstm`, `lstm_1`, `lstm_2`, ..."""
    base = snake_case(class_name)
    count = _used_names[base]
    _used_names[base] += 1
    return f"{base}_{count}" if count else base


def clear_session(free_memory: bool = True) -> None:
    """Begin anew with automatic names: the next LSTM is `lstm` again. free_memory: accepted as Keras' argument; what a
    program no longer holds is freed without.

    >>> import rnnfast
    >>> rnnfast.utils.clear_session()
    >>> rnnfast.layers.LSTM(4).name
    'lstm'
    """
    _used_names.clear()


def unknown_name(kind: str, name: object, valid: Iterable[str]) -> ValueError:
    """The error for a name that is not known: nearest matches first, then all that are valid."""
    names = sorted(set(valid))
    near = difflib.get_close_matches(str(name).lower(), names, n=3, cutoff=0.5)
    hint = f" Did you mean {' or '.join(repr(n) for n in near)}?" if near else ""
    return ValueError(f"unknown {kind} {name!r}.{hint} Valid names: {', '.join(names)}")


class Registry(Generic[T]):
    """The classes of one kind (losses, layers, ...) by every name they go by.

    Nothing is ever imported by a name found in a file: only registered classes can be reached, and what the user has
    made known (`_custom_objects`), which comes first.

    module: where Keras has these classes, which is written into configs. of_function: makes one of a function of the
    user's own; None where a function will not do, for a reason that is added to the error.
    """

    def __init__(
        self,
        kind: str,
        base: type[T],
        module: str,
        of_function: Callable[[Callable[..., Any]], T] | None = None,
        reason: str = "",
    ) -> None:
        self.kind = kind
        self.base = base
        self.module = module
        self.of_function = of_function
        self.reason = reason
        self._classes: dict[str, type[T]] = {}
        self._functions: dict[Callable[..., Any], type[T]] = {}

    def add(
        self, cls: type[T], *aliases: str, name: str | None = None, function: Callable[..., Any] | None = None
    ) -> None:
        """Register a class under its own name, `name` (None: the same in snake case) and `aliases`.

        `function` stands for it too.
        """
        for known_as in (cls.__name__, name or snake_case(cls.__name__), *aliases):
            self._classes[known_as] = cls
        if function is not None:
            self._functions[function] = cls

    def names(self) -> list[str]:
        return sorted(self._classes)

    def knows(self, function: Any) -> bool:
        """Whether a function stands for a class here."""
        return isinstance(function, Hashable) and function in self._functions

    def _find(self, name: str) -> type[T] | None:
        return self._classes.get(name) or self._classes.get(name.lower())

    def lookup(self, name: str) -> type[T]:
        cls = self._find(name)
        if cls is None:
            why = _absent.reason(self.module.removeprefix("keras."), name)
            raise (
                unknown_name(self.kind, name, self._classes)
                if why is None
                else ValueError(f"{self.kind} {name} is not supported: {why}")
            )
        return cls

    def get(self, identifier: Any) -> T:
        """An instance from a name, a class, an instance, a function or a serialized dictionary."""
        if isinstance(identifier, self.base):
            return identifier
        if isinstance(identifier, type) and issubclass(identifier, self.base):
            return identifier()
        if isinstance(identifier, str):
            own = _custom_objects.find(identifier)
            return self.lookup(identifier)() if own is None else self.get(own)
        if isinstance(identifier, dict):
            return self.deserialize(identifier)
        if self.knows(identifier):
            return self._functions[identifier]()
        if callable(identifier) and self.of_function is not None:
            return self.of_function(identifier() if isinstance(identifier, type) else identifier)
        raise TypeError(
            f"{self.kind} must be a name, an rnnfast {self.base.__name__} or its class, got {identifier!r} "
            f"of type {type(identifier).__name__}{self.reason if callable(identifier) else ''}"
        )

    def is_own(self, instance: T) -> bool:
        """Whether it is of a class of the user's own."""
        return type(instance) not in self._classes.values()

    def serialize(self, instance: T) -> dict[str, Any]:
        """Keras' serialized form of an instance."""
        if self.is_own(instance):
            return _custom_objects.to_config(getattr(instance, "function", instance))
        return {
            "module": self.module,
            "class_name": type(instance).__name__,
            "config": instance.get_config(),  # type: ignore[attr-defined]
            "registered_name": None,
        }

    def deserialize(self, config: Any, custom_objects: dict[str, Any] | None = None) -> T:
        """An instance from its serialized form, or from a name. custom_objects: the user's own classes and functions.

        TypeError: no dictionary; ValueError: not one of these classes.
        """
        with CustomObjectScope(custom_objects):
            return self.get(config) if isinstance(config, str) else self._deserialize(config)

    def _deserialize(self, config: Any) -> T:
        if not isinstance(config, dict):
            raise TypeError(f"{self.kind}: a config is a dictionary, got {config!r} of type {type(config).__name__}")
        own = _custom_objects.find(config)
        if own is not None:
            return self.get(_custom_objects.make(own, config))
        name, arguments = config.get("class_name"), config.get("config", {})
        if name == "function" and isinstance(arguments, str):
            # Keras does not say whose a function is; where all built-in ones are classes, it is the user's own.
            built_in = self._functions and self._find(arguments) is not None
            if _custom_objects.is_custom(config) or not built_in:
                raise ValueError(f"{self.kind}: {_custom_objects.advice(config)}")
            return self.get(arguments)
        if not isinstance(name, str) or not isinstance(arguments, dict):
            raise ValueError(f"{self.kind}: a config needs 'class_name' and 'config', got {sorted(map(str, config))}")
        if _custom_objects.is_custom(config) or (config.get("registered_name") and name not in self._classes):
            raise ValueError(f"{self.kind}: {_custom_objects.advice(config)}")
        return self.lookup(name).from_config(arguments)  # type: ignore[attr-defined]
