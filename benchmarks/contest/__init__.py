"""A fair contest between recurrent-layer engines: the same weights, the same input, turns taken in short slices."""
