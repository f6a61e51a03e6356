"""Training from the same start: losses and weights follow Keras' for every optimizer, rule and way of clipping."""

import numpy as np
import pytest

import rnnfast
from rnnfast.variable import Variable

SAMPLES, TIME, FEATURES, CLASSES = 24, 5, 3, 4

OPTIMIZERS = {
    "sgd": ("SGD", {"learning_rate": 0.1}),
    "momentum": ("SGD", {"learning_rate": 0.05, "momentum": 0.9}),
    "nesterov": ("SGD", {"learning_rate": 0.05, "momentum": 0.9, "nesterov": True}),
    "rmsprop": ("RMSprop", {"learning_rate": 0.005}),
    "rmsprop_momentum": ("RMSprop", {"learning_rate": 0.002, "rho": 0.8, "momentum": 0.7}),
    "rmsprop_centered": ("RMSprop", {"learning_rate": 0.002, "centered": True, "epsilon": 1e-4}),
    "adam": ("Adam", {"learning_rate": 0.01}),
    "adam_betas": ("Adam", {"learning_rate": 0.02, "beta_1": 0.8, "beta_2": 0.95, "epsilon": 1e-3}),
    "amsgrad": ("Adam", {"learning_rate": 0.02, "beta_2": 0.5, "amsgrad": True}),
    "adamw": ("AdamW", {"learning_rate": 0.02, "weight_decay": 0.3}),
    "nadam": ("Nadam", {"learning_rate": 0.01}),
    "adamax": ("Adamax", {"learning_rate": 0.01, "beta_2": 0.9}),
    "adagrad": ("Adagrad", {"learning_rate": 0.05, "initial_accumulator_value": 0.01}),
    "adadelta": ("Adadelta", {"learning_rate": 1.0, "epsilon": 1e-4}),
}
# Rules and options that clipping has no more to say about.
OPTIONS = {
    "ftrl": ("Ftrl", {"learning_rate": 0.05}),
    "ftrl_options": (
        "Ftrl",
        {
            "learning_rate": 0.1,
            "learning_rate_power": -0.6,
            "initial_accumulator_value": 0.3,
            "beta": 0.2,
            "l1_regularization_strength": 1e-3,
            "l2_regularization_strength": 0.02,
            "l2_shrinkage_regularization_strength": 0.01,
        },
    ),
    "lamb": ("Lamb", {"learning_rate": 0.01, "beta_1": 0.8, "beta_2": 0.95, "epsilon": 1e-3}),
    "lamb_decay": ("Lamb", {"learning_rate": 0.01, "weight_decay": 0.2, "clipnorm": 0.05}),
    "adafactor": ("Adafactor", {"learning_rate": 0.05}),
    "adafactor_options": (
        "Adafactor",
        {"learning_rate": 0.2, "beta_2_decay": -0.6, "epsilon_2": 0.1, "clip_threshold": 0.7, "weight_decay": 0.1},
    ),
    "muon": ("Muon", {"learning_rate": 0.02}),
    "muon_options": (
        "Muon",
        {
            "learning_rate": 0.05,
            "momentum": 0.8,
            "nesterov": False,
            "ns_steps": 3,
            "rms_rate": None,
            "adam_lr_ratio": 0.3,
            "adam_weight_decay": 0.2,
            "weight_decay": None,
            "exclude_layers": ["recurrent"],
        },
    ),
    "muon_clipped": ("Muon", {"learning_rate": 0.02, "weight_decay": 0.3, "clipnorm": 0.05, "muon_c": 1.9}),
    "lion": ("Lion", {"learning_rate": 0.001, "weight_decay": 0.1}),
    "decay": ("SGD", {"learning_rate": 0.1, "weight_decay": 0.2}),
    "ema": ("Adam", {"learning_rate": 0.01, "use_ema": True, "ema_momentum": 0.8}),
    "ema_overwrite": (
        "SGD",
        {"learning_rate": 0.1, "use_ema": True, "ema_momentum": 0.6, "ema_overwrite_frequency": 2},
    ),
    "accumulation": ("Adam", {"learning_rate": 0.01, "gradient_accumulation_steps": 2}),
    "accumulation_nadam": ("Nadam", {"learning_rate": 0.01, "gradient_accumulation_steps": 2, "clipnorm": 0.05}),
    "accumulation_ema": (
        "SGD",
        {"learning_rate": 0.1, "momentum": 0.5, "gradient_accumulation_steps": 2, "use_ema": True, "ema_momentum": 0.7},
    ),
    "loss_scale": ("SGD", {"learning_rate": 0.1, "loss_scale_factor": 4.0}),
}
CLIPPING = {"none": {}, "clipnorm": {"clipnorm": 0.05}, "clipvalue": {"clipvalue": 0.01},
            "global_clipnorm": {"global_clipnorm": 0.1}}  # fmt: skip


