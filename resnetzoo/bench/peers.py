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
from resnetzoo.utils.device import Precision
from resnetzoo.utils.modules import evaluating


@dataclass(frozen=True)
class Peer:
    """A network of another library.

    Attributes:
        name: its name in tables.
        package: the package to install.
        build: creates the network, with fresh weights and 10 classes.
    """

    name: str
    package: str
    build: Callable[[], nn.Module]

    @property
    def missing(self) -> list[str]:
        """The packages it needs that are not installed. All need torchvision, which pytorchcv does not declare."""
        return [package for package in (self.package, "torchvision") if find_spec(package) is None]

    @property
    def installed(self) -> bool:
        return not self.missing

    @property
    def install_hint(self) -> str:
        """How to install it, for messages if it is missing."""
        return f'{self.name}: {self.missing[0]} is not installed: pip install "resnetzoo[bench]"'


def _pytorchcv(name: str) -> nn.Module:
    from pytorchcv.model_provider import get_model

    network: nn.Module = get_model(name, pretrained=False)
    return network


def _pytorchcv_wrn16_4() -> nn.Module:
    from pytorchcv.models.wrn_cifar import CIFARWRN

    channels = [[64] * 2, [128] * 2, [256] * 2]
    network: nn.Module = CIFARWRN(channels, init_block_channels=16, in_size=(32, 32), num_classes=10)
    return network


def _torchvision_resnet18_3x3() -> nn.Module:
    """The resnet18 of torchvision, with the stem that is usual for small images."""
    network = _torchvision_resnet18()
    network.conv1 = nn.Conv2d(3, 64, 3, padding=1, bias=False)
    network.maxpool = nn.Identity()
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
    "resnet18": Peer("torchvision resnet18, 3x3 stem", "torchvision", _torchvision_resnet18_3x3),
    "wrn16_4": Peer("pytorchcv wrn16_4", "pytorchcv", _pytorchcv_wrn16_4),
}
"""The same network in another library, by our name: the peer that our speed is a ratio to."""

OTHERS: tuple[Peer, ...] = (
    Peer("torchvision resnet18", "torchvision", _torchvision_resnet18),
    Peer("timm resnet18", "timm", _timm_resnet18),
)
"""Networks that people often use for 32x32 images by default; they differ from ours, so compare FLOP per second."""


def peer_forward(
    peer: Peer, *, batch_size: int, device: torch.device, compiled: bool = False, precision: Precision = "fp32"
) -> Candidate:
    """Inference: float images (n, 3, 32, 32) -> logits (n, 10), with `torch.compile` if `compiled`.

    With `bf16` it runs inside torch's autocast, as its documentation shows.
    """
    network = peer.build().to(device).eval()
    forward = torch.compile(network) if compiled else network
    images = random_images(batch_size, device)

    def infer() -> None:
        with peer_settings(device), _mixed(device, precision), torch.inference_mode():
            forward(images)

    flop = flop_of(network) * batch_size
    return Candidate(
        _called(peer, compiled),
        TimedCall(infer, device),
        images=batch_size,
        flop=flop,
        precision=precision if precision == "bf16" else peer_precision(device),
    )


def peer_step(
    peer: Peer, *, batch_size: int, device: torch.device, compiled: bool = False, precision: Precision = "fp32"
) -> Candidate:
    """A training step on an existing batch: forward, backward, SGD with Nesterov momentum.

    With `compiled` the network is compiled by `torch.compile` as it is, forward and backward; with `bf16` forward and
    loss are inside torch's autocast.
    """
    network = peer.build().to(device)
    flop = TRAINING_PASSES * flop_of(network) * batch_size
    images = random_images(batch_size, device)
    labels = torch.arange(batch_size, device=device) % 10
    optimizer = torch.optim.SGD(network.parameters(), lr=1e-3, momentum=0.9, nesterov=True, weight_decay=1e-4)
    forward = torch.compile(network.train()) if compiled else network.train()

    def train() -> None:
        with peer_settings(device):
            with _mixed(device, precision):
                loss = F.cross_entropy(forward(images), labels)
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()

    return Candidate(
        _called(peer, compiled),
        TimedCall(train, device),
        images=batch_size,
        flop=flop,
        precision=precision if precision == "bf16" else peer_precision(device),
    )


def _mixed(device: torch.device, precision: Precision) -> torch.autocast:
    """The context in which a peer computes."""
    return torch.autocast(device.type, dtype=torch.bfloat16, enabled=precision == "bf16")


def _called(peer: Peer, compiled: bool) -> str:
    return f"{peer.name}, compiled" if compiled else peer.name


def peer_versions() -> dict[str, str]:
    """The versions of the peers' installed packages."""
    packages = sorted({peer.package for peer in (*TWINS.values(), *OTHERS) if peer.installed})
    return {package: version(package) for package in packages}


def flop_of(network: nn.Module) -> int:
    """Floating-point operations of one image's forward pass, two per multiply-add, as torch counts them."""
    from torch.utils.flop_counter import FlopCounterMode  # imported here, since it imports a compiler

    device = next(network.parameters()).device
    with evaluating(network), torch.no_grad(), FlopCounterMode(display=False) as counter:
        network(random_images(1, device))
    return int(counter.get_total_flops())
