"""Large blocks of the core are kept when they are released: for sizes in use now, not only for the first ever seen."""

import numpy as np

from rnnfast import _kernels


def address_of_new(size):
    return _kernels.empty((size,), "float32").__array_interface__["data"][0]


def test_a_new_size_finds_room():
    for size in np.geomspace(2**14, 2**24, 200).astype(int):  # more blocks, and more memory, than is kept
        address_of_new(size)
    size = 10 * 2**10
    address = address_of_new(size)
    taken = [np.empty(size - 16 * n, "float32") for n in range(8)]  # one would get the memory if it were the system's
    assert address_of_new(size) == address
    assert len(taken) == 8
