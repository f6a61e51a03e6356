"""Keras' module of this name: data to try models on, downloaded when it is first asked for, to where Keras keeps it.

>>> from rnnfast.datasets import imdb
>>> callable(imdb.load_data)
True
"""

from rnnfast._absent import absent_from
from rnnfast.datasets import imdb, mnist, reuters

__getattr__ = absent_from(__name__)

__all__ = ["imdb", "mnist", "reuters"]
