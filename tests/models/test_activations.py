"""Each activation is a module of its own, called once, and nothing is written over what a module gave out."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import torch
from cases import DEEPEST, DEPTHS, EVERY_KIND, TWINS, USUAL, lived_in
from guided import Guided
from marks import slow_if_in
from torch import Tensor, nn
from torch.autograd.graph import saved_tensors_hooks
from torch.nn import functional as F  # noqa: N812 (the field's standard name)

import resnetzoo
from resnetzoo.inference.fuse import fuse_batch_norm
from resnetzoo.interop.timm.network import TimmCifarNet

IDS = [f"{spec.label}-{spec.shortcut}" for spec in EVERY_KIND]
NAMED_DEPTHS = {f"{prefix}{depth}": depth for prefix, depths in DEPTHS.items() for depth in depths}


def activations_of(model: nn.Module) -> dict[str, nn.ReLU]:
    return {name: module for name, module in model.named_modules() if isinstance(module, nn.ReLU)}


@contextmanager
def watched(modules: dict[str, nn.Module]) -> Iterator[list[tuple[str, Tensor, Tensor, int]]]:
    """Of each call of these modules: name, output, a copy of it, its version."""
    seen: list[tuple[str, Tensor, Tensor, int]] = []

    def note(name: str, output: Tensor) -> None:
        seen.append((name, output, output.detach().clone(), output._version))

    handles = [
        module.register_forward_hook(lambda module, inputs, output, name=name: note(name, output))
        for name, module in modules.items()
    ]
    yield seen
    for handle in handles:
        handle.remove()


def assert_nothing_is_overwritten(model: nn.Module, images: Tensor) -> None:
    with watched(dict(model.named_modules())) as seen:
        model(images)
    assert len(seen) > len(activations_of(model))
    changed = [name for name, output, copy, version in seen if output._version != version]
    assert not changed
    # Bits and no numbers: in a fresh network of a thousand layers the values overflow.
    assert all(torch.equal(output.view(torch.int32), copy.view(torch.int32)) for _, output, copy, _ in seen)


@pytest.mark.parametrize("name", slow_if_in(DEEPEST, USUAL + DEEPEST))
def test_each_layer_with_weights_has_an_activation_that_is_called_once(name: str) -> None:
    model = resnetzoo.create(name)
    activations = activations_of(model)
    layers = model.spec.depth - 2 if model.spec.is_wide else NAMED_DEPTHS.get(name, model.spec.depth)
    assert len(activations) == layers - 1  # all but the classifier
    assert len({id(module) for module in activations.values()}) == len(activations)
    with torch.no_grad(), watched({**activations}) as seen:
        model.eval()(torch.randn(1, 3, 8, 8))
    order = [name for name, *_ in seen]
    assert order == list(activations)  # each once, and registered in the order of the pass
    assert order[-1 if model.preactivation else 0] == "relu"
    assert {name.rpartition(".")[2] for name in order} == {
        "relu",
        *(f"relu{n + 1}" for n in range(model.spec.layers_per_block)),
    }


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("name", slow_if_in(DEEPEST, USUAL + DEEPEST))
def test_no_output_of_a_module_is_overwritten(name: str, training: bool) -> None:
    with torch.set_grad_enabled(training):
        assert_nothing_is_overwritten(resnetzoo.create(name).train(training), torch.randn(2, 3, 8, 8))


@pytest.mark.parametrize("spec", EVERY_KIND, ids=IDS)
def test_nor_in_networks_that_are_made_of_one(spec: resnetzoo.ModelSpec) -> None:
    images = torch.randn(2, 3, 8, 8)
    with torch.no_grad():
        assert_nothing_is_overwritten(fuse_batch_norm(lived_in(spec)), images)
        assert_nothing_is_overwritten(TimmCifarNet(spec).eval(), images)


@pytest.mark.parametrize("spec", EVERY_KIND, ids=IDS)
def test_training_keeps_no_more_than_with_activations_in_place(spec: resnetzoo.ModelSpec) -> None:
    """A ReLU's backward pass needs its output alone, which the next convolution keeps in any case."""
    model, images = resnetzoo.CifarNet(spec), torch.randn(2, 3, 8, 8)
    apart = bytes_kept(model, images)
    for module in activations_of(model).values():
        module.inplace = True
    assert apart == bytes_kept(model, images) > 2 * resnetzoo.complexity(spec, input_size=8).activations * 4


def bytes_kept(model: nn.Module, images: Tensor) -> int:
    """Of all tensors that the backward pass will read, each storage once."""
    kept: dict[int, Tensor] = {}

    def keep(tensor: Tensor) -> Tensor:
        kept[tensor.untyped_storage().data_ptr()] = tensor
        return tensor

    with saved_tensors_hooks(keep, lambda tensor: tensor):
        loss = model(images).sum()
    total = sum(tensor.untyped_storage().nbytes() for tensor in kept.values())
    loss.backward()
    return total


@pytest.mark.parametrize("spec", EVERY_KIND, ids=IDS)
def test_full_backward_hooks_see_gradients(spec: resnetzoo.ModelSpec) -> None:
    model = lived_in(spec)
    images = torch.randn(2, 3, 16, 16, requires_grad=True)
    seen: dict[str, tuple[Tensor, Tensor]] = {}
    outputs: dict[str, Tensor] = {}
    for name, module in model.named_modules():
        module.register_full_backward_hook(
            lambda module, grad_in, grad_out, name=name: seen.update({name: (grad_in[0], grad_out[0])})
        )
        module.register_forward_hook(lambda module, inputs, output, name=name: outputs.update({name: output}))
    model(images)[:, 3].sum().backward()
    assert set(seen) == set(outputs)
    for name in activations_of(model):
        grad_in, grad_out = seen[name]
        assert grad_out.count_nonzero() > 0
        assert torch.equal(grad_in, grad_out * (outputs[name] > 0))
    assert torch.equal(seen["conv1"][0], images.grad)


