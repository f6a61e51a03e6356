"""Callbacks: objects that `fit`, `evaluate` and `predict` tell where they are, with Keras' hook names."""

from __future__ import annotations

from rnnfast._absent import absent_from
from rnnfast.callbacks.backup_and_restore import BackupAndRestore
from rnnfast.callbacks.base import Callback, Logs
from rnnfast.callbacks.callback_list import CallbackList
from rnnfast.callbacks.csv_logger import CSVLogger
from rnnfast.callbacks.early_stopping import EarlyStopping
from rnnfast.callbacks.history import History
from rnnfast.callbacks.lambda_callback import LambdaCallback
from rnnfast.callbacks.learning_rate_scheduler import LearningRateScheduler
from rnnfast.callbacks.model_checkpoint import ModelCheckpoint
from rnnfast.callbacks.monitor import MonitorCallback
from rnnfast.callbacks.progress import ProgressBar
from rnnfast.callbacks.reduce_lr_on_plateau import ReduceLROnPlateau
from rnnfast.callbacks.tensorboard import TensorBoard
from rnnfast.callbacks.terminate_on_nan import TerminateOnNaN

ProgbarLogger = ProgressBar  # Keras' name

__getattr__ = absent_from(__name__)

__all__ = [
    "BackupAndRestore",
    "CSVLogger",
    "Callback",
    "CallbackList",
    "EarlyStopping",
    "History",
    "LambdaCallback",
    "LearningRateScheduler",
    "Logs",
    "ModelCheckpoint",
    "MonitorCallback",
    "ProgbarLogger",
    "ProgressBar",
    "ReduceLROnPlateau",
    "TensorBoard",
    "TerminateOnNaN",
]
