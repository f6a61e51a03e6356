"""Callbacks: objects that `fit`, `evaluate` and `predict` tell where they are, with Keras' hook names."""

from __future__ import annotations

from rnnfast.callbacks.base import Callback, Logs
from rnnfast.callbacks.callback_list import CallbackList
from rnnfast.callbacks.history import History
from rnnfast.callbacks.progress import ProgressBar

ProgbarLogger = ProgressBar  # Keras' name

__all__ = ["Callback", "CallbackList", "History", "Logs", "ProgbarLogger", "ProgressBar"]
