"""Write the files of a run in order: immediately, or by a thread while training continues."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

import torch

from resnetzoo.training.distributed import DistributedContext
from resnetzoo.training.snapshots import Snapshots, State, choose_snapshots


class RunFiles(ABC):
    """Carries out the writes of a run, in the order in which they are asked for.

    A write that fails is the last one: what was to follow it must not stand on disk without it.

    Attributes:
        snapshots: of the states that are written.
    """

    def __init__(self, snapshots: Snapshots) -> None:
        self.snapshots = snapshots

    def save(self, state: State, write: Callable[[State], None]) -> None:
        """Let `write` have the state as it is now, with its tensors on the host where they come from a GPU.

        Raises:
            OutputError: of a write before it, which is waited for: the memory on the host has room for one state.
        """
        self.wait()
        snapshot = self.snapshots.take(state)
        self.submit(lambda: write(snapshot()))

    @abstractmethod
    def submit(self, write: Callable[[], None]) -> None:
        """Carry it out behind those before it, or not at all where one of these fails."""

    @abstractmethod
    def check(self) -> None:
        """Raise what a write has failed with; nothing is waited for."""

    @abstractmethod
    def wait(self) -> None:
        """Wait for all that was asked for, and raise what a write has failed with."""

    @abstractmethod
    def close(self) -> None:
        """Wait for all that was asked for, and take no more."""


class FilesAtOnce(RunFiles):
    """Each write is done, or has raised what it failed with, when `submit` returns."""

    def submit(self, write: Callable[[], None]) -> None:
        write()

    def check(self) -> None:
        """It was raised already."""

    def wait(self) -> None:
        """All is written."""

    def close(self) -> None:
        """All is written."""


class FilesBehind(RunFiles):
    """A thread writes while training goes on; Python's exit, too, waits for what is in progress."""

    def __init__(self, snapshots: Snapshots) -> None:
        super().__init__(snapshots)
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="resnetzoo-files")
        self._last: Future[None] | None = None

    def submit(self, write: Callable[[], None]) -> None:
        before = self._last

        def follow() -> None:
            if before is not None:
                before.result()  # raises what it failed with, in this write and so in all behind it
            write()

        self._last = self._thread.submit(follow)

    def check(self) -> None:
        if self._last is not None and self._last.done():
            self._last.result()

    def wait(self) -> None:
        if self._last is not None:
            self._last.result()

    def close(self) -> None:
        self._thread.shutdown(wait=True)


def choose_run_files(device: torch.device, context: DistributedContext) -> RunFiles:
    """Those for a run on `device`."""
    # On a CPU a thread takes from training what it gives. Several processes wait for each write: so all of them hear
    # of one that failed, in the same hook.
    behind = device.type == "cuda" and context.world_size == 1
    return FilesBehind(choose_snapshots(device)) if behind else FilesAtOnce(choose_snapshots(device))
