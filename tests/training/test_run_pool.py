"""Runs that take turns: places, order, waiting and failures, of runs that compute nothing."""

import weakref
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from unittest import mock

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resnetzoo.errors import RecordingError
from resnetzoo.training import run_pool
from resnetzoo.training.run_pool import RunPool, Steps


@dataclass
class Device:
    """A device of which every run asks for some time; time passes with each step, and where somebody waits."""

    now: int = 0
    waits: int = 0
    asked_in_vain: int = 0

    def work(self, duration: int) -> "Event":
        return Event(self, self.now + duration)


@dataclass
class Event:
    device: Device
    due: int

    def query(self) -> bool:
        done = self.device.now >= self.due
        self.device.asked_in_vain += not done
        assert self.device.asked_in_vain < 10_000, "the pool spins"
        return done

    def synchronize(self) -> None:
        self.device.waits += 1
        self.device.now = max(self.device.now, self.due)


@dataclass
class Journal:
    """What happened, and who is under way at which place."""

    device: Device = field(default_factory=Device)
    begun: list[int] = field(default_factory=list)
    under_way: dict[int, str] = field(default_factory=dict)
    most: int = 0

    def start(self, index: int, durations: list[int], fails: bool = False) -> Callable[[str], Steps[int]]:
        """A run that gives 100 + index, after steps each of which takes the device so long; 0 is no time at all."""

        def steps(place: str) -> Steps[int]:
            self.begun.append(index)
            assert place not in self.under_way.values()
            self.under_way[index] = place
            self.most = max(self.most, len(self.under_way))
            try:
                for duration in durations:
                    self.device.now += 1
                    event = self.device.work(duration) if duration else None
                    yield None
                    while event is not None and not event.query():
                        yield event
                if fails:
                    raise ArithmeticError(f"run {index}")
                return 100 + index
            finally:
                del self.under_way[index]

        return steps


def always() -> bool:
    return True


RUNS = st.lists(st.tuples(st.lists(st.integers(0, 30), min_size=1, max_size=12), st.booleans()), max_size=12)


@given(RUNS, st.integers(1, 5))
def test_all_runs_end_and_never_more_are_under_way_than_places(runs: list[tuple[list[int], bool]], places: int) -> None:
    journal = Journal()
    order = sorted(range(len(runs)), key=lambda index: -len(runs[index][0]))
    starts = {index: journal.start(index, *runs[index]) for index in order}
    pool = RunPool(starts, [f"place {number}" for number in range(places)])
    with mock.patch.object(run_pool, "free_memory"):  # which looks at everything that is alive, at each failure
        pool.run(always)
    assert journal.begun == order
    assert journal.most == min(places, len(runs))  # and no place stays empty while a run waits
    assert pool.results == {index: 100 + index for index, (_, fails) in enumerate(runs) if not fails}
    assert {index: str(error) for index, error in pool.errors.items()} == {
        index: f"run {index}" for index, (_, fails) in enumerate(runs) if fails
    }
    assert not journal.under_way
    # Each look in vain is followed by somebody's step or by a wait: it is never more than a round.
    assert journal.device.asked_in_vain <= places * (journal.device.now + journal.device.waits)


def test_a_run_that_need_not_wait_goes_on_beside_one_that_must() -> None:
    journal = Journal()
    pool = RunPool({0: journal.start(0, [50]), 1: journal.start(1, [0] * 20)}, ["a", "b"])
    pool.run(always)
    assert list(pool.results) == [1, 0]
    assert journal.device.waits == 1  # once the other had ended
    assert journal.device.now == 51


def test_what_has_waited_longest_is_waited_for() -> None:
    journal = Journal()
    starts = {0: journal.start(0, [0, 0, 30]), 1: journal.start(1, [40])}
    RunPool(starts, ["a", "b"]).run(always)
    assert (journal.device.waits, journal.device.now) == (1, 42)  # for run 1, and then the other is done as well


