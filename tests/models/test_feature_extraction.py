"""Features of inner layers by torchvision's own means: symbolic tracing of every kind of network."""

import copy

import pytest
import torch
from cases import KINDS
from torch import Tensor, nn
from torchvision.models.feature_extraction import create_feature_extractor, get_graph_node_names

import resnetzoo

STAGES = ["layer1", "layer2", "layer3"]


def seen_by_hooks(model: nn.Module, images: Tensor) -> dict[str, Tensor]:
    """What the stages give in an ordinary forward pass."""
    seen: dict[str, Tensor] = {}
    handles = [
        model.get_submodule(name).register_forward_hook(
            lambda module, inputs, output, name=name: seen.update({name: output.clone()})
        )
        for name in STAGES
    ]
    model(images)
    for handle in handles:
        handle.remove()
    return seen


@pytest.mark.parametrize("spec", KINDS, ids=lambda spec: f"{spec.label}-{spec.shortcut}")
def test_stages_and_logits_are_those_of_the_network(spec: resnetzoo.ModelSpec) -> None:
    model = resnetzoo.CifarNet(spec).eval()
    extractor = create_feature_extractor(model, return_nodes=[*STAGES, "fc"])
    images = torch.randn(2, 3, 32, 32)
    with torch.inference_mode():
        features = extractor(images)
        expected = {**seen_by_hooks(model, images), "fc": model(images)}
    assert list(features) == list(expected)
    for name, found in features.items():
        assert torch.equal(found, expected[name]), name
    assert [features[name].shape[1] for name in STAGES] == [width * spec.num_features // 64 for width in spec.widths]


def test_features_in_training_have_gradients() -> None:
    model = resnetzoo.create("resnet20", seed=0)
    extractor = create_feature_extractor(copy.deepcopy(model), return_nodes={"layer3": "last"})
    images = torch.randn(2, 3, 32, 32)
    found = extractor(images)["last"]
    torch.testing.assert_close(found, model.forward_features(images))
    found.mean().backward()
    assert all(parameter.grad is not None for parameter in extractor.layer1.parameters())


def test_a_traced_network_takes_any_batch_and_checks_its_images() -> None:
    extractor = create_feature_extractor(resnetzoo.create("preresnet20").eval(), return_nodes=["layer3"])
    assert extractor(torch.randn(5, 3, 16, 24))["layer3"].shape == (5, 64, 4, 6)
    with pytest.raises(ValueError, match=r"expected images of shape \(N, 3, H, W\), found \[3, 32, 32\]"):
        extractor(torch.randn(3, 32, 32))


def test_nodes_have_the_names_of_the_layers() -> None:
    _, nodes = get_graph_node_names(resnetzoo.create("resnet20"))
    assert {"conv1", "bn1", "layer1.0.conv1", "layer3.2.bn2", "avgpool", "fc"} <= set(nodes)
