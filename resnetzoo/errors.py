"""The errors that this package raises. Every message says what was found and what to type instead.

Each is also the built-in error that a caller who knows nothing of this package would catch.
"""

from typing import Any


class ResnetzooError(Exception):
    """Base of every error that this package raises on purpose; the command line prints it as one line."""


class UsageError(ResnetzooError, ValueError):
    """An invalid argument: an unknown name, or a number or option outside its range (exit status 2)."""


class UnknownModelError(UsageError):
    """A name that is not registered; the message lists its neighbours."""


class DataError(ResnetzooError, ValueError):
    """A data file that is missing, damaged or not what its name promises."""


class DataNotFoundError(DataError, FileNotFoundError):
    """The dataset is in none of the folders where it was looked for."""


class DownloadError(DataError):
    """No mirror delivered the archive; the message gives each one's reason."""


class BrokenDownloadError(DownloadError):
    """A download that is incomplete or not the published file; the message says what was found."""


class DeviceError(ResnetzooError, RuntimeError):
    """A device that this machine or this build of torch does not have."""


class CheckpointError(ResnetzooError, ValueError):
    """A checkpoint that cannot be read: truncated, damaged or of another kind."""


class DamagedCheckpointError(CheckpointError):
    """A checkpoint that was read completely and turned out to be empty, truncated or damaged."""


class CheckpointMismatchError(CheckpointError):
    """A checkpoint of another run: the message names the fields that differ."""


class ResultsError(ResnetzooError, ValueError):
    """A file of results that is damaged, was changed by hand, or belongs to something else."""


class ImageError(ResnetzooError, ValueError):
    """A file that is missing, damaged or not an image.

    Attributes:
        reason: the message without the name of the file, for a line that begins with it.
    """

    def __init__(self, message: str, reason: str | None = None) -> None:
        super().__init__(message)
        self.reason = message if reason is None else reason


class ExportError(ResnetzooError, RuntimeError):
    """An export whose outputs differ from the network's, or that needs a missing package; nothing was written."""


class OutputError(ResnetzooError, OSError):
    """A file that could not be written; an existing file of that name is unchanged."""


class NonFiniteLossError(ResnetzooError, ArithmeticError):
    """A loss is infinite or NaN: in training, where the last good checkpoint is kept, or in a measurement."""


class RecordingError(ResnetzooError, RuntimeError):
    """A training step that could not be recorded; what was saved is kept, and the process should end."""


class TrainingInterrupted(ResnetzooError):  # noqa: N818 (nobody made an error)
    """Ctrl-C, SIGTERM, SIGHUP or SIGUSR1: the step was finished, and saved if the run has a folder.

    Attributes:
        signal_number: the signal that asked for the stop (2 for Ctrl-C, 15 for SIGTERM).
        saved: whether the same call, without `fresh`, goes on from there; otherwise it starts again.
    """

    def __init__(self, message: str, signal_number: int, *, saved: bool = True) -> None:
        super().__init__(message)
        self.signal_number = signal_number
        self.saved = saved


class SomeRunsFailedError(ResnetzooError, RuntimeError):
    """Some of several runs failed; the others finished.

    Attributes:
        runs: the finished ones.
        errors: by the index of their job, what the others failed with, be it an error of this package or not.
    """

    def __init__(self, message: str, runs: tuple[Any, ...], errors: dict[int, Exception]) -> None:
        super().__init__(message)
        self.runs = runs
        self.errors = errors
