"""Stages `steps`, `compiled` and `profile`: what a training step takes, and what in it."""

import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, ExitStack
from functools import partial
from typing import Any

import torch
from evidence import Evidence, Setting
from internals import DeviceLoader, Stepper, Trainer, network, open_trainer
from smoke import record_option
from stopwatch import median_seconds, synchronize
from torch.profiler import ProfilerActivity

import resnetzoo
from resnetzoo import recipes

BATCHES = 50  # of an epoch
EPOCHS = 1000  # never reached
PAST_RECORDING = 6  # steps: those that warm up, and the one that is recorded
GROUPS = (2, 8)  # runs side by side
TOP_KERNELS = 25


def workload(setting: Setting) -> tuple[resnetzoo.Data, resnetzoo.Recipe]:
    """Synthetic images and a recipe that does not end."""
    data = resnetzoo.synthetic(train_images=setting.batch_size * BATCHES, test_images=10)
    return data, recipes.QUICK20.with_batch_size(setting.batch_size).with_epochs(EPOCHS)


def open_run(
    setting: Setting,
    name: str,
    data: resnetzoo.Data,
    recipe: resnetzoo.Recipe,
    *,
    seed: int = 0,
    precision: str = "auto",
    compile: bool = False,  # noqa: A002 (torch's own word)
    record: bool | None = None,
    loader: DeviceLoader | None = None,
) -> AbstractContextManager[Trainer]:
    """A run of a fresh network whose steps are taken one by one."""
    return open_trainer(
        network(name, seed, setting),
        data,
        recipe,
        seed=seed,
        device=setting.device,
        precision=precision,
        compile=compile,
        record=record,
        loader=loader,
    )


def time_steps(evidence: Evidence, names: Sequence[str]) -> None:
    """Microseconds of a step and images a second: eager, recorded, and recorded with several runs side by side."""
    setting = evidence.setting
    for name in names:
        evidence.measure("steps", f"{name} eager bf16", partial(time_runs, setting, name, 1, 30, record=False))
        evidence.measure("steps", f"{name} recorded bf16", partial(time_runs, setting, name, 1, 50))
        if name == "resnet20":
            fp32 = partial(time_runs, setting, name, 1, 50, precision="fp32")
            evidence.measure("steps", f"{name} recorded fp32", fp32)
        for runs in GROUPS[:1] if setting.tiny else GROUPS:
            title = f"{name} recorded bf16, {runs} side by side"
            evidence.measure("steps", title, partial(time_runs, setting, name, runs, 20))
        if setting.on_cuda:
            evidence.add("steps", **{f"{name} peak_mib": torch.cuda.max_memory_allocated() >> 20})
            torch.cuda.empty_cache()
            torch.cuda.reset_peak_memory_stats()


def time_runs(
    setting: Setting, name: str, runs: int, rounds: int, *, precision: str = "auto", record: bool | None = None
) -> dict[str, Any]:
    """Steps of `runs` runs in turn, on one training set, `rounds` steps of each between two looks at the clock."""
    data, recipe = workload(setting)
    record = record_option(setting) if record is None else record
    with ExitStack() as opened:
        steppers: list[Stepper] = []
        for seed in range(runs):
            loader = steppers[0].trainer.step_state.loader if steppers else None
            run = open_run(setting, name, data, recipe, seed=seed, precision=precision, record=record, loader=loader)
            steppers.append(Stepper(opened.enter_context(run)))
        take_steps(steppers, PAST_RECORDING)
        seconds = seconds_of_steps(setting, steppers, rounds)
        execution = str(steppers[0].trainer.execution)
    images = setting.batch_size * runs / seconds
    return {"us_a_step": 1e6 * seconds / runs, "images_per_second": images, "execution": execution}


def take_steps(steppers: Sequence[Callable[[], None]], count: int) -> None:
    """So many steps of each, in turn."""
    for _ in range(count):
        for step in steppers:
            step()


def seconds_of_steps(setting: Setting, steppers: Sequence[Stepper], count: int) -> float:
    """Of one step of each."""
    count = 2 if setting.tiny else count
    return median_seconds(lambda: take_steps(steppers, count), setting, at_least=1.0, rounds=3) / count


def time_compiled(evidence: Evidence, names: Sequence[str]) -> None:
    """The step compiled and, on CUDA, recorded: seconds until it is there, microseconds from then on."""
    for name in names:
        evidence.measure("compiled", name, partial(time_compiled_run, evidence.setting, name))


def time_compiled_run(setting: Setting, name: str) -> dict[str, Any]:
    """The first steps, which compile, and the steps behind them."""
    began = time.time()
    with open_run(setting, name, *workload(setting), compile=True, record=record_option(setting)) as trainer:
        step = Stepper(trainer)
        take_steps([step], PAST_RECORDING)
        synchronize(setting)
        first = time.time() - began
        seconds = seconds_of_steps(setting, [step], 50)
        return {"first_seconds": first, "execution": str(trainer.execution), "us_a_step": 1e6 * seconds}


def profile_steps(evidence: Evidence, names: Sequence[str]) -> None:
    """The kernels of a step, eager and recorded: how many, how long, which."""
    for name in names:
        for way, record in (("eager", False), ("recorded", record_option(evidence.setting))):
            evidence.measure("profile", f"{name} {way}", partial(kernels_of, evidence.setting, name, record))


def kernels_of(setting: Setting, name: str, record: bool | None, steps: int = 3) -> dict[str, Any]:
    """Of one step: the number of its kernels, their microseconds, and the longest by name."""
    activities = [ProfilerActivity.CPU, *([ProfilerActivity.CUDA] if setting.on_cuda else [])]
    with open_run(setting, name, *workload(setting), record=record) as trainer:
        step = Stepper(trainer)
        take_steps([step], PAST_RECORDING + 2)
        synchronize(setting)
        with torch.profiler.profile(activities=activities) as seen:
            take_steps([step], steps)
            synchronize(setting)
    spent: dict[str, list[float]] = defaultdict(list)
    for event in seen.events():
        if str(event.device_type).endswith("CUDA"):
            spent[event.name[:90]].append(event.time_range.elapsed_us())
    longest = sorted(spent, key=lambda kernel: -sum(spent[kernel]))[:TOP_KERNELS]
    return {
        "kernels_a_step": sum(len(times) for times in spent.values()) / steps,
        "kernel_us_a_step": sum(sum(times) for times in spent.values()) / steps,
        "top": [(name, round(len(spent[name]) / steps, 1), round(sum(spent[name]) / steps, 1)) for name in longest],
    }
