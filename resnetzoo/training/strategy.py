"""How the steps of a run are carried out: as they are, compiled, recorded, or shared between processes."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn

from resnetzoo.data.device_loader import DeviceLoader
from resnetzoo.errors import UsageError
from resnetzoo.training.batchnorm import with_summed_batchnorm
from resnetzoo.training.compiled import REPAID_BY_IMAGES, compiled, compiling_pays
from resnetzoo.training.cuda_graph import CudaGraphStep, cuda_graph
from resnetzoo.training.ddp import DDPStep, wrap_ddp
from resnetzoo.training.distributed import DistributedContext
from resnetzoo.training.recipes import Recipe
from resnetzoo.training.running_metrics import RunningMetrics
from resnetzoo.training.step import EagerStep, Step, make_loss, make_optimizer
from resnetzoo.utils.device import Precision


class Strategy:
    """The optimizer and the step of one run, on the CUDA stream of its own where there is one.

    Args:
        model: on its device already.
        recipe: as it runs on this number of images.
        batches: the training set on the device.
        precision: of the forward pass.
        compile: True or False, or None to let the length of the run decide.
        context: the processes that share the run.

    Attributes:
        execution: one of `eager`, `compiled`, `recorded`, `compiled and recorded`, `shared`: results carry it.
        reason: the same, with its reason, for the person who waits.

    Raises:
        UsageError: `compile=True` for a run that several processes share, or whose batches they cannot share.
    """

    def __init__(
        self,
        model: nn.Module,
        recipe: Recipe,
        batches: DeviceLoader,
        precision: Precision,
        *,
        compile: bool | None,  # noqa: A002 (torch's and `fit`'s own word)
        context: DistributedContext,
    ) -> None:
        self.device = batches.device
        self.stream = (
            torch.cuda.Stream(self.device) if self.device.type == "cuda" else None  # type: ignore[no-untyped-call]
        )
        self.metrics = RunningMetrics(self.device)
        self.optimizer = make_optimizer(model, recipe, self.device)
        whole = min(recipe.batch_size, len(batches))
        images = recipe.steps * whole
        shared = context.world_size > 1
        if shared:
            _check_shares(context, len(batches), whole, compile)
        compiling = not shared and (compiling_pays(self.device, images) if compile is None else compile)
        loss_fn = rest_loss_fn = make_loss(
            wrap_ddp(model, context, self.device) if shared else model, recipe, self.device, precision
        )
        if compiling:
            loss_fn = compiled(
                make_loss(_for_compiler(model, self.device), recipe, self.device, precision), self.device
            )
        step = EagerStep(loss_fn, rest_loss_fn, self.optimizer, batches, self.metrics, whole)
        self.step: Step = step
        if shared:
            self.step = DDPStep(step, context)
        elif self.stream is not None:
            self.step = CudaGraphStep(step, cuda_graph(self.stream))
        if self.stream is not None:  # for the network and the images, which came there by the caller's stream
            self.stream.wait_stream(torch.cuda.current_stream(self.device))
        self.execution = _execution(compiling=compiling, recorded=isinstance(self.step, CudaGraphStep), shared=shared)
        self.reason = _reason(self.execution, self.device, images, context)

    @contextmanager
    def on_stream(self) -> Iterator[None]:
        """Device work inside goes to the run's own stream, so that runs side by side do not wait for each other."""
        if self.stream is None:
            yield
        else:
            with torch.cuda.stream(self.stream):
                yield

    def release(self) -> None:
        """Let go of the step, and of what it holds of other processes: nothing must outlive the group of these."""
        del self.step

    def until_done(self) -> Iterator[None]:
        """Pause until the device has done everything that was asked of it so far on this stream."""
        if self.stream is None:
            return
        reached = self.stream.record_event()
        while not reached.query():
            yield

    @property
    def rate(self) -> float:
        """The learning rate of the last step."""
        return float(self.optimizer.param_groups[0]["lr"])

    def optimizer_state(self) -> dict[str, Any]:
        return self.optimizer.state_dict()

    def load_optimizer_state(self, state: dict[str, Any]) -> None:
        """Momentum as it was; the settings are the recipe's, and the rate's tensor must stay the one in use."""
        own = self.optimizer.state_dict()["param_groups"]
        rates = [group["lr"] for group in self.optimizer.param_groups]
        self.optimizer.load_state_dict({"state": state["state"], "param_groups": own})
        for group, rate in zip(self.optimizer.param_groups, rates, strict=True):
            group["lr"] = rate


def _for_compiler(model: nn.Module, device: torch.device) -> nn.Module:
    """On a CPU, the twin whose batch norm its compiler vectorizes."""
    return with_summed_batchnorm(model.train()) if device.type == "cpu" else model


def _check_shares(context: DistributedContext, images: int, batch_size: int, compile: bool | None) -> None:  # noqa: A002
    if compile:
        raise UsageError(
            f"{context.world_size} processes share the run, and a shared step is not compiled: leave compile=True out"
        )
    smallest = images % batch_size or batch_size
    if smallest < context.world_size:
        raise UsageError(
            f"each of {context.world_size} processes needs an image of each batch, but the smallest batch of "
            f"{images:,} images in batches of {batch_size} has {smallest}: take another batch size, or fewer processes"
        )


def _execution(*, compiling: bool, recorded: bool, shared: bool) -> str:
    if shared:
        return "shared"
    words = [word for word, said in (("compiled", compiling), ("recorded", recorded)) if said]
    return " and ".join(words) or "eager"


def _reason(execution: str, device: torch.device, images: int, context: DistributedContext) -> str:
    """One line for the person who waits for the first step."""
    if execution == "shared":
        return f"{context.world_size} processes share each batch"
    if device.type == "cpu":
        pays = f"compiling pays from some {REPAID_BY_IMAGES:,} images on, and this run learns from {images:,}"
        return f"step {execution}: {pays}{'; the first step takes longer' if execution == 'compiled' else ''}"
    return f"step {execution}"
