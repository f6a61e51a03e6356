"""Layers of several inputs: values, masks, shapes that do not meet, and gradients by finite differences."""

import numpy as np
import pytest
from layer_gradients import check

from rnnfast import layers

RNG = np.random.default_rng(5)
MASKS = [np.array([[1, 1, 0, 0], [1, 0, 1, 0]], bool), np.array([[1, 0, 1, 0], [0, 1, 1, 0]], bool)]
LAYERS = [
    layers.Add, layers.Subtract, layers.Multiply, layers.Average, layers.Maximum, layers.Minimum, layers.Concatenate,
]  # fmt: skip
SHAPES = {"alike": [(2, 4, 3), (2, 4, 3)], "broadcast": [(2, 4, 3), (2, 1, 3)], "ranks": [(2, 3), (2, 4, 3)]}


@pytest.mark.parametrize("mask", [None, MASKS, [MASKS[0], None], [None, MASKS[1]]], ids=["none", "both", "1", "2"])
@pytest.mark.parametrize("shapes", SHAPES)
@pytest.mark.parametrize("cls", LAYERS)
def test_gradients(cls, shapes, mask):
    if shapes != "alike" and (mask is not None or cls is layers.Concatenate):
        pytest.skip("masks need the axis of time, and Concatenate inputs of one shape")
    xs = [RNG.normal(size=s) for s in SHAPES[shapes]]
    check(cls(dtype="float64"), xs, mask=mask)
    if cls not in (layers.Subtract, layers.Concatenate) and mask is None:
        check(cls(dtype="float64"), [*xs, RNG.normal(size=(2, 4, 1))])


@pytest.mark.parametrize("axis", [1, 2, -1, -2])
def test_concatenate_gradients(axis):
    shapes = [(2, 3, 4), (2, 3, 4)]
    shapes[1] = tuple(n + 1 if i == axis % 3 else n for i, n in enumerate(shapes[1]))
    check(layers.Concatenate(axis, dtype="float64"), [RNG.normal(size=s) for s in shapes])


@pytest.mark.parametrize("normalize", [False, True])
@pytest.mark.parametrize(
    ("axes", "shapes"),
    [
        (1, [(3, 4), (3, 4)]),
        ((1, 2), [(2, 3, 5), (2, 4, 3)]),
        (-1, [(2, 4, 3), (2, 3)]),
        ((2, 1), [(2, 2, 3), (2, 3, 2, 2)]),
    ],
)
def test_dot(axes, shapes, normalize):
    xs = [RNG.normal(size=s) for s in shapes]
    check(layers.Dot(axes, normalize=normalize, dtype="float64"), xs)
    if not normalize and axes == 1:
        np.testing.assert_allclose(layers.dot(xs, 1, dtype="float64"), (xs[0] * xs[1]).sum(1, keepdims=True))


def test_dot_of_what_has_hardly_any_length():
    """A vector shorter than the least length is divided by that: the product is linear in it."""
    one, two = np.array([[2e-9, -1e-9]]), np.array([[3.0, 4.0]])
    layer = layers.Dot(1, normalize=True, dtype="float64")
    y, cache = layer.forward([one, two], training=True)
    unit = two / 5
    np.testing.assert_allclose(y, (one * unit).sum(1, keepdims=True) / 1e-7)
    d_one, d_two = layer.backward(np.array([[1.5]]), cache)
    np.testing.assert_allclose(d_one, 1.5 * unit / 1e-7)
    scaled = one / 1e-7
    np.testing.assert_allclose(d_two, 1.5 * (scaled - (scaled * unit).sum() * unit) / 5)


def test_dot_of_no_rows():
    layer = layers.Dot(axes=(2, 2))
    x = [np.zeros((0, 2, 3)), np.zeros((0, 4, 3))]
    y, cache = layer.forward(x, training=True)
    assert y.shape == layer(x).shape == (0, 2, 4)
    assert [d.shape for d in layer.backward(y, cache)] == [(0, 2, 3), (0, 4, 3)]


