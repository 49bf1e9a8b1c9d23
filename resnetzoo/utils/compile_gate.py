"""Control access to the compiler, whose state is process-wide: either one compilation or any number of calls at a time.

While torch traces, it replaces methods of `nn.Module` for all threads and sets flags of the process. A network that
another thread calls at that moment fails, or is traced too, and the compiled code gives wrong numbers.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager


class CompileGate:
    """Lets any number of network calls run together, and a compilation only while no call runs; others wait.

    A thread inside may enter again, as a hook that calls another network does. What it compiles there does not wait for
    the other threads, since two threads that waited for each other would never end.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._inside = 0  # threads
        self._closed = False
        self._mine = threading.local()

    def call(self) -> AbstractContextManager[None]:
        """A block that calls a network, compiled or not."""
        return self._passing(self._join, self._leave)

    def compilation(self) -> AbstractContextManager[None]:
        """A block that compiles code and runs it for the first time."""
        return self._passing(self._close, self._open)

    @contextmanager
    def _passing(self, enter: Callable[[], None], leave: Callable[[], None]) -> Iterator[None]:
        """A block between the two functions, both called under the lock."""
        if getattr(self._mine, "inside", False):
            yield
            return
        with self._changed:
            enter()
        self._mine.inside = True
        try:
            yield
        finally:
            self._mine.inside = False
            with self._changed:
                leave()

    def _join(self) -> None:
        while self._closed:
            self._changed.wait()
        self._inside += 1

    def _leave(self) -> None:
        self._inside -= 1
        self._changed.notify_all()

    def _close(self) -> None:
        while self._closed:
            self._changed.wait()
        self._closed = True
        try:
            while self._inside:
                self._changed.wait()
        except BaseException:  # Ctrl-C while it waits
            self._open()
            raise

    def _open(self) -> None:
        self._closed = False
        self._changed.notify_all()


GATE = CompileGate()
"""The gate of this process, which has one compiler."""
