"""Stage `train`: runs in a rolling pool, side by side; all of them stop in time, saved, and go on at another call."""

import argparse
import signal
import statistics
import time
import traceback
from collections import defaultdict, deque
from collections.abc import Generator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any, cast

import torch
from evidence import Evidence
from internals import (
    DeviceEvent,
    DeviceLoader,
    StopRequest,
    Trainer,
    callbacks_of,
    catch_signals,
    make_loader,
    network,
    open_trainer,
)
from stopwatch import synchronize

import resnetzoo
from resnetzoo import recipes

STEPS_A_TURN = 20
SECONDS_TO_SAVE, SECONDS_TO_SAVE_SELDOM = 8, 12  # kept back at the end of the stage
SECONDS_TO_BEGIN = 5


@dataclass(frozen=True)
class Plan:
    """What is trained.

    Attributes:
        recipe: the name of a preset.
        models: names of networks; each seed runs through them in this order.
        seeds: of weights, order and augmentation.
        at_once: runs side by side.
        save_every: epochs between two saved states.
    """

    recipe: str
    models: Sequence[str]
    seeds: Sequence[int]
    at_once: int
    save_every: int

    @classmethod
    def parse(cls, words: Sequence[str]) -> "Plan":
        """The plan that the command line of the stage asks for."""
        parser = argparse.ArgumentParser(prog="stages.py train")
        parser.add_argument("--recipe", required=True)
        parser.add_argument("--models", nargs="+", required=True)
        parser.add_argument("--seeds", type=int, nargs="+", default=[0])
        parser.add_argument("--at-once", type=int, default=8)
        parser.add_argument("--save-every", type=int, default=1)
        return cls(**vars(parser.parse_args(words)))

    @property
    def title(self) -> str:
        """What the evidence calls it."""
        return f"summary {self.recipe} {'+'.join(self.models)} at once {self.at_once}"

    @property
    def reserve(self) -> int:
        """Seconds that are kept back to save what is not finished."""
        return SECONDS_TO_SAVE if self.save_every == 1 else SECONDS_TO_SAVE_SELDOM


@dataclass
class PooledRun:
    """A run of the pool.

    Attributes:
        name: of its network.
        trainer: the run.
        steps: moves it on.
        opened: ends it.
        began: seconds since the epoch.
        event: what the run waits for on the device; None where it may go on.
    """

    name: str
    trainer: Trainer
    steps: Generator[DeviceEvent | None, None, None]
    opened: ExitStack
    began: float
    event: DeviceEvent | None = None

    def may_go_on(self) -> bool:
        """Whether the device has done what the run waits for."""
        return self.event is None or self.event.query()

    def take_turn(self) -> None:
        """Some steps, as far as the run need not wait for the device; StopIteration at the run's end."""
        for _ in range(STEPS_A_TURN):
            self.event = next(self.steps)
            if self.event is not None:
                return


