"""A run on a device that is behind: how far ahead it may be, what the bar shows, and that it waits before it ends."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
import torch
from cases import small_network
from hypothesis import given
from hypothesis import strategies as st
from rich.progress import Progress
from slow_device import SlowStep, SlowStream

import resnetzoo
from resnetzoo.errors import TrainingInterrupted
from resnetzoo.training import running_metrics
from resnetzoo.training.callbacks.progress import ProgressBar
from resnetzoo.training.callbacks.signals import StopRequest
from resnetzoo.training.callbacks.standard import standard_callbacks
from resnetzoo.training.opening import open_trainer
from resnetzoo.training.queued_steps import MOST_STEPS_AHEAD, STEPS_BETWEEN_EVENTS, QueuedSteps
from resnetzoo.training.running_metrics import RunningMetrics
from resnetzoo.training.stream import RunStream
from resnetzoo.training.trainer import Trainer
from resnetzoo.weights.checkpoint.training_state import read_checkpoint

CPU = torch.device("cpu")
IMAGES = 150
RECIPE = resnetzoo.Recipe("ONE", 2 * IMAGES, None, 1e-3, resnetzoo.recipes.StepDecay((200,)), batch_size=1)
Callbacks = list[resnetzoo.Callback]


@pytest.fixture(scope="module")
def data() -> resnetzoo.Data:
    """150 training images: an epoch of 150 steps."""
    return resnetzoo.synthetic(seed=1, train_images=IMAGES, test_images=5)


@pytest.fixture
def slow() -> SlowStream:
    """The stream of a device that is behind."""
    return SlowStream()


@contextmanager
def opened(
    data: resnetzoo.Data, stream: SlowStream | None, *, callbacks: Callbacks, out: Path | None = None
) -> Iterator[Trainer]:
    """A run whose steps the device does later, or at once where there is no stream."""
    with open_trainer(
        small_network(0), data, RECIPE, device="cpu", precision="fp32", stream=stream, out=out, callbacks=callbacks
    ) as trainer:
        if stream is not None:
            trainer.strategy = SlowStep(trainer.strategy, stream)
        yield trainer


class Watch(resnetzoo.Callback):
    """Notes after each step how far the run is ahead of its device."""

    def __init__(self, stream: SlowStream) -> None:
        self.stream = stream
        self.ahead: list[int] = []

    def on_step_end(self, trainer: resnetzoo.TrainerState) -> None:
        self.ahead.append(trainer.step - self.stream.done)


def test_a_run_is_at_most_sixty_steps_ahead_and_learns_the_same(data: resnetzoo.Data, slow: SlowStream) -> None:
    watch = Watch(slow)
    with opened(data, slow, callbacks=[watch]) as trainer:
        late = trainer.run()
    assert max(watch.ahead) == MOST_STEPS_AHEAD == 60
    assert slow.blocked > 4  # in each epoch more than once, and not only at its end
    alone = resnetzoo.fit(small_network(0), data, RECIPE, device="cpu", precision="fp32", progress=False)
    for name, value in alone.model.state_dict().items():
        assert torch.equal(late.model.state_dict()[name], value)


def test_without_a_queue_nothing_is_waited_for(data: resnetzoo.Data) -> None:
    with opened(data, None, callbacks=[]) as trainer:
        assert list(trainer.steps()) == [None] * (RECIPE.steps + 2)
        assert not RunStream(CPU).is_queue


def test_a_paused_run_that_is_asked_too_early_gives_the_event_again(data: resnetzoo.Data, slow: SlowStream) -> None:
    with opened(data, slow, callbacks=[]) as trainer:
        steps = trainer.steps()
        assert [next(steps) for _ in range(MOST_STEPS_AHEAD)] == [None] * MOST_STEPS_AHEAD
        first = next(steps)
        assert first is not None
        assert next(steps) is first
        assert trainer.step == MOST_STEPS_AHEAD
        first.synchronize()
        assert next(steps) is None
        assert trainer.step == MOST_STEPS_AHEAD + 1


class Interrupts(resnetzoo.Callback):
    def __init__(self, request: StopRequest) -> None:
        self.request = request

    def on_step_end(self, trainer: resnetzoo.TrainerState) -> None:
        if trainer.step == 30:
            self.request.signal_number = signal.SIGTERM


class Fails(resnetzoo.Callback):
    def on_step_end(self, trainer: resnetzoo.TrainerState) -> None:
        if trainer.step == 30:
            raise RuntimeError("at step 30")


@pytest.mark.parametrize("way", ["end", "interrupted", "interrupted and saved", "error", "left early", "error outside"])
def test_nothing_is_left_to_be_done_where_a_run_ends(
    data: resnetzoo.Data, slow: SlowStream, tmp_path: Path, way: str
) -> None:
    stop = StopRequest()
    out = tmp_path / "run" if way == "interrupted and saved" else None
    ends: dict[str, Callbacks] = {"interrupted": [Interrupts(stop)], "error": [Fails()]}
    ends["interrupted and saved"] = ends["interrupted"]
    callbacks = [*ends.get(way, []), *standard_callbacks(stop, out=out)]
    with (
        suppress(RuntimeError, TrainingInterrupted),
        opened(data, slow, callbacks=callbacks, out=out) as trainer,
    ):
        if way not in ("left early", "error outside"):
            trainer.run()
        else:
            steps = trainer.steps()
            while trainer.step < 30:
                next(steps)
            assert slow.done < slow.asked == 30
        if way == "error outside":
            raise RuntimeError("of the one who opened it")
    assert slow.done == slow.asked == (RECIPE.steps if way == "end" else 30)
    if out is not None:
        saved = read_checkpoint(out / "checkpoint.pt")
        assert (saved.step, saved.totals["images"]) == (30, 30)
        assert all(torch.equal(saved.model[name], value) for name, value in trainer.model.state_dict().items())


def test_the_bar_and_the_pace_show_what_is_known_to_be_done(
    data: resnetzoo.Data, slow: SlowStream, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown: list[tuple[int, str | None]] = []
    update = Progress.update

    def noting(progress: Progress, task: Any, **fields: Any) -> None:
        shown.append((fields["completed"], fields.get("speed")))
        update(progress, task, **fields)

    monkeypatch.setattr(Progress, "update", noting)
    with opened(data, slow, callbacks=[ProgressBar(bar=False)]) as trainer:
        trainer.run()
    # An epoch of 150 steps: with 60 queued the run waits until the device has done 20, and at the end for all of them.
    known = [0] * 60 + [20] * 20 + [40] * 20 + [60] * 20 + [80] * 20 + [100] * 10
    assert [done for done, _ in shown] == [*known, 150, *(150 + done for done in known), 300]
    for epoch in (shown[:150], shown[151:301]):
        assert [speed for _, speed in epoch[:60]] == ["-"] * 60
        assert all(speed and float(speed.replace(",", "")) > 0 for _, speed in epoch[60:])


def test_images_of_a_step_that_may_not_be_done_do_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0
    monkeypatch.setattr(running_metrics.time, "perf_counter", lambda: now)
    stream = SlowStream()
    metrics = RunningMetrics(CPU, QueuedSteps(stream.record_event))
    for _ in range(50):
        stream.ask(lambda: None)
        metrics.count(128, 128)
    now = 2.0
    assert metrics.images == 50 * 128
    assert metrics.images_per_second() == 0
    stream.synchronize()
    for _ in range(STEPS_BETWEEN_EVENTS):
        stream.ask(lambda: None)
        metrics.count(128, 128)
    assert metrics.images_per_second() == 40 * 128 / 2
    metrics.queued.clear()
    assert metrics.images_per_second() == 70 * 128 / 2


@given(st.lists(st.tuples(st.integers(1, 9), st.integers(0, 3)), max_size=300))
def test_what_is_queued_is_never_less_than_the_truth(asked: list[tuple[int, int]]) -> None:
    """`asked` is the images of each step, and how much the device does behind it."""
    stream = SlowStream()
    queued = QueuedSteps(stream.record_event)
    images: list[int] = []
    for number, does in asked:
        stream.ask(lambda: None)
        images.append(number)
        queued.add(number)
        assert queued.steps <= MOST_STEPS_AHEAD
        stream.do_until(min(stream.done + does, stream.asked))
        for event in queued.until_few():
            event.synchronize()
        assert stream.asked - stream.done <= queued.steps < MOST_STEPS_AHEAD
        assert queued.images == sum(images[len(images) - queued.steps :])
