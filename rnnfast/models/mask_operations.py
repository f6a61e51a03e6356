"""The operations that make masks in Keras' graphs. Here masks travel by themselves, but Keras orders the layers of a
functional model, and so the weights in its files, by their distance from the outputs, and that counts operations."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from rnnfast import layers
from rnnfast.layers.symbolic import Node, SymbolicTensor

# A mask: the nodes whose outputs it is made from, each with the most operations between them and who reads the mask.
Mask = dict[Node, int]

_READ_MASKS = (
    layers.OverTime,
    layers.Bidirectional,
    layers.TimeDistributed,
    layers.GlobalAveragePooling1D,
    layers.BatchNormalization,
    layers.Softmax,
    layers.Attention,
    layers.AdditiveAttention,
)
_OPERATIONS_OF_MASKING = 2  # not_equal, any
_OPERATIONS_OF_EMBEDDING = 1  # not_equal
_MERGING = (layers.Add, layers.Subtract, layers.Multiply, layers.Average, layers.Maximum, layers.Minimum)


def masks_read(nodes: Iterable[Node]) -> dict[Node, Mask]:
    """What each of these nodes, in the order they run, reads as its mask."""
    of_tensor: dict[SymbolicTensor, Mask | None] = {}
    read: dict[Node, Mask] = {}
    for node in nodes:
        given = [of_tensor.get(t) for t in _first_arguments(node)]
        known = [mask for mask in given if mask is not None]
        if known and len(_first_arguments(node)) == len(node.inputs) and _reads_masks(node.layer):
            read[node] = _joined((mask, 0) for mask in known)
        of_tensor[node.outputs[0]] = _mask_of_output(node, given)
    return read


def _mask_of_output(node: Node, given: list[Mask | None]) -> Mask | None:
    layer, known = node.layer, [mask for mask in given if mask is not None]
    if layer.creates_mask and not layer.is_model:
        count = _OPERATIONS_OF_MASKING if isinstance(layer, layers.Masking) else _OPERATIONS_OF_EMBEDDING
        return {t.node: count for t in _first_arguments(node)}
    if not known or not node.outputs[0].masked:
        return None
    if isinstance(layer, layers.Concatenate):
        return _of_concatenated(_first_arguments(node), given)
    if isinstance(layer, _MERGING):
        # The first mask or the second, that or the third, ...
        later = [min(len(given) - i, len(given) - 1) for i in range(len(given))]
        return _joined(zip(known, later, strict=True)) if len(known) == len(given) else None
    return known[0]


def _of_concatenated(tensors: list[SymbolicTensor], given: list[Mask | None]) -> Mask:
    """any(concatenate(...)) of the masks, each spread over the features of its input, or of ones for that."""
    ones = [({tensor.node: 1}, 2) for tensor, mask in zip(tensors, given, strict=True) if mask is None]
    spread = [({tensor.node: 1}, 3) for tensor, mask in zip(tensors, given, strict=True) if mask is not None]
    return _joined([*ones, *spread, *((mask, 4) for mask in given if mask is not None)])


def _joined(masks: Iterable[tuple[Mask, int]]) -> Mask:
    """One mask of several, each so many operations later."""
    joined: Mask = {}
    for mask, more in masks:
        for node, count in mask.items():
            joined[node] = max(joined.get(node, 0), count + more)
    return joined


def _first_arguments(node: Node) -> list[SymbolicTensor]:
    """The tensors of x, without those of other arguments."""
    return Node(node.layer, node.x, {}).inputs


def _reads_masks(layer: Any) -> bool:
    """Whether Keras hands the layer its mask as an argument of the call."""
    if layer.is_model or isinstance(layer, _READ_MASKS):
        return True
    return layer.of_user and "mask" in layer.call_parameters
