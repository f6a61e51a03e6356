"""Data for `fit`, `evaluate` and `predict`: whatever a caller has becomes checked batches of arrays."""
