"""Stage `smoke`: each way to train held against the others, each in a process of its own.

A CUDA graph that cannot be captured may spoil the process that tried, so the ways share none.
"""

import json
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from evidence import Evidence, Setting

COMPARED = {  # the precision, and the `record` of `fit`
    "recorded_fp32": ("fp32", None),
    "recorded_bf16": ("bf16", None),
    "eager_fp32": ("fp32", False),
    "eager_bf16": ("bf16", False),
}
SIDE_BY_SIDE, RESUMED, ON_CPU = "side_by_side_fp32", "stopped_at_30_and_resumed_fp32", "cpu_fp32_first_epoch"
NAMES = (*COMPARED, SIDE_BY_SIDE, RESUMED, ON_CPU)

TOLERANCE = 0.1  # by which training losses of two ways may differ


def run_smoke(evidence: Evidence, _: Sequence[str] = ()) -> None:
    """All ways at the same time; what each of them gave, and whether later stages record their steps."""
    setting, began = evidence.setting, time.time()
    mode_file(setting).write_text("recorded")
    stages = str(Path(__file__).with_name("stages.py"))
    for name in NAMES:
        answer_file(setting, name).unlink(missing_ok=True)
    running = {name: subprocess.Popen([sys.executable, stages, "smoke-way", name]) for name in NAMES}
    for name, process in running.items():
        try:
            process.wait(timeout=max(1, setting.seconds_left() - 3))
        except subprocess.TimeoutExpired:
            process.kill()
        if not answer_file(setting, name).exists():
            answer_file(setting, name).write_text(json.dumps({"error": f"no answer; exit {process.poll()}"}))
        evidence.add("smoke", **{name: json.loads(answer_file(setting, name).read_text())})
    conclude(evidence)
    evidence.add("smoke", took=round(time.time() - began, 1))


def conclude(evidence: Evidence) -> None:
    """Where a recorded run fails or differs from the eager one, later stages run eagerly."""
    found = {name: json.loads(answer_file(evidence.setting, name).read_text()) for name in NAMES}
    follows = all(_agree(found[f"recorded_{kind}"], found[f"eager_{kind}"]) for kind in ("fp32", "bf16"))
    eager_works = all("value" in found[f"eager_{kind}"] for kind in ("fp32", "bf16"))
    mode = "eager" if eager_works and not follows else "recorded"
    mode_file(evidence.setting).write_text(mode)
    evidence.add("smoke", mode=mode, recorded_follows_eager=follows)


def _agree(one: dict[str, Any], other: dict[str, Any]) -> bool:
    if "value" not in one or "value" not in other:
        return False
    pairs = zip(one["value"]["rows"], other["value"]["rows"], strict=True)
    return all(abs(first[0] - second[0]) <= TOLERANCE * second[0] for first, second in pairs)


def records_steps(setting: Setting) -> bool:
    """Whether the smoke let later stages record their steps; so it is where there was none."""
    return not mode_file(setting).exists() or mode_file(setting).read_text() != "eager"


def record_option(setting: Setting) -> bool | None:
    """The `record` of `fit` and `fit_many` by what the smoke found."""
    return None if records_steps(setting) else False


def mode_file(setting: Setting) -> Path:
    """Where the smoke's conclusion stands."""
    return setting.state / "mode"


def answer_file(setting: Setting, name: str) -> Path:
    """Where the answer of one way stands."""
    return setting.state / f"smoke-{name}.json"
