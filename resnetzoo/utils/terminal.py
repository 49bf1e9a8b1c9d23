"""Output for terminals, and plain lines in a pipe, a file or a notebook, even if FORCE_COLOR and the like are set."""

from typing import IO, TYPE_CHECKING, cast

from resnetzoo.utils.streams import LastingStream

if TYPE_CHECKING:
    from rich.console import Console


def console(
    stream: LastingStream, *, width: int | None = None, soft_wrap: bool = False, quiet: bool = False
) -> "Console":
    """A console on `stream`; colours, bars and cursor movements appear only on terminals.

    Args:
        stream: where it prints.
        width: width in characters; None for that of the terminal.
        soft_wrap: leave lines as long as they are.
        quiet: print nothing.
    """
    from rich.console import Console

    seen = stream.isatty()
    return Console(
        file=cast(IO[str], stream),
        force_terminal=seen,
        force_interactive=seen,
        force_jupyter=False,  # a notebook would show each line in a separate box, and not in order with `print`
        width=width,
        quiet=quiet,
        highlight=False,
        soft_wrap=soft_wrap,
    )
