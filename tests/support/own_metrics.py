"""Metrics of a user's own, as programs for Keras write them, for any namespace `n` and its array functions `ops`."""


def largest_error(ops):
    def largestError(y_true, y_pred):
        return ops.max(ops.abs(y_true - y_pred), axis=-1)

    return largestError


def root_of_mean(ops):
    return lambda y_true, y_pred: ops.sqrt(ops.mean((y_true - y_pred) ** 2))


def per_row(n, ops):
    class PerRow(n.metrics.Metric):
        """Its reset_state needs what its constructor makes after that of the base."""

        def __init__(self, name="per_row", **options):
            super().__init__(name=name, **options)
            self.total = self.add_weight(name="total", initializer="zeros")
            self.count = self.add_variable(shape=(), initializer="zeros", name="count")

        def update_state(self, y_true, y_pred, sample_weight=None):
            self.total.assign_add(ops.sum((y_true - y_pred) ** 2))
            self.count.assign_add(y_pred.shape[0])

        def result(self):
            return self.total / self.count

        def reset_state(self):
            self.total.assign(0.0)
            self.count.assign(0.0)

    return PerRow()


def two_numbers(n, ops):
    class TwoNumbers(n.metrics.Metric):
        def __init__(self, name="two", **options):
            super().__init__(name=name, **options)
            self.sums = self.add_weight(shape=(2,), initializer="zeros", name="sums")

        def update_state(self, y_true, y_pred, sample_weight=None):
            self.sums.assign(self.sums + ops.stack([ops.sum(y_pred), ops.sum(y_true)]))

        def result(self):
            return {"larger": ops.max(self.sums), "difference": ops.max(self.sums) - ops.min(self.sums)}

    return TwoNumbers()
