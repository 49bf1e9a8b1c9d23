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
from resnetzoo.cli.typed_options import CommandOfOptions


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
    """Options that come before the command."""


app.command("list", cls=CommandOfOptions)(list_command)
app.command("info", cls=CommandOfOptions)(info_command)
app.command("data", cls=CommandOfOptions)(data_command)
app.command("train", cls=CommandOfOptions)(train_command)
app.command("eval", cls=CommandOfOptions)(eval_command)
app.command("reproduce", cls=CommandOfOptions)(reproduce_command)
app.command("rerun", cls=CommandOfOptions)(rerun_command)
app.command("predict", cls=CommandOfOptions)(predict_command)
app.command("export", cls=CommandOfOptions)(export_command)
app.command("bench", cls=CommandOfOptions)(bench_command)
