"""What would break a recorded step or test, to be planted in a run, and which guard sees it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from resnetzoo.training.evaluation_pass import EvaluationPass
from resnetzoo.training.mixing import Mixed
from resnetzoo.training.strategies.base import StepState, Strategy
from resnetzoo.training.strategies.eager import EagerStep


@dataclass
class Parts:
    """A run in parts, to plant faults in them: `learn` is the strategy around `step`, `test` its test pass."""

    step: EagerStep
    learn: Strategy
    test: EvaluationPass
    state: StepState

    def begin_epoch(self, epoch: int) -> None:
        self.learn.begin_epoch(self.state.augmentation(seed=0, epoch=epoch))


Fault = Callable[[Parts], None]


def count_in_python(parts: Parts) -> None:
    inner, seen = parts.step.forward, [0]

    def forward(images: Tensor, labels: Tensor, mixed: Mixed | None = None) -> tuple[Tensor, Tensor]:
        seen[0] += 1
        loss, logits = inner(images, labels, mixed)
        return loss * (1 + seen[0]), logits

    parts.step.forward = forward  # type: ignore[method-assign]


def sum_at_a_new_address(parts: Parts) -> None:
    metrics = parts.state.metrics

    def add(loss: Tensor, logits: Tensor, labels: Tensor) -> None:
        metrics.loss = metrics.loss + loss

    metrics.add = add  # type: ignore[method-assign]


def take_the_rate_as_a_number(parts: Parts) -> None:
    for group in parts.state.optimizer.param_groups:
        group["lr"] = 0.0  # `set_lr` leaves it a number then


def bind_the_draw(parts: Parts) -> None:
    def begin_epoch(augmentation: Tensor) -> None:
        parts.step.augmentation = augmentation.clone()

    parts.step.begin_epoch = begin_epoch  # type: ignore[method-assign]


def take_the_rate_as_a_tensor(parts: Parts) -> None:
    for group in parts.state.optimizer.param_groups:
        group["lr"] = torch.zeros((), device=parts.state.loader.device)


def ask_for_the_loss(parts: Parts) -> None:
    add = parts.state.metrics.add
    parts.state.metrics.add = lambda loss, *rest: (float(loss), add(loss, *rest))[1]  # type: ignore[method-assign]


def in_forward(change: Callable[[Tensor], Tensor]) -> Fault:
    def plant(parts: Parts) -> None:
        inner = parts.step.forward
        parts.step.forward = lambda images, *rest: inner(change(images), *rest)  # type: ignore[method-assign]

    return plant


def choose_by_value(parts: Parts) -> None:
    inner = parts.step.forward
    parts.step.forward = lambda images, labels, _: inner(  # type: ignore[method-assign]
        images[labels >= 0], labels[labels >= 0]
    )


def with_a_table(images: Tensor) -> Tensor:
    return images + torch.tensor([0.1, 0.2, 0.3]).reshape(1, 3, 1, 1).to(images.device)


def with_a_new_tensor(images: Tensor) -> Tensor:
    return images + images.new_tensor([0.1])


def with_host_noise(images: Tensor) -> Tensor:
    return images + torch.randn(1, 3, 1, 1).to(images.device)


def sum_the_test_at_a_new_address(parts: Parts) -> None:
    sums = parts.test._sums

    def reset() -> None:
        object.__setattr__(sums, "loss", torch.zeros_like(sums.loss))

    object.__setattr__(sums, "reset", reset)


def keep_the_logits_at_a_new_address(parts: Parts) -> None:
    sums, kept = parts.test._sums, parts.test._kept
    inner = sums.reset

    def reset() -> None:
        inner()
        if kept.values is not None:
            kept.values = torch.zeros_like(kept.values)

    object.__setattr__(sums, "reset", reset)


def count_the_tests_in_python(parts: Parts) -> None:
    sums, seen = parts.test._sums, [0]
    inner = sums.add

    def add(model: Any, inputs: Tensor, *rest: Any) -> tuple[Tensor, Tensor]:
        seen[0] += 1
        return inner(model, inputs * (1 + seen[0]), *rest)

    object.__setattr__(sums, "add", add)


def ask_for_the_loss_of_the_test(parts: Parts) -> None:
    sums = parts.test._sums
    inner = sums.add
    object.__setattr__(sums, "add", lambda *batch: (inner(*batch), float(sums.loss))[0])


@dataclass(frozen=True)
class Planted:
    """A fault, and how each guard answers: differing numbers, a refusal, or nothing."""

    fault: Fault
    replay: str
    meta: bool


NOT_SEEN, DIFFERS, EAGER = "not seen", "the numbers differ", "left unrecorded"
FAULTS = {
    "counts in Python": Planted(count_in_python, DIFFERS, meta=False),
    "sums at a new address": Planted(sum_at_a_new_address, DIFFERS, meta=False),
    "rate read as a number": Planted(take_the_rate_as_a_number, DIFFERS, meta=False),
    "draw bound at recording": Planted(bind_the_draw, DIFFERS, meta=False),
    # The fused update, which the CPU has, takes a rate from a tensor, as it does on CUDA.
    "rate read from a tensor by another update": Planted(take_the_rate_as_a_tensor, NOT_SEEN, meta=True),
    "asks for the loss": Planted(ask_for_the_loss, EAGER, meta=True),
    "chooses by value": Planted(choose_by_value, EAGER, meta=True),
    # A constant is the same in each replay, and on the CPU no copy: only the device guard sees it.
    "table from the host": Planted(in_forward(with_a_table), NOT_SEEN, meta=True),
    "tensor made of Python's values": Planted(in_forward(with_a_new_tensor), NOT_SEEN, meta=True),
    "random numbers from the host": Planted(in_forward(with_host_noise), EAGER, meta=True),
    "test: sums at a new address": Planted(sum_the_test_at_a_new_address, DIFFERS, meta=False),
    "test: logits at a new address": Planted(keep_the_logits_at_a_new_address, DIFFERS, meta=False),
    "test: counts in Python": Planted(count_the_tests_in_python, DIFFERS, meta=False),
    "test: asks for the loss": Planted(ask_for_the_loss_of_the_test, EAGER, meta=True),
}