def build(n):
    return n.Sequential(
        [
            n.layers.Input((TIME, FEATURES)),
            n.layers.LSTM(6, return_sequences=True),
            n.layers.GRU(5),
            n.layers.Dense(CLASSES, activation="softmax"),
        ]
    )


def follow(keras, twins, same_output, make_optimizer, epochs=3):
    """Train both on the same batches in the same order; compare the loss of every epoch and the final weights."""
    rng = np.random.default_rng(6)
    x = rng.normal(size=(SAMPLES, TIME, FEATURES)).astype(np.float32)
    y = rng.integers(0, CLASSES, SAMPLES)
    peer, fast = twins(build)
    start = [np.array(w) for w in fast.get_weights()]
    losses = []
    for namespace, model in ((keras, peer), (rnnfast, fast)):
        model.compile(make_optimizer(namespace), "sparse_categorical_crossentropy", metrics=["accuracy"])
        history = model.fit(x, y, batch_size=8, epochs=epochs, shuffle=False, verbose=0).history
        losses.append(history["loss"])
    same_output(losses[1], losses[0], "losses")
    for i, (actual, expected, before) in enumerate(zip(fast.get_weights(), peer.get_weights(), start, strict=True)):
        # How far a weight has come, not where it is: a wrong rule must not hide behind a large start.
        way, error = np.abs(expected - before).max(), np.abs(actual - expected).max()
        assert error <= 1e-3 * way, f"weight {i}: off by {error:.2e} after a way of {way:.2e}"


@pytest.mark.parametrize("clipping", CLIPPING)
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_training(keras, twins, same_output, name, clipping):
    class_name, options = OPTIMIZERS[name]
    follow(
        keras, twins, same_output,
        lambda n: getattr(n.optimizers, class_name)(**options, **CLIPPING[clipping]),
    )  # fmt: skip


@pytest.mark.parametrize("name", OPTIONS)
def test_options(keras, twins, same_output, name):
    class_name, options = OPTIONS[name]
    follow(keras, twins, same_output, lambda n: getattr(n.optimizers, class_name)(**options))


def test_spared_from_weight_decay(keras, twins, same_output):
    def make(n):
        optimizer = n.optimizers.AdamW(0.01, weight_decay=0.5)
        optimizer.exclude_from_weight_decay(var_names=["bias", "recurrent"])
        return optimizer

    follow(keras, twins, same_output, make)


START = {"initial_learning_rate": 0.1}
DECAY = {**START, "decay_steps": 4, "decay_rate": 0.5}
SCHEDULES = {
    "exponential": ("ExponentialDecay", DECAY),
    "exponential_stairs": ("ExponentialDecay", {**DECAY, "staircase": True}),
    "inverse": ("InverseTimeDecay", DECAY),
    "inverse_stairs": ("InverseTimeDecay", {**DECAY, "staircase": True}),
    "piecewise": ("PiecewiseConstantDecay", {"boundaries": [3, 7, 20], "values": [0.1, 0.5, 0.2, 0.05]}),
    "polynomial": ("PolynomialDecay", {**START, "decay_steps": 10, "power": 2.0}),
    "cycle": ("PolynomialDecay", {**START, "decay_steps": 10, "end_learning_rate": 0.01, "cycle": True}),
    "cosine": ("CosineDecay", {**START, "decay_steps": 20, "alpha": 0.1}),
    "warm_up": ("CosineDecay", {**START, "decay_steps": 20, "warmup_target": 0.2, "warmup_steps": 5}),
    "restarts": ("CosineDecayRestarts", {**START, "first_decay_steps": 5, "m_mul": 0.8, "alpha": 0.1}),
    "even_restarts": ("CosineDecayRestarts", {**START, "first_decay_steps": 5, "t_mul": 1.0, "m_mul": 0.5}),
}


