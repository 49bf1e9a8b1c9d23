"""The command line: arguments in, public functions called, one line out for what goes wrong."""

import io
import os
import shlex
import sys
import warnings
from contextlib import redirect_stdout
from pathlib import Path
from typing import Annotated, Any

import typer

import resnetzoo
from resnetzoo.cli.bench import bench_command
from resnetzoo.cli.export import export_command
from resnetzoo.cli.models import info_command, list_command
from resnetzoo.cli.predict import predict_command
from resnetzoo.cli.reproduce import reproduce_command, rerun_command
from resnetzoo.cli.train import data_command, eval_command, train_command


def _print_version(wanted: bool) -> None:
    if wanted:
        print(resnetzoo.__version__)
        raise typer.Exit


app = typer.Typer(
    help="The CIFAR networks of Deep Residual Learning, with their plain twins. Example: resnetzoo info resnet56",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


@app.callback()
def root_options(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version.", callback=_print_version, is_eager=True)
    ] = False,
) -> None:
    """What stands before the command."""


app.command("list")(list_command)
app.command("info")(info_command)
app.command("data")(data_command)
app.command("train")(train_command)
app.command("eval")(eval_command)
app.command("reproduce")(reproduce_command)
app.command("rerun")(rerun_command)
app.command("predict")(predict_command)
app.command("export")(export_command)
app.command("bench")(bench_command)


def main() -> int:
    """Run the command line; the exit status: 0 done, 1 failed for the reason printed, 2 wrong usage."""
    warnings.formatwarning = _one_line
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # a terminal that cannot show a name shows the rest
    if os.environ.get("RANK", "0") == "0" or os.environ.get("WORLD_SIZE", "1") in ("", "1"):
        return _run()
    with Path(os.devnull).open("w") as nowhere, redirect_stdout(nowhere):
        return _run()  # of several processes that torchrun started, the first one speaks


def _run() -> int:
    try:
        app()
    except resnetzoo.TrainingInterrupted as stop:
        print(f"{stop}\nto go on: {shlex.join(['resnetzoo', *sys.argv[1:]])}", file=sys.stderr)
        return 128 + stop.signal_number
    except (resnetzoo.ResnetzooError, OSError) as error:  # an OSError names its file
        print(f"error: {error}", file=sys.stderr)
        return 2 if isinstance(error, resnetzoo.UsageError) else 1
    return 0


def _one_line(message: Warning | str, *_: Any, **__: Any) -> str:
    return f"warning: {message}\n"
