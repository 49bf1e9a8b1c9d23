"""Stage `loop`: the peers of a training step, the loop of the tutorials among them, as `resnetzoo bench` times them."""

from collections.abc import Sequence
from functools import partial
from typing import Any

from evidence import Evidence
from goals import LOOP

import resnetzoo
from resnetzoo import bench

ROUNDS = 3


def time_loops(evidence: Evidence, names: Sequence[str]) -> None:
    """Eager, in torch's fp32: on a batch that is there already, and over pinned batches that worker processes load."""
    setting = evidence.setting
    device = resnetzoo.resolve_device(setting.device)
    for name in names:
        peers = bench.step_baselines(name, batch_size=setting.batch_size, device=device)
        loop_first = sorted(peers.candidates, key=lambda one: one.name != LOOP)  # which the goal is about
        for candidate in loop_first:
            evidence.measure("loop", f"{name}: {candidate.name}", partial(time_peer, candidate, setting.tiny))
            candidate.release()
        if peers.missing:
            evidence.add("loop", **{f"{name}: missing": peers.missing})


def time_peer(candidate: bench.Candidate, tiny: bool) -> dict[str, Any]:
    """The median of a few rounds; of the loop, each is an epoch where workers load."""
    timing = bench.race([candidate], rounds=1 if tiny else ROUNDS)[candidate.name]
    return {
        "us_a_step": 1e6 * timing.median,
        "images_per_second": candidate.images / timing.median,
        "precision": candidate.precision,
    }
