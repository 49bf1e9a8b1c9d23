"""Networks of other libraries as candidates, as their own documentation runs them: eager, in torch's default fp32."""

from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from importlib.util import find_spec

import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812 (the field's standard name)

from resnetzoo.bench.timing import Candidate, TimedCall
from resnetzoo.bench.workload import TRAINING_PASSES, peer_precision, peer_settings, random_images
from resnetzoo.utils.modules import evaluating


@dataclass(frozen=True)
class Peer:
    """A network of another library.

    Attributes:
        name: what tables call it.
        package: what to install.
        build: makes the network, with fresh weights and 10 classes.
    """

    name: str
    package: str
    build: Callable[[], nn.Module]

    @property
    def installed(self) -> bool:
        return find_spec(self.package) is not None

    @property
    def install_hint(self) -> str:
        """What to say where it is missing."""
        return f'{self.name}: {self.package} is not installed: pip install "resnetzoo[bench]"'


def _pytorchcv(name: str) -> nn.Module:
    from pytorchcv.model_provider import get_model

    network: nn.Module = get_model(name, pretrained=False)
    return network


def _torchvision_resnet18() -> nn.Module:
    from torchvision.models import resnet18

    network: nn.Module = resnet18(num_classes=10)
    return network


def _timm_resnet18() -> nn.Module:
    from timm import create_model

    network: nn.Module = create_model("resnet18", num_classes=10)
    return network


TWINS: dict[str, Peer] = {
    "resnet20": Peer("pytorchcv resnet20", "pytorchcv", lambda: _pytorchcv("resnet20_cifar10")),
    "resnet56": Peer("pytorchcv resnet56", "pytorchcv", lambda: _pytorchcv("resnet56_cifar10")),
    "resnet110": Peer("pytorchcv resnet110", "pytorchcv", lambda: _pytorchcv("resnet110_cifar10")),
}
"""The same network in another library, by our name: the peer that our speed is a ratio to."""

OTHERS: tuple[Peer, ...] = (
    Peer("torchvision resnet18", "torchvision", _torchvision_resnet18),
    Peer("timm resnet18", "timm", _timm_resnet18),
)
"""What people put on images of 32x32 when they look no further: other networks, beside ours in FLOP a second."""


def peer_forward(peer: Peer, *, batch_size: int, device: torch.device) -> Candidate:
    """Inference: float images (n, 3, 32, 32) -> logits (n, 10)."""
    network = peer.build().to(device).eval()
    images = random_images(batch_size, device)

    def infer() -> None:
        with peer_settings(device), torch.inference_mode():
            network(images)

    flop = flop_of(network) * batch_size
    return Candidate(
        peer.name, TimedCall(infer, device), images=batch_size, flop=flop, precision=peer_precision(device)
    )


def peer_step(peer: Peer, *, batch_size: int, device: torch.device) -> Candidate:
    """A training step on a batch that is there already: forward, backward, SGD with Nesterov momentum."""
    network = peer.build().to(device)
    flop = TRAINING_PASSES * flop_of(network) * batch_size
    images = random_images(batch_size, device)
    labels = torch.arange(batch_size, device=device) % 10
    optimizer = torch.optim.SGD(network.parameters(), lr=1e-3, momentum=0.9, nesterov=True, weight_decay=1e-4)
    network.train()

    def train() -> None:
        with peer_settings(device):
            loss = F.cross_entropy(network(images), labels)
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()

    return Candidate(
        peer.name, TimedCall(train, device), images=batch_size, flop=flop, precision=peer_precision(device)
    )


def peer_versions() -> dict[str, str]:
    """The versions of the peers' packages that are here."""
    packages = sorted({peer.package for peer in (*TWINS.values(), *OTHERS) if peer.installed})
    return {package: version(package) for package in packages}


def flop_of(network: nn.Module) -> int:
    """Floating-point operations of one image's forward pass, two a multiply-add, as torch counts them."""
    from torch.utils.flop_counter import FlopCounterMode  # here, for it brings a compiler along

    device = next(network.parameters()).device
    with evaluating(network), torch.no_grad(), FlopCounterMode(display=False) as counter:
        network(random_images(1, device))
    return int(counter.get_total_flops())
