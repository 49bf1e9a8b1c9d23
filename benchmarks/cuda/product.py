"""Stages `cli`, `example` and `walls`: the project's own commands and examples as users run them, and their records."""

import runpy
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from evidence import Evidence
from internals import eagerly
from smoke import records_steps
from train import summary_of

import resnetzoo
from resnetzoo import cli


def run_command(evidence: Evidence, words: Sequence[str]) -> None:
    """`resnetzoo WORDS`; it ends this process with its own status."""
    sys.argv = ["resnetzoo", *words]
    with eagerly(not records_steps(evidence.setting)):
        sys.exit(cli.main())


def run_example(evidence: Evidence, words: Sequence[str]) -> None:
    """`python WORDS`, the first of them the example's file; it ends this process with its own status."""
    sys.argv = list(words)
    with eagerly(not records_steps(evidence.setting)):
        runpy.run_path(words[0], run_name="__main__")


def collect_records(evidence: Evidence, _: Sequence[str] = ()) -> None:
    """Errors and seconds of the finished runs by their records, and the weights of each network's first seed."""
    setting = evidence.setting
    for folder in [*sorted(setting.runs.glob("*")), *sorted((setting.state / "alone").glob("*"))]:
        if not (folder / "run.json").exists():
            continue
        evidence.measure("runs", f"{folder.parent.name}/{folder.name}", partial(read_summary, folder))
        first_of_pool = folder.name.endswith("seed0") and folder.parent == setting.runs
        if first_of_pool and not (folder / "weights.safetensors").exists():
            evidence.measure("runs", f"weights of {folder.name}", partial(write_weights, folder))


def read_summary(folder: Path) -> dict[str, Any]:
    """What the record of a finished run comes to."""
    (record,) = resnetzoo.read_records(folder / "run.json")
    return summary_of(record)


def write_weights(folder: Path) -> str:
    """The weights of a finished run beside its record; returns the file's name."""
    path = folder / "weights.safetensors"
    resnetzoo.save_weights(resnetzoo.load_checkpoint(folder), path)
    return path.name
