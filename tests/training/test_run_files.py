"""A run's files written by a thread while training goes on: in order, none before what it follows, no error lost."""

import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
import torch
from behind import PATIENCE, HeldWrites, SlowTransfer, files_behind
from cases import small_network

import resnetzoo
from resnetzoo.errors import NonFiniteLossError, OutputError, SomeRunsFailedError
from resnetzoo.training import trainer_state
from resnetzoo.training.callbacks import checkpointing, log_file, record_file
from resnetzoo.training.callbacks.progress import ProgressBar
from resnetzoo.training.distributed import DistributedContext
from resnetzoo.training.run_files import FilesAtOnce, FilesBehind, choose_run_files
from resnetzoo.training.snapshots import HostSnapshots, LiveSnapshots
from resnetzoo.weights.checkpoint.training_state import read_checkpoint


def disk_full() -> OutputError:
    """A new one each time, since an error that was raised keeps its cause."""
    return OutputError("cannot write checkpoint.pt: No space left on device")


@pytest.fixture
def queue() -> Iterator[FilesBehind]:
    files = FilesBehind(LiveSnapshots())
    yield files
    files.close()


def test_writes_are_carried_out_in_order_and_behind_the_caller(queue: FilesBehind) -> None:
    done: list[int] = []
    goes_on = threading.Event()

    def note(number: int) -> None:
        assert goes_on.wait(PATIENCE)
        done.append(number)

    for number in range(5):
        queue.submit(partial(note, number))
    queue.check()
    assert done == []
    goes_on.set()
    queue.wait()
    assert done == [0, 1, 2, 3, 4]


def test_nothing_is_written_behind_a_write_that_failed(queue: FilesBehind) -> None:
    done: list[str] = []

    def fails() -> None:
        raise disk_full()

    queue.submit(lambda: done.append("before"))
    queue.submit(fails)
    queue.submit(lambda: done.append("behind"))
    for _ in range(2):
        with pytest.raises(OutputError, match="No space left"):
            queue.wait()
        with pytest.raises(OutputError, match="No space left"):
            queue.check()
    with pytest.raises(OutputError, match="No space left"):
        queue.save({}, lambda state: done.append("a state"))
    queue.close()
    assert done == ["before"]


def test_closing_waits() -> None:
    files, done = FilesBehind(LiveSnapshots()), threading.Event()
    files.submit(lambda: time.sleep(0.05))
    files.submit(done.set)
    files.close()
    assert done.is_set()


def test_a_state_waits_for_the_one_before(queue: FilesBehind) -> None:
    """Its memory on the host is used again."""
    queue.snapshots = HostSnapshots(SlowTransfer())
    written: list[list[float]] = []
    weight = torch.zeros(2)

    def write_slowly(state: list[torch.Tensor]) -> None:
        time.sleep(0.05)
        written.append(state[0].tolist())

    queue.save([weight], write_slowly)
    weight.add_(1)
    queue.save([weight], write_slowly)
    assert written[0] == [0, 0]
    weight.add_(1)
    queue.wait()
    assert written == [[0, 0], [1, 1]]


def test_only_a_run_alone_on_cuda_writes_behind_training() -> None:
    alone, shared, cpu = DistributedContext(), DistributedContext(0, 2), torch.device("cpu")
    for context in (alone, shared):
        files = choose_run_files(cpu, context)
        assert isinstance(files, FilesAtOnce)
        assert isinstance(files.snapshots, LiveSnapshots)
    cuda = torch.device("cuda", 0)
    assert isinstance(choose_run_files(cuda, alone), FilesBehind)
    assert isinstance(choose_run_files(cuda, shared), FilesAtOnce)
    assert isinstance(choose_run_files(cuda, alone).snapshots, HostSnapshots)
    assert isinstance(choose_run_files(cuda, shared).snapshots, HostSnapshots)


@pytest.fixture
def writes(monkeypatch: pytest.MonkeyPatch) -> HeldWrites:
    """Runs in this process write as on CUDA, their checkpoints when the test lets them."""
    monkeypatch.setattr(trainer_state, "choose_run_files", files_behind)
    held = HeldWrites()
    monkeypatch.setattr(checkpointing, "save_checkpoint", held)
    return held


def fit(
    data: resnetzoo.Data,
    recipe: resnetzoo.Recipe,
    out: Path,
    *callbacks: resnetzoo.Callback,
    every: int | None = None,
    seed: int = 0,
) -> resnetzoo.Run:
    return resnetzoo.fit(
        small_network(seed),
        data,
        recipe,
        device="cpu",
        precision="fp32",
        out=out,
        checkpoint_every=every,
        progress=False,
        callbacks=callbacks,
    )


