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
STEPS_ELSEWHERE = 50  # each takes a millisecond or less
DEFAULT_MODELS = ("resnet20", "resnet56")


@dataclass(frozen=True)
class Bench:
    """The results of the short benchmark.

    Attributes:
        place: device and precision of our networks, who computes fp32 work in TF32, versions and commit. Results store
            it under this name.
        compiled: whether our networks were compiled; None if `fit` and `optimize` decided.
        rounds: number of rounds per race.
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
        """The results as plain values, ready for JSON."""
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
        models: names of networks of the zoo.
        batch_size: images per batch, in inference and in the training step.
        device: the device, as in `fit`.
        precision: the precision of our networks, as in `fit`; the peers run in fp32, or in TF32 if that is torch's
            default.
        compiled: whether to compile our networks; None lets `optimize` and a long run of `fit` decide, as for users.
        recorded: whether to record our training step on CUDA; None lets `fit` decide.
        rounds: number of rounds per race.
        say: called with a line about what is timed next.

    Returns:
        The results, one row per candidate and race.

    Raises:
        UnknownModelError: a name is not registered.
        UsageError: there are no names, a number is outside its range, or `recorded=True` on another device than CUDA.
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
    """The names, after checking that each is a network of the zoo.

    Raises:
        UsageError: there are none, or `models` is a single string, whose letters would be taken for names.
        UnknownModelError: a name is not registered.
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
