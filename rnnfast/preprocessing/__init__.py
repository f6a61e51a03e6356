"""Keras' module of this name: what prepares sequences; `rnnfast.utils` has the same.

>>> import rnnfast
>>> rnnfast.preprocessing.sequence.pad_sequences([[1, 2], [3]]).tolist()
[[1, 2], [0, 3]]
"""

from rnnfast._absent import absent_from
from rnnfast.preprocessing import sequence, text
from rnnfast.utils.timeseries import timeseries_dataset_from_array

__getattr__ = absent_from(__name__)

__all__ = ["sequence", "text", "timeseries_dataset_from_array"]
