"""Optimizers of a user's own in Keras' form, for any namespace `n` and its array functions `ops`."""


def momentum_and_scale(n, ops):
    class Scaled(n.optimizers.Optimizer):
        """Momentum, divided by a mean of squares."""

        def __init__(self, learning_rate=0.05, momentum=0.8, name="scaled", **options):
            super().__init__(learning_rate=learning_rate, name=name, **options)
            self.momentum = momentum

        def build(self, variables):
            if self.built:
                return
            super().build(variables)
            self.speeds = [self.add_variable_from_reference(v, name="speed") for v in variables]
            self.sizes = [self.add_variable_from_reference(v, name="size", initializer="ones") for v in variables]

        def update_step(self, gradient, variable, learning_rate):
            index = self._get_variable_index(variable)
            speed, size = self.speeds[index], self.sizes[index]
            self.assign(speed, self.momentum * speed + gradient)
            self.assign_add(size, 0.1 * (ops.square(gradient) - size))
            self.assign_sub(variable, learning_rate * (speed / ops.sqrt(size) + 0.01 * variable))

        def get_config(self):
            return {**super().get_config(), "momentum": self.momentum}

    return Scaled
