"""Every way to carry out a step, and the test, held to what a CUDA graph asks of them; each guard is shown to bite.

Two guards, neither of which needs a device. The replay: the run recorded by `OpRecorder` ends with the numbers of the
plain one. The device guard: on `meta`, nothing in a step or a test touches another device or asks for a value.
"""

import copy
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

import pytest
import torch
import torch._dynamo
from cases import small_network
from device_guard import META, GuardError, on_one_device
from op_recorder import OpRecorder
from torch import Tensor

import resnetzoo
from resnetzoo.training import evaluation_pass
from resnetzoo.training.batchnorm import with_summed_batchnorm
from resnetzoo.training.distributed import DistributedContext
from resnetzoo.training.evaluation_pass import EvaluationPass
from resnetzoo.training.opening import make_loader
from resnetzoo.training.recipes import lr_at
from resnetzoo.training.running_metrics import RunningMetrics
from resnetzoo.training.strategies.base import StepState, Strategy
from resnetzoo.training.strategies.compiled import CompiledStep, compile_loss
from resnetzoo.training.strategies.ddp import DDPStep
from resnetzoo.training.strategies.eager import EagerStep, make_loss
from resnetzoo.training.strategies.recorded import WARM_UP_STEPS, RecordedStep
from resnetzoo.training.strategies.recording import Recording, RunRecorder, Work
from resnetzoo.training.stream import RunStream
from resnetzoo.utils.cuda_graph import Replay
from resnetzoo.utils.device import autocast

CPU = torch.device("cpu")
STRATEGIES = ["eager", "compiled", "recorded", "compiled and recorded", "shared"]
RECIPE = resnetzoo.Recipe(
    "SHORT", steps=20, epochs=None, lr=0.05, schedule=resnetzoo.recipes.StepDecay((8, 14)), batch_size=10
)  # four batches of 10 and one of 8 an epoch


@dataclass
class Parts:
    """A run in parts, to plant faults in them: `learn` is the strategy around `step`, `test` its test pass."""

    step: EagerStep
    learn: Strategy
    test: EvaluationPass
    state: StepState

    def begin_epoch(self, epoch: int) -> None:
        self.learn.begin_epoch(self.state.loader.augmentation(seed=0, epoch=epoch))


Fault = Callable[[Parts], None]


@pytest.fixture(autouse=True)
def _without_compiler() -> Iterator[None]:
    """What compiling gives is tested elsewhere; here the compiled step's own way counts."""
    with torch._dynamo.config.patch(disable=True):
        yield


def parts_of(strategy: str, device: torch.device, data: resnetzoo.Data, recorder: RunRecorder) -> Parts:
    """A run by one of `STRATEGIES` on the CPU or on `meta`."""
    model = small_network(0).train().to(device)
    loader = make_loader(data, RECIPE, device)
    on_cpu = device.type == "cpu"
    optimizer = torch.optim.SGD(
        model.parameters(),
        lr=torch.tensor(1.0) if on_cpu else 1.0,
        momentum=0.9,
        fused=on_cpu,  # there is no fused update on meta, and the others take no rate from a tensor
        foreach=not on_cpu,
    )
    state = StepState(loader, optimizer, RunningMetrics(device), RunStream(CPU), RECIPE.batch_size)
    recording = Recording(recorder, model, vouched=False) if "recorded" in strategy else None
    if strategy == "shared":  # in one process; the wrapper, which needs a process group, is left out
        model = with_summed_batchnorm(model, lambda sums: sums.clone())
    loss_fn = make_loss(model, RECIPE, CPU, "fp32")  # autocast, which is off, knows no meta device
    step = EagerStep(loss_fn, state)
    if "compiled" in strategy:
        step = CompiledStep(compile_loss(loss_fn, device), loss_fn, state)
    learn: Strategy = step
    if recording is not None:
        learn = RecordedStep(step, recording)
    elif strategy == "shared":
        learn = DDPStep(step, DistributedContext())
    return Parts(step, learn, EvaluationPass(model, moved(data.test, device), loader.normalization, recording), state)


def moved(images: resnetzoo.ImageSet, device: torch.device) -> resnetzoo.ImageSet:
    """The images on a device, without the check of their labels, which asks for a value."""
    there = copy.copy(images)
    for part in ("images", "labels"):
        object.__setattr__(there, part, getattr(images, part).to(device))
    return there


def batches_of_an_epoch(images: int) -> Iterator[slice]:
    for begin in range(0, images, RECIPE.batch_size):
        yield slice(begin, min(begin + RECIPE.batch_size, images))


def numbers_of(parts: Parts, images: int) -> list[float]:
    """The loss of each step and, behind each epoch, the sums of the test; the rates are the recipe's."""
    numbers, done = [], 0
    for epoch in range(4):
        parts.begin_epoch(epoch)
        for indices in batches_of_an_epoch(images):
            parts.learn(indices, lr_at(RECIPE, done))
            numbers.append(float(parts.state.metrics.loss))
            parts.state.metrics.reset()
            done += 1
        numbers += [float(value) for value in parts.test()]
    return numbers


