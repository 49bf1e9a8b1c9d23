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
class Ranks:
    """Which of how many this process is.

    Attributes:
        index: from 0; the first one prints, and writes checkpoint and log.
        count: processes in all.
        control: a group of them on the CPU, for what no GPU should wait for; None where the default group is.
    """

    index: int = 0
    count: int = 1
    control: "dist.ProcessGroup | None" = None

    @property
    def is_main(self) -> bool:
        return self.index == 0

    def share(self, places: slice) -> slice:
        """What of a stretch is this process's: parts differ by one at most, and the first ones are the longer."""
        short, longer = divmod(places.stop - places.start, self.count)
        begin = places.start + self.index * short + min(self.index, longer)
        return slice(begin, begin + short + (self.index < longer))

    def add_up(self, sums: Tensor) -> Tensor:
        """The sums of all processes together; `sums` stays as it is."""
        if self.count == 1:
            return sums
        total = sums.detach().clone()
        dist.all_reduce(total)
        return total

    def agree(self, signal_number: int | None) -> int | None:
        """The signal that any process has received, known to all of them at the same step."""
        if self.count == 1:
            return signal_number
        highest = torch.tensor(signal_number or 0)
        dist.all_reduce(highest, op=dist.ReduceOp.MAX, group=self.control)
        return int(highest) or None

    def on_main(self, action: Callable[[], None]) -> None:
        """Let the first process do it and the others wait; what goes wrong there is raised in all of them."""
        if self.count == 1:
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


def ranks_here(device: torch.device) -> Ranks:
    """The processes that `torchrun` started, or a group that the caller has made; else this process alone.

    Raises:
        UsageError: `torchrun` started several processes that would share one GPU.
    """
    if not dist.is_available():
        return Ranks()
    if not dist.is_initialized():
        if int(os.environ.get("WORLD_SIZE", "1")) == 1:
            return Ranks()
        dist.init_process_group("nccl" if device.type == "cuda" else "gloo")
        atexit.register(_leave)
    if dist.get_world_size() == 1:
        return Ranks()
    if device.type == "cuda" and int(os.environ.get("LOCAL_WORLD_SIZE", "1")) > torch.cuda.device_count():
        raise UsageError(
            f"torchrun started {os.environ['LOCAL_WORLD_SIZE']} processes here for {torch.cuda.device_count()} GPUs: "
            "one process a GPU, so torchrun --nproc-per-node=gpu"
        )
    return Ranks(dist.get_rank(), dist.get_world_size(), _control_group())


def local_device(device: torch.device) -> torch.device:
    """Under `torchrun`, the GPU of this process's own; elsewhere `device` itself."""
    local = os.environ.get("LOCAL_RANK")
    if local is None or device.type != "cuda" or device.index is not None:
        return device
    return torch.device("cuda", int(local))


def _control_group() -> dist.ProcessGroup | None:
    """All processes on the CPU; None, which is the default group, where that is there already."""
    return None if dist.get_backend() == "gloo" else cast(dist.ProcessGroup, dist.new_group(backend="gloo"))


def _leave() -> None:
    gc.collect()  # what still refers to the group, in a cycle, would end it a second time
    if dist.is_initialized():
        dist.destroy_process_group()
