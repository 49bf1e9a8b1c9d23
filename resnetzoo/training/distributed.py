"""The processes that train one network together, as `torchrun` starts them; most often there is one."""

import atexit
import gc
import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

import torch
import torch.distributed as dist
from torch import Tensor

from resnetzoo.errors import ResnetzooError, UsageError


@dataclass(frozen=True)
class DistributedContext:
    """Which of how many this process is.

    Attributes:
        rank: from 0; the first one prints, and writes checkpoint and log.
        world_size: processes in all.
        control: a group of them on the CPU, for what no GPU should wait for; None where the default group is.
    """

    rank: int = 0
    world_size: int = 1
    control: "dist.ProcessGroup | None" = None

    @property
    def is_main(self) -> bool:
        return self.rank == 0

    def shard(self, indices: slice) -> slice:
        """The part of a range that is this process's; parts differ by one at most, the first are the longer."""
        short, longer = divmod(indices.stop - indices.start, self.world_size)
        begin = indices.start + self.rank * short + min(self.rank, longer)
        return slice(begin, begin + short + (self.rank < longer))

    def all_reduce_sum(self, sums: Tensor) -> Tensor:
        """The sum over all processes; `sums` stays as it is."""
        if self.world_size == 1:
            return sums
        total = sums.detach().clone()
        dist.all_reduce(total)
        return total

    def all_reduce_max(self, number: int) -> int:
        """The highest number of all processes, known to each of them at the same step; no GPU is waited for."""
        if self.world_size == 1:
            return number
        highest = torch.tensor(number)
        dist.all_reduce(highest, op=dist.ReduceOp.MAX, group=self.control)
        return int(highest)

    def rank_zero_only(self, action: Callable[[], None]) -> None:
        """Let the first process do it and the others wait; what goes wrong there is raised in all of them."""
        if self.world_size == 1:
            action()
            return
        failed: list[ResnetzooError | None] = [None]
        if self.is_main:
            try:
                action()
            except ResnetzooError as error:
                failed = [error]
        dist.broadcast_object_list(failed, src=0, group=self.control)
        if failed[0] is not None:
            raise failed[0]


def current_context(device: torch.device) -> DistributedContext:
    """The processes that `torchrun` started, or a group that the caller has made; else this process alone.

    Raises:
        UsageError: `torchrun` started several processes that would share one GPU.
    """
    if not dist.is_available():
        return DistributedContext()
    if not dist.is_initialized():
        if int(os.environ.get("WORLD_SIZE", "1")) == 1:
            return DistributedContext()
        dist.init_process_group("nccl" if device.type == "cuda" else "gloo")
        atexit.register(_destroy_process_group)
    if dist.get_world_size() == 1:
        return DistributedContext()
    if device.type == "cuda" and int(os.environ.get("LOCAL_WORLD_SIZE", "1")) > torch.cuda.device_count():
        raise UsageError(
            f"torchrun started {os.environ['LOCAL_WORLD_SIZE']} processes here for {torch.cuda.device_count()} GPUs: "
            "one process a GPU, so torchrun --nproc-per-node=gpu"
        )
    return DistributedContext(dist.get_rank(), dist.get_world_size(), _control_group())


def local_device(device: torch.device) -> torch.device:
    """Under `torchrun`, the GPU of this process's own; elsewhere `device` itself."""
    local = os.environ.get("LOCAL_RANK")
    if local is None or device.type != "cuda" or device.index is not None:
        return device
    return torch.device("cuda", int(local))


def _control_group() -> dist.ProcessGroup | None:
    """All processes on the CPU; None, which is the default group, where that is there already."""
    return None if dist.get_backend() == "gloo" else cast(dist.ProcessGroup, dist.new_group(backend="gloo"))


def _destroy_process_group() -> None:
    gc.collect()  # what still refers to the group, in a cycle, would end it a second time
    if dist.is_initialized():
        dist.destroy_process_group()
