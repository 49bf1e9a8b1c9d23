"""Who runs against one of our networks: what is installed takes part, what is not is named with its cure."""

from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec

import torch

from resnetzoo.bench.dataloader_baseline import LOOP_CURE, LOOP_PACKAGE, loaded_epoch, loop_step
from resnetzoo.bench.peers import OTHERS, TWINS, Peer, peer_forward, peer_step
from resnetzoo.bench.timing import Contestant, TimedCall
from resnetzoo.data.image_set import ImageSet


@dataclass(frozen=True)
class Rivals:
    """The other contestants of a race.

    Attributes:
        contestants: ready to run.
        peer: the name of the one that runs the same network; empty where there is none.
        missing: a line for each that cannot take part.
    """

    contestants: tuple[Contestant, ...]
    peer: str
    missing: tuple[str, ...]


NO_RIVALS = Rivals(contestants=(), peer="", missing=())
"""Of a case that no peer has."""


def forward_rivals(name: str, *, batch_size: int, device: torch.device) -> Rivals:
    """The same network in pytorchcv, if it is one of `TWINS`, and the resnet18 of torchvision and timm."""
    return _rivals(name, lambda peer: peer_forward(peer, batch_size=batch_size, device=device))


def step_rivals(name: str, *, batch_size: int, device: torch.device, steps: int = 4, loop: bool = True) -> Rivals:
    """As in `forward_rivals`, and with `loop` the tutorials' training loop, over epochs of `steps` batches."""
    rivals = _rivals(
        name,
        lambda peer: peer_step(peer, batch_size=batch_size, device=device),
        # The last stage of resnet18 is one pixel of a 32x32 image: of one image, batch norm has no variance.
        without=OTHERS if batch_size == 1 else (),
    )
    if not loop:
        return rivals
    if find_spec(LOOP_PACKAGE) is None:
        return Rivals(rivals.contestants, rivals.peer, (*rivals.missing, LOOP_CURE))
    contestant = loop_step(name, batch_size=batch_size, device=device, steps=steps)
    return Rivals((*rivals.contestants, contestant), rivals.peer, rivals.missing)


def create_rivals(name: str) -> Rivals:
    """Who builds the same network."""
    twin = TWINS.get(name)
    if twin is None:
        return NO_RIVALS
    if not twin.installed:
        return Rivals((), "", (twin.cure,))
    return Rivals((Contestant(twin.name, TimedCall(twin.build, torch.device("cpu"))),), twin.name, ())


def batches_rivals(images: ImageSet, *, batch_size: int) -> Rivals:
    """The DataLoader with the transforms of torchvision."""
    if find_spec(LOOP_PACKAGE) is None:
        return Rivals((), "", (LOOP_CURE,))
    loader = loaded_epoch(images, batch_size=batch_size)
    return Rivals((loader,), loader.name, ())


def _rivals(name: str, build: Callable[[Peer], Contestant], *, without: tuple[Peer, ...] = ()) -> Rivals:
    twin = TWINS.get(name)
    peers = [peer for peer in ([twin] if twin else []) + list(OTHERS) if peer not in without]
    return Rivals(
        contestants=tuple(build(peer) for peer in peers if peer.installed),
        peer=twin.name if twin and twin.installed else "",
        missing=tuple(peer.cure for peer in peers if not peer.installed),
    )
