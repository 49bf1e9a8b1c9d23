"""The processes that train one network together, as `torchrun` starts them; usually there is only one."""

import atexit
import gc
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar, cast

import torch
import torch.distributed as dist
from torch import Tensor

from resnetzoo.errors import ResnetzooError, UsageError
from resnetzoo.utils.device import gpu_identity
from resnetzoo.utils.text import brief, first_line, reason_of, whole_number_in

Result = TypeVar("Result")


@dataclass(frozen=True)
class DistributedContext:
    """The rank of this process and the number of processes.

    Attributes:
        rank: number of this process, from 0; process 0 prints, and writes checkpoint and log.
        world_size: number of processes.
        control: a process group on the CPU, for communication that no GPU should wait for; None if the default group
            works on the CPU.
    """

    rank: int = 0
    world_size: int = 1
    control: "dist.ProcessGroup | None" = None

    @property
    def is_main(self) -> bool:
        return self.rank == 0

    def shard(self, indices: slice) -> slice:
        """The part of a range for this process; parts differ in length by at most one, and the first are longer."""
        short, longer = divmod(indices.stop - indices.start, self.world_size)
        begin = indices.start + self.rank * short + min(self.rank, longer)
        return slice(begin, begin + short + (self.rank < longer))

    def all_reduce_sum(self, sums: Tensor) -> Tensor:
        """The sum over all processes; `sums` is not changed."""
        if self.world_size == 1:
            return sums
        total = sums.detach().clone()
        with all_there():
            dist.all_reduce(total)
        return total

    def all_reduce_max(self, number: int) -> int:
        """The largest number over all processes, which all of them learn at the same step; does not wait for a GPU."""
        if self.world_size == 1:
            return number
        highest = torch.tensor(number, device="cpu")
        with all_there():
            dist.all_reduce(highest, op=dist.ReduceOp.MAX, group=self.control)
        return int(highest)

    def all_gather(self, own: Result) -> list[Result]:
        """The value of each process, in the order of their ranks."""
        said = [own] * self.world_size
        if self.world_size > 1:
            with all_there():
                dist.all_gather_object(said, own, group=self.control)
        return said

    def in_all(self, action: Callable[[], Result]) -> Result:
        """The result of this process; if one fails, all raise an error, since the others would wait for it forever."""
        if self.world_size == 1:
            return action()
        result, failed = _try(action)
        for rank, error in enumerate(self.all_gather(None if failed is None else _portable(failed))):
            if error is not None and failed is None:
                kind = UsageError if isinstance(error, UsageError) else ResnetzooError
                raise kind(f"process {rank} of {self.world_size} cannot begin: {error}")
        if failed is not None:
            raise failed
        return cast(Result, result)

    def from_rank_zero(self, action: Callable[[], Result]) -> Result:
        """The first process's result, in all processes; if it fails, its error is raised in all of them."""
        if self.world_size == 1:
            return action()
        result, failed = _try(action) if self.is_main else (None, None)
        said = [(result, None if failed is None else _portable(failed))]
        with all_there():
            dist.broadcast_object_list(said, src=0, group=self.control)
        if failed is not None:
            raise failed
        result, error = said[0]
        if error is not None:
            raise error
        return cast(Result, result)


@contextmanager
def all_there() -> Iterator[None]:
    """A block in which processes wait for each other; if one no longer answers, the error says so in one line.

    Raises:
        ResnetzooError: replaces the error of the group's backend.
    """
    try:
        yield
    except RuntimeError as error:
        if not _is_of_group(error):
            raise
        raise ResnetzooError(
            f"another process of this run has ended or cannot be reached ({first_line(error)}): what was saved stays; "
            "start all of them again to go on from there"
        ) from error


def _is_of_group(error: RuntimeError) -> bool:
    """Whether the error is about the connection between processes; Gloo has no exception class for that."""
    return isinstance(error, dist.DistError) or "gloo" in str(error)


def _try(action: Callable[[], Result]) -> tuple[Result | None, Exception | None]:
    try:
        return action(), None
    except Exception as error:  # raised again once the others know
        return None, error


def _portable(error: Exception) -> ResnetzooError:
    """The error in a form that can be sent to other processes, which may not know its class."""
    return error if isinstance(error, ResnetzooError) else ResnetzooError(reason_of(error))


def current_context(device: torch.device) -> DistributedContext:
    """The processes that `torchrun` started, or the caller's own group; otherwise this process alone.

    Raises:
        UsageError: several processes would use the same GPU with NCCL, or the caller's group does not support `device`.
    """
    if not dist.is_available():
        return DistributedContext()
    if not dist.is_initialized():
        if started_together() == 1:
            return DistributedContext()
        _make_group(device)
    if dist.get_world_size() == 1:
        return DistributedContext()
    backends = _backends()
    if device.type not in backends:
        raise UsageError(
            f"the processes' group works on {' and '.join(backends)}, and the run is on {device.type}: choose another "
            f'device, or make the group by torch.distributed.init_process_group("{_backend_for(device)}")'
        )
    control = None if backends.get("cpu") == "gloo" else dist.new_group(backend="gloo")
    context = DistributedContext(dist.get_rank(), dist.get_world_size(), cast("dist.ProcessGroup | None", control))
    if backends[device.type] == "nccl":
        check_own_gpus(context.all_gather(gpu_identity(device)))
    return context


