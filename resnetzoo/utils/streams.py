"""Standard output and error that may be closed, full or without a reader: a failed write does not end the work."""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TextIO, cast


class LastingStream:
    """A stream that drops all text after the first failed write.

    Attributes:
        lost: why nothing is written any more; None until a write fails.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self.lost: Exception | None = None

    def write(self, text: str) -> int:
        """Write the text, or drop it."""
        self._try(lambda: self._stream.write(text))
        return len(text)

    def flush(self) -> None:
        """Write the buffered text, or drop it."""
        self._try(self._stream.flush)

    def isatty(self) -> bool:
        """Whether a person sees it."""
        return self.lost is None and self._stream.isatty()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def _try(self, act: Callable[[], object]) -> None:
        if self.lost is not None:
            return
        try:
            act()
        except (OSError, ValueError) as error:  # ValueError: a script has closed it
            self.lost = error


def lasting(stream: TextIO | LastingStream | None) -> LastingStream:
    """The stream as a `LastingStream`; `stream` is None if it was closed before the process started."""
    if isinstance(stream, LastingStream):
        return stream
    return LastingStream(Path(os.devnull).open("w") if stream is None else stream)


@contextmanager
def standard_streams() -> Iterator[LastingStream]:
    """A block in which standard output and error are lasting streams; yields standard output.

    A descriptor that was closed before the process started is opened first; otherwise the next file to be opened would
    get its number and receive whatever other libraries print.
    """
    for number in range(3):
        with suppress(OSError):
            os.fstat(number)
            continue
        os.open(os.devnull, os.O_RDWR)  # takes the lowest free number
    former = sys.stdout, sys.stderr
    out, err = lasting(sys.stdout), lasting(sys.stderr)
    sys.stdout, sys.stderr = cast(TextIO, out), cast(TextIO, err)
    try:
        yield out
    finally:
        out.flush()
        err.flush()
        for stream, number in ((out, 1), (err, 2)):
            if stream.lost is not None:
                _let_go(stream, number)
        sys.stdout, sys.stderr = former


def _let_go(stream: LastingStream, number: int) -> None:
    """Discard the stream's buffered text, about which the interpreter would otherwise complain at exit."""
    with suppress(OSError, ValueError):
        if stream.fileno() == number:
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, number)
            os.close(nowhere)
