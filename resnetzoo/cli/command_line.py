"""The commands by their names."""

from typing import Annotated

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
