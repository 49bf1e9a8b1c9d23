"""The networks through torch.hub, from this checkout."""

from pathlib import Path
from typing import Any

import pytest
import torch
from cases import ALL, ROOT

import resnetzoo

PLAIN = resnetzoo.list_weights("plainnet20.*")[0]


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A repository on GitHub of which torch.hub has a copy already: this checkout."""
    monkeypatch.setattr(torch.hub, "_hub_dir", str(tmp_path / "hub"))
    (tmp_path / "hub").mkdir()
    (tmp_path / "hub" / "owner_resnetzoo_main").symlink_to(ROOT)
    return "owner/resnetzoo:main"


def load(name: str, **choices: Any) -> resnetzoo.CifarNet:
    model = torch.hub.load(str(ROOT), name, source="local", **choices)
    assert isinstance(model, resnetzoo.CifarNet)
    return model


def test_hub_lists_the_networks_and_nothing_else(repository: str) -> None:
    names = torch.hub.list(repository, skip_validation=True, trust_repo=True, verbose=False)
    assert sorted(names) == sorted(ALL)


@pytest.mark.parametrize("name", ALL)
def test_a_name_loads_what_its_help_says(name: str, repository: str) -> None:
    with torch.device("meta"):
        model = load(name)
    assert model.spec == resnetzoo.get_spec(name)
    says = torch.hub.help(repository, name, skip_validation=True, trust_repo=True)
    assert f": {model.spec.depth} layers" in says
    assert f"{sum(parameter.numel() for parameter in model.parameters()):,} parameters" in says
    assert ("bottleneck" in says) == (model.spec.block == "bottleneck")


def test_a_copy_of_the_repository_is_enough(repository: str) -> None:
    model = torch.hub.load(repository, "resnet20", weights=True, skip_validation=True, trust_repo=True, verbose=False)
    assert model.weights is resnetzoo.list_weights("resnet20.*")[0]


def test_choices_are_those_of_create() -> None:
    model = load("resnet20", num_classes=4, in_chans=1, shortcut="projection")
    assert model.spec == resnetzoo.ModelSpec("residual", 20, shortcut="projection", num_classes=4, in_chans=1)
    with pytest.raises(resnetzoo.UsageError, match="preresnet20 has no weights"):
        load("preresnet20", weights=True)


@pytest.mark.parametrize(
    "choices",
    [{"weights": True}, {"weights": PLAIN.tag}, {"pretrained": True}, {"weights": PLAIN.tag, "pretrained": True}],
)
def test_trained_weights(choices: dict[str, Any]) -> None:
    model = load("plainnet20", **choices)
    images = torch.randn(1, 3, 32, 32)
    assert torch.equal(model(images), resnetzoo.create("plainnet20", weights=True)(images))
    assert model.weights is PLAIN


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize(
    ("choices", "weights"), [({"pretrained": True}, True), ({"pretrained": False}, False), ({}, False)]
)
def test_pretrained_means_weights(
    name: str, choices: dict[str, bool], weights: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[str, object]] = []
    monkeypatch.setattr(resnetzoo, "create", lambda name, **choices: asked.append((name, choices["weights"])))
    torch.hub.load(str(ROOT), name, source="local", **choices)
    assert asked == [(name, weights)]
