"""The networks of distillation benchmarks, resnet8 to resnet32x4, from checkpoints as they are published.

Their code (github.com/HobbitLong/RepDistiller, models/resnet.py) gives the stem and each stage a width of its own. Here
their forward pass is written a second time, over names alone.
"""

from argparse import Namespace
from pathlib import Path

import pytest
import torch
from foreign_networks import IMAGES, assert_same_logits, load, ours
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 (the field's standard name)

import resnetzoo
from resnetzoo import ModelSpec

# Their names: stem and stages, depth, and the learned numbers for 100 classes, by hand from layers and widths.
NARROW, WIDE = (16, (16, 32, 64)), (32, (64, 128, 256))
NETWORKS = {
    "resnet8": (8, *NARROW, 83_892),
    "resnet14": (14, *NARROW, 181_108),
    "resnet8x4": (8, *WIDE, 1_233_540),
    "resnet32x4": (32, *WIDE, 7_433_860),
}


def spec_of(name: str, **choices: object) -> ModelSpec:
    depth, stem, widths, _ = NETWORKS[name]
    made = {"shortcut": "projection", "num_classes": 100, **choices}
    return ModelSpec("residual", depth, widths=widths, stem_width=stem, **made)  # type: ignore[arg-type]


def their_state(name: str) -> dict[str, Tensor]:
    """Under their names, in their shapes, without any module of this package."""
    depth, stem, widths, _ = NETWORKS[name]
    generator = torch.Generator().manual_seed(0)
    state: dict[str, Tensor] = {}

    def conv(path: str, norm: str, inputs: int, outputs: int, kernel: int = 3) -> None:
        size = (outputs, inputs, kernel, kernel)
        state[f"{path}.weight"] = torch.randn(size, generator=generator) * (2 / (inputs * kernel**2)) ** 0.5
        state[f"{norm}.weight"] = torch.rand(outputs, generator=generator) + 0.5
        state[f"{norm}.bias"] = torch.randn(outputs, generator=generator) / 10
        state[f"{norm}.running_mean"] = torch.randn(outputs, generator=generator) / 10
        state[f"{norm}.running_var"] = torch.rand(outputs, generator=generator) + 0.5
        state[f"{norm}.num_batches_tracked"] = torch.tensor(9)

    conv("conv1", "bn1", 3, stem)
    inputs = stem
    for stage, width in enumerate(widths, start=1):
        for index in range((depth - 2) // 6):
            block = f"layer{stage}.{index}"
            conv(f"{block}.conv1", f"{block}.bn1", inputs, width)
            conv(f"{block}.conv2", f"{block}.bn2", width, width)
            if index == 0 and (stage > 1 or inputs != width):
                conv(f"{block}.downsample.0", f"{block}.downsample.1", inputs, width, 1)
            inputs = width
    state["fc.weight"] = torch.randn(100, inputs, generator=generator) / 10
    state["fc.bias"] = torch.randn(100, generator=generator)
    return state


def their_logits(state: dict[str, Tensor], images: Tensor) -> Tensor:
    def layer(x: Tensor, path: str, norm: str, stride: int = 1) -> Tensor:
        weight = state[f"{path}.weight"]
        x = F.conv2d(x, weight, stride=stride, padding=weight.shape[2] // 2)
        mean, variance, scale, bias = (state[f"{norm}.{n}"] for n in ("running_mean", "running_var", "weight", "bias"))
        return F.batch_norm(x, mean, variance, scale, bias)

    x = layer(images, "conv1", "bn1").relu()
    blocks = sorted({name.rsplit(".conv1", 1)[0] for name in state if name.startswith("layer") and ".conv1." in name})
    for block in blocks:  # fewer than ten a stage
        stride = 2 if block in ("layer2.0", "layer3.0") else 1
        y = layer(x, f"{block}.conv1", f"{block}.bn1", stride).relu()
        y = layer(y, f"{block}.conv2", f"{block}.bn2")
        if f"{block}.downsample.0.weight" in state:
            x = layer(x, f"{block}.downsample.0", f"{block}.downsample.1", stride)
        x = (x + y).relu()
    return F.linear(x.mean((2, 3)), state["fc.weight"], state["fc.bias"])


@pytest.mark.parametrize("name", NETWORKS)
def test_a_published_checkpoint_loads(tmp_path: Path, name: str) -> None:
    state = their_state(name)
    options = Namespace(model=name, dataset="cifar100", learning_rate=0.05, lr_decay_epochs=[150, 180, 210])
    torch.save({"opt": options, "model": state, "optimizer": {}, "best_acc": torch.tensor(72.5)}, tmp_path / "last.pth")
    model = load(tmp_path / "last.pth")
    assert model.spec == spec_of(name)
    assert list(model.state_dict()) == list(state)
    with torch.inference_mode():
        expected = their_logits(state, IMAGES)
        torch.testing.assert_close(model(IMAGES), expected, rtol=0, atol=1e-4 * float(expected.abs().max()))
    assert resnetzoo.complexity(model.spec).params == sum(p.numel() for p in model.parameters()) == NETWORKS[name][3]


def test_the_wide_ones_say_their_name_and_their_input(tmp_path: Path) -> None:
    torch.save({"model": their_state("resnet8x4")}, tmp_path / "resnet8x4_best.pth")
    model = load(tmp_path / "resnet8x4_best.pth")
    assert ": resnet8x4, 100 classes in the names of" in str(model.origin)
    assert model.normalization is not None
    assert model.normalization.mean.flatten().tolist() == pytest.approx([0.5071, 0.4867, 0.4408])
    resnetzoo.save_weights(model, tmp_path / "ours.safetensors")
    again = load(tmp_path / "ours.safetensors")
    assert again.spec == model.spec
    assert_same_logits(again, model)
    with torch.inference_mode():
        fused = resnetzoo.optimize(model, precision="fp32", compile=False)(IMAGES)
        torch.testing.assert_close(fused, model(IMAGES), rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("choices", [{"shortcut": "identity"}, {"in_chans": 1, "num_classes": 7}])
def test_stems_of_other_networks_are_read_off(tmp_path: Path, choices: dict[str, object]) -> None:
    peer = ours(spec_of("resnet8x4", **choices))
    torch.save(peer.state_dict(), tmp_path / "weights.pt")
    model = load(tmp_path / "weights.pt")
    assert model.spec == peer.spec


def test_a_stem_of_the_first_width_is_none() -> None:
    assert ModelSpec("residual", 8, stem_width=16) == ModelSpec("residual", 8)
    assert "stem_width" not in ModelSpec("residual", 8).to_dict()
    for spec in (spec_of("resnet8x4"), spec_of("resnet8")):
        assert ModelSpec.from_dict(spec.to_dict()) == spec


@pytest.mark.parametrize(
    ("choices", "message"),
    [
        ({"stem_width": 0}, "stem_width"),
        ({"stem_width": 1.5}, "stem_width"),
        ({"stem_width": 64}, r'stem_width 64 is above the 16 channels of the first stage; use shortcut="projection"'),
    ],
)
def test_a_stem_that_cannot_be(choices: dict[str, int], message: str) -> None:
    with pytest.raises(resnetzoo.UsageError, match=message):
        ModelSpec("residual", 8, **choices)


def test_an_unregistered_name_says_how_to_build_it() -> None:
    for name, depth in (("resnet14x4", 14), ("ResNet20x4", 20)):
        with pytest.raises(resnetzoo.UnknownModelError, match="is not a registered name, but it can be") as refused:
            resnetzoo.create(name)
        spec = str(refused.value).partition(f'register("{name.lower()}", ')[2].removesuffix(")")
        assert eval(spec) == ModelSpec("residual", depth, shortcut="projection", widths=WIDE[1], stem_width=WIDE[0])
    for name in ("resnet8x4", "resnet32x4"):
        assert resnetzoo.create(name, num_classes=100).spec == spec_of(name)
    with pytest.raises(resnetzoo.UnknownModelError, match="unknown model"):
        resnetzoo.create("resnet9x4")
