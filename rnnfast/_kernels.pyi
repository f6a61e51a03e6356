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

class RnnCache:
    option_gradients: dict[str, Array]

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
    projection: Array | None = None,
    initial_state: Sequence[Array | None] | None = None,
    mask: Array | None = None,
    lengths: Array | None = None,
    go_backwards: bool = False,
    zero_output_for_mask: bool = False,
    return_sequences: bool = False,
    x_factors: Array | None = None,
    h_factors: Array | None = None,
    zoneout: Sequence[float | Array] | None = None,
    training: bool = False,
    index: Array | None = None,
    layer_norm: dict[str, Array] | None = None,
    layer_norm_epsilon: float = 1e-3,
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
def all_finite(*arrays: Array) -> bool: ...
def optimizer_update(
    rule: str,
    params: list[Array],
    grads: list[Array],
    slots: list[list[Array | None]],
    *,
    rows: list[Array | None] | None = None,
    before: list[Any] | None = None,
    weight_decays: list[float] | None = None,
    learning_rate: float,
    momentum: float = 0,
    rho: float = 0,
    beta_1: float = 0,
    beta_2: float = 0,
    epsilon: float = 0,
    slot_share: float = 0,
    grad_share: float = 0,
    step: int = 1,
    nesterov: bool = False,
) -> None: ...
def empty(shape: tuple[int, ...], dtype: Any) -> Array: ...
def empty_like(x: Array) -> Array: ...
def ctc_loss(
    logits: Array,
    labels: Array,
    label_lengths: Array,
    *,
    blank: int,
    mask: Array | None = None,
    with_gradient: bool = False,
) -> tuple[Array, Array | None]: ...
def ctc_beam_search(
    logits: Array, lengths: Array, *, blank: int, beam_width: int, top_paths: int
) -> tuple[Array, Array]: ...