def test_values():
    a, b, c = (RNG.normal(size=(2, 3)).astype(np.float32) for _ in range(3))
    np.testing.assert_array_equal(layers.add([a, b, c]), a + b + c)
    np.testing.assert_array_equal(layers.subtract([a, b]), a - b)
    np.testing.assert_array_equal(layers.multiply([a, b, c]), a * b * c)
    np.testing.assert_allclose(layers.average([a, b, c]), np.mean([a, b, c], 0), rtol=1e-6)
    np.testing.assert_array_equal(layers.maximum([a, b, c]), np.max([a, b, c], 0))
    np.testing.assert_array_equal(layers.minimum([a, b, c]), np.min([a, b, c], 0))
    np.testing.assert_array_equal(layers.concatenate([a, b]), np.hstack([a, b]))


def test_masks():
    xs = [RNG.normal(size=(2, 4, 3)).astype(np.float32) for _ in range(2)]
    either = MASKS[0] | MASKS[1]
    for cls in LAYERS:
        layer = cls()
        np.testing.assert_array_equal(layer.compute_mask(xs, MASKS), either)
        assert layer.compute_mask(xs, [MASKS[0], None]) is None
    along_time = layers.Concatenate(axis=1).compute_mask(xs, [MASKS[0], None])
    np.testing.assert_array_equal(along_time, np.hstack([MASKS[0], np.ones((2, 4), bool)]))
    product = layers.Multiply().forward(xs, mask=MASKS)[0]
    np.testing.assert_array_equal(product[~either], 0)
    np.testing.assert_array_equal(product[MASKS[0] & ~MASKS[1]], xs[0][MASKS[0] & ~MASKS[1]])
    greatest = layers.Maximum().forward(xs, mask=MASKS)[0]
    np.testing.assert_array_equal(greatest[MASKS[1] & ~MASKS[0]], xs[1][MASKS[1] & ~MASKS[0]])


def test_masks_over_any_of_the_first_axes():
    rows, steps = np.array([True, False]), np.array([[True, False, True], [False, True, True]])
    flat = [RNG.normal(size=(2, 4)) for _ in range(2)]
    for cls in (layers.Maximum, layers.Multiply):
        layer = cls(dtype="float64")
        y = layer.forward(flat, mask=[rows, ~rows])[0]
        np.testing.assert_array_equal(y, np.where(rows[:, None], flat[0], flat[1]))
        np.testing.assert_array_equal(layer.compute_mask(flat, [rows, ~rows]), [True, True])
    assert layers.Concatenate().compute_mask(flat, [rows, rows]).shape == (2,)
    # An input of fewer axes takes its mask along.
    low, high = RNG.normal(size=(2, 3, 2)), RNG.normal(size=(2, 5, 3, 2))
    y = layers.Multiply(dtype="float64").forward([low, high], mask=[steps, None])[0]
    np.testing.assert_array_equal(y, np.where(steps[:, None, :, None], low[:, None] * high, high))
    with pytest.raises(ValueError, match=r"\(Add\): expected masks of one shape, got \(2, 3\), \(2, 5\)"):
        layers.Add().compute_mask([low, high], [steps, np.ones((2, 5), bool)])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: layers.Add(name="it")([np.ones((2, 3)), np.ones((2, 4))]), r"'it' \(Add\).*\(2, 3\), \(2, 4\)"),
        (lambda: layers.Add(name="it")([np.ones((2, 3)), np.ones((3, 3))]), "one batch size"),
        (lambda: layers.Subtract()([np.ones((2, 3))]), "exactly 2 inputs"),
        (lambda: layers.Add()([]), "at least 1"),
        (lambda: layers.Concatenate()([np.ones((2, 3)), np.ones((2, 4, 3))]), "cannot concatenate"),
        (lambda: layers.Concatenate(axis=3)([np.ones((2, 3))]), "axis 3"),
        (lambda: layers.Concatenate(axis=0), "batch"),
        (lambda: layers.Dot(axes=(1, 2))([np.ones((2, 3)), np.ones((2, 4, 5))]), "do not meet"),
        (lambda: layers.Dot(axes=0), "batch"),
        (lambda: layers.Add().forward([np.ones((2, 4, 3))] * 2, mask=[None]), "2 inputs"),
    ],
)
def test_errors(call, message):
    with pytest.raises(ValueError, match=message):
        call()


@pytest.mark.parametrize("layer", [*(cls(name="m") for cls in LAYERS), layers.Dot((1, -1), normalize=True, name="m")])
def test_config(layer):
    again = layers.deserialize(layers.serialize(layer))
    assert type(again) is type(layer) and again.get_config() == layer.get_config()
