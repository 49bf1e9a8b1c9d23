"""The start of the command: almost nothing is imported until a Ctrl-C can end imports without a traceback."""

import os
import signal
import sys

import resnetzoo

TYPE_CHECKING = False  # checkers treat it as that of `typing`, which is slow if it is the first import
_PLACE = ("RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT")


def main() -> int:
    """Run the command line and return the exit status: 0 done, 1 failed for the printed reason, 2 wrong usage."""
    former = signal.signal(signal.SIGINT, signal.SIG_DFL)
    try:
        # The command that continues an interrupted run must not start it over.
        words = [word for word in sys.argv[1:] if word != "--fresh"]
        return resnetzoo.run_main(_run, ["resnetzoo", *words])
    finally:
        signal.signal(signal.SIGINT, former)


def _run() -> None:
    """Run the command; of several processes that torchrun started, only the first one prints."""
    # Imported here, where Ctrl-C ends an import without a traceback.
    from contextlib import redirect_stdout
    from pathlib import Path

    from resnetzoo.cli.command_line import app

    if not _is_led():
        app()
        return
    if "TORCHELASTIC_RUN_ID" not in os.environ:  # not torchrun, but perhaps its leftover variables
        variables = " ".join(f"{name}={os.environ[name]}" for name in _PLACE)
        print(
            f"only the first process prints, and according to its environment this is another one: {variables}",
            file=sys.stderr,
        )
    with Path(os.devnull).open("w") as nowhere, redirect_stdout(nowhere):
        app()


def _is_led() -> bool:
    """Whether another process prints: all variables that let processes find each other are set, for a later process."""
    found = [os.environ.get(name, "") for name in _PLACE]
    return all(found) and found[0] != "0" and found[1] != "1"


def load_app(name: str) -> object:
    """The attribute `app` of `resnetzoo.cli`, imported when it is first used."""
    if name != "app":
        raise AttributeError(f"module 'resnetzoo.cli' has no attribute {name!r}")
    from resnetzoo.cli.command_line import app

    return app
