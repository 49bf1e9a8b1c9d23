"""Write the files of a run in order: immediately, or by a thread while training continues."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

import torch

from resnetzoo.training.distributed import DistributedContext
from resnetzoo.training.snapshots import Snapshots, State, choose_snapshots


class RunFiles(ABC):
    """Carries out the writes of a run, in the order in which they are submitted.

    No write follows one that failed, since a later file must not exist without an earlier one.

    Attributes:
        snapshots: takes the snapshots of the states to write.
    """

    def __init__(self, snapshots: Snapshots) -> None:
        self.snapshots = snapshots

    def save(self, state: State, write: Callable[[State], None]) -> None:
        """Pass the present state to `write`, with GPU tensors copied to the host.

        Raises:
            OutputError: an earlier write failed; `save` waits for it, since host memory has room for only one state.
        """
        self.wait()
        snapshot = self.snapshots.take(state)
        self.submit(lambda: write(snapshot()))

    @abstractmethod
    def submit(self, write: Callable[[], None]) -> None:
        """Carry out a write after the earlier ones, or not at all if one of them fails."""

    @abstractmethod
    def check(self) -> None:
        """Raise the error of a failed write, without waiting."""

    @abstractmethod
    def wait(self) -> None:
        """Wait for all writes, and raise the error of a failed one."""

    @abstractmethod
    def close(self) -> None:
        """Wait for all writes, and accept no more."""


class FilesAtOnce(RunFiles):
    """Carries out each write before `submit` returns; a failed one raises its error there."""

    def submit(self, write: Callable[[], None]) -> None:
        write()

    def check(self) -> None:
        """Do nothing: `submit` has already raised any error."""

    def wait(self) -> None:
        """Do nothing: everything is already written."""

    def close(self) -> None:
        """Do nothing: everything is already written."""


class FilesBehind(RunFiles):
    """Writes in a thread while training continues; Python's exit also waits for writes in progress."""

    def __init__(self, snapshots: Snapshots) -> None:
        super().__init__(snapshots)
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="resnetzoo-files")
        self._last: Future[None] | None = None

    def submit(self, write: Callable[[], None]) -> None:
        before = self._last

        def follow() -> None:
            if before is not None:
                before.result()  # raises its error in this write, and so in all later ones
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
    """The `RunFiles` for a run on `device`."""
    # On a CPU a thread would take time from training. Several processes wait for each write, so that all of them learn
    # of a failed one in the same hook.
    behind = device.type == "cuda" and context.world_size == 1
    return FilesBehind(choose_snapshots(device)) if behind else FilesAtOnce(choose_snapshots(device))
