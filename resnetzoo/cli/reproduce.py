"""`reproduce` and `rerun`: reproduce published results, and check a recorded run."""

from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Column, Table

import resnetzoo
from resnetzoo.cli.options import (
    DataDir,
    DatasetName,
    Device,
    ImageSize,
    Precision,
    Record,
    RecordedImageSize,
    RecordedTrainImages,
    ValSplit,
    chosen_data,
    path_argument,
    path_option,
    print_data,
)
from resnetzoo.cli.tables import print_table


def reproduce_command(
    target: Annotated[str, typer.Argument(help=f"{', '.join(resnetzoo.reproduce.TARGETS)}.")],
    budget: Annotated[
        str, typer.Option(help="full, short (fewer steps) or smoke (seconds, only shows that it runs).")
    ] = "full",
    seeds: Annotated[
        str | None, typer.Option(help="Number of seeds, or a list such as 0,2,5.", show_default="the budget's")
    ] = None,
    depths: Annotated[str | None, typer.Option(help="Only these depths, such as 20,56.", show_default="all")] = None,
    dataset: DatasetName = "auto",
    data_dir: DataDir = None,
    image_size: ImageSize = None,
    val_split: ValSplit = False,
    device: Device = "auto",
    precision: Precision = "auto",
    record: Record = None,
    jobs: Annotated[
        int | None, typer.Option(help="Runs to train side by side on CUDA, up to 32.", show_default="8")
    ] = None,
    runs: Annotated[Path | None, path_option("Folder for the runs, which other targets can share.", "OUT/runs")] = None,
    out: Annotated[Path | None, path_option("Folder for the report.", "runs/reproduce-TARGET-BUDGET")] = None,
) -> None:
    """Reproduce a table or figure, with verdicts. Example: resnetzoo reproduce figure6 --budget short --seeds 2."""
    plan = resnetzoo.reproduce.resolve_plan(  # mistakes are reported before any data is fetched
        target,
        budget=budget,
        seeds=None if seeds is None else resnetzoo.reproduce.parse_seeds(seeds),
        depths=() if depths is None else resnetzoo.reproduce.parse_numbers("depths", depths),
        device=device,
        precision=precision,
        record=record,
        jobs=jobs,
    )
    data = chosen_data(dataset, data_dir, None, val_split, image_size)
    print_data(data)
    size = None if image_size is None else str(image_size)
    place = "FOLDER" if data.name == "folder" else None  # its own name is private; other sets are found or downloaded
    options = {
        "--dataset": data.name,
        "--data-dir": place,
        "--seeds": seeds,
        "--depths": depths,
        "--image-size": size,
    }
    words = [word for option, value in options.items() if value for word in (option, value)]
    command = partial(plan.command, [*words, *(["--val-split"] if val_split else [])])
    folder = out or Path("runs") / f"reproduce-{target}-{budget}"
    outcome = resnetzoo.reproduce.run_plan(plan, data, out=folder, runs=runs, command=command)
    _print_verdicts(outcome)
    for run, reason in outcome.failed.items():
        print(f"failed: {run}: {reason}")
    print(f"written: {folder / 'report.html'}, {folder / 'report.md'}, {folder / 'results.json'}")
    if outcome.failed:
        raise resnetzoo.ResnetzooError(
            f"{len(outcome.failed)} of the runs failed, for the reasons above: when these are remedied, the same "
            "command trains what is missing"
        )


def _print_verdicts(outcome: "resnetzoo.reproduce.Outcome") -> None:
    if not outcome.verdicts:
        return
    table = Table("claim", Column("verdict", no_wrap=True), "figures")
    for verdict in outcome.verdicts:
        table.add_row(verdict.claim, verdict.answer, verdict.figures)
    print_table(table, width=160)


def rerun_command(
    results: Annotated[Path, path_argument("A results.json or run.json file.")],
    network: Annotated[
        str | None, typer.Option(help="Label of the network in the file.", show_default="the first")
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Seed of the run.", show_default="the first")] = None,
    epochs: Annotated[int, typer.Option(help="Number of epochs to train again.", min=1)] = 1,
    dataset: Annotated[
        str | None, typer.Option(help="The dataset, as in train.", show_default="the recorded one")
    ] = None,
    data_dir: DataDir = None,
    image_size: RecordedImageSize = None,
    max_train_images: RecordedTrainImages = None,
    val_split: ValSplit = False,
    device: Device = "auto",
) -> None:
    """Train a recorded run's first epochs again and compare. Example: resnetzoo rerun runs/a/run.json --epochs 2."""
    record = resnetzoo.rerunning.find_record(results, network, seed)
    print(f"{record.name}, {record.recipe.name}, seed {record.seed}, {record.precision}, steps {record.execution}")
    for difference in resnetzoo.rerunning.place_differences(record, device):
        print(f"different from the record: {difference}")
    chosen = dataset or record.data["name"]
    size = record.data.get("image_size") if image_size is None and chosen == "folder" else image_size
    found = chosen_data(chosen, data_dir, max_train_images, val_split, size)
    rule = resnetzoo.rerunning.rule_for(record, device)
    print(f"compared {rule}")
    rows = resnetzoo.rerunning.rerun(record, found, epochs=epochs, device=device)
    table = Table(*(Column(title, no_wrap=True) for title in ("epoch", "figure", "recorded", "here")))
    for recorded, row in zip(record.epochs, rows, strict=False):
        for field in resnetzoo.rerunning.COMPARED:
            table.add_row(str(row.epoch), field, repr(getattr(recorded, field)), repr(getattr(row, field)))
    print_table(table)
    differing = sum(
        len(resnetzoo.rerunning.differences(recorded, row, rule))
        for recorded, row in zip(record.epochs, rows, strict=False)
    )
    if differing:
        verb = "differs" if differing == 1 else "differ"
        raise resnetzoo.ResnetzooError(
            f"{differing} of {len(rows) * len(resnetzoo.rerunning.COMPARED)} figures {verb} from the record; "
            f"compared {rule}"
        )
    print(
        "all figures are as recorded, to the last digit"
        if rule.exact
        else "all figures are as recorded, within the bounds"
    )
