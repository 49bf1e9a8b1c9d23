"""Stage `goals`: what the figures of the other stages come to, beside what was hoped for."""

import re
from collections.abc import Sequence
from typing import Any

from evidence import Evidence

Figures = dict[str, dict[str, Any]]  # as evidence.json has them: by stage and name

RECORDED, EAGER, LOOP = "recorded bf16", "eager bf16", "DataLoader loop"
PAPER_STEPS = 64_000  # arXiv:1512.03385, section 4.2
DEPTHS = (20, 32, 44, 56, 110)  # of table 6, but for 1202


def compare_with_goals(evidence: Evidence, _: Sequence[str] = ()) -> None:
    """Whatever can be told from what was measured so far."""
    evidence.add("goals", **goals_of(evidence.read()))


def goals_of(figures: Figures) -> dict[str, dict[str, Any]]:
    """By what was asked: the figure, its unit, and the goal where there is one."""
    steps = microseconds_of_steps(figures)
    found = {**speedups(figures, steps), **seconds_alone(figures)}
    minutes = paper_minutes(steps)
    if minutes is not None:
        found["64,000 steps of plain and residual networks of 20 to 110 layers, projected"] = _row(
            minutes, "minutes", "below 25"
        )
    return found


def microseconds_of_steps(figures: Figures) -> dict[str, float]:
    """By the name of the measurement, without those that failed."""
    measured = {f"{name} compiled": one for name, one in figures.get("compiled", {}).items()}
    measured |= figures.get("steps", {})
    return {
        name: one["value"]["us_a_step"] for name, one in measured.items() if isinstance(one, dict) and "value" in one
    }


def speedups(figures: Figures, steps: dict[str, float]) -> dict[str, dict[str, Any]]:
    """Of resnet20's steps, recorded, side by side and compiled: over the DataLoader loop, and over eager steps."""
    loop = figures.get("loop", {}).get(f"resnet20: {LOOP}", {})
    slower = {"the DataLoader loop": loop["value"]["us_a_step"]} if "value" in loop else {}
    if f"resnet20 {EAGER}" in steps:
        slower["eager steps, the data on the device"] = steps[f"resnet20 {EAGER}"]
    ways = {
        "recorded": steps.get(f"resnet20 {RECORDED}"),
        "side by side": best_side_by_side(steps, "resnet20"),
        "compiled": steps.get("resnet20 compiled"),
    }
    return {
        f"resnet20's step, {way}, over {other}": _row(
            microseconds / ours, "times", "above 15" if other == "the DataLoader loop" else ""
        )
        for other, microseconds in slower.items()
        for way, ours in ways.items()
        if ours is not None
    }


def best_side_by_side(steps: dict[str, float], name: str) -> float | None:
    """Microseconds of a step of one run, in the group in which it is shortest."""
    found = [microseconds for title, microseconds in steps.items() if re.match(rf"{name} {RECORDED}, \d+ side", title)]
    return min(found, default=None)


def seconds_alone(figures: Figures) -> dict[str, dict[str, Any]]:
    """Training and tests of each network that `examples/cifar_compare.py` trained on its own."""
    return {
        f"20 epochs of {name.removeprefix('alone/')} alone": _row(
            one["value"]["train_seconds"] + one["value"]["test_seconds"], "seconds", "below 10"
        )
        for name, one in figures.get("runs", {}).items()
        if name.startswith("alone/") and "value" in one and one["value"]["epochs"] == 20
    }


def paper_minutes(steps: dict[str, float]) -> float | None:
    """64,000 steps of table 6's networks and of their plain twins, side by side, one seed each; tests not counted.

    The time of a step grows with the layers, so that depths between those measured lie on the line between them.
    """
    measured = {depth: best_side_by_side(steps, f"resnet{depth}") for depth in (20, 56, 110)}
    known = {depth: microseconds for depth, microseconds in measured.items() if microseconds is not None}
    if len(known) < len(measured):
        return None
    return sum(2 * PAPER_STEPS * _on_the_line(known, depth) for depth in DEPTHS) / 60e6


def _on_the_line(known: dict[int, float], depth: int) -> float:
    below, above = (20, 56) if depth <= 56 else (56, 110)
    share = (depth - below) / (above - below)
    return (1 - share) * known[below] + share * known[above]


def _row(figure: float, unit: str, goal: str) -> dict[str, Any]:
    return {"figure": round(figure, 2), "unit": unit, "goal": goal}
