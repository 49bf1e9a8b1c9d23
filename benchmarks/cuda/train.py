"""Stage `train`: networks and seeds by `fit_many`; all of them stop in time, saved, and go on at another call."""

import argparse
import signal
import statistics
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import torch
from evidence import Evidence, Setting
from internals import network
from smoke import record_option

import resnetzoo
from resnetzoo import recipes

SECONDS_TO_SAVE = 8  # kept back at the end of the stage


@dataclass(frozen=True)
class Plan:
    """What is trained.

    Attributes:
        recipe: the name of a preset.
        models: names of networks; each seed runs through them in this order.
        seeds: of weights, order and augmentation.
        at_once: runs side by side.
    """

    recipe: str
    models: Sequence[str]
    seeds: Sequence[int]
    at_once: int

    @classmethod
    def parse(cls, words: Sequence[str]) -> "Plan":
        """The plan that the command line of the stage asks for."""
        parser = argparse.ArgumentParser(prog="stages.py train")
        parser.add_argument("--recipe", required=True)
        parser.add_argument("--models", nargs="+", required=True)
        parser.add_argument("--seeds", type=int, nargs="+", default=[0])
        parser.add_argument("--at-once", type=int, default=8)
        return cls(**vars(parser.parse_args(words)))

    @property
    def title(self) -> str:
        """What the evidence calls it."""
        return f"summary {self.recipe} {'+'.join(self.models)} at once {self.at_once}"

    def jobs(
        self, setting: Setting, data: resnetzoo.Data, callbacks: Sequence[resnetzoo.Callback]
    ) -> list[resnetzoo.Job]:
        """A run for each seed and network, in the folder that `resnetzoo reproduce` gives it."""
        preset = recipes.get_recipe(self.recipe)
        recipe = (preset.with_epochs(2) if setting.tiny else preset).for_images(len(data.train))
        return [
            resnetzoo.Job(
                network(name, seed, setting),
                recipe,
                seed,
                setting.runs / resnetzoo.folder_name(name, None, recipe, seed),
                callbacks,
            )
            for seed in self.seeds
            for name in self.models
        ]


class StopInTime(resnetzoo.Callback):
    """Asks all runs to save and stop, as SIGTERM does, while there is time to."""

    def __init__(self, setting: Setting) -> None:
        self.setting = setting
        self.asked = False

    def on_step_end(self, trainer: resnetzoo.TrainerState) -> None:
        if not self.asked and self.setting.seconds_left() < SECONDS_TO_SAVE:
            self.asked = True
            signal.raise_signal(signal.SIGTERM)


class WriteFigures(resnetzoo.Callback):
    """The figures of a run at its end, and of the first seed the weights."""

    def __init__(self, evidence: Evidence) -> None:
        self.evidence = evidence

    def on_fit_end(self, trainer: resnetzoo.TrainerState, run: resnetzoo.Run) -> None:
        assert trainer.out is not None  # noqa: S101 (each of these runs has its folder)
        if run.seed == 0:
            resnetzoo.save_weights(cast(resnetzoo.CifarNet, run.model), trainer.out / "weights.safetensors")
        self.evidence.add("train", **{trainer.out.name: {"precision": run.precision, **summary_of(run)}})


def train(evidence: Evidence, words: Sequence[str]) -> None:
    """Train what the words say, which become a `Plan`, as far as the time goes."""
    setting, plan, began = evidence.setting, Plan.parse(words), time.time()
    tiny = resnetzoo.synthetic(train_images=640, test_images=100) if setting.tiny else None
    data = tiny or resnetzoo.cifar10()
    if tiny is None and not data.official:
        evidence.add("train", data="not official!")
    jobs = plan.jobs(setting, data, [StopInTime(setting), WriteFigures(evidence)])
    interrupted = False
    try:
        resnetzoo.fit_many(
            jobs, data, device=setting.device, compile=False, record=record_option(setting), side_by_side=plan.at_once
        )
    except resnetzoo.TrainingInterrupted:
        interrupted = True  # each run is saved, and the next call goes on with it
    except resnetzoo.SomeRunsFailedError as failed:
        errors = {Path(str(jobs[number].out)).name: {"error": repr(error)} for number, error in failed.errors.items()}
        evidence.add("train", **errors)
    took = {"wall": round(time.time() - began, 1), "interrupted": interrupted}
    evidence.add("train", **{plan.title: {**took, **progress_of(jobs, setting)}})


def progress_of(jobs: Sequence[resnetzoo.Job], setting: Setting) -> dict[str, Any]:
    """How far the runs have come by what lies in their folders, and the last errors of those that are done."""
    folders = [Path(job.out) for job in jobs if job.out is not None]
    done = [folder for folder in folders if (folder / "run.json").exists()]
    begun = [folder for folder in folders if folder not in done and (folder / "checkpoint.pt").exists()]
    errors: dict[str, list[float]] = defaultdict(list)
    for folder in done:
        (record,) = resnetzoo.read_records(folder / "run.json")
        errors[record.name].append(record.epochs[-1].test_error)
    return {
        "done": len(done),
        "unfinished": [folder.name for folder in begun],
        "not_begun": len(folders) - len(done) - len(begun),
        "test_errors": {name: [statistics.mean(found), len(found)] for name, found in sorted(errors.items())},
        "peak_mib": torch.cuda.max_memory_allocated() >> 20 if setting.on_cuda else None,
    }


def summary_of(run: resnetzoo.RunRecord) -> dict[str, Any]:
    """The last errors of a run in percent, its seconds, and how its steps were carried out."""
    return {
        "test_error": run.epochs[-1].test_error,
        "train_error": run.epochs[-1].train_error,
        "train_seconds": round(sum(row.train_seconds for row in run.epochs), 2),
        "test_seconds": round(sum(row.test_seconds for row in run.epochs), 2),
        "epochs": len(run.epochs),
        "execution": run.execution,
    }