def test_a_place_that_becomes_free_goes_to_the_next_at_once() -> None:
    journal = Journal()
    lengths = {0: 9, 1: 2, 2: 3, 3: 1}
    starts = {index: journal.start(index, [0] * length) for index, length in lengths.items()}
    pool = RunPool(starts, ["a", "b"])
    pool.run(always)
    assert list(pool.results) == [1, 2, 3, 0]  # three short ones beside the long one


def test_runs_that_may_not_begin_are_left_out() -> None:
    journal = Journal()
    starts = {index: journal.start(index, [0, 0]) for index in range(4)}
    pool = RunPool(starts, ["a", "b"])
    pool.run(lambda: len(journal.begun) < 1)
    assert journal.begun == [0, 1]  # both before the first step of either
    assert pool.results == {0: 100, 1: 101}


class Network:
    """Stands for what a run holds."""


def test_a_run_that_fails_is_free_at_once_and_its_error_can_be_read() -> None:
    held: list[weakref.ref[Network]] = []
    alive: list[int] = []

    def fails(place: str) -> Steps[int]:
        network = Network()
        held.append(weakref.ref(network))
        yield None
        try:
            raise KeyError(network.__class__)
        except KeyError as cause:
            raise ValueError("no such kernel") from cause

    def watches(place: str) -> Steps[int]:
        for _ in range(3):
            yield None
            alive.append(sum(network() is not None for network in held))
        return 1

    pool = RunPool({0: fails, 1: watches}, ["a", "b"])
    pool.run(always)
    assert alive == [0, 0, 0]
    error = pool.errors[0]
    assert isinstance(error, ValueError)
    traceback, lines = error.__traceback__, []
    while traceback is not None:
        lines.append(traceback.tb_frame.f_code.co_name)
        traceback = traceback.tb_next
    assert lines[-1] == "fails"


def pausing(heard: list[BaseException], event: object = None) -> Callable[[str], Steps[int]]:
    """A run that goes on and on, and notes what ends it."""

    def steps(place: str) -> Iterator[object]:
        try:
            while True:
                yield event
        except BaseException as error:
            heard.append(error)
            raise

    return steps  # type: ignore[return-value]


@pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit, RecordingError])
def test_what_ends_one_run_and_all_others_is_heard_by_all(kind: type[BaseException]) -> None:
    heard: list[BaseException] = []
    error = kind("stop")

    def ends(place: str) -> Steps[int]:
        yield None
        raise error

    pool = RunPool({0: pausing(heard), 1: ends, 2: pausing(heard), 3: pausing(heard)}, ["a", "b", "c"])
    with pytest.raises(kind) as caught:
        pool.run(always)
    assert caught.value is error
    assert heard == [error, error]
    assert not pool.errors


@pytest.mark.parametrize("method", ["query", "synchronize"])
def test_what_the_device_says_of_a_paused_run_is_that_runs_failure(method: str) -> None:
    class Broken(Event):
        def query(self) -> bool:
            if method == "query":
                raise RuntimeError("an illegal memory access")
            return False

        def synchronize(self) -> None:
            raise RuntimeError("an illegal memory access")

    heard: list[BaseException] = []
    journal = Journal()
    pool = RunPool({0: pausing(heard, Broken(journal.device, 5)), 1: journal.start(1, [0, 0])}, ["a", "b"])
    pool.run(always)
    assert pool.results == {1: 101}
    assert heard == [pool.errors[0]]
    assert "illegal" in str(pool.errors[0])


def test_what_a_callback_raises_instead_is_what_the_run_failed_with() -> None:
    def steps(place: str) -> Steps[int]:
        try:
            yield None
            raise RuntimeError("first")
        except RuntimeError as error:
            raise ValueError("in on_exception") from error

    pool = RunPool({0: steps}, ["a"])
    pool.run(always)
    assert str(pool.errors[0]) == "in on_exception"