class Pool:
    """The runs of a plan, the next one begun whenever one has ended.

    Args:
        evidence: where figures go.
        plan: what is trained.
        data: what on.
        stop: the request that ends all of them.
    """

    def __init__(self, evidence: Evidence, plan: Plan, data: resnetzoo.Data, stop: StopRequest) -> None:
        self.evidence = evidence
        self.setting = evidence.setting
        self.plan = plan
        self.data = data
        self.stop = stop
        recipe = recipes.get_recipe(plan.recipe)
        self.recipe = (recipe.with_epochs(2) if self.setting.tiny else recipe).for_images(len(data.train))
        self.loader: DeviceLoader = make_loader(data, self.recipe, resnetzoo.resolve_device(self.setting.device))
        self.waiting = deque((name, seed) for seed in plan.seeds for name in plan.models)
        self.running: dict[str, PooledRun] = {}
        self.unfinished: dict[str, int] = {}
        self.errors: dict[str, list[float]] = defaultdict(list)

    def run(self) -> None:
        """Train until all is done or the time is over."""
        while self.waiting or self.running:
            while self._may_begin():
                self._begin(*self.waiting.popleft())
            if self.setting.seconds_left() < self.plan.reserve and self.stop.signal_number is None:
                self.stop.signal_number = signal.SIGTERM  # each run finishes its step, saves, and ends
            if not self.running:
                break
            ready = [key for key, run in self.running.items() if run.may_go_on()]
            for key in ready:
                self._take_turn(key)
            waited_for = next(iter(self.running.values())).event if self.running and not ready else None
            if waited_for is not None:
                waited_for.synchronize()

    def _may_begin(self) -> bool:
        time_left = self.setting.seconds_left() > self.plan.reserve + SECONDS_TO_BEGIN
        room = len(self.running) < self.plan.at_once
        return bool(self.waiting) and room and time_left and self.stop.signal_number is None

    def _begin(self, name: str, seed: int) -> None:
        out = self.setting.runs / resnetzoo.folder_name(name, None, self.recipe, seed)
        if (out / "run.json").exists():
            return
        began, opened = time.time(), ExitStack()
        run = open_trainer(
            network(name, seed, self.setting),
            self.data,
            self.recipe,
            seed=seed,
            device=self.setting.device,
            compile=False,
            out=out,
            loader=self.loader,
            callbacks=callbacks_of(self.stop, out, self.plan.save_every),
        )
        try:
            trainer = opened.enter_context(run)
        except (resnetzoo.ResnetzooError, RuntimeError) as error:  # torch's own are RuntimeErrors
            self.evidence.add("train", **{out.name: {"error": f"could not begin: {type(error).__name__}: {error}"}})
            return
        self.running[out.name] = PooledRun(name, trainer, trainer.steps(), opened, began)

    def _take_turn(self, key: str) -> None:
        run = self.running[key]
        try:
            run.take_turn()
            return
        except StopIteration:
            self._finish(key, run)
        except resnetzoo.TrainingInterrupted:
            self.unfinished[key] = run.trainer.step
        except Exception as error:  # whatever ends one run, the others go on
            figure = {
                "error": f"{type(error).__name__}: {str(error)[:400]}",
                "step": run.trainer.step,
                "where": traceback.format_exc()[-1200:],
            }
            self.evidence.add("train", **{key: figure})
        del self.running[key]
        run.opened.close()

    def _finish(self, key: str, run: PooledRun) -> None:
        result, out = run.trainer.result, run.trainer.out
        assert result is not None  # noqa: S101 (its steps have come to their end)
        assert out is not None  # noqa: S101 (each run of the pool has its folder)
        if result.seed == 0:
            resnetzoo.save_weights(cast(resnetzoo.CifarNet, result.model), out / "weights.safetensors")
        self.errors[run.name].append(result.epochs[-1].test_error)
        figures = {"wall": round(time.time() - run.began, 2), "precision": result.precision, **summary_of(result)}
        self.evidence.add("train", **{key: figures})


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


def train(evidence: Evidence, words: Sequence[str]) -> None:
    """Train what the words say, which become a `Plan`, as far as the time goes."""
    setting, plan, began = evidence.setting, Plan.parse(words), time.time()
    tiny = resnetzoo.synthetic(train_images=640, test_images=100) if setting.tiny else None
    data = tiny or resnetzoo.cifar10()
    if tiny is None and not data.official:
        evidence.add("train", data="not official!")
    with catch_signals() as stop:
        pool = Pool(evidence, plan, data, stop)
        pool.run()
        synchronize(setting)
    summary = {
        "wall": round(time.time() - began, 1),
        "done": sum(len(errors) for errors in pool.errors.values()),
        "unfinished_at_step": pool.unfinished,
        "not_begun": len(pool.waiting),
        "peak_mib": torch.cuda.max_memory_allocated() >> 20 if setting.on_cuda else None,
    }
    evidence.add("train", **{plan.title: summary})
    for name, errors in sorted(pool.errors.items()):
        spread = statistics.stdev(errors) if len(errors) > 1 else float("nan")
        print(f"{name:12} n={len(errors)} mean {statistics.mean(errors):.2f} sd {spread:.2f}", flush=True)
