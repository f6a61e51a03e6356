"""Models of text in PyTorch: a plain training loop over slices of the data, and a network that writes step by step."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
import torch
from contest import torch_side
from contest.terms import Terms
from contest.work import Work

from .text import EPSILON, LEARNING_RATE, TextTask, answer, write_work


class _Net(torch.nn.Module):
    def __init__(self, task: TextTask) -> None:
        super().__init__()
        table, *_, kernel, bias = map(torch.from_numpy, task.weights())
        self.embedding = torch.nn.Embedding.from_pretrained(table, freeze=False)
        self.stack = torch_side.build(task.stack)
        self.head = torch.nn.Linear(task.stack.width, task.classes)
        self.head.weight = torch.nn.Parameter(kernel.T.contiguous())
        self.head.bias = torch.nn.Parameter(bias)
        self._every_step = task.every_step
        self._directions = task.stack.directions

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        y, (h, _) = self.stack(self.embedding(tokens))
        if not self._every_step:  # the last step of each direction of the last layer
            y = torch.cat(list(h[-self._directions :]), dim=-1)
        return self.head(y)

    def step(self, token: torch.Tensor, state: tuple | None) -> tuple[torch.Tensor, tuple]:
        y, state = self.stack(self.embedding(token), state)
        return torch.softmax(self.head(y[0, 0]), -1), state


def _fit(net: _Net, optimizer: torch.optim.Optimizer, x: torch.Tensor, y: torch.Tensor, batch: int) -> float:
    """One epoch; the mean loss."""
    total = 0.0
    for rows, classes in zip(x.split(batch), y.split(batch), strict=True):
        optimizer.zero_grad(set_to_none=True)
        loss = torch.nn.functional.cross_entropy(net(rows).flatten(0, -2), classes.flatten())
        loss.backward()
        optimizer.step()
        total += loss.item() * len(rows)
    return total / len(x)


def _trainer(task: TextTask) -> tuple[_Net, torch.optim.Optimizer]:
    net = _Net(task)
    return net, torch.optim.Adam(net.parameters(), lr=LEARNING_RATE, eps=EPSILON, fused=True)


def _train(task: TextTask) -> list[Work]:
    x, y = torch.from_numpy(task.x), torch.from_numpy(task.y).long()
    trainer = _trainer(task)

    def check() -> dict[str, np.ndarray]:
        net, optimizer = _trainer(task)
        first = (torch.from_numpy(array) for array in task.first_batches())
        rows, classes = first
        loss = _fit(net, optimizer, rows, classes.long(), task.stack.batch)
        with torch.inference_mode():
            return answer(loss, torch.softmax(net(x[: task.stack.batch]), -1).numpy())

    run = partial(_fit, *trainer, x, y, task.stack.batch)
    return [
        Work(run, check, variant=f"loop{label}", prepare=torch_side.onednn(enabled))
        for label, enabled in torch_side.ONEDNN
    ]


def _epoch(task: TextTask, terms: Terms, onednn: bool) -> float:
    torch.set_num_threads(terms.threads)
    torch_side.onednn(onednn)()
    return _fit(*_trainer(task), torch.from_numpy(task.x), torch.from_numpy(task.y).long(), task.stack.batch)


# Ways to train a new model for an epoch, which give its mean loss.
EPOCHS = {f"loop{label}": partial(_epoch, onednn=enabled) for label, enabled in torch_side.ONEDNN}


def _write(task: TextTask) -> list[Work]:
    net = _Net(task).eval()

    def open_writer() -> Callable[[int], np.ndarray]:
        state = None

        def write(token: int) -> np.ndarray:
            nonlocal state
            probabilities, state = net.step(torch.tensor([[token]]), state)
            return probabilities.numpy()

        return write

    return [
        write_work(task, open_writer, f"eager{label}", torch.inference_mode, torch_side.onednn(enabled))
        for label, enabled in torch_side.ONEDNN
    ]


_MODES = {"train": _train, "write": _write}


def works(task: TextTask, mode: str, terms: Terms) -> list[Work]:
    torch.set_num_threads(terms.threads)
    return _MODES[mode](task)
