"""The peak performance of a machine, measured with three simple operations as a reference for other figures.

Each represents one kind of work, so that figures relative to it can be compared between machines and between days.
"""

import torch

from resnetzoo.bench.environment import Environment
from resnetzoo.bench.timing import Candidate, TimedCall

MATRIX_SIDE = {"cpu": 2048, "cuda": 8192, "mps": 2048}  # only the larger one keeps a GPU busy
COPY_BYTES = 64 * 2**20
ADDITIONS = 500_000

_DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16}


def matrix_product(environment: Environment) -> Candidate:
    """The candidate that multiplies two square matrices: the machine's matrix rate, for work made of convolutions."""
    device, precision = environment.device, environment.precision
    side = MATRIX_SIDE[device.type]
    random = torch.Generator().manual_seed(0)
    left, right = (
        torch.randn(side, side, dtype=torch.float32, device="cpu", generator=random).to(device, _DTYPES[precision])
        for _ in range(2)
    )
    product = torch.empty_like(left)

    def multiply() -> None:
        torch.mm(left, right, out=product)

    return Candidate(f"matrix product {precision}", TimedCall(multiply, device), flop=2 * side**3)


def memory_copy() -> Candidate:
    """The candidate that copies 64 MiB in the CPU's memory, for work that moves data."""
    source = torch.zeros(COPY_BYTES, dtype=torch.uint8, device="cpu")
    target = torch.ones_like(source)
    return Candidate("memory copy", TimedCall(lambda: target.copy_(source), torch.device("cpu")))


def interpreter() -> Candidate:
    """The candidate that adds half a million times in Python, for work of the interpreter."""

    def add() -> int:
        total = 0
        for number in range(ADDITIONS):
            total += number
        return total

    return Candidate("interpreter", TimedCall(add, torch.device("cpu")))
