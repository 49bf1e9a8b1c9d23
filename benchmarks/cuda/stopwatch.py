"""Seconds of one call, the device waited for."""

import statistics
from collections.abc import Callable

import torch
from evidence import Setting

import resnetzoo
from resnetzoo import bench


def median_seconds(work: Callable[[], object], setting: Setting, *, at_least: float = 0.1, rounds: int = 5) -> float:
    """The median over the rounds, each of which repeats short work for `at_least` seconds; two calls warm up."""
    timed = bench.TimedCall(work, resnetzoo.resolve_device(setting.device), at_least=0 if setting.tiny else at_least)
    for _ in range(2):
        timed()
    return statistics.median(timed() for _ in range(1 if setting.tiny else rounds))


def synchronize(setting: Setting) -> None:
    """Wait until the device has done what it was told; a CPU has."""
    if setting.on_cuda:
        torch.cuda.synchronize()
