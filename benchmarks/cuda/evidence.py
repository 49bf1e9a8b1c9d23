"""Where the figures go: on disk after every single one, so that an end at any moment keeps what was measured."""

import json
import os
import time
import traceback
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SHORTEST_WORK = 3  # seconds; with less left no measurement begins
TABLE = (
    "goals",
    "env",
    "smoke",
    "steps",
    "compiled",
    "loop",
    "infer",
    "train",
    "runs",
)  # without the long lists of kernels


@dataclass(frozen=True)
class Setting:
    """What evidence.sh says of the place.

    Attributes:
        state: the folder that stays between the parts: data, runs, what the smoke found.
        out: the folder for the results.
        here: where the script lies, and with it what was put beside it.
        deadline: seconds since the epoch at which the present stage is ended.
        device: a device's name, as `fit` takes it.
        tiny: small networks, batches and repetitions, to see on a CPU that everything runs.
    """

    state: Path
    out: Path
    here: Path
    deadline: float
    device: str = "cuda"
    tiny: bool = False

    @classmethod
    def from_environment(cls) -> "Setting":
        """The setting of this process."""
        return cls(
            state=Path(os.environ["GPU_STATE"]),
            out=Path(os.environ["GPU_OUT"]),
            here=Path(os.environ["GPU_HERE"]),
            deadline=float(os.environ.get("GPU_DEADLINE", time.time() + 60)),
            device=os.environ.get("GPU_DEVICE", "cuda"),
            tiny=os.environ.get("GPU_TINY") == "1",
        )

    @property
    def batch_size(self) -> int:
        """Images of a training step."""
        return 16 if self.tiny else 128

    @property
    def on_cuda(self) -> bool:
        """Whether there are streams, graphs and kernels to look at."""
        return self.device.startswith("cuda")

    @property
    def runs(self) -> Path:
        """The folder of the runs, which all targets share."""
        return self.state / "runs"

    def seconds_left(self) -> float:
        """Until the present stage is ended."""
        return self.deadline - time.time()


class Evidence:
    """The figures of all stages: `evidence.json` in the state's folder, and a copy among the results."""

    def __init__(self, setting: Setting) -> None:
        self.setting = setting
        self.path = setting.state / "evidence.json"

    def read(self) -> dict[str, dict[str, Any]]:
        """All figures so far, by stage and name."""
        return json.loads(self.path.read_text()) if self.path.exists() else {}

    def add(self, stage: str, **values: Any) -> None:
        """Write figures of a stage to disk, and their beginning to the screen."""
        figures = self.read()
        figures.setdefault(stage, {}).update(values)
        text = strict_json(figures, indent=1)
        for path in (self.path, self.setting.out / "evidence.json"):
            fresh = path.with_suffix(".new")
            fresh.write_text(text)
            fresh.replace(path)
        print(stage, strict_json(values)[:600], flush=True)

    def measure(self, stage: str, name: str, work: Callable[[], Any]) -> None:
        """Do the work and add what it gives, its seconds and its warnings; what goes wrong is a figure too.

        If no time is left, a figure of an earlier call stays.
        """
        if self.setting.seconds_left() < SHORTEST_WORK:
            if name not in self.read().get(stage, {}):
                self.add(stage, **{name: "no time left"})
        else:
            self.add(stage, **{name: outcome_of(work)})


def strict_json(values: Any, *, indent: int | None = None) -> str:
    """The text of any values; a number that is infinite or NaN, for which JSON has no word, becomes null."""
    plain = json.loads(json.dumps(values, default=str), parse_constant=lambda word: None)
    return json.dumps(plain, indent=indent, allow_nan=False)


def outcome_of(work: Callable[[], Any]) -> dict[str, Any]:
    """What the work gave, with its seconds and warnings; or its error and where that was raised."""
    began = time.time()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            outcome = {"value": work(), "took": round(time.time() - began, 2)}
        except Exception as error:  # whatever it is, the other measurements go on
            outcome = {
                "error": f"{type(error).__name__}: {str(error)[:600]}",
                "where": traceback.format_exc()[-1500:],
            }
    heard = sorted({f"{one.category.__name__}: {str(one.message)[:300]}" for one in caught})
    return {**outcome, **({"warnings": heard} if heard else {})}


def print_table(evidence: Evidence, _: Sequence[str] = ()) -> None:
    """A line a figure."""
    figures = evidence.read()
    for stage in TABLE:
        for name, value in figures.get(stage, {}).items():
            print(f"{stage:9} {name:58} {strict_json(value)[:230]}")
