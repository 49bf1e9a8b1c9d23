"""Who may use the compiler, whose state is the whole process's: one compilation alone, or any number of calls.

While torch traces, it replaces methods of `nn.Module` for all threads and says in flags of the process that it does.
A network that another thread calls in that moment fails, or is traced along, and the compiled code gives wrong numbers.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager


class CompileGate:
    """Lets calls of networks through together, and a compilation only when none is inside; those that come wait.

    A thread that is inside may enter again, as a hook does that calls another network. What it compiles there does not
    wait for the others, since two that waited for each other would never end.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._inside = 0  # threads
        self._closed = False
        self._mine = threading.local()

    @contextmanager
    def call(self) -> Iterator[None]:
        """A block that calls a network, compiled or not."""
        if self._is_inside():
            yield
            return
        with self._changed:
            while self._closed:
                self._changed.wait()
            self._inside += 1
        self._mine.inside = True
        try:
            yield
        finally:
            self._mine.inside = False
            with self._changed:
                self._inside -= 1
                self._changed.notify_all()

    @contextmanager
    def compilation(self) -> Iterator[None]:
        """A block that compiles, and runs for the first time, what has been compiled."""
        if self._is_inside():
            yield
            return
        with self._changed:
            while self._closed:
                self._changed.wait()
            self._closed = True
            while self._inside:
                self._changed.wait()
        self._mine.inside = True
        try:
            yield
        finally:
            self._mine.inside = False
            with self._changed:
                self._closed = False
                self._changed.notify_all()

    def _is_inside(self) -> bool:
        return getattr(self._mine, "inside", False)


GATE = CompileGate()
"""The process's one, since its compiler is one."""
