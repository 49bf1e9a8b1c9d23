"""Networks grouped for figures by what they are, whatever they are called."""

from dataclasses import replace

import pytest

import resnetzoo
from resnetzoo.models import registry
from resnetzoo.reproduce import TARGETS, Network
from resnetzoo.reproduce.series import networks_by_label, series_of


@pytest.mark.parametrize(
    ("network", "title"),
    [
        (Network("plainnet56"), "plain"),
        (Network("resnet56"), "residual"),
        (Network("resnet164"), "residual"),
        (Network("preresnet110"), "preactivation"),
        (Network("resnet56", "projection"), "residual (projection)"),
        (Network("resnet20", "identity"), "residual (identity)"),
    ],
)
def test_the_title_of_a_series(network: Network, title: str) -> None:
    assert series_of(network).title == title


def test_numbers_in_a_name_are_not_its_depth(monkeypatch: pytest.MonkeyPatch) -> None:
    wide = replace(resnetzoo.get_spec("resnet20"), widths=(64, 128, 256))
    monkeypatch.setattr(registry, "_SPECS", {**registry._SPECS, "wide29_8x64d": wide})
    network = Network("wide29_8x64d")
    assert network.spec().depth == 20
    assert series_of(network).title == "residual, 64 to 256 channels"
    assert series_of(network) != series_of(Network("resnet20"))


@pytest.mark.parametrize("name", TARGETS)
def test_every_label_has_its_network(name: str) -> None:
    target = TARGETS[name]
    found = networks_by_label(target)
    assert list(found.values()) == [*target.networks, *target.on_request]
    assert all(network.spec().label == label for label, network in found.items())
