"""What a run records, and when it rather carries out each step; a recorder for the CPU stands for CUDA graphs."""

import gc
import random
import threading
import warnings
import weakref
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from cases import small_network
from op_recorder import OpRecorder
from torch import Tensor, nn
from unrecordable_networks import NOT_ALWAYS_THE_SAME, WAIT, Net

import resnetzoo
from resnetzoo.training.opening import open_trainer
from resnetzoo.training.strategies import base
from resnetzoo.training.strategies.cuda_recorder import reported_waits
from resnetzoo.training.strategies.recording import Recording, RepeatedBatches, RunRecorder, Work
from resnetzoo.utils.cuda_graph import Replay

CPU = torch.device("cpu")
RECIPE = resnetzoo.Recipe(
    "SHORT", steps=20, epochs=None, lr=0.05, schedule=resnetzoo.recipes.StepDecay((8, 14)), batch_size=10, clip_norm=0.5
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