def saved_step(out: Path) -> int:
    return read_checkpoint(out / "checkpoint.pt").step


def logged_epochs(out: Path) -> int:
    log = out / "log.jsonl"
    return len(log.read_text().splitlines()) if log.exists() else 0


class Hooks(resnetzoo.Callback):
    """Calls a function in each hook with its name, the trainer, and the step."""

    def __init__(self, **functions: object) -> None:
        self.functions = functions
        self.heard: list[BaseException] = []

    def _call(self, name: str, trainer: resnetzoo.TrainerState) -> None:
        function = self.functions.get(f"{name}_{trainer.step}")
        if callable(function):
            function(trainer)

    def on_fit_start(self, trainer: resnetzoo.TrainerState) -> None:
        self._call("start", trainer)

    def on_step_end(self, trainer: resnetzoo.TrainerState) -> None:
        self._call("step", trainer)

    def on_epoch_end(self, trainer: resnetzoo.TrainerState, row: resnetzoo.EpochRow) -> None:
        self._call("epoch", trainer)

    def on_fit_end(self, trainer: resnetzoo.TrainerState, run: resnetzoo.Run) -> None:
        self._call("end", trainer)

    def on_exception(self, trainer: resnetzoo.TrainerState, error: BaseException) -> None:
        self._call("exception", trainer)
        self.heard.append(error)


def test_an_epoch_is_told_once_its_checkpoint_is_written(
    tiny_data: resnetzoo.Data,
    tiny_recipe: resnetzoo.Recipe,
    tmp_path: Path,
    writes: HeldWrites,
    capsys: pytest.CaptureFixture[str],
) -> None:
    told: list[int] = []

    def hold(_: resnetzoo.TrainerState) -> None:
        writes.may_write.clear()

    def look(trainer: resnetzoo.TrainerState) -> None:
        told.append(capsys.readouterr().out.count("epoch   1/2"))
        writes.may_write.set()
        trainer.wait_until_written()
        told.append(capsys.readouterr().out.count("epoch   1/2"))

    fit(tiny_data, tiny_recipe, tmp_path, ProgressBar(bar=False), Hooks(step_1=hold, epoch_3=look))
    assert told == [0, 1]


