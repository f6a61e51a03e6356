"""Tables, columns and tensors become arrays: by what they can do, and those of the libraries themselves."""

import numpy as np
import pytest
from own_data import ArrowTable, Column, Exchanged, Table, Tensor, as_object

from rnnfast.data.foreign import columns_of, is_array_like, is_table, to_array

VALUES = np.array([[1.0, 2.5], [3.0, 4.0], [-1.0, 0.5]])


@pytest.mark.parametrize("table", [Table, ArrowTable])
def test_tables(table):
    mixed = table(a=np.array([1, 2, 3]), b=np.array([True, False, True]), c=np.array([0.5, 1.5, 2.5]))
    assert is_table(mixed) and list(columns_of(mixed)) == ["a", "b", "c"]
    np.testing.assert_array_equal(to_array("x", mixed), [[1, 1, 0.5], [2, 0, 1.5], [3, 1, 2.5]])
    lists = table(a=as_object(VALUES), b=np.arange(3))
    np.testing.assert_array_equal(to_array("x", lists), np.hstack([VALUES, [[0], [1], [2]]]))


def test_columns():
    np.testing.assert_array_equal(to_array("y", Column([1, 2])), [1, 2])
    np.testing.assert_array_equal(to_array("x", Column([1, 2]), column_as_matrix=True), [[1], [2]])
    np.testing.assert_array_equal(to_array("x", Column(as_object(VALUES)), column_as_matrix=True), VALUES)


@pytest.mark.parametrize("kind", [Tensor, Exchanged])
def test_tensors(kind):
    np.testing.assert_array_equal(to_array("x", kind(VALUES)), VALUES)


def test_arrays_and_lists_pass():
    listed = [[1, 2]]
    assert to_array("x", VALUES) is VALUES and to_array("x", listed) is listed


def test_what_holds_all_its_numbers():
    assert all(map(is_array_like, (VALUES, [1], (1,), {"a": 1}, Column([1]), Table(a=[1]), Exchanged([1]))))
    assert not any(map(is_array_like, (5, "x", iter([1]), None, range(3), {1})))


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (Column(as_object([[1], [1, 2]])), "x: its lists differ in length; pad them"),
        (Column(["a", "b"]), "x must hold numbers"),
        (Table(a=np.array([1, 2]), b=np.array(["u", "v"])), "x: column 'b' must hold numbers"),
    ],
)
def test_columns_without_numbers(value, message):
    with pytest.raises(TypeError, match=message):
        to_array("x", value)


def test_pandas():
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"a": [1, 2], "b": [True, False], "c": pandas.array([3, 4], dtype="Int64")})
    np.testing.assert_array_equal(to_array("x", frame), [[1, 1, 3], [2, 0, 4]])
    np.testing.assert_array_equal(to_array("y", frame["c"]), [3, 4])
    assert list(columns_of(frame)) == ["a", "b", "c"] and not is_table(frame["a"])


def test_pyarrow():
    pyarrow = pytest.importorskip("pyarrow")
    table = pyarrow.table({"a": [1, 2, 3], "s": VALUES.tolist()})
    np.testing.assert_array_equal(to_array("x", table), np.hstack([[[1], [2], [3]], VALUES]))
    np.testing.assert_array_equal(to_array("x", table["s"]), VALUES)
    np.testing.assert_array_equal(to_array("x", table["a"].chunk(0)), [1, 2, 3])
    with pytest.raises(TypeError, match="differ in length"):
        to_array("x", pyarrow.array([[1], [1, 2]]))
