"""What a run records, and when it rather carries out each step; a recorder for the CPU stands for CUDA graphs."""

import gc
import random
import threading
import warnings
import weakref
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import cast

import numpy as np
import pytest
import torch
from cases import small_network
from op_recorder import OpRecorder
from torch import Tensor, nn

import resnetzoo
from resnetzoo.errors import RecordingError
from resnetzoo.training.opening import open_trainer
from resnetzoo.training.strategies import base
from resnetzoo.training.strategies.cuda_recorder import reported_waits
from resnetzoo.training.strategies.recording import Recording, RepeatedBatches, RunRecorder, Work
from resnetzoo.utils.cuda_graph import Replay
from resnetzoo.weights.checkpoint.training_state import read_checkpoint

CPU = torch.device("cpu")
RECIPE = resnetzoo.Recipe(
    "SHORT", steps=20, epochs=None, lr=0.05, schedule=resnetzoo.recipes.StepDecay((8, 14)), batch_size=10
)  # four batches of 10 and one of 8 an epoch


@pytest.fixture
def recorder(monkeypatch: pytest.MonkeyPatch) -> OpRecorder:
    """Runs on the CPU record with this one."""
    made = OpRecorder()
    monkeypatch.setattr(base, "recorder_for", lambda stream: made)
    return made


def fit(
    model: nn.Module, data: resnetzoo.Data, *, record: bool | None = None, out: Path | None = None
) -> resnetzoo.Run:
    return resnetzoo.fit(model, data, RECIPE, device="cpu", precision="fp32", record=record, out=out, progress=False)


def results_of(run: resnetzoo.Run) -> tuple[object, ...]:
    """Everything of a run but its times: errors, losses, weights."""
    rows = [(row.train_loss, row.train_error, row.test_loss, row.test_error) for row in run.epochs]
    return rows, {name: value.tolist() for name, value in run.model.state_dict().items()}


