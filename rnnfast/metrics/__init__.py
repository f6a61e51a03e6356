"""Metrics: numbers of all batches since `reset_state`, with Keras 3's names, arguments and formulas.

Metrics that are means over samples take a weight per sample (or step), and leave out what the mask of the model's
output masks; the others take weights alone, as in Keras.

>>> import rnnfast
>>> accuracy = rnnfast.metrics.BinaryAccuracy()
>>> accuracy.update_state([[1], [0]], [[0.9], [0.8]]); accuracy.result()
0.5
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from rnnfast import losses
from rnnfast._absent import absent_from
from rnnfast._registry import Registry
from rnnfast.losses import (
    binary_crossentropy,
    binary_focal_crossentropy,
    categorical_crossentropy,
    categorical_focal_crossentropy,
    categorical_hinge,
    hinge,
    huber,
    kl_divergence,
    log_cosh,
    mean_absolute_error,
    mean_absolute_percentage_error,
    mean_squared_error,
    mean_squared_logarithmic_error,
    poisson,
    sparse_categorical_crossentropy,
    squared_hinge,
)
from rnnfast.metrics.accuracy import (
    Accuracy,
    BinaryAccuracy,
    CategoricalAccuracy,
    SparseCategoricalAccuracy,
    SparseTopKCategoricalAccuracy,
    TopKCategoricalAccuracy,
    choose_accuracy,
    is_plain_accuracy,
)
from rnnfast.metrics.auc import AUC
from rnnfast.metrics.base import Metric
from rnnfast.metrics.confusion import FalseNegatives, FalsePositives, Precision, Recall, TrueNegatives, TruePositives
from rnnfast.metrics.f_score import F1Score, FBetaScore
from rnnfast.metrics.functions import (
    binary_accuracy,
    categorical_accuracy,
    sparse_categorical_accuracy,
    sparse_top_k_categorical_accuracy,
    top_k_categorical_accuracy,
)
from rnnfast.metrics.of_losses import (
    BinaryCrossentropy,
    CategoricalCrossentropy,
    CategoricalHinge,
    CosineSimilarity,
    Hinge,
    KLDivergence,
    LogCoshError,
    MeanAbsoluteError,
    MeanAbsolutePercentageError,
    MeanSquaredError,
    MeanSquaredLogarithmicError,
    Poisson,
    RootMeanSquaredError,
    SparseCategoricalCrossentropy,
    SquaredHinge,
)
from rnnfast.metrics.operating_point import (
    PrecisionAtRecall,
    RecallAtPrecision,
    SensitivityAtSpecificity,
    SpecificityAtSensitivity,
)
from rnnfast.metrics.perplexity import Perplexity
from rnnfast.metrics.r2_score import R2Score
from rnnfast.metrics.reduction import Mean, MeanMetricWrapper, Sum

_registry: Registry[Metric] = Registry("metric", Metric, "keras.metrics", of_function=MeanMetricWrapper)
for _class in (
    Accuracy,
    AUC,
    FalseNegatives,
    FalsePositives,
    Precision,
    Recall,
    TrueNegatives,
    TruePositives,
    F1Score,
    FBetaScore,
    PrecisionAtRecall,
    RecallAtPrecision,
    SensitivityAtSpecificity,
    SpecificityAtSensitivity,
    Perplexity,
    R2Score,
    Mean,
    MeanMetricWrapper,
    Sum,
    RootMeanSquaredError,
):
    _registry.add(_class)
_registry.add(BinaryAccuracy, function=binary_accuracy)
_registry.add(CategoricalAccuracy, function=categorical_accuracy)
_registry.add(SparseCategoricalAccuracy, function=sparse_categorical_accuracy)
_registry.add(TopKCategoricalAccuracy, function=top_k_categorical_accuracy)
_registry.add(SparseTopKCategoricalAccuracy, function=sparse_top_k_categorical_accuracy)
_registry.add(MeanSquaredError, "mse", "MSE", function=losses.mean_squared_error)
_registry.add(MeanAbsoluteError, "mae", "MAE", function=losses.mean_absolute_error)
_registry.add(MeanAbsolutePercentageError, "mape", "MAPE", function=losses.mean_absolute_percentage_error)
_registry.add(MeanSquaredLogarithmicError, "msle", "MSLE", function=losses.mean_squared_logarithmic_error)
_registry.add(BinaryCrossentropy, "bce", "BCE", function=losses.binary_crossentropy)
_registry.add(CategoricalCrossentropy, function=losses.categorical_crossentropy)
_registry.add(SparseCategoricalCrossentropy, function=losses.sparse_categorical_crossentropy)
_registry.add(LogCoshError, "logcosh", "log_cosh", function=losses.log_cosh)
_registry.add(CosineSimilarity, function=losses.cosine_similarity)
_registry.add(Hinge, function=losses.hinge)
_registry.add(SquaredHinge, function=losses.squared_hinge)
_registry.add(CategoricalHinge, function=losses.categorical_hinge)
_registry.add(KLDivergence, "kld", "KLD", "kullback_leibler_divergence", function=losses.kl_divergence)
_registry.add(Poisson, function=losses.poisson)

serialize = _registry.serialize
deserialize = _registry.deserialize


def get(identifier: Any) -> Metric:
    """A metric from a name, class, instance, function of (y_true, y_pred) or serialized dictionary.

    A metric given by name goes by that name in logs, as in Keras. "accuracy" is an element-wise `Accuracy` here; in
    `compile` it is chosen by the shapes, see `choose_accuracy`.
    """
    metric = _registry.get("accuracy" if identifier == "acc" else identifier)
    if isinstance(identifier, str):
        metric.name = identifier
    return metric


def direction_of(name: str, followed: Iterable[Metric] = ()) -> str | None:
    """Whether more ("up") or less ("down") of what goes by this name in logs is better; None: that is not known.

    followed: metrics that may have the name. In a model of several outputs names begin with that of the output.
    """
    named = [("loss", "down"), ("acc", "up"), *((metric.name, metric.direction) for metric in followed)]
    named += [(known, _registry.lookup(known).direction) for known in _registry.names()]
    fitting = [(len(known), way) for known, way in named if way and (name == known or name.endswith(f"_{known}"))]
    return max(fitting, key=lambda one: one[0])[1] if fitting else None


__getattr__ = absent_from(__name__)

__all__ = [
    "AUC",
    "Accuracy",
    "BinaryAccuracy",
    "BinaryCrossentropy",
    "CategoricalAccuracy",
    "CategoricalCrossentropy",
    "CategoricalHinge",
    "CosineSimilarity",
    "F1Score",
    "FBetaScore",
    "FalseNegatives",
    "FalsePositives",
    "Hinge",
    "KLDivergence",
    "LogCoshError",
    "Mean",
    "MeanAbsoluteError",
    "MeanAbsolutePercentageError",
    "MeanMetricWrapper",
    "MeanSquaredError",
    "MeanSquaredLogarithmicError",
    "Metric",
    "Perplexity",
    "Poisson",
    "Precision",
    "PrecisionAtRecall",
    "R2Score",
    "Recall",
    "RecallAtPrecision",
    "RootMeanSquaredError",
    "SensitivityAtSpecificity",
    "SparseCategoricalAccuracy",
    "SparseCategoricalCrossentropy",
    "SparseTopKCategoricalAccuracy",
    "SpecificityAtSensitivity",
    "SquaredHinge",
    "Sum",
    "TopKCategoricalAccuracy",
    "TrueNegatives",
    "TruePositives",
    "binary_accuracy",
    "binary_crossentropy",
    "binary_focal_crossentropy",
    "categorical_accuracy",
    "categorical_crossentropy",
    "categorical_focal_crossentropy",
    "categorical_hinge",
    "choose_accuracy",
    "deserialize",
    "direction_of",
    "get",
    "hinge",
    "huber",
    "is_plain_accuracy",
    "kl_divergence",
    "log_cosh",
    "mean_absolute_error",
    "mean_absolute_percentage_error",
    "mean_squared_error",
    "mean_squared_logarithmic_error",
    "poisson",
    "serialize",
    "sparse_categorical_accuracy",
    "sparse_categorical_crossentropy",
    "sparse_top_k_categorical_accuracy",
    "squared_hinge",
    "top_k_categorical_accuracy",
]
