"""The networks through torch.hub, from this checkout."""

import inspect
import runpy
from pathlib import Path
from typing import Any

import pytest
import torch
from cases import ALL, PARAMS, ROOT

import resnetzoo

PLAIN = resnetzoo.list_weights("plainnet20.*")[0]


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A repository on GitHub of which torch.hub has a copy already: this checkout."""
    monkeypatch.setattr(torch.hub, "_hub_dir", str(tmp_path / "hub"))
    (tmp_path / "hub").mkdir()
    (tmp_path / "hub" / "owner_resnetzoo_main").symlink_to(ROOT)
    return "owner/resnetzoo:main"


@pytest.fixture(scope="module")
def hubconf() -> dict[str, Any]:
    """What hubconf.py defines, by name."""
    return runpy.run_path(str(ROOT / "hubconf.py"))


def load(name: str, **choices: Any) -> resnetzoo.CifarNet:
    model = torch.hub.load(str(ROOT), name, source="local", **choices)
    assert isinstance(model, resnetzoo.CifarNet)
    return model


def test_hub_lists_the_networks_and_nothing_else(repository: str) -> None:
    names = torch.hub.list(repository, skip_validation=True, trust_repo=True, verbose=False)
    assert sorted(names) == sorted(ALL)


@pytest.mark.parametrize("name", ["plainnet20", "preresnet164"])
def test_hub_gives_the_help_of_a_function_and_what_it_makes(
    name: str, repository: str, hubconf: dict[str, Any]
) -> None:
    says = torch.hub.help(repository, name, skip_validation=True, trust_repo=True)
    assert says == hubconf[name].__doc__
    with torch.device("meta"):
        assert load(name).spec == resnetzoo.get_spec(name)


@pytest.mark.parametrize("name", ALL)
def test_a_function_makes_what_its_help_says(name: str, hubconf: dict[str, Any]) -> None:
    function = hubconf[name]
    assert function.__name__ == name
    with torch.device("meta"):
        model = function()
    assert model.spec == resnetzoo.get_spec(name)
    assert f": {model.spec.depth} layers" in function.__doc__
    assert f"{PARAMS[name]:,} parameters" in function.__doc__
    assert PARAMS[name] == sum(parameter.numel() for parameter in model.parameters())
    assert f" in {model.spec.block} blocks" in function.__doc__
    arguments = ["weights", "num_classes", "in_chans", "shortcut", "pretrained"]
    assert list(inspect.signature(function).parameters) == [
        argument for argument in arguments if argument != "shortcut" or model.spec.family != "plain"
    ]


def test_a_copy_of_the_repository_is_enough(repository: str) -> None:
    model = torch.hub.load(repository, "resnet20", weights=True, skip_validation=True, trust_repo=True, verbose=False)
    assert model.weights is resnetzoo.list_weights("resnet20.*")[0]


def test_choices_are_those_of_create() -> None:
    model = load("resnet20", num_classes=4, in_chans=1, shortcut="projection")
    assert model.spec == resnetzoo.ModelSpec("residual", 20, shortcut="projection", num_classes=4, in_chans=1)
    with pytest.raises(resnetzoo.UsageError, match="preresnet20 has no weights"):
        load("preresnet20", weights=True)
    with pytest.raises(TypeError, match="shortcut"):
        load("plainnet20", shortcut="identity")


@pytest.mark.parametrize(
    "choices",
    [{"weights": True}, {"weights": PLAIN.tag}, {"pretrained": True}, {"weights": PLAIN.tag, "pretrained": True}],
)
def test_trained_weights(choices: dict[str, Any]) -> None:
    model = load("plainnet20", **choices)
    images = torch.randn(1, 3, 32, 32)
    assert torch.equal(model(images), resnetzoo.create("plainnet20", weights=True)(images))
    assert model.weights is PLAIN


@pytest.mark.parametrize("name", ["plainnet20", "resnet20"])  # without shortcut, and with
@pytest.mark.parametrize(
    ("choices", "weights"),
    [({"pretrained": True}, True), ({"pretrained": False}, False), ({}, False), ({"weights": ""}, "")],
)
def test_pretrained_means_weights(
    name: str, choices: dict[str, Any], weights: bool | str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[str, object]] = []
    monkeypatch.setattr(resnetzoo, "create", lambda name, **choices: asked.append((name, choices["weights"])))
    torch.hub.load(str(ROOT), name, source="local", **choices)
    assert asked == [(name, weights)]