class Net(nn.Module):
    """A linear network; subclasses do something on the way."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.fc = nn.Linear(3 * 32 * 32, 10)
        self.register_buffer("calls", torch.zeros(()))
        self.steps = 0
        self.seen: list[int] = []

    def forward(self, images: Tensor) -> Tensor:
        return cast(Tensor, self.fc(images.flatten(1) * self.factor(images)))

    def factor(self, images: Tensor) -> Tensor | float:
        return 1.0


class CountsInPython(Net):
    def factor(self, images: Tensor) -> float:
        self.steps += self.training
        return 1 + self.steps / 10


class ListsInPython(Net):
    def factor(self, images: Tensor) -> float:
        self.seen += [1] * self.training
        return 1 + len(self.seen) / 10


class PutsANewTensor(Net):
    def factor(self, images: Tensor) -> Tensor:
        if self.training:
            self.calls = self.calls + 1
        return 1 + self.calls / 10


class AsksForAValue(Net):
    def factor(self, images: Tensor) -> float:
        self.calls += self.training
        return 1 + self.calls.item() / 10


class Decides(Net):
    """Also of the value of a tensor, without a word of it."""

    def factor(self, images: Tensor) -> float:
        self.calls += self.training
        return 0.5 if self.calls > 5 else 1.0


class DrawsFromPython(Net):
    def factor(self, images: Tensor) -> float:
        return random.random()


class DrawsFromNumpy(Net):
    def factor(self, images: Tensor) -> float:
        return float(np.random.rand())


class DrawsFromTheCpu(Net):
    def factor(self, images: Tensor) -> Tensor:
        return torch.rand(())


def with_hook(module: Callable[[nn.Module], nn.Module]) -> Callable[[], nn.Module]:
    def make() -> nn.Module:
        net, calls = Net(), [1.0]

        def scale(module: nn.Module, args: object, output: Tensor) -> Tensor:
            calls[0] += 0.1
            return output * calls[0]

        module(net).register_forward_hook(scale)
        return net

    return make


def with_tensor_hook() -> nn.Module:
    net, calls = Net(), [1.0]

    def scale(gradient: Tensor) -> Tensor:
        calls[0] += 0.1
        return gradient * calls[0]

    net.fc.weight.register_hook(scale)
    return net


NOT_ALWAYS_THE_SAME = {
    "CountsInPython": (CountsInPython, r"a step sets CountsInPython\.steps anew"),
    "ListsInPython": (ListsInPython, r"a step sets ListsInPython\.seen anew"),
    "PutsANewTensor": (PutsANewTensor, r"a step sets PutsANewTensor\.calls anew"),
    "DrawsFromPython": (DrawsFromPython, "a step draws from random,"),
    "DrawsFromNumpy": (DrawsFromNumpy, r"a step draws from numpy\.random"),
    "DrawsFromTheCpu": (DrawsFromTheCpu, "a step draws from torch's generator of the CPU"),
    "hook of the network": (with_hook(lambda net: net), "Net has hooks"),
    "hook of a layer": (with_hook(lambda net: net.fc), r"Net\.fc has hooks"),
    "hook of all modules": (Net, "hooks are registered for all modules"),
    "hook of a parameter": (with_tensor_hook, r"Net\.fc\.weight has hooks"),
}
WAIT = {
    "AsksForAValue": (AsksForAValue, "the host asks for a value"),
    "Decides": (Decides, "the host asks for a value"),
    "cumulative average": (
        lambda: nn.Sequential(nn.BatchNorm2d(3, momentum=None), Net()),
        "the host asks for a value",
    ),
}


@pytest.fixture(autouse=True)
def _hook_of_all_modules(request: pytest.FixtureRequest) -> Iterator[None]:
    """Where a test is about that, a hook on every module of the process."""
    if "hook of all modules" not in request.node.name:
        yield
        return
    with nn.modules.module.register_module_forward_hook(lambda module, args, output: None):
        yield


def seed_everything() -> None:
    random.seed(0)
    np.random.seed(0)
    torch.manual_seed(0)


@pytest.mark.parametrize("name", [*NOT_ALWAYS_THE_SAME, *WAIT])
def test_where_python_has_a_say_the_run_stays_eager_with_the_same_numbers(
    name: str, recorder: OpRecorder, tiny_data: resnetzoo.Data
) -> None:
    make, cause = {**NOT_ALWAYS_THE_SAME, **WAIT}[name]
    seed_everything()
    plain = fit(make(), tiny_data, record=False)
    seed_everything()
    with pytest.warns(UserWarning, match=cause) as warned:
        run = fit(make(), tiny_data)
    assert len(warned) == 1
    assert results_of(run) == results_of(plain)
    assert run.execution == plain.execution == "eager"
    assert (recorder.recorded, recorder.replayed) == (0, 0)
    assert ("record=True records it all the same" in str(warned[0].message)) is (name in NOT_ALWAYS_THE_SAME)


@pytest.mark.parametrize("name", NOT_ALWAYS_THE_SAME)
def test_who_vouches_for_python_is_believed(name: str, recorder: OpRecorder, tiny_data: resnetzoo.Data) -> None:
    make, _ = NOT_ALWAYS_THE_SAME[name]
    run = fit(make(), tiny_data, record=True)
    assert run.execution == "recorded"
    assert recorder.recorded == 3


@pytest.mark.parametrize("name", WAIT)
def test_what_makes_recording_impossible_prevents_it_even_then(
    name: str, recorder: OpRecorder, tiny_data: resnetzoo.Data
) -> None:
    make, cause = WAIT[name]
    plain = fit(make(), tiny_data, record=False)
    with pytest.warns(UserWarning, match=cause):
        run = fit(make(), tiny_data, record=True)
    assert run.execution == "eager"
    assert results_of(run) == results_of(plain)


def test_steps_short_batches_and_tests_are_recorded(
    recorder: OpRecorder, tiny_data: resnetzoo.Data, tmp_path: Path
) -> None:
    plain = fit(small_network(0), tiny_data, record=False)
    assert (recorder.watched, plain.execution) == (0, "eager")
    run = fit(small_network(0), tiny_data, out=tmp_path)
    assert results_of(run) == results_of(plain)
    assert run.execution == "recorded"
    assert (recorder.watched, recorder.recorded) == (3, 3)
    # Of 16 whole batches three are carried out; of the 4 short ones and the 4 tests, one each.
    assert recorder.replayed == 13 + 3 + 3
    assert resnetzoo.read_records(tmp_path / "run.json")[0].execution == "recorded"


def test_dropout_draws_new_numbers_in_each_replay(recorder: OpRecorder, tiny_data: resnetzoo.Data) -> None:
    """On CUDA the generator is the device's, which a graph moves on; here it is the host's, so the caller vouches."""
    models = []
    for record in (False, True):
        seed_everything()
        models.append(nn.Sequential(Net(), nn.Dropout(0.5)))
        seed_everything()
        run = fit(models[-1], tiny_data, record=record)
    assert run.execution == "recorded"
    assert torch.equal(models[0][0].fc.weight, models[1][0].fc.weight)


def test_a_run_that_waits_in_its_test_alone_keeps_its_recorded_steps(
    recorder: OpRecorder, tiny_data: resnetzoo.Data
) -> None:
    class WaitsInTests(Net):
        def factor(self, images: Tensor) -> float:
            return 1.0 if self.training else float(images[0, 0, 0, 0] * 0 + 1)

    plain = fit(WaitsInTests(), tiny_data, record=False)
    with pytest.warns(UserWarning, match="the host asks for a value") as warned:
        run = fit(WaitsInTests(), tiny_data)
    assert len(warned) == 1
    assert results_of(run) == results_of(plain)
    assert run.execution == "recorded"
    assert recorder.recorded == 1


def test_a_run_lets_go_of_what_it_recorded_at_once(recorder: OpRecorder, tiny_data: resnetzoo.Data) -> None:
    """Without a search for cycles: the next run may need the memory."""
    gc.collect()
    gc.disable()
    try:
        with open_trainer(small_network(0), tiny_data, RECIPE, device="cpu", precision="fp32") as trainer:
            trainer.run()
            held = [weakref.ref(trainer.strategy), weakref.ref(trainer.evaluation_pass)]
            held.append(weakref.ref(trainer.strategy.recording))
        assert [reference() for reference in held] == [None] * 3
    finally:
        gc.enable()


class FailingRecorder(OpRecorder):
    """Sees nothing, and fails when it records."""

    def record(self, work: Work) -> Replay:
        try:
            raise RuntimeError("operation not permitted when stream is capturing")
        finally:
            raise ValueError("operation failed due to a previous error during capture")


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(base, "recorder_for", lambda stream: FailingRecorder())


@pytest.mark.usefixtures("failing")
def test_a_recording_that_fails_ends_the_run_and_loses_nothing(tiny_data: resnetzoo.Data, tmp_path: Path) -> None:
    recipe = replace(RECIPE, batch_size=16)  # three batches an epoch: the first is over when the fourth is recorded
    heard: list[BaseException] = []

    class Hears(resnetzoo.Callback):
        def on_exception(self, trainer: resnetzoo.TrainerState, error: BaseException) -> None:
            heard.append(error)

    def start(record: bool | None, folder: Path) -> resnetzoo.Run:
        return resnetzoo.fit(
            small_network(0),
            tiny_data,
            recipe,
            device="cpu",
            precision="fp32",
            record=record,
            out=folder,
            callbacks=[Hears()],
            progress=False,
        )

    with pytest.raises(
        RecordingError, match=r"could not be recorded \(operation not permitted when .*record=False"
    ) as raised:
        start(None, tmp_path / "run")
    assert heard == [raised.value]
    kept = read_checkpoint(tmp_path / "run" / "checkpoint.pt")
    assert (kept.step, len(kept.rows)) == (3, 1)
    resumed, whole = start(False, tmp_path / "run"), start(False, tmp_path / "whole")
    assert results_of(resumed) == results_of(whole)


@pytest.mark.usefixtures("failing")
def test_a_recording_that_fails_ends_the_runs_beside_it(
    tiny_data: resnetzoo.Data, monkeypatch: pytest.MonkeyPatch
) -> None:
    jobs = [resnetzoo.Job(small_network(seed), RECIPE) for seed in range(2)]
    with pytest.raises(RecordingError):
        resnetzoo.fit_many(jobs, tiny_data, device="cpu", precision="fp32", progress=False)


def test_no_memory_left_for_a_recording_is_no_failure_of_it() -> None:
    """Whoever runs fewer networks at once may go on."""

    class Full(OpRecorder):
        def record(self, work: Work) -> Replay:
            raise torch.OutOfMemoryError("CUDA out of memory")

    with pytest.raises(torch.OutOfMemoryError):
        Recording(Full(), Net(), vouched=False).record(lambda: None)


class ScriptedRecorder(RunRecorder):
    """Notes what is asked of it."""

    def __init__(self) -> None:
        self.log: list[str] = []

    def watch(self, work: Work) -> str | None:
        self.log.append("watch")
        work()
        return None

    def record(self, work: Work) -> Replay:
        self.log.append("record")
        return lambda: self.log.append("replay")


def test_each_size_of_batch_is_carried_out_then_watched_then_recorded_then_replayed() -> None:
    recorder = ScriptedRecorder()
    batches = RepeatedBatches(
        lambda indices: recorder.log.append(str(indices.tolist())),
        Recording(recorder, Net(), vouched=False),
        CPU,
        size=3,
        first_calls=2,
    )
    said = []
    for indices in (slice(0, 3), slice(3, 5), slice(1, 4), slice(5, 8), slice(8, 10), slice(0, 3), slice(3, 5)):
        batches(indices)
        said.append(" ".join(recorder.log))
        recorder.log.clear()
    assert said == [
        "[0, 1, 2]",
        "watch [3, 4]",
        "watch [1, 2, 3]",
        "record replay",
        "record replay",
        "replay",
        "replay",
    ]


@pytest.mark.parametrize("record", [True, None])
def test_record_where_nothing_can_be_recorded(record: bool | None, tiny_data: resnetzoo.Data) -> None:
    if record is None:
        assert fit(Net(), tiny_data).execution == "eager"
        return
    with pytest.raises(resnetzoo.UsageError, match=r"recorded on CUDA only, and this run is on cpu: leave record=True"):
        fit(Net(), tiny_data, record=record)


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    said: list[str] = []
    with warnings.catch_warnings():
        warnings.simplefilter("default")
        monkeypatch.setattr(warnings, "showwarning", lambda message, *rest: said.append(str(message)))
        yield said


def test_waits_are_collected_and_other_warnings_pass(shown: list[str]) -> None:
    def wait() -> None:
        warnings.warn("called a synchronizing CUDA operation (Triggered internally)", stacklevel=1)

    with reported_waits() as places:
        wait()
        warnings.warn("of something else", stacklevel=1)
        wait()
        other = threading.Thread(target=wait)  # such as one that saves a checkpoint
        other.start()
        other.join()
    assert len(places) == 2
    assert places[0].rpartition(":")[0] == __file__
    assert shown == ["of something else"]
    wait()
    assert len(shown) == 2


@pytest.mark.cuda
@pytest.mark.parametrize("name", WAIT)
def test_a_wait_on_cuda_keeps_the_run_eager(name: str, tiny_data: resnetzoo.Data) -> None:
    make, _ = WAIT[name]
    with pytest.warns(UserWarning, match="the host waits for the device in .*py:"):
        run = resnetzoo.fit(make(), tiny_data, RECIPE, device="cuda", precision="fp32", progress=False)
    assert run.execution == "eager"
    assert torch.cuda.get_sync_debug_mode() == 0


@pytest.mark.cuda
def test_graphs_on_cuda_share_a_pool_and_do_what_the_steps_do(tiny_data: resnetzoo.Data) -> None:
    runs = [
        resnetzoo.fit(
            small_network(0), tiny_data, RECIPE, device="cuda", precision="fp32", record=record, progress=False
        )
        for record in (None, False)
    ]
    assert [run.execution for run in runs] == ["recorded", "eager"]
    for one, two in zip(*(run.epochs for run in runs), strict=True):
        assert one.train_loss == pytest.approx(two.train_loss, rel=2e-2)
        assert one.test_loss == pytest.approx(two.test_loss, rel=5e-2)
