"""Logs and weights for TensorBoard."""

from __future__ import annotations

import os
import time
from typing import Any

import numpy as np

from rnnfast import _arguments
from rnnfast.callbacks.base import Callback, Logs
from rnnfast.callbacks.model_checkpoint import check_save_freq

_INSTALL = 'TensorBoard: the package tensorboard is missing; pip install "rnnfast[tensorboard]"'


class TensorBoard(Callback):
    """Write what TensorBoard shows (`tensorboard --logdir logs`) to `log_dir`/train and `log_dir`/validation.

    Per epoch: `epoch_` and each name of the logs, and the learning rate. histogram_freq: every so many epochs
    histograms of the weights; 0, the default: none. write_steps_per_second: the speed, too. update_freq: "epoch", or
    "batch" or a number of batches, for `batch_` and each name after so many. ImportError: no package tensorboard.

    write_graph, write_images, profile_batch, embeddings_freq and embeddings_metadata: there is no graph to write, and
    nothing else of these; what is neither False nor 0 nor None, write_graph apart, is a ValueError.
    """

    def __init__(
        self,
        log_dir: str | os.PathLike[str] = "logs",
        histogram_freq: int = 0,
        write_graph: bool = True,
        write_images: bool = False,
        write_steps_per_second: bool = False,
        update_freq: str | int = "epoch",
        profile_batch: Any = 0,
        embeddings_freq: int = 0,
        embeddings_metadata: Any = None,
    ) -> None:
        unsupported = {
            "write_images": write_images,
            "profile_batch": profile_batch,
            "embeddings_freq": embeddings_freq,
            "embeddings_metadata": embeddings_metadata,
        }
        for argument, value in unsupported.items():
            if value:
                raise ValueError(f"TensorBoard: {argument}={value!r} is not supported; leave it out")
        try:
            import tensorboard.summary  # noqa: F401
        except ImportError as error:
            raise ImportError(_INSTALL) from error
        self.log_dir = os.fspath(log_dir)
        self.histogram_freq = _arguments.whole_number("TensorBoard: histogram_freq", histogram_freq, least=0)
        self.update_freq = check_save_freq("TensorBoard", 1 if update_freq == "batch" else update_freq)
        self.write_steps_per_second = bool(write_steps_per_second)
        self._writers: dict[str, Any] = {}
        self._batches = self._epoch_batches = 0
        self._start = 0.0

    state_names = ("_batches",)

    def on_train_begin(self, logs: Logs | None = None) -> None:
        self._batches = 0

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        self._start, self._epoch_batches = time.perf_counter(), 0

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        self._batches += 1
        self._epoch_batches += 1
        if self.update_freq != "epoch" and self._batches % int(self.update_freq) == 0:
            self._write("train", "batch_", logs or {}, self._batches)

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        logs = dict(logs or {})
        validation = {k.removeprefix("val_"): logs.pop(k) for k in list(logs) if k.startswith("val_")}
        logs["learning_rate"] = float(self.model.optimizer.learning_rate)
        if self.write_steps_per_second:
            logs["steps_per_second"] = self._epoch_batches / (time.perf_counter() - self._start)
        self._write("train", "epoch_", logs, epoch)
        self._write("validation", "epoch_", validation, epoch)
        if self.histogram_freq and epoch % self.histogram_freq == 0:
            self._write_histograms(epoch)

    def on_test_end(self, logs: Logs | None = None) -> None:
        if self.model.optimizer is not None and logs:
            named = {f"{name}_vs_iterations": value for name, value in logs.items()}
            self._write("validation", "evaluation_", named, int(self.model.optimizer.iterations))

    def on_train_end(self, logs: Logs | None = None) -> None:
        for writer in self._writers.values():
            writer.close()
        self._writers = {}

    def _writer(self, part: str) -> Any:
        from tensorboard.summary import Writer

        if part not in self._writers:
            folder = os.path.join(self.log_dir, part)
            os.makedirs(folder, exist_ok=True)
            self._writers[part] = Writer(folder)
        return self._writers[part]

    def _write(self, part: str, prefix: str, logs: Logs, step: int) -> None:
        for name, value in logs.items():
            self._writer(part).add_scalar(prefix + name, value, step)
        if logs:
            self._writer(part).flush()

    def _write_histograms(self, epoch: int) -> None:
        """tensorboard's `Writer` has scalars alone: histograms go to an event file beside its own."""
        from tensorboard.compat.proto import event_pb2
        from tensorboard.plugins.histogram.summary_v2 import histogram_pb
        from tensorboard.summary.writer.event_file_writer import EventFileWriter

        if "histograms" not in self._writers:
            folder = os.path.join(self.log_dir, "train")
            self._writers["histograms"] = EventFileWriter(folder, filename_suffix=".histograms")
        writer = self._writers["histograms"]
        for variable in self.model.weights:
            summary = histogram_pb(f"{variable.path}/histogram", np.asarray(variable.value))
            writer.add_event(event_pb2.Event(step=epoch, summary=summary, wall_time=time.time()))
        writer.flush()