def test_a_run_leaves_the_same_behind_as_one_that_waits(
    tiny_data: resnetzoo.Data, tiny_recipe: resnetzoo.Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    at_once = fit(tiny_data, tiny_recipe, tmp_path / "at once", every=2)
    with monkeypatch.context() as as_on_cuda:
        as_on_cuda.setattr(trainer_state, "choose_run_files", files_behind)
        behind = fit(tiny_data, tiny_recipe, tmp_path / "behind", every=2)
    assert sorted(path.name for path in (tmp_path / "behind").iterdir()) == sorted(
        path.name for path in (tmp_path / "at once").iterdir()
    )
    for name in ("checkpoint.pt", "checkpoint.previous.pt"):
        one, two = read_checkpoint(tmp_path / "behind" / name), read_checkpoint(tmp_path / "at once" / name)
        assert (one.step, one.identity, one.classes) == (two.step, two.identity, two.classes)
        assert all(torch.equal(one.model[key], value) for key, value in two.model.items())
        assert one.optimizer["param_groups"] == two.optimizer["param_groups"]
        for key, values in two.optimizer["state"].items():
            assert torch.equal(one.optimizer["state"][key]["momentum_buffer"], values["momentum_buffer"])
    assert [row.test_loss for row in behind.epochs] == [row.test_loss for row in at_once.epochs]
    assert logged_epochs(tmp_path / "behind") == len(behind.epochs) == 2


def test_training_goes_on_while_a_checkpoint_is_written(
    tiny_data: resnetzoo.Data, tiny_recipe: resnetzoo.Recipe, tmp_path: Path, writes: HeldWrites
) -> None:
    """And neither the log nor the record stands there before it."""
    seen: list[tuple[int, int, int]] = []

    def look(trainer: resnetzoo.TrainerState) -> None:
        seen.append((trainer.step, saved_step(tmp_path), logged_epochs(tmp_path)))

    def look_and_let_write(trainer: resnetzoo.TrainerState) -> None:
        look(trainer)
        writes.may_write.set()
        trainer.wait_until_written()
        look(trainer)

    hooks = Hooks(start_0=lambda trainer: writes.may_write.clear(), epoch_3=look, step_5=look_and_let_write, end_6=look)
    fit(tiny_data, tiny_recipe, tmp_path, hooks)
    assert seen == [(3, 0, 0), (5, 0, 0), (5, 3, 1), (6, 6, 2)]
    assert writes.steps == [0, 3, 6]


def test_memory_on_the_host_is_made_once_before_the_first_step(
    tiny_data: resnetzoo.Data, tiny_recipe: resnetzoo.Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    transfer = SlowTransfer()
    files = FilesBehind(HostSnapshots(transfer))
    monkeypatch.setattr(trainer_state, "choose_run_files", lambda device, context: files)
    made: list[int] = []
    fit(tiny_data, tiny_recipe, tmp_path, Hooks(start_0=lambda trainer: made.extend(transfer.made)))
    assert len(made) == 2  # of fp32 and of int64
    assert transfer.made == made
    assert transfer.started == [2, 2, 2]


def test_the_record_waits_for_the_last_checkpoint(
    tiny_data: resnetzoo.Data,
    tiny_recipe: resnetzoo.Recipe,
    tmp_path: Path,
    writes: HeldWrites,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    done: list[str] = []
    for module, name, what in (
        (log_file, "write_atomically", "log"),
        (record_file, "write_checksummed", "record"),
        (checkpointing, "save_checkpoint", "checkpoint"),
    ):
        original = getattr(module, name)

        def noted(*arguments: object, original: object = original, what: str = what) -> None:
            time.sleep(0.02)  # long enough for what does not wait to come first
            original(*arguments)  # type: ignore[operator]
            done.append(what)

        monkeypatch.setattr(module, name, noted)
    fit(tiny_data, tiny_recipe, tmp_path)
    assert done == ["checkpoint", *["checkpoint", "log"] * 2, "record"]


@pytest.mark.parametrize("hook", ["step_4", "epoch_3", "end_6"])
def test_a_hook_that_raises_loses_no_checkpoint(
    tiny_data: resnetzoo.Data, tiny_recipe: resnetzoo.Recipe, tmp_path: Path, writes: HeldWrites, hook: str
) -> None:
    """The write is held until the run fails: `fit` waits for it then."""

    def fails(trainer: resnetzoo.TrainerState) -> None:
        threading.Timer(0.05, writes.may_write.set).start()
        raise RuntimeError("of the hook")

    hold = {} if hook == "end_6" else {"start_0": lambda trainer: writes.may_write.clear()}
    hooks = Hooks(**hold, **{hook: fails})
    with pytest.raises(RuntimeError, match="of the hook"):
        fit(tiny_data, tiny_recipe, tmp_path, hooks)
    assert saved_step(tmp_path) == (6 if hook == "end_6" else 3)
    assert logged_epochs(tmp_path) == (2 if hook == "end_6" else 1)
    assert len(hooks.heard) == 1


def test_a_second_interrupt_loses_no_checkpoint(
    tiny_data: resnetzoo.Data, tiny_recipe: resnetzoo.Recipe, tmp_path: Path, writes: HeldWrites
) -> None:
    def interrupt(trainer: resnetzoo.TrainerState) -> None:
        threading.Timer(0.05, writes.may_write.set).start()
        raise KeyboardInterrupt

    hooks = Hooks(start_0=lambda trainer: writes.may_write.clear(), step_4=interrupt)
    with pytest.raises(KeyboardInterrupt):
        fit(tiny_data, tiny_recipe, tmp_path, hooks)
    assert (saved_step(tmp_path), logged_epochs(tmp_path)) == (3, 1)


def test_a_failed_write_reaches_the_caller_in_the_next_step(
    tiny_data: resnetzoo.Data, tiny_recipe: resnetzoo.Recipe, tmp_path: Path, writes: HeldWrites
) -> None:
    writes.errors[3] = disk_full()
    failed = threading.Event()
    steps: list[int] = []

    def await_failure(trainer: resnetzoo.TrainerState) -> None:
        with pytest.raises(OutputError, match="No space left"):
            trainer.wait_until_written()
        failed.set()

    hooks = Hooks(
        epoch_3=await_failure, **{f"step_{step}": lambda trainer: steps.append(trainer.step) for step in range(7)}
    )
    with pytest.raises(OutputError, match="No space left") as caught:
        fit(tiny_data, tiny_recipe, tmp_path, hooks)
    assert failed.is_set()
    assert steps == [1, 2, 3]
    assert hooks.heard == [caught.value]
    assert caught.value.__cause__ is None  # told once
    assert (saved_step(tmp_path), logged_epochs(tmp_path)) == (0, 0)
    assert not (tmp_path / "run.json").exists()


def test_a_last_write_that_fails_is_no_run(
    tiny_data: resnetzoo.Data, tiny_recipe: resnetzoo.Recipe, tmp_path: Path, writes: HeldWrites
) -> None:
    writes.errors[6] = disk_full()
    with pytest.raises(OutputError, match="No space left"):
        fit(tiny_data, tiny_recipe, tmp_path)
    assert (saved_step(tmp_path), logged_epochs(tmp_path)) == (3, 1)
    assert not (tmp_path / "run.json").exists()
    del writes.errors[6]
    resumed = fit(tiny_data, tiny_recipe, tmp_path)
    straight = fit(tiny_data, tiny_recipe, tmp_path / "straight")
    for name, value in straight.model.state_dict().items():
        assert torch.equal(resumed.model.state_dict()[name], value)


def test_a_write_that_fails_beside_another_error_is_told_with_it(
    tiny_data: resnetzoo.Data, tiny_recipe: resnetzoo.Recipe, tmp_path: Path, writes: HeldWrites
) -> None:
    writes.errors[3] = disk_full()

    def fails(trainer: resnetzoo.TrainerState) -> None:
        raise RuntimeError("of the hook")

    with pytest.raises(OutputError, match="No space left") as caught:
        fit(tiny_data, tiny_recipe, tmp_path, Hooks(epoch_3=fails))
    assert str(caught.value.__cause__) == "of the hook"


def test_a_failed_first_write_is_found_out_before_training(
    tiny_data: resnetzoo.Data, tiny_recipe: resnetzoo.Recipe, tmp_path: Path, writes: HeldWrites
) -> None:
    (tmp_path / "file").write_text("in the way")
    hooks = Hooks(step_1=lambda trainer: pytest.fail("training has begun"))
    with pytest.raises(OutputError, match=r"cannot write .*/run/checkpoint\.pt: .*choose another folder$"):
        fit(tiny_data, tiny_recipe, tmp_path / "file" / "run", hooks)


def test_weights_that_are_not_finite_are_not_written(
    tiny_data: resnetzoo.Data, tiny_recipe: resnetzoo.Recipe, tmp_path: Path, writes: HeldWrites
) -> None:
    def poison(trainer: resnetzoo.TrainerState) -> None:
        with torch.no_grad():
            trainer.model.get_parameter("fc.bias")[1] = torch.nan

    with pytest.raises(NonFiniteLossError, match="the loss became nan by step 6"):
        fit(tiny_data, tiny_recipe, tmp_path, Hooks(step_6=poison))
    assert (saved_step(tmp_path), logged_epochs(tmp_path)) == (3, 1)


def test_a_failed_write_of_one_run_leaves_the_others_alone(
    tiny_data: resnetzoo.Data,
    tiny_recipe: resnetzoo.Recipe,
    tmp_path: Path,
    writes: HeldWrites,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("resnetzoo.training.concurrent.runs_together", lambda device: True)
    longer = replace(tiny_recipe, steps=9)
    writes.errors[9] = disk_full()
    jobs = [
        resnetzoo.Job(small_network(seed), recipe, seed=seed, out=tmp_path / str(seed))
        for seed, recipe in enumerate((tiny_recipe, longer, tiny_recipe))
    ]
    with pytest.raises(SomeRunsFailedError, match=r"1 of 3 runs failed: job 1: .*No space left"):
        resnetzoo.fit_many(jobs, tiny_data, device="cpu", precision="fp32", progress=False)
    assert [saved_step(tmp_path / str(seed)) for seed in range(3)] == [6, 6, 6]
    assert [(tmp_path / str(seed) / "run.json").exists() for seed in range(3)] == [True, False, True]


@pytest.mark.cuda
def test_a_run_on_cuda_goes_on_from_what_the_thread_wrote(
    tiny_data: resnetzoo.Data, tiny_recipe: resnetzoo.Recipe, tmp_path: Path
) -> None:
    def train() -> resnetzoo.Run:
        return resnetzoo.fit(
            small_network(0), tiny_data, tiny_recipe, device="cuda", precision="fp32", out=tmp_path, progress=False
        )

    run, read = train(), train()
    assert saved_step(tmp_path) == 6
    for name, value in run.model.state_dict().items():
        assert torch.equal(read.model.state_dict()[name], value)
