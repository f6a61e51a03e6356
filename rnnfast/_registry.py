"""Names: automatic layer names, and lookup of classes by name with errors that suggest the nearest one."""

from __future__ import annotations

import difflib
import re
from collections import Counter
from collections.abc import Callable, Hashable, Iterable
from typing import Any, Generic, TypeVar

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


def unknown_name(kind: str, name: object, valid: Iterable[str]) -> ValueError:
    """The error for a name that is not known: nearest matches first, then all that are valid."""
    names = sorted(set(valid))
    near = difflib.get_close_matches(str(name).lower(), names, n=3, cutoff=0.5)
    hint = f" Did you mean {' or '.join(repr(n) for n in near)}?" if near else ""
    return ValueError(f"unknown {kind} {name!r}.{hint} Valid names: {', '.join(names)}")


class Registry(Generic[T]):
    """The classes of one kind (losses, layers, ...) by every name they go by.

    Nothing is ever imported by a name found in a file: only registered classes can be reached.
    """

    def __init__(self, kind: str, base: type[T], module: str) -> None:
        self.kind = kind
        self.base = base
        self.module = module  # where Keras has these classes: written into configs
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

    def lookup(self, name: str) -> type[T]:
        cls = self._classes.get(name) or self._classes.get(name.lower())
        if cls is None:
            raise unknown_name(self.kind, name, self._classes)
        return cls

    def get(self, identifier: Any) -> T:
        """An instance from a name, a class, an instance, a registered function or a serialised dictionary."""
        if isinstance(identifier, self.base):
            return identifier
        if isinstance(identifier, type) and issubclass(identifier, self.base):
            return identifier()
        if isinstance(identifier, str):
            return self.lookup(identifier)()
        if isinstance(identifier, dict):
            return self.deserialize(identifier)
        if self.knows(identifier):
            return self._functions[identifier]()
        raise TypeError(
            f"{self.kind} must be a name, an rnnfast {self.base.__name__} or its class, got {identifier!r} "
            f"of type {type(identifier).__name__}"
        )

    def serialize(self, instance: T) -> dict[str, Any]:
        """Keras' serialised form of an instance."""
        return {
            "module": self.module,
            "class_name": type(instance).__name__,
            "config": instance.get_config(),  # type: ignore[attr-defined]
            "registered_name": None,
        }

    def deserialize(self, config: dict[str, Any]) -> T:
        """An instance from its serialised form. TypeError: no dictionary; ValueError: not one of these classes."""
        if not isinstance(config, dict):
            raise TypeError(f"{self.kind}: a config is a dictionary, got {config!r} of type {type(config).__name__}")
        name, arguments = config.get("class_name"), config.get("config", {})
        if not isinstance(name, str) or not isinstance(arguments, dict):
            raise ValueError(f"{self.kind}: a config needs 'class_name' and 'config', got {sorted(map(str, config))}")
        return self.lookup(name).from_config(arguments)  # type: ignore[attr-defined]
