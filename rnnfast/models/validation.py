"""Which epochs of `fit` end with a validation, and on what data."""

from __future__ import annotations

from typing import Any

from rnnfast import _arguments
from rnnfast.data.epochs import Epochs

Frequency = int | frozenset[int]  # every so many epochs, or after these, counted from 1


def frequency_of(value: Any) -> Frequency:
    """`fit`'s validation_freq. ValueError: no positive integer, and no list of them."""
    if isinstance(value, (list, tuple, set, frozenset)) and value:
        return frozenset(_arguments.whole_number("fit: validation_freq", number) for number in value)
    return _arguments.whole_number("fit: validation_freq", value)


class Validation:
    """Data to measure, and when."""

    def __init__(self, data: Epochs, frequency: Frequency) -> None:
        self.data = data
        self._frequency = frequency

    def check(self, epochs: range) -> None:
        """ValueError if the data would be at its end before the last of these epochs."""
        if self.data.ends_with_first and sum(map(self._wanted, epochs)) > 1:
            raise ValueError(
                "fit: validation_data is an iterator, which the first validation would use up; give validation_steps, "
                "or data that can be begun anew"
            )

    def due(self, epoch: int) -> bool:
        """Whether to measure after this epoch (from 0); no more where an iterator has come to its end."""
        return self._wanted(epoch) and self.data.has_more()

    def _wanted(self, epoch: int) -> bool:
        number, frequency = epoch + 1, self._frequency
        return number % frequency == 0 if isinstance(frequency, int) else number in frequency