@pytest.mark.parametrize("spec", EVERY_KIND, ids=IDS)
def test_guided_backpropagation_by_hooks_is_that_by_hand(
    spec: resnetzoo.ModelSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, images = lived_in(spec), torch.randn(2, 3, 16, 16, requires_grad=True)
    (plain,) = torch.autograd.grad(model(images)[:, 3].sum(), images)
    handles = [
        module.register_full_backward_hook(lambda module, grad_in, grad_out: (grad_in[0].clamp(min=0),))
        for module in activations_of(model).values()
    ]
    (found,) = torch.autograd.grad(model(images)[:, 3].sum(), images)
    for handle in handles:
        handle.remove()
    monkeypatch.setattr(nn.ReLU, "forward", lambda self, x: Guided.apply(x))
    (expected,) = torch.autograd.grad(model(images)[:, 3].sum(), images)
    torch.testing.assert_close(found, expected)
    assert not torch.allclose(found, plain)


def test_an_activation_can_be_replaced() -> None:
    spec = TWINS["resnet20"]
    model, images = lived_in(spec), torch.randn(2, 3, 16, 16)
    usual = model(images)
    model.layer2[0].relu2 = nn.Softplus(beta=50)
    assert 0 < (model(images) - usual).abs().max() < 1
    with pytest.raises(resnetzoo.UsageError, match=r"resnet10 .*: layer2\.0\.relu2 is of the class Softplus, which"):
        resnetzoo.save_weights(model, "soft.safetensors")
    torch.testing.assert_close(fuse_batch_norm(model)(images), model(images), rtol=1e-3, atol=1e-4)
    model.layer2[0].relu2 = nn.ReLU(inplace=True)
    resnetzoo.save_weights(model, "usual.safetensors")
    assert torch.equal(resnetzoo.load_checkpoint("usual.safetensors").eval()(images), usual)


@torch.no_grad()
def by_hand(model: resnetzoo.CifarNet, images: Tensor) -> dict[str, Tensor]:
    """Every norm, activation and sum, under the name of its node, out of the state dict alone."""
    state, nodes = model.state_dict(), {}

    def conv(name: str, x: Tensor, stride: int = 1) -> Tensor:
        weight = state[f"{name}.weight"]
        return F.conv2d(x, weight, stride=stride, padding=weight.shape[-1] // 2, groups=x.shape[1] // weight.shape[1])

    def norm(name: str, x: Tensor) -> Tensor:
        weight, bias = (state[f"{name}.{of}"] for of in ("weight", "bias"))
        if model.spec.norm == "group":
            nodes[name] = F.group_norm(x, {4: 4, 8: 8, 16: 16, 48: 24}[x.shape[1]], weight, bias)
        else:
            mean, var = (state[f"{name}.{of}"] for of in ("running_mean", "running_var"))
            nodes[name] = F.batch_norm(x, mean, var, weight, bias)
        return nodes[name]

    def relu(name: str, x: Tensor) -> Tensor:
        nodes[name] = x.clamp(min=0)
        return nodes[name]

    def shortcut(name: str, x: Tensor, shape: resnetzoo.BlockShape) -> Tensor:
        if f"{name}.0.weight" in state:
            x = conv(f"{name}.0", x, shape.stride)
            return norm(f"{name}.1", x) if f"{name}.1.weight" in state else x
        x = x[:, :, :: shape.stride, :: shape.stride]
        padded = x.new_zeros(len(x), shape.out_chans, *x.shape[2:])
        front = (shape.out_chans - shape.in_chans) // 2
        padded[:, front : front + shape.in_chans] = x
        return padded

    spec = model.spec
    x = conv("conv1", images)
    x = x if spec.norm_first else relu("relu", norm("bn1", x))
    for shape in spec.blocks():
        at, count = shape.name, spec.layers_per_block
        strided = "conv2" if spec.block == "bottleneck" else "conv1"
        y = a = x
        for number in range(1, count + 1):
            name = f"conv{number}"
            if spec.norm_first:
                y = relu(f"{at}.relu{number}", norm(f"{at}.bn{number}", y))
                a = y if number == 1 else a
            y = conv(f"{at}.{name}", y, shape.stride if name == strided else 1)
            if not spec.norm_first:
                y = norm(f"{at}.bn{number}", y)
                y = y if number == count else relu(f"{at}.relu{number}", y)
        if spec.has_shortcuts:
            projects = f"{at}.downsample.0.weight" in state
            y = nodes[f"{at}.add"] = y + shortcut(f"{at}.downsample", a if spec.norm_first and projects else x, shape)
        x = y if spec.norm_first else relu(f"{at}.relu{count}", y)
    if spec.norm_first:
        relu("relu", norm("bn", x))
    return nodes


@pytest.mark.parametrize("spec", EVERY_KIND, ids=IDS)
def test_extracted_features_are_those_by_hand(spec: resnetzoo.ModelSpec) -> None:
    from torchvision.models.feature_extraction import create_feature_extractor

    model, images = lived_in(spec), torch.randn(2, 3, 16, 16)
    expected = by_hand(model, images)
    assert {"relu", "layer1.0.relu1", f"{list(spec.blocks())[-1].name}.relu2"} <= set(expected)
    with torch.no_grad():
        found = create_feature_extractor(model, return_nodes=list(expected))(images)
    for name, values in expected.items():
        torch.testing.assert_close(found[name], values, rtol=1e-4, atol=1e-4, msg=name)
        assert values.min() < 0 or "relu" in name, name
