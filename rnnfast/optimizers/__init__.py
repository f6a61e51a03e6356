"""Optimizers: Keras 3's update rules, most of them run as one fused loop over each variable.

>>> import rnnfast
>>> rnnfast.optimizers.Adam(learning_rate=1e-2, clipnorm=1.0).learning_rate
0.01
"""

from __future__ import annotations

from rnnfast._absent import absent_from
from rnnfast._registry import Registry
from rnnfast.optimizers import schedules
from rnnfast.optimizers.adafactor import Adafactor
from rnnfast.optimizers.adagrad import Adadelta, Adagrad
from rnnfast.optimizers.adam import Adam, Adamax, AdamW, Nadam
from rnnfast.optimizers.base import NonFiniteError, Optimizer
from rnnfast.optimizers.ftrl import Ftrl
from rnnfast.optimizers.lamb import Lamb
from rnnfast.optimizers.lion import Lion
from rnnfast.optimizers.muon import Muon
from rnnfast.optimizers.rmsprop import RMSprop
from rnnfast.optimizers.sgd import SGD

__getattr__ = absent_from(__name__)

__all__ = [
    "SGD",
    "Adadelta",
    "Adafactor",
    "Adagrad",
    "Adam",
    "AdamW",
    "Adamax",
    "Ftrl",
    "Lamb",
    "Lion",
    "Muon",
    "Nadam",
    "NonFiniteError",
    "Optimizer",
    "RMSprop",
    "deserialize",
    "get",
    "schedules",
    "serialize",
]

_registry: Registry[Optimizer] = Registry("optimizer", Optimizer, "keras.optimizers")
for _cls in (SGD, RMSprop, Adam, AdamW, Nadam, Adamax, Adagrad, Adadelta, Lion, Ftrl, Lamb, Adafactor, Muon):
    _registry.add(_cls, name=_cls.__name__.lower())  # as Keras knows them: rmsprop, adamw

get = _registry.get
serialize = _registry.serialize
deserialize = _registry.deserialize
