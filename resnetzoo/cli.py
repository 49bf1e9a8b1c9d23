"""The command line: arguments in, public functions called, one line out for what goes wrong."""

import json
import os
import shlex
import sys
import warnings
from contextlib import redirect_stdout
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

import resnetzoo
from resnetzoo import recipes
from resnetzoo.bench import bench_notes, bench_table, short_bench
from resnetzoo.device import resolve_device

app = typer.Typer(
    help="The CIFAR networks of Deep Residual Learning, with their plain twins. Example: resnetzoo info resnet56",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

DataDir = Annotated[
    Path | None,
    typer.Option(help="Folder of the data; else $RESNETZOO_DATA, the cache, a download.", show_default=False),
]
DatasetName = Annotated[str, typer.Option(help="auto (CIFAR-10 if it can be had), cifar10, cifar100 or synthetic.")]
Device = Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:N or mps.")]
ShortcutWord = Annotated[
    str | None, typer.Option(help="identity (A), projection (B) or projection_all (C).", show_default="the name's own")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def main() -> int:
    """Run the command line; the exit status: 0 done, 1 failed for the reason printed, 2 wrong usage."""
    warnings.formatwarning = _one_line
    if os.environ.get("RANK", "0") == "0":
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


@app.command("list")
def list_command(
    pattern: Annotated[str, typer.Argument(help="Shell-style, in quotes: 'resnet*'.")] = "*", as_json: AsJson = False
) -> None:
    """List the networks with their costs. Example: resnetzoo list 'plainnet*'."""
    names = resnetzoo.list_models(pattern)
    if not names:
        raise resnetzoo.UsageError(f'no name matches "{pattern}"; "resnetzoo list" shows all')
    if as_json:
        print(json.dumps([_facts(name, resnetzoo.get_spec(name), 32) for name in names], indent=1))
        return
    table = Table("name", "family", "block", "shortcut")
    for title in ("parameters", "multiply-adds", "activations"):
        table.add_column(title, justify="right")
    for name in names:
        spec, cost = resnetzoo.get_spec(name), resnetzoo.complexity(name)
        words = (name, spec.family, spec.block, _shortcut(spec))
        table.add_row(*words, *(f"{count:,}" for count in cost))
    Console(width=None if sys.stdout.isatty() else 120).print(table)


@app.command()
def info(
    name: str,
    shortcut: ShortcutWord = None,
    num_classes: Annotated[int | None, typer.Option(help="Length of the logits.", show_default="10")] = None,
    in_chans: Annotated[int | None, typer.Option(help="Channels of the images.", show_default="3")] = None,
    input_size: Annotated[int, typer.Option(help="Side of the images in pixels.")] = 32,
    as_json: AsJson = False,
) -> None:
    """Say what a network is and costs. Example: resnetzoo info resnet56 --shortcut projection."""
    spec = resnetzoo.get_spec(name)
    choices = {"shortcut": shortcut, "num_classes": num_classes, "in_chans": in_chans}
    spec = replace(spec, **{field: value for field, value in choices.items() if value is not None})  # type: ignore[arg-type]
    facts = _facts(name, spec, input_size)
    if as_json:
        print(json.dumps(facts, indent=1))
        return
    for key, value in facts.items():
        print(f"{key:<18} {f'{value:,}' if isinstance(value, int) and key in resnetzoo.Complexity._fields else value}")


@app.command()
def data(
    dataset: DatasetName = "cifar10",
    data_dir: DataDir = None,
    download: Annotated[bool, typer.Option("--download", help="Fetch it if it is nowhere.")] = False,
) -> None:
    """Find, fetch and check a data set. Example: resnetzoo data --dataset cifar10 --data-dir data --download."""
    find = {"cifar10": resnetzoo.cifar10, "cifar100": resnetzoo.cifar100}.get(dataset)
    found = find(data_dir, download=download) if find else resnetzoo.load_data(dataset, data_dir)
    _print_data(found)
    print(f"classes      {len(found.classes)}: {', '.join(found.classes[:10])}{', ...' * (len(found.classes) > 10)}")


@app.command()
def train(
    name: str,
    recipe: Annotated[str, typer.Option(help=f"{', '.join(recipes.RECIPES)}.")] = "QUICK20",
    epochs: Annotated[int | None, typer.Option(help="Another length.", show_default="the recipe's")] = None,
    batch_size: Annotated[int | None, typer.Option(help="Images a step.", show_default="the recipe's")] = None,
    seed: Annotated[int, typer.Option(help="Of weights, order and augmentation.")] = 0,
    shortcut: ShortcutWord = None,
    dataset: DatasetName = "auto",
    data_dir: DataDir = None,
    train_images: Annotated[int | None, typer.Option(help="Only the first N.", show_default="all")] = None,
    validation: Annotated[
        bool, typer.Option("--validation", help="Measure on a tenth held out of the training set (45k/5k).")
    ] = False,
    device: Device = "auto",
    precision: Annotated[str, typer.Option(help="auto, fp32 or bf16.")] = "auto",
    compile: Annotated[  # noqa: A002 (the option's own word)
        bool | None,
        typer.Option("--compile/--no-compile", help="Compile the step or not.", show_default="if the run is long"),
    ] = None,
    checkpoint_every: Annotated[int | None, typer.Option(help="Save every N steps too.", show_default="no")] = None,
    out: Annotated[Path | None, typer.Option(help="The run's folder.", show_default="runs/NAME-RECIPE-seedN")] = None,
) -> None:
    """Train a network; run again, it goes on. Example: resnetzoo train resnet20 --recipe SMOKE --dataset synthetic."""
    chosen = recipes.get_recipe(recipe)
    chosen = chosen if batch_size is None else chosen.with_batch_size(batch_size)
    chosen = chosen if epochs is None else chosen.with_epochs(epochs)
    resnetzoo.get_spec(name)  # a wrong name or device is said before any data is fetched
    resolve_device(device)
    found = resnetzoo.load_data(dataset, data_dir)
    found = found if train_images is None else found.first(train_images)
    found = found.validation_split(len(found.train) // 10) if validation else found
    model = resnetzoo.create(name, num_classes=len(found.classes), shortcut=shortcut, seed=seed)  # type: ignore[arg-type]
    folder = out or Path("runs") / "-".join([name, *([shortcut] if shortcut else []), chosen.name, f"seed{seed}"])
    _print_data(found)
    run = resnetzoo.fit(
        model,
        found,
        chosen,
        seed=seed,
        device=device,
        precision=precision,
        compile=compile,
        out=folder,
        checkpoint_every=checkpoint_every,
    )
    last = run.epochs[-1]
    print(f"test error {last.test_error:.2f} % (n={len(found.test):,}) after {last.epoch} epochs; kept in {folder}")


@app.command("eval")
def eval_command(
    checkpoint: Annotated[Path, typer.Argument(help="checkpoint.pt, or the run's folder.")],
    dataset: Annotated[str | None, typer.Option(help="As in train.", show_default="the one it was trained on")] = None,
    data_dir: DataDir = None,
    device: Device = "auto",
    precision: Annotated[str, typer.Option(help="auto, fp32 or bf16.")] = "fp32",
    as_json: AsJson = False,
) -> None:
    """Measure a checkpoint on a test set. Example: resnetzoo eval runs/resnet20-SMOKE-seed0."""
    state = resnetzoo.open_checkpoint(checkpoint)
    trained_on = state.identity["data"]["name"]
    model = resnetzoo.network_of(state).to(resolve_device(device))
    found = resnetzoo.load_data(dataset or trained_on, data_dir)
    measured = resnetzoo.evaluate(model, found.test, precision=precision)
    facts = {
        "network": model.spec.label,
        "trained_on": trained_on,
        "recipe": state.identity["recipe"]["name"],
        "seed": state.identity["seed"],
        "step": state.step,
        "measured_on": found.title,
        "fingerprint": found.fingerprint,
        "n": measured.n,
        "test_error": round(measured.error, 4),
        "standard_error": round(measured.standard_error, 4),
        "test_loss": round(measured.loss, 6),
    }
    if as_json:
        print(json.dumps(facts, indent=1))
        return
    for key, value in facts.items():
        print(f"{key:<18} {value}")


@app.command("bench")
def bench_command(
    names: Annotated[
        list[str] | None, typer.Argument(help="Of the zoo.", show_default="resnet20 resnet56", metavar="[NAME]...")
    ] = None,
    batch_size: Annotated[int, typer.Option(help="Images a call; inference is timed at 1 too.")] = 128,
    device: Device = "auto",
    precision: Annotated[
        str, typer.Option(help="Of our networks: auto, fp32 or bf16; the peers run in fp32.")
    ] = "auto",
    compiled: Annotated[
        bool, typer.Option("--compile/--no-compile", help="Compiling takes longer than the races.")
    ] = True,
    rounds: Annotated[int, typer.Option(help="Of each race, every contestant once a round.")] = 5,
    as_json: AsJson = False,
) -> None:
    """Time inference and training against other libraries. Example: resnetzoo bench resnet20 --no-compile."""
    found = short_bench(
        names or ("resnet20", "resnet56"),
        batch_size=batch_size,
        device=device,
        precision=precision,
        compiled=compiled,
        rounds=rounds,
        say=lambda line: print(line, file=sys.stderr, flush=True),
    )
    if as_json:
        print(json.dumps(found.to_dict(), indent=1))
        return
    Console(width=None if sys.stdout.isatty() else 120).print(bench_table(found))
    print("\n".join(bench_notes(found)))


def _print_data(found: resnetzoo.Data) -> None:
    print(f"data         {found.title}: {len(found.train):,} training and {len(found.test):,} test images")
    print(f"source       {found.source}{'' if found.official else ' (not an official data set)'}")
    print(f"fingerprint  {found.fingerprint}")


def _facts(name: str, spec: resnetzoo.ModelSpec, input_size: int) -> dict[str, object]:
    cost = resnetzoo.complexity(spec, input_size=input_size)
    return {"name": name, **spec.to_dict(), "shortcut": _shortcut(spec), "input_size": input_size, **cost._asdict()}


def _shortcut(spec: resnetzoo.ModelSpec) -> str:
    return "none" if spec.family == "plain" else spec.shortcut


def _one_line(message: Warning | str, *_: Any, **__: Any) -> str:
    return f"warning: {message}\n"


if __name__ == "__main__":
    sys.exit(main())
