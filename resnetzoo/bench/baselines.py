"""The libraries to compare with: installed ones take part, others are listed with how to install them."""

from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec

import torch

from resnetzoo.bench.dataloader_baseline import LOOP_INSTALL_HINT, LOOP_PACKAGE, loaded_epoch, loop_step
from resnetzoo.bench.peers import OTHERS, TWINS, Peer, peer_forward, peer_step
from resnetzoo.bench.timing import Candidate, TimedCall
from resnetzoo.data.image_set import ImageSet
from resnetzoo.utils.device import Precision
from resnetzoo.utils.validation import check_whole_number


@dataclass(frozen=True)
class Baselines:
    """The other candidates of a race.

    Attributes:
        candidates: the baselines that can run.
        peer: the name of the baseline that runs the same network; empty if there is none.
        missing: one line for each baseline that cannot take part.
    """

    candidates: tuple[Candidate, ...]
    peer: str
    missing: tuple[str, ...]

    @property
    def contestants(self) -> tuple[Candidate, ...]:
        """The former name of `candidates`, for programs that still use it."""
        return self.candidates


NO_BASELINES = Baselines(candidates=(), peer="", missing=())
"""The baselines of a case that no other library has."""


def forward_baselines(
    name: str, *, batch_size: int, device: torch.device, compiled: bool = False, precision: Precision = "fp32"
) -> Baselines:
    """The baselines of inference: the same network in another library, if `TWINS` has it, and two resnet18.

    The resnet18 are those of torchvision and timm. With `compiled` the same network takes part twice, as it is and
    compiled by `torch.compile`. Peers compute in fp32, or with `bf16` inside torch's autocast.

    Raises:
        UsageError: `batch_size` is below 1.
    """
    check_whole_number("batch_size", batch_size)
    return _baselines(
        name,
        lambda peer, compile_it: peer_forward(
            peer, batch_size=batch_size, device=device, compiled=compile_it, precision=precision
        ),
        compiled=compiled,
    )


def step_baselines(
    name: str,
    *,
    batch_size: int,
    device: torch.device,
    steps: int = 4,
    loop: bool = True,
    compiled: bool = False,
    precision: Precision = "fp32",
) -> Baselines:
    """The baselines of a training step: the same networks as in `forward_baselines`, and the tutorials' training loop.

    The loop takes part if `loop` is true; it runs in fp32, and on a CPU `steps` steps per measurement.

    Raises:
        UsageError: `batch_size` or `steps` is below 1.
    """
    check_whole_number("batch_size", batch_size)
    check_whole_number("steps", steps)
    baselines = _baselines(
        name,
        lambda peer, compile_it: peer_step(
            peer, batch_size=batch_size, device=device, compiled=compile_it, precision=precision
        ),
        compiled=compiled,
        # The last stage of resnet18 is one pixel of a 32x32 image, so batch norm has no variance for a single image.
        without=OTHERS if batch_size == 1 else (),
    )
    if not loop:
        return baselines
    if find_spec(LOOP_PACKAGE) is None:
        return Baselines(baselines.candidates, baselines.peer, (*baselines.missing, LOOP_INSTALL_HINT))
    candidate = loop_step(name, batch_size=batch_size, device=device, steps=steps)
    return Baselines((*baselines.candidates, candidate), baselines.peer, baselines.missing)


def create_baselines(name: str) -> Baselines:
    """The baselines of `create`: other libraries that build the same network."""
    twin = TWINS.get(name)
    if twin is None:
        return NO_BASELINES
    if not twin.installed:
        return Baselines((), "", (twin.install_hint,))
    return Baselines((Candidate(twin.name, TimedCall(twin.build, torch.device("cpu"))),), twin.name, ())


def batches_baselines(images: ImageSet, *, batch_size: int) -> Baselines:
    """The baseline of `batches`: the DataLoader with the transforms of torchvision.

    Raises:
        UsageError: `batch_size` is below 1.
    """
    check_whole_number("batch_size", batch_size)
    if find_spec(LOOP_PACKAGE) is None:
        return Baselines((), "", (LOOP_INSTALL_HINT,))
    loader = loaded_epoch(images, batch_size=batch_size)
    return Baselines((loader,), loader.name, ())


def _baselines(
    name: str, build: Callable[[Peer, bool], Candidate], *, compiled: bool, without: tuple[Peer, ...] = ()
) -> Baselines:
    twin = TWINS.get(name)
    peers = [peer for peer in ([twin] if twin else []) + list(OTHERS) if peer not in without]
    candidates = [build(peer, False) for peer in peers if peer.installed]
    if compiled and twin is not None and twin.installed:
        candidates.append(build(twin, True))
    return Baselines(
        candidates=tuple(candidates),
        peer=twin.name if twin and twin.installed else "",
        missing=tuple(peer.install_hint for peer in peers if not peer.installed),
    )
