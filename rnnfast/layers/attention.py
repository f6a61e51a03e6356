"""Attention and AdditiveAttention: a mean of values, weighted by how well their keys answer to a query."""

from __future__ import annotations

from typing import Any

import numpy as np

from rnnfast import _arguments, initializers
from rnnfast.layers.base import Layer, Shape
from rnnfast.layers.lowered import NoLoweringError
from rnnfast.layers.noise import Dropout
from rnnfast.variable import Variable

# Keras' number for a masked score; it leaves nothing of it after the softmax, unless a row has no other.
_MASKED = 1e9


class Attention(Layer):
    """`y = softmax(scores(query, key)) value`, Luong-style: scores = query key^T (2015).

    Called on a list [query (batch, queries, features), value (batch, steps, width)], and key (batch, steps, features)
    where it is not the value. Gives y (batch, queries, width); with `return_attention_scores=True` also the weights
    (batch, queries, steps).

    use_scale: multiply the scores by a learned number. score_mode: "dot", or "concat":
    `concat_score_weight * sum(tanh(scale * (query + key)))`. dropout: share of the weights that are dropped in
    training. Weights: scale () and concat_score_weight (), where they are used.

    Call arguments: mask, a list of masks [of the query, of the value] or None for either: masked values get no weight,
    and where the query is masked y is zero; use_causal_mask: query i sees the values up to i. The query's mask is
    passed on. ValueError: not two or three inputs, or their shapes do not fit.

    >>> import numpy as np
    >>> from rnnfast.layers import Attention
    >>> Attention()([np.ones((1, 2, 3)), np.ones((1, 5, 3))]).shape
    (1, 2, 3)
    """

    axes = "[query (batch, queries, features), value (batch, steps, width), key (batch, steps, features)]"
    carried_masks = 1  # the query's

    def __init__(
        self,
        use_scale: bool = False,
        score_mode: str = "dot",
        dropout: float = 0.0,
        seed: int | None = None,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        if score_mode not in ("dot", "concat"):
            raise ValueError(f"{self.label}: score_mode must be 'dot' or 'concat', got {score_mode!r}")
        self.use_scale = bool(use_scale)
        self.score_mode = score_mode
        self.seed = _arguments.seed(f"{self.label}: seed", seed)
        self._dropout = Dropout(dropout, seed=seed, name=f"{self.name}_dropout", dtype=self.dtype)
        self.dropout = self._dropout.rate
        self.scale_initializer = initializers.get("ones")
        self.scale: Variable | None = None
        self.concat_score_weight: Variable | None = None

    @property
    def mixes_time(self) -> bool:
        return True

    # Several inputs

    def build(self, input_shape: Any) -> None:
        """Create the weights for inputs of these shapes, a list of two or three."""
        self.check_shape(input_shape)
        if not self.built:
            shapes: list[Shape] = [(None, *shape[1:]) for shape in input_shape]
            self.create_variables(shapes[0])
            self.input_shape = shapes  # type: ignore[assignment]
            self.built = True

    def create_variables(self, input_shape: Shape) -> None:
        if self.use_scale:
            self.scale = self.add_weight("scale", (), self.scale_initializer)
        if self.score_mode == "concat":
            self.concat_score_weight = self.add_weight("concat_score_weight", (), self.scale_initializer)

    def check_shape(self, shape: Any) -> None:
        shapes = self._inputs(shape, "shapes")
        if any(len(s) != 3 for s in shapes):
            raise ValueError(f"{self.label}: expected inputs of rank 3 {self.axes}, got shapes {shapes}")
        query, value, key = shapes[0], shapes[1], shapes[-1]
        pairs = ((query[2], key[2]), (value[1], key[1]), (query[0], value[0]), (query[0], key[0]))
        if any(None not in pair and pair[0] != pair[1] for pair in pairs):
            raise ValueError(f"{self.label}: expected {self.axes}, got shapes {shapes}")

    def _inputs(self, inputs: Any, what: str) -> list[Any]:
        if not isinstance(inputs, (list, tuple)) or len(inputs) not in (2, 3):
            got = len(inputs) if isinstance(inputs, (list, tuple)) else type(inputs).__name__
            raise ValueError(f"{self.label}: expected {what} [query, value] or [query, value, key], got {got}")
        return [tuple(i) if what == "shapes" else i for i in inputs]

    def cast(self, x: Any) -> Any:
        return [super(Attention, self).cast(part) for part in self._inputs(x, "arrays")]

    def prepare(self, x: Any) -> Any:
        arrays = self.cast(x)
        self.build([array.shape for array in arrays])
        return arrays

    def compute_output_shape(self, input_shape: Any) -> Shape:
        query, value = (tuple(shape) for shape in self._inputs(input_shape, "shapes")[:2])
        return (*query[:-1], value[-1])

    def call_output_shape(self, input_shape: Any, options: dict[str, Any]) -> Any:
        shapes, y = self._inputs(input_shape, "shapes"), self.compute_output_shape(input_shape)
        return [y, (*y[:-1], shapes[1][1])] if options.get("return_attention_scores") else y

    @property
    def carries_mask(self) -> bool:
        return True

    def compute_mask(self, x: Any, mask: Any = None) -> np.ndarray | None:
        return None if mask is None else mask[0]

    def _masks(self, x: list[np.ndarray], mask: Any) -> tuple[np.ndarray | None, np.ndarray | None]:
        """Masks of the query and of the value."""
        if mask is None:
            return None, None
        if not isinstance(mask, (list, tuple)) or len(mask) not in (2, 3):
            raise ValueError(f"{self.label}: mask must be a list [query_mask, value_mask], got {mask!r}")
        query, value = (self.check_mask(m, part.shape[:2]) for m, part in zip(mask[:2], x[:2], strict=True))
        return query, value

    # The two passes

    def forward(
        self,
        x: list[np.ndarray],
        *,
        mask: Any = None,
        training: bool = False,
        return_attention_scores: bool = False,
        use_causal_mask: bool = False,
    ) -> tuple[Any, Any]:
        query, value, key = x[0], x[1], x[-1]
        query_mask, seen = self._masks(x, mask)
        seen = None if seen is None else seen[:, None]
        if use_causal_mask:
            causal = np.tri(query.shape[1], key.shape[1], dtype=bool)
            seen = causal if seen is None else seen & causal
        scores, score_cache = self._scores(query, key)
        if seen is not None:
            scores = np.where(seen, scores, scores - scores.dtype.type(_MASKED))
        e = np.exp(scores - scores.max(axis=-1, keepdims=True))
        weights = e / e.sum(axis=-1, keepdims=True)
        kept, dropout_cache = self._dropout.forward(weights, training=training)
        y = kept @ value
        if query_mask is not None:
            y = np.where(query_mask[..., None], y, y.dtype.type(0))
        cache = (x, weights, kept, query_mask, score_cache, dropout_cache) if training else None
        return ([y, kept] if return_attention_scores else y), cache

    def backward(self, dy: Any, cache: Any, *, need_dx: bool = True) -> Any:
        x, weights, kept, query_mask, score_cache, dropout_cache = cache
        dy, d_kept = dy if isinstance(dy, (list, tuple)) else (dy, 0.0)
        if query_mask is not None:
            dy = np.where(query_mask[..., None], dy, dy.dtype.type(0))
        d_value = kept.transpose(0, 2, 1) @ dy
        d_weights = self._dropout.backward(dy @ x[1].transpose(0, 2, 1) + d_kept, dropout_cache)
        # A masked score differs from what it was by a constant alone.
        d_scores = weights * (d_weights - (d_weights * weights).sum(axis=-1, keepdims=True))
        d_query, d_key = self._scores_backward(d_scores, x[0], x[-1], score_cache)
        return [d_query, d_value + d_key] if len(x) == 2 else [d_query, d_value, d_key]

    def _scores(self, query: np.ndarray, key: np.ndarray) -> tuple[np.ndarray, Any]:
        """How well each key answers to each query, (batch, queries, steps), and what the gradient needs."""
        if self.concat_score_weight is not None:
            number = query.dtype.type(1) if self.scale is None else self.scale.value
            sums = query[:, :, None] + key[:, None]
            bent = np.tanh(number * sums)
            return self.concat_score_weight.value * bent.sum(axis=-1), (sums, bent, number)
        raw = query @ key.transpose(0, 2, 1)
        return raw if self.scale is None else raw * self.scale.value, raw

    def _scores_backward(self, d_scores: np.ndarray, query: np.ndarray, key: np.ndarray, cache: Any) -> Any:
        if self.concat_score_weight is not None:
            sums, bent, number = cache
            self.concat_score_weight.add_grad(np.asarray((d_scores * bent.sum(axis=-1)).sum()))
            d_arguments = (d_scores * self.concat_score_weight.value)[..., None] * (1 - np.square(bent))
            if self.scale is not None:
                self.scale.add_grad(np.asarray((d_arguments * sums).sum()))
            d_sums = d_arguments * number
            return d_sums.sum(axis=2), d_sums.sum(axis=1)
        if self.scale is not None:
            self.scale.add_grad(np.asarray((d_scores * cache).sum()))
            d_scores = d_scores * self.scale.value
        return d_scores @ key, d_scores.transpose(0, 2, 1) @ query

    def lower(
        self, program: Any, value: Any, return_attention_scores: bool = False, use_causal_mask: bool = False
    ) -> Any:
        inner, outer = self._score_weights()
        return program.attention(
            value[0], value[1], value[-1], inner, outer, bool(use_causal_mask), bool(return_attention_scores), self.name
        )

    def _score_weights(self) -> tuple[float, Any]:
        """For a program, whose scores are inner * query key^T, or tanh(inner * (query + key)) outer."""
        inner = 1.0 if self.scale is None else float(self.scale.value)
        if self.concat_score_weight is None:
            return inner, None
        return inner, np.broadcast_to(self.concat_score_weight.value, self._features())

    def _features(self) -> tuple[int]:
        shapes: Any = self.input_shape
        if shapes[0][-1] is None:
            raise NoLoweringError(f"{self.label}: the engine needs the number of features, got shapes {shapes}")
        return (shapes[0][-1],)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "use_scale": self.use_scale,
            "score_mode": self.score_mode,
            "dropout": self.dropout,
            "seed": self.seed,
        }


