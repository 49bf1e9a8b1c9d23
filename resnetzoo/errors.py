"""The errors that this package raises. Every message says what was found and what to type instead.

Each is also a built-in error, which callers who know nothing about this package can catch.
"""

from typing import Any


class ResnetzooError(Exception):
    """Base of every error that this package raises on purpose; the command line prints it as one line."""


class UsageError(ResnetzooError, ValueError):
    """An invalid argument: an unknown name, or a number or option outside its range (exit status 2)."""


class UnknownModelError(UsageError):
    """A name that is not registered; the message lists similar names, or says how to build such a network."""


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
    """A run was stopped by Ctrl-C, SIGTERM, SIGHUP or SIGUSR1; its step was finished, and saved if it has a folder.

    Attributes:
        signal_number: the signal that asked for the stop (2 for Ctrl-C, 15 for SIGTERM).
        saved: whether the same call, without `fresh`, continues from that step; otherwise it starts again.
    """

    def __init__(self, message: str, signal_number: int, *, saved: bool = True) -> None:
        super().__init__(message)
        self.signal_number = signal_number
        self.saved = saved


class SomeRunsFailedError(ResnetzooError, RuntimeError):
    """Some of several runs failed; the others finished.

    Attributes:
        runs: the runs that finished.
        errors: the errors of the other runs, from this package or elsewhere, by the index of their job.
    """

    def __init__(self, message: str, runs: tuple[Any, ...], errors: dict[int, Exception]) -> None:
        super().__init__(message)
        self.runs = runs
        self.errors = errors
