from collections.abc import Sequence
from typing import Any, Protocol, TypeAlias

import numpy as np

Array: TypeAlias = np.ndarray[Any, np.dtype[Any]]

class ElementFunction(Protocol):
    """What an activation is to the core; rnnfast.activations.Activation is one."""

    @property
    def name(self) -> str: ...
    @property
    def id(self) -> int: ...
    @property
    def alpha(self) -> float: ...
    @property
    def beta(self) -> float: ...

class RnnCache: ...

def rnn_forward(
    cell: str,
    x: Array,
    kernel: Array,
    recurrent_kernel: Array,
    bias: Array | None,
    peephole: Array | None,
    *,
    activation: ElementFunction,
    recurrent_activation: ElementFunction,
    reset_after: bool = True,
    initial_state: Sequence[Array | None] | None = None,
    mask: Array | None = None,
    lengths: Array | None = None,
    go_backwards: bool = False,
    zero_output_for_mask: bool = False,
    return_sequences: bool = False,
    training: bool = False,
    index: Array | None = None,
) -> tuple[Array, list[Array], RnnCache | None]: ...
def rnn_backward(
    cache: RnnCache,
    d_output: Array | None,
    d_states: Sequence[Array | None] | None = None,
    *,
    need_dx: bool = True,
) -> tuple[Array | None, Array, Array, Array | None, Array | None, list[Array]]: ...
def matmul(
    a: Array, b: Array, *, bias: Array | None = None, transpose_a: bool = False, transpose_b: bool = False
) -> Array: ...
def column_sums(x: Array) -> Array: ...
def activation_forward(activation: ElementFunction, x: Array) -> Array: ...
def activation_backward(activation: ElementFunction, x: Array, y: Array, dy: Array) -> Array: ...
def embedding_forward(table: Array, tokens: Array) -> Array: ...
def embedding_backward(tokens: Array, dy: Array, vocabulary: int) -> Array: ...
def distinct_tokens(tokens: Array) -> tuple[Array, Array] | None: ...
def all_finite(x: Array) -> bool: ...
def adam_update(
    param: Array,
    grad: Array,
    m: Array,
    v: Array,
    learning_rate: float,
    beta_1: float,
    beta_2: float,
    epsilon: float,
    step: int,
    *,
    before: Array | None = None,
) -> None: ...
def rmsprop_update(
    param: Array,
    grad: Array,
    velocity: Array,
    momentum_slot: Array | None,
    average_grad: Array | None,
    learning_rate: float,
    rho: float,
    momentum: float,
    epsilon: float,
    *,
    before: Array | None = None,
) -> None: ...
def sgd_update(
    param: Array,
    grad: Array,
    momentum_slot: Array | None,
    learning_rate: float,
    momentum: float,
    nesterov: bool,
    *,
    before: Array | None = None,
) -> None: ...
def empty(shape: tuple[int, ...], dtype: Any) -> Array: ...
