"""Convert seconds to the figures that tables and records contain."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from resnetzoo.bench.timing import Candidate, Timing
from resnetzoo.utils.validation import check_whole_number


@dataclass(frozen=True)
class Row:
    """One candidate of a race, by the median of its rounds.

    Attributes:
        work: what the race was about, such as `resnet20, inference, batch 128`.
        name: the name of the candidate.
        seconds: the seconds of one call.
        first_seconds: the seconds of its whole first call, including compilation; see `Timing`.
        images_per_second: 0 if the work is not on images.
        gflops: 10^9 floating-point operations per second; 0 if they were not counted.
        matrix_fraction: `gflops` over the machine's matrix rate in the same race.
        peer: the candidate that `ratio` compares with; empty if there is none.
        ratio: images per second relative to `peer`, the median over the rounds; 1 for the peer itself.
        precision: the precision of the candidate, such as `bf16`, or `fp32 (TF32)` if torch's default shortens fp32.
    """

    work: str
    name: str
    seconds: float
    first_seconds: float
    images_per_second: float
    gflops: float
    matrix_fraction: float
    peer: str
    ratio: float | None
    precision: str = ""


def rows_of(
    work: str,
    candidates: Sequence[Candidate],
    timings: Mapping[str, Timing],
    *,
    calibration: Candidate,
    peer: str = "",
) -> list[Row]:
    """The rows of a race, one for each candidate except the calibration.

    Args:
        work: what the race was about.
        candidates: the candidates of the race, with or without the calibration.
        timings: the timings of the candidates and the calibration, by name.
        calibration: the matrix product that ran in the same rounds.
        peer: name of the candidate that ratios compare with; ignored if it did not take part.

    Raises:
        UsageError: the calibration does not state its number of operations.
    """
    check_whole_number("calibration.flop", calibration.flop)
    matrix_gflops = calibration.flop / timings[calibration.name].median / 1e9
    rows = []
    for candidate in candidates:
        if candidate.name == calibration.name:
            continue
        timing = timings[candidate.name]
        gflops = candidate.flop / timing.median / 1e9
        rows.append(
            Row(
                work=work,
                name=candidate.name,
                seconds=timing.median,
                first_seconds=timing.first,
                images_per_second=candidate.images / timing.median,
                gflops=gflops,
                matrix_fraction=gflops / matrix_gflops,
                peer=peer if peer in timings else "",
                ratio=ratio(timings[peer], timing) if peer in timings else None,
                precision=candidate.precision,
            )
        )
    return rows


def ratio(peer: Timing, ours: Timing) -> float:
    """How many times faster ours is, as the median over the rounds of the peer's seconds divided by ours."""
    return median(slow / fast for slow, fast in zip(peer.rounds, ours.rounds, strict=True))
