"""The command `resnetzoo`."""

import os
import sys
from contextlib import redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING

import resnetzoo

if TYPE_CHECKING:
    from resnetzoo.cli.command_line import app as app


def main() -> int:
    """Run the command line; the exit status: 0 done, 1 failed for the reason printed, 2 wrong usage."""
    return resnetzoo.run_main(_run, ["resnetzoo", *sys.argv[1:]])


def _run() -> None:
    """Of several processes that torchrun started, the first one speaks."""
    from resnetzoo.cli.command_line import app  # in here, where Ctrl-C ends an import without a traceback

    if os.environ.get("RANK", "0") == "0" or os.environ.get("WORLD_SIZE", "1") in ("", "1"):
        app()
        return
    with Path(os.devnull).open("w") as nowhere, redirect_stdout(nowhere):
        app()


def __getattr__(name: str) -> object:
    if name != "app":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from resnetzoo.cli.command_line import app

    return app
