"""Work that is repeated on the same memory: run normally at first, then recorded once, then replayed.

A replay costs one launch, however many operations were recorded. In return it repeats only operations and no Python
code: decisions that Python made during the recording stay as they were, and no value can be read in between. So the
last call before a recording is watched, and work that depends on Python code is run each time, as without a recorder.
"""

import warnings
from abc import ABC, abstractmethod
from collections.abc import Callable

import torch
from torch import Tensor, nn

from resnetzoo.errors import RecordingError
from resnetzoo.training.module_settings import ModuleSettings
from resnetzoo.training.strategies.python_state import PythonState
from resnetzoo.utils.cuda_graph import Replay
from resnetzoo.utils.text import first_line

Work = Callable[[], None]
"""Operations on a device, on tensors of fixed address."""


class RunRecorder(ABC):
    """Records work on one kind of device."""

    @abstractmethod
    def watch(self, work: Work) -> str | None:
        """Run all of `work`, and return where it first waited for the device; None if it never did."""

    @abstractmethod
    def record(self, work: Work) -> Replay:
        """Call `work`, whose operations are recorded and not run, and return a function that runs them."""


class Recording:
    """Decides what may be recorded in a run, and records it; steps and tests share it.

    Once an obstacle is found in one of them, the run records nothing more.

    Args:
        recorder: the recorder for the run's device.
        model: the network whose work is recorded.
        vouched: whether the caller has stated that Python code does the same in every step; then work is not recorded
            only if recording it is impossible.

    Attributes:
        obstacle: why nothing more is recorded; None as long as there is no obstacle.
        outdated: how often what was recorded had to be recorded anew.
    """

    def __init__(self, recorder: RunRecorder, model: nn.Module, *, vouched: bool) -> None:
        self._recorder = recorder
        self._model = model
        self._vouched = vouched
        self._settings = ModuleSettings(model)
        self._learning = _learning_parameters(model)
        self.obstacle: str | None = None
        self.outdated = 0

    def begin_epoch(self) -> None:
        """Have everything recorded anew if a callback has changed settings of modules, or what learns."""
        if self._vouched:
            return
        changed, learning = self._settings.carry_over(), _learning_parameters(self._model)
        if changed or learning != self._learning:
            self.outdated += 1
            self._learning = learning

    def watch(self, work: Work) -> None:
        """Run `work` and check whether it can be recorded; if it cannot, a warning says why."""
        before = None if self._vouched else PythonState.of(self._model)
        if before is not None and before.hooks is not None:
            work()
            self._give_up(before.hooks, in_doubt=True)
            return
        wait = self._recorder.watch(work)
        if wait is not None:
            self._give_up(wait, in_doubt=False)
        elif before is not None:
            change = before.change_until(PythonState.of(self._model))
            if change is not None:
                self._give_up(change, in_doubt=True)

    def record(self, work: Work) -> Replay:
        """The function that replays `work`, from `RunRecorder.record`.

        Raises:
            RecordingError: the recording failed. This run and all others of the process on the device must end: up to
                torch 2.11 the allocator assumes from then on that a recording is in progress, and may abort the process
                (pytorch#180395).
        """
        try:
            return self._recorder.record(work)
        except torch.OutOfMemoryError:  # the recording itself ended cleanly, and nothing is left of it
            raise
        except Exception as error:
            # If the operation itself failed, the error about ending the recording is only a consequence.
            cause = error.__context__ if isinstance(error.__context__, Exception) else error
            raise RecordingError(
                f"what the run repeats could not be recorded ({first_line(cause)}), and CUDA may be left unusable for "
                "this process: start again with record=False, and the run continues from what was saved"
            ) from error

    def _give_up(self, cause: str, *, in_doubt: bool) -> None:
        self.obstacle = cause
        otherwise = ", and record=True records it all the same: right if every step may repeat what one did" * in_doubt
        warnings.warn(
            f"this run is carried out step by step and not recorded, which is slower: {cause} "
            f"(record=False turns this warning off{otherwise})",
            stacklevel=2,
        )


def _learning_parameters(model: nn.Module) -> list[bool]:
    return [parameter.requires_grad for parameter in model.parameters()]


class RepeatedBatches:
    """The same work on batch after batch, recorded once for each size of batch.

    Args:
        work: function of the indices (n,) of images, a tensor on the device.
        recording: records the work.
        device: device of the indices.
        size: number of images in a whole batch.
        first_calls: number of whole batches that are run before one is recorded; for any other size it is one.
    """

    def __init__(
        self, work: Callable[[Tensor], None], recording: Recording, device: torch.device, *, size: int, first_calls: int
    ) -> None:
        self._work = work
        self._recording = recording
        self._device = device
        self._size = size
        self._first_calls = first_calls
        self._by_size: dict[int, _BatchOfOneSize] = {}
        self._outdated = recording.outdated
        # Kept until others are recorded, since the memory that graphs share lasts as long as one of them.
        self._earlier: dict[int, _BatchOfOneSize] = {}

    @property
    def recorded(self) -> bool:
        """Whether whole batches are recorded, or will be unless an obstacle is found."""
        whole = self._by_size.get(self._size)
        return self._recording.obstacle is None or (whole is not None and whole.replay is not None)

    def __call__(self, indices: slice) -> None:
        size = indices.stop - indices.start
        if self._outdated != self._recording.outdated:
            self._outdated = self._recording.outdated
            if any(batch.replay is not None for batch in self._by_size.values()):
                self._earlier = self._by_size
            self._by_size = {}
        if size not in self._by_size:
            first_calls = self._first_calls if size == self._size else 1
            self._by_size[size] = _BatchOfOneSize(self._work, self._recording, self._device, size, first_calls)
        self._by_size[size](indices)


class _BatchOfOneSize:
    """The indices of a batch in a tensor of fixed address, and the work on them: run, recorded or replayed."""

    def __init__(
        self, work: Callable[[Tensor], None], recording: Recording, device: torch.device, size: int, first_calls: int
    ) -> None:
        self._indices = indices = torch.arange(size, device=device)
        self._work: Work = lambda: work(indices)  # without `self`, so that no cycle keeps the memory of a recording
        self._recording = recording
        self._first_calls_left = first_calls
        self.replay: Replay | None = None

    def __call__(self, indices: slice) -> None:
        torch.arange(indices.start, indices.stop, out=self._indices)
        if self.replay is not None:
            self.replay()
        elif self._recording.obstacle is not None:
            self._work()
        elif self._first_calls_left:
            self._first_calls_left -= 1
            if self._first_calls_left:
                self._work()
            else:
                self._recording.watch(self._work)
        else:
            self.replay = self._recording.record(self._work)
            self.replay()
