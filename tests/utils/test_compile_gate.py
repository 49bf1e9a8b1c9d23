"""The gate between calls and compilations, with real threads."""

import os
import signal
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from resnetzoo.utils.compile_gate import CompileGate

THREADS, ROUNDS = 8, 200
SECONDS = 60.0  # until a thread that waits for another counts as stuck


def test_compilations_are_alone_and_calls_are_not() -> None:
    gate, count = CompileGate(), threading.Lock()
    calls = compilations = 0
    together = threading.Barrier(THREADS)
    seen: list[tuple[int, int]] = []  # calls and compilations inside, as each thread found them within

    def one(number: int) -> None:
        nonlocal calls, compilations
        with gate.call():
            together.wait(SECONDS)  # all of them are inside at once, or this one breaks
        for turn in range(ROUNDS):
            if (turn + number) % 4:
                with gate.call():
                    with count:
                        calls += 1
                    seen.append((calls, compilations) if not compilations else (calls, -compilations))
                    with count:
                        calls -= 1
            else:
                with gate.compilation():
                    with count:
                        compilations += 1
                    seen.append((calls, compilations))
                    with count:
                        compilations -= 1

    interval = sys.getswitchinterval()
    sys.setswitchinterval(interval / 100)
    try:
        with ThreadPoolExecutor(THREADS) as threads:
            for done in [threads.submit(one, number) for number in range(THREADS)]:
                done.result(SECONDS)
    finally:
        sys.setswitchinterval(interval)
    assert len(seen) == THREADS * ROUNDS
    assert {found for found in seen if found[1]} == {(0, 1)}


def test_who_is_inside_may_enter_again() -> None:
    """As a hook does that calls, or compiles, another network; others wait for the outermost block only."""
    gate = CompileGate()
    for outer in (gate.call, gate.compilation):
        with outer(), gate.call(), gate.compilation():
            pass
    entered = threading.Event()
    with gate.call():
        with gate.compilation():
            pass
        other = threading.Thread(target=lambda: gate.compilation().__enter__() or entered.set())
        other.start()
        assert not entered.wait(0.05)
    assert entered.wait(SECONDS)


def test_a_failing_block_leaves_the_gate_open() -> None:
    gate = CompileGate()
    for block in (gate.call, gate.compilation):
        try:
            with block():
                raise KeyError
        except KeyError:
            pass
    with ThreadPoolExecutor(1) as threads:
        threads.submit(gate.compilation().__enter__).result(SECONDS)


def test_an_interrupted_wait_leaves_the_gate_open() -> None:
    """Ctrl-C in a compilation that waits for a call to end."""
    gate, called, ended = CompileGate(), threading.Event(), threading.Event()

    def call() -> None:
        with gate.call():
            called.set()
            ended.wait(SECONDS)

    other = threading.Thread(target=call)
    other.start()
    assert called.wait(SECONDS)
    threading.Timer(0.1, lambda: os.kill(os.getpid(), signal.SIGINT)).start()
    with pytest.raises(KeyboardInterrupt), gate.compilation():
        pass
    with gate.call():
        ended.set()
    other.join(SECONDS)