class AdditiveAttention(Attention):
    """`Attention` with Bahdanau-style scores (2014): `sum(scale * tanh(query + key))` over the features.

    Inputs, call arguments and output as those of `Attention`. use_scale: a learned scale (features,), else 1.

    >>> import numpy as np
    >>> from rnnfast.layers import AdditiveAttention
    >>> AdditiveAttention()([np.ones((1, 2, 3)), np.ones((1, 5, 3))]).shape
    (1, 2, 3)
    """

    def __init__(self, use_scale: bool = True, dropout: float = 0.0, seed: int | None = None, **options: Any) -> None:
        super().__init__(use_scale, "dot", dropout, seed, **options)
        self.scale_initializer = initializers.get("glorot_uniform")

    def create_variables(self, input_shape: Shape) -> None:
        if self.use_scale:
            features = input_shape[-1]
            if features is None:
                raise ValueError(f"{self.label}: the last axis of the query must be known, got shape {input_shape}")
            self.scale = self.add_weight("scale", (features,), self.scale_initializer)

    def check_shape(self, shape: Any) -> None:
        super().check_shape(shape)
        features = shape[0][-1]
        if self.scale is not None and features not in (None, self.scale.shape[0]):
            raise ValueError(f"{self.label}: expected a query of {self.scale.shape[0]} features, got shapes {shape}")

    def _scores(self, query: np.ndarray, key: np.ndarray) -> tuple[np.ndarray, Any]:
        bent = np.tanh(query[:, :, None] + key[:, None])
        return (bent if self.scale is None else bent * self.scale.value).sum(axis=-1), bent

    def _scores_backward(self, d_scores: np.ndarray, query: np.ndarray, key: np.ndarray, cache: Any) -> Any:
        d_bent = d_scores[..., None]
        if self.scale is not None:
            self.scale.add_grad((d_bent * cache).sum(axis=(0, 1, 2)))
            d_bent = d_bent * self.scale.value
        d_sums = d_bent * (1 - np.square(cache))
        return d_sums.sum(axis=2), d_sums.sum(axis=1)

    def _score_weights(self) -> tuple[float, Any]:
        return 1.0, np.ones(self._features()) if self.scale is None else self.scale.value

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        del config["score_mode"]
        return config
