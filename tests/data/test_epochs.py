"""Where a run is in its data."""

import numpy as np

from rnnfast.data.batch import Batch
from rnnfast.data.epochs import Epochs
from rnnfast.data.source import Iterated


def test_a_batch_that_was_only_looked_at_is_still_to_come():
    batches = [Batch([np.full((2, 1), i)], [None], [None]) for i in range(3)]
    data = Epochs("fit", Iterated(iter(batches), iter), steps=2)
    assert data.position is None
    assert data.has_more() and data.position["batches"] == 0
    assert list(data.epoch()) == batches[:2] and data.position["batches"] == 2
    assert data.has_more() and data.position["batches"] == 2
