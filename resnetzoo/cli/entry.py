"""Where the command begins: little is imported until a Ctrl-C can end that without a traceback."""

import os
import sys
from contextlib import redirect_stdout
from pathlib import Path

import resnetzoo


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


def load_app(name: str) -> object:
    """The attribute `app` of `resnetzoo.cli`, imported when it is first used."""
    if name != "app":
        raise AttributeError(f"module 'resnetzoo.cli' has no attribute {name!r}")
    from resnetzoo.cli.command_line import app

    return app