def processes_here() -> int:
    """The number of processes that would share a run that begins now."""
    if dist.is_available() and dist.is_initialized():
        return dist.get_world_size()
    return started_together()


def started_together() -> int:
    """The number of processes that `torchrun`, or another launcher, started for one run; 1 without a launcher.

    Raises:
        UsageError: the environment variables are incomplete, or not numbers.
    """
    said = os.environ.get("WORLD_SIZE") or "1"
    count = whole_number_in(said)
    cure = "start the command with torchrun, or unset WORLD_SIZE to train in one process"
    if not count:
        raise UsageError(f"WORLD_SIZE in the environment is {brief(said)}, which is not a number of processes: {cure}")
    if count == 1:
        return 1
    missing = [name for name in ("RANK", "MASTER_ADDR", "MASTER_PORT") if not os.environ.get(name)]
    if missing:
        verb = "is" if len(missing) == 1 else "are"
        raise UsageError(f"WORLD_SIZE in the environment is {said}, but {', '.join(missing)} {verb} missing: {cure}")
    for name in ("RANK", "MASTER_PORT"):
        if whole_number_in(os.environ[name]) is None:
            raise UsageError(f"{name} in the environment is {brief(os.environ[name])}, which is not a number: {cure}")
    if int(os.environ["RANK"]) >= count:
        raise UsageError(f"RANK in the environment is {os.environ['RANK']}, but WORLD_SIZE is {said}: {cure}")
    return count


def _make_group(device: torch.device) -> None:
    """Connect the processes that were started together; the group ends with this process."""
    with all_there():
        _join_group(device)
    atexit.register(_destroy_process_group)


def _join_group(device: torch.device) -> None:
    store, rank, world_size = next(dist.rendezvous("env://"))  # type: ignore[attr-defined]
    own = None
    if device.type == "cuda":
        # NCCL connects the GPUs at once, and fails with its own message if two of them are the same.
        check_own_gpus(exchange(store, rank, world_size, gpu_identity(device)))
        if device.index is not None:
            torch.cuda.set_device(device)
        own = torch.device("cuda", torch.cuda.current_device())
    dist.init_process_group(_backend_for(device), store=store, rank=rank, world_size=world_size, device_id=own)


def _backend_for(device: torch.device) -> str:
    return "nccl" if device.type == "cuda" else "gloo"


def _backends() -> dict[str, str]:
    """The group's backend for each type of device: {"cpu": "gloo", "cuda": "gloo"}, or {"cuda": "nccl"}."""
    return dict(part.split(":") for part in dist.get_backend_config().split(","))


def exchange(store: Any, rank: int, world_size: int, own: str | None) -> list[str | None]:
    """The value of each process, in the order of their ranks, before they form a group; waits for all processes."""
    said = dist.PrefixStore("resnetzoo", store)  # type: ignore[attr-defined]
    said.set(str(rank), own or "")
    return [said.get(str(other)).decode() or None for other in range(world_size)]


def check_own_gpus(gpus: Sequence[str | None]) -> None:
    """Check that each process has its own GPU.

    Args:
        gpus: the result of `gpu_identity` in each process.

    Raises:
        UsageError: a process has no GPU, or two have the same; raised in all of them.
    """
    owners: dict[str, int] = {}
    for rank, gpu in enumerate(gpus):
        if gpu is None:
            found = f"process {rank} of {len(gpus)} has none"
        elif owners.setdefault(gpu, rank) != rank:
            found = f"processes {owners[gpu]} and {rank} of {len(gpus)} have the same one ({gpu})"
        else:
            continue
        raise UsageError(
            f"each process needs its own GPU, but {found}: start one per GPU with torchrun --nproc-per-node=gpu and "
            'the device "cuda", or give each its own "cuda:N"'
        )


def local_device(device: torch.device) -> torch.device:
    """The GPU of this process under `torchrun`; otherwise `device` itself."""
    local = whole_number_in(os.environ.get("LOCAL_RANK", ""))
    if local is None or device.type != "cuda" or device.index is not None:
        return device
    if not (dist.is_available() and dist.is_initialized()) and started_together() == 1:
        return device  # LOCAL_RANK is left over in the environment, and there is only one process
    return torch.device("cuda", local)


def _destroy_process_group() -> None:
    gc.collect()  # anything in a cycle that still refers to the group would end it a second time
    if dist.is_initialized():
        dist.destroy_process_group()
