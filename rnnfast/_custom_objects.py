"""Classes and functions of the user's own, by the names that configurations and files have for them.

A configuration holds no code: what it names is found among what was registered, and what a scope or an argument
`custom_objects` brings, and is never imported.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar, Token
from typing import Any, TypeVar

T = TypeVar("T")

_OURS = ("keras", "rnnfast")  # the packages of built-in classes

_registered: dict[str, Any] = {}
_names: dict[Any, str] = {}
_scope: ContextVar[dict[str, Any] | None] = ContextVar("custom_objects", default=None)
_noted: ContextVar[dict[str, Any] | None] = ContextVar("noted", default=None)


def register_keras_serializable(package: str = "Custom", name: str | None = None) -> Callable[[T], T]:
    """A decorator that makes a class, or a function, known to configurations and files, as `package>name`.

    name: default that of the class. ValueError: a class without `get_config`. TypeError: neither class nor function.

    >>> import rnnfast
    >>> @rnnfast.utils.register_keras_serializable(package="mine")
    ... class Halves(rnnfast.initializers.Initializer):
    ...     def __call__(self, shape, dtype=None):
    ...         return rnnfast.initializers.Constant(0.5)(shape, dtype)
    >>> rnnfast.utils.get_registered_name(Halves)
    'mine>Halves'
    """

    def register(own: T) -> T:
        named = callable(own) and hasattr(own, "__name__")
        if not named:
            raise TypeError(f"register_keras_serializable: expected a class or a function with a name, got {own!r}")
        if isinstance(own, type) and not hasattr(own, "get_config"):
            raise ValueError(f"register_keras_serializable: class {own.__name__} has no get_config")
        full_name = f"{package}>{name or own.__name__}"  # type: ignore[attr-defined]
        _registered[full_name] = own
        _names[own] = full_name
        return own

    return register


class CustomObjectScope:
    """While it is open, what `custom_objects` holds is known by its names; `custom_object_scope` is the same.

    custom_objects: a dictionary, name to class or function; None for none. Scopes may stand in one another: the inner
    one comes first. Each thread has its own. TypeError: no dictionary.

    >>> import rnnfast
    >>> class Dense2(rnnfast.layers.Dense):
    ...     pass
    >>> config = rnnfast.layers.serialize(Dense2(3))
    >>> with rnnfast.utils.custom_object_scope({"Dense2": Dense2}):
    ...     rnnfast.layers.deserialize(config).units
    3
    """

    def __init__(self, custom_objects: dict[str, Any] | None) -> None:
        if custom_objects is not None and not isinstance(custom_objects, dict):
            raise TypeError(f"custom_objects must be a dictionary, name to class or function, got {custom_objects!r}")
        self.custom_objects = custom_objects or {}
        self._outer: list[Token[dict[str, Any] | None]] = []

    def __enter__(self) -> CustomObjectScope:
        self._outer.append(_scope.set({**(_scope.get() or {}), **self.custom_objects}))
        return self

    def __exit__(self, *_: object) -> None:
        _scope.reset(self._outer.pop())


custom_object_scope = CustomObjectScope  # Keras' other name


def get_custom_objects() -> dict[str, Any]:
    """What has been registered, by name: the very dictionary, which may be changed. Scopes are not in it."""
    return _registered


def get_registered_name(obj: Any) -> str:
    """The name under which a class or a function was registered, or its own."""
    return _names.get(obj, obj.__name__)


def get_registered_object(name: str, custom_objects: Any = None, module_objects: Any = None) -> Any:
    """The class or function of this name: of a scope, registered, in `custom_objects` or in `module_objects`; or None.

    >>> import rnnfast
    >>> rnnfast.utils.get_registered_object("Nothing") is None
    True
    """
    for known in (_scope.get(), _registered, custom_objects, module_objects):
        if known and name in known:
            return known[name]
    return None


def find(config: Any) -> Any:
    """The class or function that a serialized form means, or a bare name; None where it is none of the user's own."""
    names = [config]
    if isinstance(config, dict):
        if config.get("registered_name") is None and _package(config) in _OURS:
            return None  # a built-in one, whatever the names of the user's own
        names = [config.get("registered_name"), config.get("class_name")]
        if names[1] == "function":
            names.append(config.get("config"))
    found = (get_registered_object(name) for name in names if isinstance(name, str))
    return next((own for own in found if own is not None), None)


def is_custom(config: dict[str, Any]) -> bool:
    """Whether a serialized form was written for a class or a function of the user's own, also one that has the name of
    a built-in one: its module tells, which is None for what Keras met in a program itself."""
    registered, name = config.get("registered_name"), config.get("class_name")
    if name == "function":
        return registered not in (None, name) and _package(config) not in (*_OURS, "", "builtins")
    return registered is not None and (registered != name or _package(config) not in (*_OURS, ""))


def _package(config: dict[str, Any]) -> str:
    """Of the module that a form names, "" where it is so old that it names none."""
    return str(config.get("module", "")).partition(".")[0]


def advice(config: dict[str, Any]) -> str:
    """What to do about a serialized form whose class or function is not known."""
    function = config.get("class_name") == "function"
    named = config.get("config") if function else config.get("class_name")
    full_name = named if function else config.get("registered_name") or named
    return (
        f"{full_name} is custom, and no code is kept with it: name it in custom_objects={{{named!r}: ...}}, or "
        "register it with rnnfast.utils.register_keras_serializable"
    )


def without_name(config: Any) -> str | None:
    """What a serialized form holds that nothing could find again by a name: a lambda or another callable; or None."""
    if isinstance(config, dict):
        function = config.get("config")
        if config.get("class_name") == "function" and isinstance(function, str) and function.startswith("<"):
            return f"a {function[1:-1]}"
        config = list(config.values())
    return next(filter(None, map(without_name, config)), None) if isinstance(config, (list, tuple)) else None


def make(own: Any, config: Any) -> Any:
    """An instance of a class of the user's own from the serialized form that `find` knew it by; a function as it is."""
    if not isinstance(own, type):
        return own
    if isinstance(config, dict) and config.get("class_name") == "function":
        raise TypeError(f"custom_objects: {config.get('config')!r} must be a function, got class {own.__name__}")
    arguments = config.get("config") or {} if isinstance(config, dict) else {}
    return own.from_config(arguments) if hasattr(own, "from_config") else own(**arguments)


def to_config(own: Any) -> dict[str, Any]:
    """Keras' serialized form of a function, or of an instance of a class, of the user's own."""
    if hasattr(own, "get_config"):
        kind = type(own)
        name = get_registered_name(kind)
        _note(name, kind)
        parts = {"module": kind.__module__, "class_name": kind.__name__, "config": own.get_config()}
        return {**parts, "registered_name": name}
    name = get_registered_name(own) if hasattr(own, "__name__") else f"<{type(own).__name__} without a name>"
    _note(name, own)
    module = getattr(own, "__module__", None) or "builtins"
    return {"module": module, "class_name": "function", "config": name, "registered_name": name}


@contextmanager
def noting() -> Iterator[dict[str, Any]]:
    """While it is open, classes and functions of the user's own that are serialized are noted, by name: a scope in
    which what was written can be made again."""
    noted: dict[str, Any] = {}
    token = _noted.set(noted)
    try:
        yield noted
    finally:
        _noted.reset(token)


def _note(name: str, own: Any) -> None:
    noted = _noted.get()
    if noted is not None and noted.setdefault(name, own) != own:
        raise ValueError(f"two classes or functions of your own have the name {name!r}; give each its own")
