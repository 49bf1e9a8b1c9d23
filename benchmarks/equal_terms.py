"""Ours and a peer on equal terms: the same network, the same precision, each eager and compiled, in the same rounds.

python benchmarks/equal_terms.py writes a file below `benchmarks/equal_terms`, named after processor, threads, precision
and batch size, from which the performance page makes a table. Only our training step also cuts and augments its batch,
as `fit` does.
"""

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from cpuinfo import get_cpu_info
from records import machine_word, short_numbers

import resnetzoo
from resnetzoo import bench

RESULTS = Path(__file__).resolve().parent / "equal_terms"
NAMES = ("resnet18", "wrn16_4")
WAYS = {False: "eager", True: "compiled"}


def races(
    names: Sequence[str], batch_size: int, environment: bench.Environment
) -> Iterator[tuple[str, list[bench.Candidate], bench.Baselines]]:
    """Inference and training of each name: ours both ways, and who else builds the same network."""
    device, precision = environment.device, environment.precision
    for name in names:
        yield (
            f"{name}, inference, batch {batch_size}",
            [
                called(bench.forward(name, batch_size=batch_size, environment=environment, compiled=compiled), way)
                for compiled, way in WAYS.items()
            ],
            bench.forward_baselines(name, batch_size=batch_size, device=device, compiled=True, precision=precision),
        )
        yield (
            f"{name}, training, batch {batch_size}",
            [
                called(
                    bench.step(name, batch_size=batch_size, environment=environment, compiled=compiled, steps=2), way
                )
                for compiled, way in WAYS.items()
            ],
            bench.step_baselines(
                name, batch_size=batch_size, device=device, loop=False, compiled=True, precision=precision
            ),
        )


def called(candidate: bench.Candidate, way: str) -> bench.Candidate:
    """Ours by the name that it has beside the other way."""
    return candidate if way == "eager" else replace(candidate, name=f"{candidate.name}, {way}")


def measure(
    names: Sequence[str], batch_size: int, environment: bench.Environment, rounds: int, beside: str
) -> Iterator[dict[str, Any]]:
    """The record as it stands behind each race: medians over the rounds, and where and beside what it ran."""
    calibration = bench.matrix_product(environment)
    rows: list[dict[str, Any]] = []
    for work, ours, baselines in races(names, batch_size, environment):
        peers = [peer for peer in baselines.candidates if peer.name.startswith(baselines.peer)]
        print(f"timing {work}", flush=True)
        try:
            timings = bench.race([calibration, *ours, *peers], rounds=rounds)
        finally:
            for candidate in (*ours, *baselines.candidates):
                candidate.release()
        found = bench.rows_of(work, [*ours, *peers], timings, calibration=calibration, peer=baselines.peer)
        for row in found:
            kept = asdict(row)
            del kept["first_seconds"]  # what a compilation takes depends on what torch keeps on disk
            rows.append(kept)
            print(f"  {row.name}: {row.images_per_second:,.1f} images/s", flush=True)
        yield {
            **environment.facts(),
            "processor": get_cpu_info().get("brand_raw", ""),
            "recorded": datetime.now(timezone.utc).isoformat(timespec="seconds"),
            "rounds": rounds,
            "beside": beside,
            "rows": rows,
        }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", default=NAMES)
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--precision", default="fp32", help="precision of every candidate: fp32 or bf16")
    parser.add_argument("--beside", default="nothing", help="what else the machine was doing, for the record")
    parser.add_argument("--out", type=Path, default=RESULTS)
    options = parser.parse_args()
    environment = bench.Environment.find(options.device, options.precision)
    cpu = get_cpu_info()
    machine = machine_word({"cpu": cpu, "machine": cpu.get("arch", "")}, environment.facts())
    options.out.mkdir(parents=True, exist_ok=True)
    path = options.out / f"{machine}-batch-{options.batch_size}.json"
    for found in measure(options.names, options.batch_size, environment, options.rounds, options.beside):
        path.write_text(json.dumps(short_numbers(found), indent=1, allow_nan=False) + "\n")
    print(path)


if __name__ == "__main__":
    sys.exit(resnetzoo.run_main(main))
