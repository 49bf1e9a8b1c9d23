"""Whoever starts a run lets go of what it holds, whatever happens: `fit`, `fit_many`, `rerun` and the benchmarks."""

import gc
import signal
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest
import torch
from cases import TINY_RECIPE, small_network
from marks import slow_if_in

import resnetzoo
from resnetzoo import bench, rerunning
from resnetzoo.bench import suite
from resnetzoo.training import opening
from resnetzoo.training.opening import make_loader, open_trainer
from resnetzoo.training.strategies.base import Strategy
from resnetzoo.training.stream import RunStream
from resnetzoo.training.trainer import Trainer

Use = Callable[[], object]


def data() -> resnetzoo.Data:
    return resnetzoo.synthetic(seed=1, train_images=48, test_images=20)


def fit() -> resnetzoo.Run:
    return resnetzoo.fit(small_network(0), data(), TINY_RECIPE, device="cpu", precision="fp32", progress=False)


def fit_many() -> object:
    jobs = [resnetzoo.Job(small_network(seed), TINY_RECIPE, seed=seed) for seed in (0, 1)]
    return resnetzoo.fit_many(jobs, data(), device="cpu", precision="fp32", progress=False)


def short_bench() -> object:
    return bench.short_bench(["plainnet20"], batch_size=2, device="cpu", precision="fp32", compiled=False, rounds=1)


@pytest.fixture
def uses(monkeypatch: pytest.MonkeyPatch) -> dict[str, tuple[Use, int]]:
    """Each way to start runs, and how many runs that are."""
    for others in ("forward_baselines", "step_baselines"):
        monkeypatch.setattr(suite, others, lambda name, **choices: bench.NO_BASELINES)
    record = fit()
    return {
        "fit": (fit, 1),
        "fit_many": (fit_many, 2),
        "rerun": (lambda: rerunning.rerun(record, data(), device="cpu", progress=False), 1),
        "bench": (short_bench, 1),
    }


class Watch:
    """What was opened and what was let go of."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.strategies: list[weakref.ref[Strategy]] = []
        self.released: list[Trainer] = []
        start, release = Trainer.start, Trainer.release

        def starting(trainer: Trainer) -> None:
            self.strategies.append(weakref.ref(trainer.strategy))
            start(trainer)

        def releasing(trainer: Trainer) -> None:
            release(trainer)
            self.released.append(trainer)

        monkeypatch.setattr(Trainer, "start", starting)
        monkeypatch.setattr(Trainer, "release", releasing)

    def assert_all_released(self, runs: int) -> None:
        assert len(self.released) == len(self.strategies) == runs
        gc.collect()
        assert [strategy() for strategy in self.strategies] == [None] * runs


@pytest.mark.parametrize("use", slow_if_in(["bench"], ["fit", "fit_many", "rerun", "bench"]))
def test_a_run_that_ends_well_is_released(
    use: str, uses: dict[str, tuple[Use, int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    start, runs = uses[use]
    watch, handler = Watch(monkeypatch), signal.getsignal(signal.SIGINT)
    start()
    watch.assert_all_released(runs)
    assert signal.getsignal(signal.SIGINT) is handler


@pytest.mark.parametrize("use", slow_if_in(["bench"], ["fit", "fit_many", "rerun", "bench"]))
def test_a_run_that_fails_is_released(
    use: str, uses: dict[str, tuple[Use, int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    start, runs = uses[use]
    watch, handler, forward = Watch(monkeypatch), signal.getsignal(signal.SIGINT), resnetzoo.CifarNet.forward
    steps: list[int] = []

    def fails_in_the_second_step(model: resnetzoo.CifarNet, images: torch.Tensor) -> torch.Tensor:
        steps.extend([1] * model.training)
        if len(steps) == 2:
            raise RuntimeError("in the second step")
        return forward(model, images)

    monkeypatch.setattr(resnetzoo.CifarNet, "forward", fails_in_the_second_step)
    with pytest.raises(RuntimeError, match="in the second step"):
        start()
    watch.assert_all_released(runs)
    assert signal.getsignal(signal.SIGINT) is handler


def test_what_cannot_begin_is_released_too(monkeypatch: pytest.MonkeyPatch) -> None:
    watch = Watch(monkeypatch)

    class Refuses(resnetzoo.Callback):
        def on_fit_start(self, trainer: resnetzoo.TrainerState) -> None:
            raise RuntimeError("not today")

    with pytest.raises(RuntimeError, match="not today"):
        resnetzoo.fit(small_network(0), data(), TINY_RECIPE, device="cpu", progress=False, callbacks=[Refuses()])
    watch.assert_all_released(1)


def test_an_error_in_the_block_reaches_the_callbacks() -> None:
    heard: list[BaseException] = []

    class Hears(resnetzoo.Callback):
        def on_exception(self, trainer: resnetzoo.TrainerState, error: BaseException) -> None:
            heard.append(error)

    error = RuntimeError("of the one who opened it")

    def one_step_and_an_error() -> None:
        with open_trainer(small_network(0), data(), TINY_RECIPE, device="cpu", callbacks=[Hears()]) as trainer:
            next(trainer.steps())
            raise error

    with pytest.raises(RuntimeError, match="of the one who opened it"):
        one_step_and_an_error()
    assert heard == [error]


class NotedStream(RunStream):
    """Notes whether work goes to it, and whether it waits for what was asked for elsewhere."""

    def __init__(self) -> None:
        super().__init__(torch.device("cpu"))
        self.waits = self.is_active = False

    @contextmanager
    def active(self) -> Iterator[None]:
        self.is_active = True
        yield
        self.is_active = False

    def wait_for_caller(self) -> None:
        self.waits = True


@pytest.mark.parametrize("built", ["choose_strategy", "Trainer"])
def test_what_the_steps_work_with_is_built_on_their_stream(monkeypatch: pytest.MonkeyPatch, built: str) -> None:
    """DDP's backward pass goes to the stream that it is built on, and the images of the test are copied there."""
    stream, original, found = NotedStream(), getattr(opening, built), []

    def build(*arguments: object, **choices: object) -> object:
        found.append((stream.waits, stream.is_active))
        return original(*arguments, **choices)

    monkeypatch.setattr(opening, built, build)
    with open_trainer(small_network(0), data(), TINY_RECIPE, device="cpu", stream=stream):
        assert found == [(True, True)]


def test_jobs_share_a_loader_where_they_cut_alike() -> None:
    seen: list[resnetzoo.TrainerState] = []

    class Sees(resnetzoo.Callback):
        def on_fit_start(self, trainer: resnetzoo.TrainerState) -> None:
            seen.append(trainer)

    recipes = [TINY_RECIPE, replace(TINY_RECIPE, lr=0.01), replace(TINY_RECIPE, normalization="per_pixel_mean")]
    jobs = [resnetzoo.Job(small_network(seed), recipe, callbacks=[Sees()]) for seed, recipe in enumerate(recipes)]
    resnetzoo.fit_many(jobs, data(), device="cpu", precision="fp32", progress=False)
    first, second, third = (trainer.step_state.loader for trainer in seen)
    assert first is second
    assert third is not first


def test_a_loader_is_made_unless_one_is_given() -> None:
    own = make_loader(data(), TINY_RECIPE, torch.device("cpu"))
    with open_trainer(small_network(0), data(), TINY_RECIPE, device="cpu", loader=own) as trainer:
        assert trainer.step_state.loader is own
    with open_trainer(small_network(0), data(), TINY_RECIPE, device="cpu") as trainer:
        assert trainer.step_state.loader is not own
