"""`bench`: speed against other libraries."""

import sys
from typing import Annotated

import typer

import resnetzoo
from resnetzoo.cli.options import AsJson, Device
from resnetzoo.cli.tables import print_json, print_table


def bench_command(
    names: Annotated[
        list[str] | None,
        typer.Argument(help="Networks of the zoo.", show_default="resnet20 resnet56", metavar="[NAME]..."),
    ] = None,
    batch_size: Annotated[int, typer.Option(help="Images per call; inference is also timed with 1.")] = 128,
    device: Device = "auto",
    precision: Annotated[
        str, typer.Option(help="Precision of our networks: auto, fp32 or bf16; the peers run in torch's fp32.")
    ] = "auto",
    compiled: Annotated[
        bool | None,
        typer.Option(
            "--compile/--no-compile",
            help="Compile our networks or not; by default, as fit and optimize decide.",
            show_default=False,
        ),
    ] = None,
    recorded: Annotated[
        bool | None,
        typer.Option(
            "--record/--no-record",
            help="Record our training step on CUDA or not; by default, as fit decides.",
            show_default=False,
        ),
    ] = None,
    rounds: Annotated[int, typer.Option(help="Rounds of each race; every candidate runs once per round.")] = 5,
    as_json: AsJson = False,
) -> None:
    """Time inference and training against other libraries. Example: resnetzoo bench resnet20 --no-compile."""
    found = resnetzoo.bench.short_bench(
        names or ("resnet20", "resnet56"),
        batch_size=batch_size,
        device=device,
        precision=precision,
        compiled=compiled,
        recorded=recorded,
        rounds=rounds,
        say=lambda line: print(line, file=sys.stderr, flush=True),
    )
    if as_json:
        print_json(found.to_dict())
        return
    print_table(resnetzoo.bench.bench_table(found))
    print("\n".join(resnetzoo.bench.bench_notes(found)))
