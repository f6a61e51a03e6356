"""Names of Keras' that rnnfast does not have, with the reason or what to use instead.

Programs import more than they use. So such a name can be imported from the module that Keras has it in, and says why
it is not here when it is used.

>>> from rnnfast.keras.layers import LSTM, Conv2D
>>> Conv2D(32, 3)  # doctest: +ELLIPSIS
Traceback (most recent call last):
ValueError: layers.Conv2D is not supported: it works on images; make features of them with ...
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache, partial
from typing import Any

_IMAGES = "it works on images; make features of them with Keras or PyTorch, and give sequences of these to a model here"
_TEXT = (
    "layers take numbers, not text: number words with preprocessing.text.Tokenizer, or call the layer of Keras on the "
    "text, and give the numbers to a model that starts with an Embedding"
)
_TRANSFORMERS = "rnnfast is about recurrent layers; of attention it has layers.Attention and layers.AdditiveAttention"
_AUGMENTED = "it changes images at random; rnnfast works on sequences"
_ELSEWHERE = "it runs a model of another framework, and rnnfast runs its own layers alone"
_DRAWING = "rnnfast draws no graphs; model.summary() prints the layers and what they read"
_FILES = "it reads a folder through tf.data; read the files yourself, and give fit arrays or a utils.PyDataset"
_OVERLAP = "it compares areas of images"
_DEVICES = "there is one device, the CPU; rnnfast.set_num_threads says how much of it"
_PRECISION = "weights are float32 or float64, by a layer's dtype=; rnnfast.set_float32_matmul_precision sets products"
_GRADIENTS = (
    "there is no automatic differentiation: layers know their gradients. Use compile and fit, and for more a layer "
    "with forward and backward, or a loss with call and gradient"
)
_ARRAYS = "values are NumPy arrays here: use NumPy"
_PIPELINES = "there are no pipelines of tf.data; give fit arrays, a generator or a utils.PyDataset"

# module -> (names, reason), ...
_ABSENT: dict[str, tuple[tuple[str, str], ...]] = {
    "layers": (
        (
            "Resizing CenterCrop Equalization ContrastLimitedAdaptiveHistogramEqualization Solarization "
            "MaxNumBoundingBoxes",
            _IMAGES,
        ),
        ("AugMix AutoContrast CutMix MixUp RandAugment", _AUGMENTED),
        ("ConvLSTM1D", "use TimeDistributed(Conv1D(...)), Flatten and an LSTM"),
        ("TextVectorization StringLookup IntegerLookup Hashing HashedCrossing", _TEXT),
        ("CategoryEncoding Discretization", "use utils.to_categorical, or numpy.digitize, on the data"),
        ("MultiHeadAttention GroupQueryAttention ReversibleEmbedding", _TRANSFORMERS),
        (
            "Lambda",
            "it holds Python code, which has no gradient here, is not run by the inference engine and is never run "
            "from a file; use a built-in layer, or derive a class of your own from rnnfast.layers.Layer with forward "
            "and backward",
        ),
        ("CuDNNLSTM", "LSTM is the same layer"),
        ("CuDNNGRU", "GRU(reset_after=True) is the same layer"),
        ("Conv1DTranspose Convolution1DTranspose", "use UpSampling1D and a Conv1D"),
        ("SeparableConv1D SeparableConvolution1D DepthwiseConv1D LocallyConnected1D", "use a Conv1D"),
        ("AdaptiveAveragePooling1D AdaptiveMaxPooling1D", "use AveragePooling1D, MaxPooling1D or the global ones"),
        ("GroupNormalization RMSNormalization SpectralNormalization", "use LayerNormalization or BatchNormalization"),
        ("AlphaDropout", "use Dropout"),
        ("Pipeline", "use Sequential"),
        ("Identity", 'use Activation("linear")'),
        ("ActivityRegularization", "give a layer activity_regularizer="),
        ("EinsumDense", "use Dense, which works on the last axis of any array"),
        ("STFTSpectrogram MelSpectrogram", "make the spectrograms with scipy.signal, and train on these"),
        ("InputSpec", "layers check their inputs by rank and axes; check shapes in build(self, input_shape)"),
        ("TorchModuleWrapper TFSMLayer JaxLayer FlaxLayer", _ELSEWHERE),
    ),
    "losses": (
        ("Dice Tversky dice tversky", _OVERLAP),
        ("Circle circle", "it compares embeddings of a batch with each other"),
        ("CategoricalGeneralizedCrossEntropy categorical_generalized_cross_entropy", "use CategoricalCrossentropy"),
    ),
    "metrics": (
        ("IoU BinaryIoU MeanIoU OneHotIoU OneHotMeanIoU", _OVERLAP),
        (
            "PearsonCorrelation ConcordanceCorrelation pearson_correlation concordance_correlation",
            "use R2Score, or derive a class from metrics.Metric",
        ),
    ),
    "callbacks": (
        ("SwapEMAWeights", "call optimizer.finalize_variable_values(model.trainable_variables) where you need them"),
        ("RemoteMonitor", "send what you like in a LambdaCallback"),
        ("OrbaxCheckpoint", "use BackupAndRestore or ModelCheckpoint"),
    ),
    "optimizers": (
        ("legacy", "its optimizers are those of optimizers: leave legacy out"),
        ("LossScaleOptimizer MultiOptimizer ScheduleFreeAdamW", "use one of the others"),
    ),
    "utils": (
        ("plot_model model_to_dot", _DRAWING),
        ("text_dataset_from_directory audio_dataset_from_directory image_dataset_from_directory", _FILES),
        ("load_img save_img img_to_array array_to_img", _IMAGES),
        ("FeatureSpace", "prepare columns with pandas or scikit-learn; layers.Normalization scales numbers"),
        ("split_dataset", "slice the arrays, or give fit validation_split="),
        ("Progbar", "use tqdm; fit shows callbacks.ProgbarLogger"),
        ("np_utils", "to_categorical and normalize are in utils"),
        ("data_utils", "get_file is in utils"),
        ("multi_gpu_model", _DEVICES),
    ),
    "preprocessing": (
        ("image image_dataset_from_directory", _IMAGES),
        ("text_dataset_from_directory", _FILES),
    ),
    "backend": (
        ("ctc_batch_cost", "compile a model with losses.CTC(): labels are padded with 0, which is the blank"),
        ("ctc_decode", "it is utils.ctc_decode"),
        ("function", "use Model(inputs, outputs) and call it"),
        ("gradients", _GRADIENTS),
        ("get_value set_value", "variables and optimizer.learning_rate have numpy() and assign(value)"),
        (
            "abs argmax argmin cast concatenate constant clip dot exp expand_dims eye flatten greater less log max "
            "maximum mean min minimum not_equal ones ones_like permute_dimensions pow prod relu repeat reshape round "
            "shape sigmoid sign softmax sqrt square squeeze stack std sum tanh transpose variable zeros zeros_like",
            "what it does to arrays is in ops, or in NumPy",
        ),
    ),
    "config": (
        ("list_physical_devices list_logical_devices set_visible_devices experimental threading", _DEVICES),
        ("enable_unsafe_deserialization", "code in a file is never run; load_model takes custom_objects="),
        ("set_dtype_policy dtype_policy", _PRECISION),
        ("set_epsilon set_image_data_format set_backend", "there is one"),
    ),
    "random": (
        ("dropout beta binomial categorical gamma truncated_normal", "use numpy.random.default_rng(seed), or Dropout"),
    ),
    "datasets": (
        ("cifar10 cifar100 fashion_mnist", _IMAGES),
        ("boston_housing california_housing", "it has no sequences; scikit-learn has such data"),
    ),
    "keras": (
        ("applications", "models of images are not here; make features with Keras or PyTorch and save these"),
        ("wrappers", "write a class with fit and predict over a model, as scikit-learn asks for"),
        ("distribution device", _DEVICES),
        ("mixed_precision dtype_policies DTypePolicy FloatDTypePolicy", _PRECISION),
        ("quantizers", 'use InferenceModel(model, dtype="int8") or "bfloat16"'),
        ("export", "use model.save, and InferenceModel to serve"),
        ("distillation", _GRADIENTS),
        ("visualization", _IMAGES),
        ("StatelessScope SymbolicScope RematScope remat", _GRADIENTS),
        ("Function Operation KerasTensor", "layers.Input gives what graphs are drawn from, and layers draw them"),
        ("estimator", "there are no estimators; use fit"),
        ("InputSpec", "check shapes in build(self, input_shape)"),
        ("tree", "use lists and dictionaries; data and models take them as they are"),
        ("name_scope", "give layers name="),
    ),
    # What models and layers had or have in Keras.
    "Model": (
        ("fit_generator", "fit takes generators, a utils.PyDataset and whatever gives batches"),
        ("evaluate_generator", "evaluate takes generators"),
        ("predict_generator", "predict takes generators"),
        ("predict_classes", "use predict(x).argmax(axis=-1), or predict(x) > 0.5 for one output"),
        ("predict_proba", "predict gives probabilities where the last layer does"),
        ("quantize", 'use InferenceModel(model, dtype="int8")'),
        ("to_yaml", "use to_json"),
    ),
    "Layer": (
        ("add_metric", "give compile metrics="),
        (
            "add_loss",
            "a penalty needs a gradient, which is not found by itself: give layers activity_regularizer= or "
            "kernel_regularizer=, which may be a class of your own with __call__ and gradient",
        ),
    ),
    # Programs that say `import rnnfast as tf`.
    "tensorflow": (
        ("GradientTape gradients custom_gradient stop_gradient", _GRADIENTS),
        ("function", "there is nothing to compile: leave the decorator out"),
        ("data", _PIPELINES),
        (
            "constant convert_to_tensor zeros ones cast reshape concat stack reduce_mean reduce_sum argmax expand_dims "
            "squeeze transpose matmul one_hot range shape float32 int32 int64 string bool math nn linalg strings "
            "Tensor Variable newaxis RaggedTensor ragged io image audio signal Module TensorSpec",
            _ARRAYS,
        ),
        ("test distribute device", _DEVICES),
        ("saved_model lite train compat summary", "use model.save, and callbacks for what happens in training"),
    ),
}
_REASONS = {
    (module, name): reason
    for module, groups in _ABSENT.items()
    for names, reason in groups
    for name in names.split()
}  # fmt: skip
# Layers of which there are too many to name.
_KINDS_OF_LAYERS = ((r"\w+[23]D(Transpose)?", _IMAGES), (r"Random[A-Z]\w+", _AUGMENTED))


def reason(module: str, name: str) -> str | None:
    """Why there is no such name, or None: then Keras has none either. module: its name within Keras, "layers"."""
    if module == "layers":
        for pattern, why in _KINDS_OF_LAYERS:
            if re.fullmatch(pattern, name):
                return why
    return _REASONS.get((module, name))


class _StandIn(type):
    """The type of what stands in for a name. It can be imported, and asked whether something is an instance of it."""

    def refusal(cls) -> str:
        raise NotImplementedError

    def __call__(cls, *_: Any, **__: Any) -> Any:
        raise ValueError(cls.refusal())

    def __getattr__(cls, name: str) -> Any:
        raise AttributeError(f"{cls.__module__} has no {name!r}" if name.startswith("_") else cls.refusal())

    def __repr__(cls) -> str:
        return f"<{cls.refusal()}>"


def absent_from(package: str) -> Callable[[str], Any]:
    """The `__getattr__` of a module. package: its `__name__`."""
    return partial(stand_in, package)


@cache
def stand_in(package: str, name: str) -> Any:
    """What a module gives for a name that it does not have. AttributeError: Keras does not have it either."""
    module = {"rnnfast": "tensorflow"}.get(package, package.removeprefix("rnnfast."))
    why = reason(module, name)
    if why is None:
        raise AttributeError(f"module {package!r} has no attribute {name!r}")
    text = f"{module}.{name} is not supported: {why}"
    return _StandIn(name, (), {"__module__": package, "__doc__": text, "refusal": classmethod(lambda cls: text)})