@pytest.mark.parametrize("name", SCHEDULES)
def test_schedules(keras, name):
    class_name, options = SCHEDULES[name]
    peer, fast = (getattr(n.optimizers.schedules, class_name)(**options) for n in (keras, rnnfast))
    # Not at a restart's own step: Keras computes in float32, and rounds it to either side.
    steps = [step for step in range(60) if "restarts" not in name or step == 0 or step % 5]
    expected = [float(peer(step)) for step in steps]
    np.testing.assert_allclose([fast(step) for step in steps], expected, rtol=3e-5, atol=1e-7)
    assert fast.get_config() == peer.get_config()


@pytest.mark.parametrize("options", [{}, {"gradient_accumulation_steps": 2}, {"weight_decay": 0.1}])
def test_training_on_a_schedule(keras, twins, same_output, options):
    def make(n):
        schedule = n.optimizers.schedules.CosineDecay(0.0, 8, warmup_target=0.3, warmup_steps=3)
        return n.optimizers.SGD(schedule, momentum=0.5, **options)

    follow(keras, twins, same_output, make)


@pytest.mark.parametrize("name", ["sgd", "rmsprop", "adam", "adamw", "nadam", "adamax", "adagrad", "lion"])
def test_defaults_by_name(keras, twins, same_output, name):
    follow(keras, twins, same_output, lambda n: name)


WITHOUT_GRADIENT = {
    **{name: ({**OPTIMIZERS, **OPTIONS})[name] for name in ("momentum", "amsgrad", "nadam", "lion", "lamb", "muon")},
    "decay": ("AdamW", {"learning_rate": 0.02, "weight_decay": 0.3, "global_clipnorm": 0.5}),
    "ema": ("SGD", {"learning_rate": 0.1, "momentum": 0.9, "use_ema": True, "ema_momentum": 0.6}),
    "overwrite": ("SGD", {"learning_rate": 0.1, "use_ema": True, "ema_momentum": 0.6, "ema_overwrite_frequency": 3}),
    "accumulation": ("Adam", {"learning_rate": 0.1, "gradient_accumulation_steps": 2, "weight_decay": 0.1}),
}


@pytest.mark.filterwarnings("ignore:Gradients do not exist")
@pytest.mark.parametrize("name", WITHOUT_GRADIENT)
def test_variables_without_a_gradient(keras, name):
    """They stay as they are, neither decay nor momentum moves them; of accumulated gradients the last batch says which
    are updated."""
    class_name, options = WITHOUT_GRADIENT[name]
    peer, fast = (getattr(n.optimizers, class_name)(**options) for n in (keras, rnnfast))
    rng = np.random.default_rng(8)
    starts = [rng.normal(size=shape).astype(np.float32) for shape in [(4, 3), (3,), (5, 2)]]
    theirs = [keras.Variable(start, name=f"v{i}") for i, start in enumerate(starts)]
    ours = [Variable(start, name=f"v{i}") for i, start in enumerate(starts)]
    for missing in [(), (1,), (0, 1), (), (2,), (2,), (0,), (), (1, 2)]:
        gradients = [None if i in missing else rng.normal(size=s.shape).astype("f4") for i, s in enumerate(starts)]
        peer.apply([None if g is None else keras.ops.convert_to_tensor(g) for g in gradients], theirs)
        before = [v.value.copy() for v in ours]
        for variable, gradient in zip(ours, gradients, strict=True):
            variable.grad = gradient
        fast.apply(ours)
        for i, (a, b, old) in enumerate(zip(ours, theirs, before, strict=True)):
            np.testing.assert_allclose(a.value, keras.ops.convert_to_numpy(b), rtol=1e-5, atol=1e-5)
            assert i not in missing or name == "overwrite" or np.array_equal(a.value, old)
    for optimizer, variables in ((peer, theirs), (fast, ours)):
        optimizer.finalize_variable_values(variables)
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(a.value, keras.ops.convert_to_numpy(b), rtol=1e-5, atol=1e-5)
