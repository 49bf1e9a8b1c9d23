"""The short benchmark: inference and training step of a few networks against their peers, within minutes."""

import statistics
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from typing import Any

from resnetzoo.bench.baselines import Baselines, forward_baselines, step_baselines
from resnetzoo.bench.candidates import forward, step
from resnetzoo.bench.environment import Environment
from resnetzoo.bench.machine_peak import matrix_product
from resnetzoo.bench.rows import Row, rows_of
from resnetzoo.bench.timing import Candidate, race
from resnetzoo.errors import UsageError
from resnetzoo.models.registry import get_spec
from resnetzoo.utils.device import check_recordable
from resnetzoo.utils.text import brief
from resnetzoo.utils.validation import check_whole_number

STEPS_ON_CPU = 2  # steps per measurement of the training races: few, since each takes a tenth of a second
STEPS_ELSEWHERE = 50  # of a millisecond or less
DEFAULT_MODELS = ("resnet20", "resnet56")


@dataclass(frozen=True)
class Bench:
    """The results of the short benchmark.

    Attributes:
        place: device and precision of our networks, who computes fp32 work in TF32, versions and commit. Results store
            it under this name.
        compiled: whether ours were compiled; None if `fit` and `optimize` decided.
        rounds: of each race.
        matrix_gflops: the machine's matrix rate in that precision, the median over the races.
        rows: one per candidate and race.
        missing: the peers that are not installed, each with the package to install.
        recorded: whether our training steps were to be recorded on CUDA; None if `fit` decided.
    """

    place: dict[str, Any]
    compiled: bool | None
    rounds: int
    matrix_gflops: float
    rows: tuple[Row, ...]
    missing: tuple[str, ...]
    recorded: bool | None = None

    def to_dict(self) -> dict[str, Any]:
        """Ready for JSON."""
        return asdict(self)


def short_bench(
    models: Sequence[str] = DEFAULT_MODELS,
    *,
    batch_size: int = 128,
    device: str = "auto",
    precision: str = "auto",
    compiled: bool | None = None,
    recorded: bool | None = None,
    rounds: int = 5,
    say: Callable[[str], None] = lambda line: None,
) -> Bench:
    """Race each network's inference, at batch 1 and `batch_size`, and its training step against the peers.

    Args:
        models: names of the zoo.
        batch_size: of inference and of the training step.
        device: as `fit` takes it.
        precision: of our networks, as `fit` takes it; the peers run in fp32, or in TF32 if that is torch's default.
        compiled: whether to compile ours; None lets `optimize` and a long run of `fit` decide, as for users.
        recorded: whether to record our training step on CUDA; None lets `fit` decide.
        rounds: of each race.
        say: called with what is about to be timed.

    Returns:
        The results, one row per candidate and race.

    Raises:
        UnknownModelError: a name that is not registered.
        UsageError: no names, a number outside its range, or `recorded=True` on another device than CUDA.
        DeviceError: the device is not available.
    """
    models = _checked_names(models)
    check_whole_number("batch_size", batch_size)
    check_whole_number("rounds", rounds)
    environment = Environment.find(device, precision)
    check_recordable(recorded, environment.device)
    calibration = matrix_product(environment)
    rows: list[Row] = []
    rates: list[float] = []
    missing: dict[str, None] = {}
    for work, ours, baselines in _races(models, batch_size, environment, compiled, recorded):
        say(f"timing {work}")
        candidates = [calibration, ours, *baselines.candidates]
        with ExitStack() as opened:  # releases all of them, even if one raises
            for candidate in reversed((ours, *baselines.candidates)):
                opened.callback(candidate.release)
            timings = race(candidates, rounds=rounds)
        rates.append(calibration.flop / timings[calibration.name].median / 1e9)
        rows += rows_of(work, candidates, timings, calibration=calibration, peer=baselines.peer)
        missing.update(dict.fromkeys(baselines.missing))
    return Bench(
        place=environment.facts(),
        compiled=compiled,
        rounds=rounds,
        matrix_gflops=statistics.median(rates),
        rows=tuple(rows),
        missing=tuple(missing),
        recorded=recorded,
    )


def _checked_names(models: object) -> tuple[str, ...]:
    """The names, of which each is a network of the zoo.

    Raises:
        UsageError: none, or one string, of which each letter would be a name.
        UnknownModelError: a name that is not registered.
    """
    names = tuple(models) if isinstance(models, Iterable) and not isinstance(models, str) else ()
    if not names:
        raise UsageError(f'models must be one or more names in a list, such as ["resnet20"], not {brief(models)}')
    for name in names:
        get_spec(name)
    return names


def _races(
    models: Sequence[str], batch_size: int, environment: Environment, compiled: bool | None, recorded: bool | None
) -> Iterator[tuple[str, Candidate, Baselines]]:
    """Each race, prepared when its turn comes; the slow loop of the tutorials takes part in only one."""
    device = environment.device
    steps = STEPS_ON_CPU if device.type == "cpu" else STEPS_ELSEWHERE
    for number, name in enumerate(models):
        for size in sorted({1, batch_size}):
            yield (
                f"{name}, inference, batch {size}",
                forward(name, batch_size=size, environment=environment, compiled=compiled),
                forward_baselines(name, batch_size=size, device=device),
            )
        yield (
            f"{name}, training, batch {batch_size}",
            step(
                name,
                batch_size=batch_size,
                environment=environment,
                compiled=compiled,
                recorded=recorded,
                steps=steps,
            ),
            step_baselines(name, batch_size=batch_size, device=device, steps=steps, loop=number == 0),
        )
