"""Networks that cannot be recorded, or of which a recording would be wrong: Python has a say in them, or they wait."""

import random
from collections.abc import Callable
from typing import cast

import numpy as np
import torch
from torch import Tensor, nn


class Net(nn.Module):
    """A linear network; subclasses do something on the way."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.fc = nn.Linear(3 * 32 * 32, 10)
        self.register_buffer("calls", torch.zeros(()))
        self.steps = 0
        self.seen: list[int] = []

    def forward(self, images: Tensor) -> Tensor:
        return cast(Tensor, self.fc(images.flatten(1) * self.factor(images)))

    def factor(self, images: Tensor) -> Tensor | float:
        return 1.0


class CountsInPython(Net):
    def factor(self, images: Tensor) -> float:
        self.steps += self.training
        return 1 + self.steps / 10


class ListsInPython(Net):
    def factor(self, images: Tensor) -> float:
        self.seen += [1] * self.training
        return 1 + len(self.seen) / 10


class PutsANewTensor(Net):
    def factor(self, images: Tensor) -> Tensor:
        if self.training:
            self.calls = self.calls + 1
        return 1 + self.calls / 10


class AsksForAValue(Net):
    def factor(self, images: Tensor) -> float:
        self.calls += self.training
        return 1 + self.calls.item() / 10


class Decides(Net):
    """Also of the value of a tensor, without a word of it."""

    def factor(self, images: Tensor) -> float:
        self.calls += self.training
        return 0.5 if self.calls > 5 else 1.0


class DrawsFromPython(Net):
    def factor(self, images: Tensor) -> float:
        return random.random()


class DrawsFromNumpy(Net):
    def factor(self, images: Tensor) -> float:
        return float(np.random.rand())


class DrawsFromTheCpu(Net):
    def factor(self, images: Tensor) -> Tensor:
        return torch.rand(())


def with_hook(module: Callable[[nn.Module], nn.Module]) -> Callable[[], nn.Module]:
    def make() -> nn.Module:
        net, calls = Net(), [1.0]

        def scale(module: nn.Module, args: object, output: Tensor) -> Tensor:
            calls[0] += 0.1
            return output * calls[0]

        module(net).register_forward_hook(scale)
        return net

    return make


def with_tensor_hook() -> nn.Module:
    net, calls = Net(), [1.0]

    def scale(gradient: Tensor) -> Tensor:
        calls[0] += 0.1
        return gradient * calls[0]

    net.fc.weight.register_hook(scale)
    return net


NOT_ALWAYS_THE_SAME = {
    "CountsInPython": (CountsInPython, r"a step sets CountsInPython\.steps anew"),
    "ListsInPython": (ListsInPython, r"a step sets ListsInPython\.seen anew"),
    "PutsANewTensor": (PutsANewTensor, r"a step sets PutsANewTensor\.calls anew"),
    "DrawsFromPython": (DrawsFromPython, "a step draws from random,"),
    "DrawsFromNumpy": (DrawsFromNumpy, r"a step draws from numpy\.random"),
    "DrawsFromTheCpu": (DrawsFromTheCpu, "a step draws from torch's generator of the CPU"),
    "hook of the network": (with_hook(lambda net: net), "Net has hooks"),
    "hook of a layer": (with_hook(lambda net: net.fc), r"Net\.fc has hooks"),
    "hook of all modules": (Net, "hooks are registered for all modules"),
    "hook of a parameter": (with_tensor_hook, r"Net\.fc\.weight has hooks"),
}
WAIT = {
    "AsksForAValue": (AsksForAValue, "the host asks for a value"),
    "Decides": (Decides, "the host asks for a value"),
    "cumulative average": (
        lambda: nn.Sequential(nn.BatchNorm2d(3, momentum=None), Net()),
        "the host asks for a value",
    ),
}
