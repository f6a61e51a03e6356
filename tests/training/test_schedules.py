"""Learning-rate schedules: restarts, and what is refused. Their values stand beside Keras in tests/parity."""

import pytest

from rnnfast import optimizers
from rnnfast.optimizers import schedules


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: schedules.ExponentialDecay(0.1, 0, 0.5), "decay_steps must be positive"),
        (lambda: schedules.CosineDecay("fast", 10), "initial_learning_rate must be a number"),
        (lambda: schedules.CosineDecay(0.1, 10, warmup_steps=-1), "warmup_steps must not be negative"),
        (lambda: schedules.CosineDecayRestarts(0.1, -5), "first_decay_steps must be positive"),
        (lambda: schedules.CosineDecayRestarts(0.1, 5, t_mul=0.5), "t_mul must be at least 1"),
        (lambda: schedules.PiecewiseConstantDecay([1, 2], [0.1, 0.2]), "one number more than boundaries"),
        (lambda: schedules.PiecewiseConstantDecay([2, 1], [0.1, 0.2, 0.3]), "must ascend"),
        (
            lambda: optimizers.SGD.from_config({"learning_rate": {"class_name": "CosinDecay", "config": {}}}),
            "unknown learning rate schedule 'CosinDecay'",
        ),
    ],
)
def test_schedule_errors(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_restarts_are_where_they_belong():
    schedule = schedules.CosineDecayRestarts(1.0, 3, t_mul=3.0, m_mul=0.5)
    starts = [0, 3, 12, 39, 120, 363, 1092]
    assert [schedule(step) for step in starts] == [0.5**i for i in range(len(starts))]
    assert all(schedule(step - 1) < schedule(step) for step in starts[1:])