# The faults: what would break a recorded step or test, planted by name; which guard sees it is said below.


def count_in_python(parts: Parts) -> None:
    inner, seen = parts.step.forward, [0]

    def forward(images: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        seen[0] += 1
        loss, logits = inner(images, labels)
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
        parts.step.forward = lambda images, labels: inner(change(images), labels)  # type: ignore[method-assign]

    return plant


def choose_by_value(parts: Parts) -> None:
    inner = parts.step.forward
    parts.step.forward = lambda images, labels: inner(  # type: ignore[method-assign]
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


def count_the_tests_in_python(parts: Parts) -> None:
    sums, seen = parts.test._sums, [0]
    inner = sums.add

    def add(model: Any, inputs: Tensor, *rest: Any) -> None:
        seen[0] += 1
        inner(model, inputs * (1 + seen[0]), *rest)

    object.__setattr__(sums, "add", add)


def ask_for_the_loss_of_the_test(parts: Parts) -> None:
    sums = parts.test._sums
    inner = sums.add
    object.__setattr__(sums, "add", lambda *batch: (inner(*batch), float(sums.loss)))


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
    "test: counts in Python": Planted(count_the_tests_in_python, DIFFERS, meta=False),
    "test: asks for the loss": Planted(ask_for_the_loss_of_the_test, EAGER, meta=True),
}


@pytest.mark.parametrize("strategy", ["recorded", "compiled and recorded"])
def test_a_recorded_run_computes_what_the_plain_one_does(strategy: str, tiny_data: resnetzoo.Data) -> None:
    """Over three rates, four epochs, short batches and tests, each bit of them."""
    recorder = OpRecorder()
    plain = numbers_of(parts_of("eager", CPU, tiny_data, recorder), 48)
    parts = parts_of(strategy, CPU, tiny_data, recorder)
    assert numbers_of(parts, 48) == plain
    assert str(parts.learn.execution) == strategy
    assert len({lr_at(RECIPE, number) for number in range(20)}) == 3
    assert (recorder.watched, recorder.recorded) == (3, 3)
    assert recorder.replayed == 16 - WARM_UP_STEPS + 3 + 3  # whole batches, short ones, tests


@pytest.mark.parametrize("name", FAULTS)
@pytest.mark.filterwarnings("ignore:this run is carried out step by step")
def test_what_the_replay_sees(name: str, tiny_data: resnetzoo.Data) -> None:
    planted, recorder, found = FAULTS[name], OpRecorder(), []
    for strategy in ("eager", "recorded"):
        parts = parts_of(strategy, CPU, tiny_data, recorder)
        planted.fault(parts)
        found.append(numbers_of(parts, 48))
    plain, recorded = found
    assert len(recorded) == len(plain)
    answer = DIFFERS if recorded != plain else EAGER if recorder.recorded < 3 else NOT_SEEN
    assert answer == planted.replay


class CallsAgain(OpRecorder):
    """On meta nothing can be undone or repeated: what would be recorded is called, under the guard, each time."""

    def record(self, work: Work) -> Replay:
        return work


@pytest.fixture
def guarded(tiny_data: resnetzoo.Data, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, Fault | None], None]:
    """Two epochs on meta with a fault: the first calls, and those behind them under the device guard."""
    monkeypatch.setattr(evaluation_pass, "autocast", lambda device, precision: autocast(CPU, precision))

    def run(strategy: str, fault: Fault | None) -> None:
        parts = parts_of(strategy, META, tiny_data, CallsAgain())
        if fault is not None:
            fault(parts)
        parts.begin_epoch(0)
        for guard in (nullcontext(), on_one_device()):
            with guard:
                for indices in batches_of_an_epoch(48):
                    parts.learn(indices, 0.1)
                parts.test()

    return run


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_no_step_and_no_test_leaves_the_device(strategy: str, guarded: Callable[[str, Fault | None], None]) -> None:
    guarded(strategy, None)


@pytest.mark.parametrize("strategy", ["eager", "recorded"])
@pytest.mark.parametrize("name", FAULTS)
@pytest.mark.filterwarnings("ignore:this run is carried out step by step")
def test_what_the_device_guard_sees(name: str, strategy: str, guarded: Callable[[str, Fault | None], None]) -> None:
    planted = FAULTS[name]
    if not planted.meta:
        guarded(strategy, planted.fault)
        return
    # torch itself refuses to give a value of a tensor on meta, also outside of the guard.
    with pytest.raises((GuardError, RuntimeError, NotImplementedError)):
        guarded(strategy, planted.fault)


def test_every_fault_is_seen_by_a_guard() -> None:
    assert not [name for name, planted in FAULTS.items() if planted.replay == NOT_SEEN and not planted.meta]
