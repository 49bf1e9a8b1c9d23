"""The ways to train that `smoke` compares, one a process: three epochs of a small training set."""

import json
import shutil
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from evidence import Evidence, Setting, outcome_of
from internals import network
from smoke import COMPARED, ON_CPU, RESUMED, SIDE_BY_SIDE, answer_file

import resnetzoo
from resnetzoo import recipes

WHOLE_BATCHES = 21  # of an epoch, and a smaller one behind them
STEPS_PER_EPOCH = WHOLE_BATCHES + 1
STOPPED_AT = 30  # in the second epoch


def run_way(evidence: Evidence, words: Sequence[str]) -> None:
    """The way with this name; its answer goes to a file of its own."""
    (name,) = words
    answer = outcome_of(lambda: train_in_one_way(evidence.setting, name))
    answer_file(evidence.setting, name).write_text(json.dumps(answer, default=str))


def train_in_one_way(setting: Setting, name: str) -> Any:
    """Three epochs of a small training set; the CPU does the first of them."""
    if name == SIDE_BY_SIDE:
        return _side_by_side(setting)
    if name == RESUMED:
        return _stopped_and_resumed(setting)
    if name == ON_CPU:
        return _fit(setting, "cpu", "fp32", epochs=1, compile=False)
    precision, record = COMPARED[name]
    return _fit(setting, setting.device, precision, record=record)


def _recipe(setting: Setting, epochs: int = 3) -> resnetzoo.Recipe:
    return resnetzoo.Recipe(
        name="SMOKE3",
        steps=STEPS_PER_EPOCH * epochs,
        epochs=None,
        lr=0.05,
        schedule=recipes.StepDecay((40,)),
        batch_size=setting.batch_size // 2,
    )


def _data(setting: Setting) -> resnetzoo.Data:
    size = setting.batch_size // 2
    return resnetzoo.synthetic(seed=1, train_images=size * WHOLE_BATCHES + size // 3, test_images=200)


def _fit(
    setting: Setting,
    device: str,
    precision: str,
    *,
    epochs: int = 3,
    compile: bool | None = None,  # noqa: A002
    record: bool | None = None,
) -> dict[str, Any]:
    run = resnetzoo.fit(
        network("resnet20", 0, setting),
        _data(setting),
        _recipe(setting, epochs),
        device=device,
        precision=precision,
        compile=compile,
        record=record,
        progress=False,
    )
    rows = [(row.train_loss, row.train_error, row.test_loss, row.test_error) for row in run.epochs]
    return {"execution": run.execution, "device": run.device, "rows": rows}


def _side_by_side(setting: Setting) -> list[float]:
    jobs = [resnetzoo.Job(network("resnet20", seed, setting), _recipe(setting), seed) for seed in range(3)]
    runs = resnetzoo.fit_many(jobs, _data(setting), device=setting.device, precision="fp32", progress=False)
    return [run.epochs[-1].train_loss for run in runs]


class _StopError(Exception):
    """Stands for whatever ends a run from outside."""


class _StopInMidEpoch(resnetzoo.Callback):
    def on_step_end(self, trainer: resnetzoo.TrainerState) -> None:
        if trainer.step == STOPPED_AT:
            raise _StopError


def _stopped_and_resumed(setting: Setting) -> dict[str, Any]:
    out, data = setting.state / "smoke-run", _data(setting)
    shutil.rmtree(out, ignore_errors=True)

    def fit(*callbacks: resnetzoo.Callback) -> resnetzoo.Run:
        return resnetzoo.fit(
            network("resnet20", 0, setting),
            data,
            _recipe(setting),
            device=setting.device,
            precision="fp32",
            out=out,
            checkpoint_every=STOPPED_AT,
            progress=False,
            callbacks=callbacks,
        )

    with suppress(_StopError):
        fit(_StopInMidEpoch())
    run = fit()
    on_cpu = resnetzoo.evaluate(resnetzoo.load_checkpoint(out).cpu(), data.test).error
    return {
        "train_loss": [row.train_loss for row in run.epochs],
        "test_error_there_and_on_cpu": (run.epochs[-1].test_error, on_cpu),
    }
