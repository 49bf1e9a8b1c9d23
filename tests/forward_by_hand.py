"""The forward pass of any network of the zoo in evaluation mode, out of its state dict alone: an oracle for all."""

import math
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 (the field's standard name)

import resnetzoo


@dataclass
class ByHand:
    """A forward pass in evaluation mode out of the state dict alone, with everything that is measured of it."""

    model: resnetzoo.CifarNet
    responses: dict[str, Tensor] = field(default_factory=dict)
    shortcuts: dict[str, Tensor] = field(default_factory=dict)
    branches: dict[str, Tensor] = field(default_factory=dict)
    outputs: dict[str, Tensor] = field(default_factory=dict)

    @torch.no_grad()
    def run(self, x: Tensor) -> Tensor:
        spec = self.model.spec
        preactivation = spec.family == "preactivation"
        x = self.conv("conv1", x)
        if not preactivation:
            x = self.norm("bn1", x)
        self.responses["conv1"] = x
        x = self.outputs["stem"] = x if preactivation else F.relu(x)
        for block in spec.blocks():
            added = self.preactivation(block, x) if preactivation else self.postactivation(block, x)
            x = self.outputs[block.name] = added if preactivation else F.relu(added)
        x = F.relu(self.norm("bn", x)) if preactivation and spec.last_norm else x
        return F.linear(x.mean((2, 3)), self.model.fc.weight, self.model.fc.bias)

    def postactivation(self, block: Any, x: Tensor) -> Tensor:
        convs = [f"conv{number}" for number in range(1, self.model.spec.layers_per_block + 1)]
        y = x
        for number, name in enumerate(convs, start=1):
            y = self.norm(f"{block.name}.bn{number}", self.conv(f"{block.name}.{name}", y, self.stride(block, name)))
            self.note_3x3(f"{block.name}.{name}", y)
            y = y if name == convs[-1] else F.relu(y)
        if self.model.spec.family == "plain":
            return y
        return self.add(block, self.shortcut(block, x), y)

    def preactivation(self, block: Any, x: Tensor) -> Tensor:
        a = F.relu(self.norm(f"{block.name}.bn1", x))
        activated = self.model.spec.has_projection(block) and self.model.spec.projection_input == "activated"
        shortcut = self.shortcut(block, a if activated else x)
        y = self.conv(f"{block.name}.conv1", a, self.stride(block, "conv1"))
        for number in range(2, self.model.spec.layers_per_block + 1):
            y = self.norm(f"{block.name}.bn{number}", y)
            self.note_3x3(f"{block.name}.conv{number - 1}", y)
            y = self.conv(f"{block.name}.conv{number}", F.relu(y), self.stride(block, f"conv{number}"))
        self.note_3x3(f"{block.name}.conv{self.model.spec.layers_per_block}", y)
        return self.add(block, shortcut, y)

    def add(self, block: Any, shortcut: Tensor, branch: Tensor) -> Tensor:
        self.shortcuts[block.name], self.branches[block.name] = shortcut, branch
        return shortcut + branch

    def shortcut(self, block: Any, x: Tensor) -> Tensor:
        name = f"{block.name}.downsample"
        if self.model.spec.has_projection(block):
            x = self.conv(f"{name}.0", x, block.stride)
            return x if self.model.spec.family == "preactivation" else self.norm(f"{name}.1", x)
        padded = torch.zeros(len(x), block.out_chans, *x[0, 0, :: block.stride, :: block.stride].shape).to(x)
        front = (block.out_chans - block.in_chans) // 2
        padded[:, front : front + block.in_chans] = x[:, :, :: block.stride, :: block.stride]
        return padded

    def stride(self, block: Any, conv: str) -> int:
        """That of the block is in its first 3x3 convolution, or where the spec says."""
        if self.model.spec.strided_conv is not None:
            return block.stride if conv == f"conv{self.model.spec.strided_conv}" else 1
        convs = [f"conv{number}" for number in range(1, self.model.spec.layers_per_block + 1)]
        return block.stride if conv == next(name for name in convs if self.is_3x3(f"{block.name}.{name}")) else 1

    def is_3x3(self, name: str) -> bool:
        return self.model.state_dict()[f"{name}.weight"].shape[2:] == (3, 3)

    def note_3x3(self, name: str, response: Tensor) -> None:
        if self.is_3x3(name):
            self.responses[name] = response

    def conv(self, name: str, x: Tensor, stride: int = 1) -> Tensor:
        weight = self.model.state_dict()[f"{name}.weight"]
        return F.conv2d(x, weight, stride=stride, padding=weight.shape[-1] // 2, groups=x.shape[1] // weight.shape[1])

    def norm(self, name: str, x: Tensor) -> Tensor:
        state = self.model.state_dict()
        if self.model.spec.norm == "group":
            groups = math.gcd(x.shape[1], 32) if x.shape[1] != 48 else 24
            return F.group_norm(x, groups, state[f"{name}.weight"], state[f"{name}.bias"])
        mean, variance, scale, shift = (
            state[f"{name}.{part}"] for part in ("running_mean", "running_var", "weight", "bias")
        )
        return F.batch_norm(x, mean, variance, scale, shift)


def by_hand(model: resnetzoo.CifarNet, inputs: Tensor) -> ByHand:
    forward = ByHand(model)
    with torch.no_grad():
        torch.testing.assert_close(forward.run(inputs), model.eval()(inputs))
    return forward
