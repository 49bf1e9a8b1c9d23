"""Run a command or a script: an error is one line and an exit status, without a traceback."""

import atexit
import io
import os
import shlex
import signal
import sys
import threading
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import FrameType
from typing import Any

from resnetzoo.errors import ResnetzooError, TrainingInterrupted, UsageError
from resnetzoo.utils.streams import standard_streams


def run_main(main: Callable[[], int | None], words: Sequence[str] | None = None) -> int:
    """Run the `main` of a script as the commands of this package run.

    An error is printed as one line, and so is a warning if PYTHONWARNINGS or -W makes it an error. An interrupted
    training run says how to continue. If standard output or error is closed or loses its reader, the work continues
    without it.

    Args:
        main: the script's work; it may return an exit status.
        words: the command that starts the script again; by default `python` and `sys.argv`.

    Returns:
        The exit status: 0 done, 1 failed for the reason printed, 2 wrong usage, 128 and the signal's number.
    """
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # a terminal that cannot show a name still shows the rest
    with standard_streams() as output, _warnings_in_a_line(), ending_quietly():
        status = _status_of(main, ["python", *sys.argv] if words is None else words)
        output.flush()
        if output.lost is None or isinstance(output.lost, BrokenPipeError):  # a reader who has left wants no more
            return status
        print(f"error: standard output cannot be written: {output.lost}", file=sys.stderr)
        return status or 1


def _status_of(main: Callable[[], int | None], words: Sequence[str]) -> int:
    try:
        return main() or 0
    except TrainingInterrupted as stop:
        what_next = "to go on" if stop.saved else "to start again"
        print(f"{stop}\n{what_next}: {shlex.join(words)}", file=sys.stderr)
        return 128 + stop.signal_number
    except KeyboardInterrupt:
        return 128 + signal.SIGINT
    except SystemExit as stop:
        if isinstance(stop.code, str):
            print(stop.code, file=sys.stderr)
        return stop.code if isinstance(stop.code, int) else int(stop.code is not None)
    except (ResnetzooError, OSError) as error:  # an OSError names its file
        print(f"error: {_reason(error)}", file=sys.stderr)
        return 2 if isinstance(error, UsageError) else 1
    except Warning as warning:
        said = " ".join(str(warning).split())
        print(f"error: {said} (a warning, which PYTHONWARNINGS or -W turns into an error)", file=sys.stderr)
        return 1


def _reason(error: Exception) -> str:
    """The message of an error; if the system denied access, it names the existing folder or file that denies it."""
    if isinstance(error, ResnetzooError) or not isinstance(error, PermissionError) or not error.filename:
        return str(error)
    from pathlib import Path

    from resnetzoo.utils.paths import existing_obstacle

    return f"{existing_obstacle(Path(os.fsdecode(error.filename)))}: {error.strerror}"


@contextmanager
def _warnings_in_a_line() -> Iterator[None]:
    former = warnings.formatwarning
    warnings.formatwarning = _one_line
    try:
        yield
    finally:
        warnings.formatwarning = former


def _one_line(message: Warning | str, *_: Any, **__: Any) -> str:
    return f"warning: {message}\n"


@contextmanager
def ending_quietly() -> Iterator[None]:
    """Let Ctrl-C inside the block end the process at once during imports and while the process is ending.

    Nothing is lost in either case. A KeyboardInterrupt raised inside another module's import, or in the interpreter's
    last steps, would be printed, turned into another error or swallowed.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    former = signal.signal(signal.SIGINT, _interrupt)
    atexit.register(signal.signal, signal.SIGINT, signal.SIG_DFL)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, former)


def _interrupt(number: int, frame: FrameType | None) -> None:
    while frame is not None:
        if frame.f_code.co_filename.startswith("<frozen importlib"):
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)
        frame = frame.f_back
    raise KeyboardInterrupt
