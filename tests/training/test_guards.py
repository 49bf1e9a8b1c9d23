"""Every way to carry out a step, and the test, held to what a CUDA graph asks of them; each guard is shown to bite.

Two guards, neither of which needs a device. The replay: the run recorded by `OpRecorder` ends with the numbers of the
plain one. The device guard: on `meta`, nothing in a step or a test touches another device or asks for a value.
"""

import copy
from collections.abc import Callable, Iterator
from contextlib import nullcontext

import pytest
import torch
import torch._dynamo
from cases import small_network
from device_guard import META, GuardError, on_one_device
from marks import slow_if_in
from op_recorder import OpRecorder
from planted_faults import DIFFERS, EAGER, FAULTS, NOT_SEEN, Fault, Parts

import resnetzoo
from resnetzoo.training import evaluation_pass
from resnetzoo.training.batchnorm import with_summed_batchnorm
from resnetzoo.training.distributed import DistributedContext
from resnetzoo.training.evaluation_pass import EvaluationPass
from resnetzoo.training.module_settings import ModuleSettings
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
        step = CompiledStep(compile_loss(loss_fn, device, torch.channels_last), loss_fn, state, ModuleSettings(model))
    learn: Strategy = step
    if recording is not None:
        learn = RecordedStep(step, recording)
    elif strategy == "shared":
        learn = DDPStep(step, DistributedContext(), ModuleSettings(model))
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
    """The loss of each step and, behind each epoch, the sums and logits of the test; the rates are the recipe's."""
    numbers, done = [], 0
    for epoch in range(4):
        parts.begin_epoch(epoch)
        for indices in batches_of_an_epoch(images):
            parts.learn(indices, lr_at(RECIPE, done))
            numbers.append(float(parts.state.metrics.loss))
            parts.state.metrics.reset()
            done += 1
        numbers += [float(value) for value in parts.test()]
        assert parts.test.logits is not None
        numbers += parts.test.logits.flatten().tolist()
    return numbers


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


@pytest.mark.parametrize("strategy", slow_if_in(["eager"], ["eager", "recorded"]))
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
