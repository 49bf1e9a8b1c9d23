"""How long `examples/cifar_compare.py` takes by default if CIFAR-10 is not available.

    python benchmarks/default_example.py

On a newer x86 processor, the run is restricted to what older ones have: AVX2, fp32 and two threads.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from resource import RUSAGE_CHILDREN, getrusage
from time import perf_counter

SCRIPT = Path(__file__).resolve().parent.parent / "examples" / "cifar_compare.py"
GOAL = 150  # seconds
# The first is read by torch, the second by oneDNN, which computes its convolutions.
OLD_PROCESSOR = {"ATEN_CPU_CAPABILITY": "avx2", "ONEDNN_MAX_CPU_ISA": "AVX2"}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--as-it-is", action="store_true", help="use everything that the processor has, including bf16")
    args = parser.parse_args()
    environment = {**os.environ, "OMP_NUM_THREADS": str(args.threads), **({} if args.as_it_is else OLD_PROCESSOR)}
    words = ["--dataset", "synthetic", "--device", "cpu", "--precision", "auto" if args.as_it_is else "fp32"]
    with tempfile.TemporaryDirectory() as folder:
        began, before = perf_counter(), cpu_seconds()
        subprocess.run([sys.executable, SCRIPT, *words, "--out", folder], env=environment, check=True)
        seconds, computed = perf_counter() - began, cpu_seconds() - before
    print(f"\n{seconds:.0f} s on {args.threads} threads, {computed:.0f} s of them computed; the goal is {GOAL} s")
    return int(seconds > GOAL)


def cpu_seconds() -> float:
    """Of all processes that were started from here and have ended."""
    used = getrusage(RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    sys.exit(main())
