"""The stored loss surfaces are those of the packaged networks."""

import json

import pytest
import torch
from cases import ROOT

import resnetzoo

SURFACES = json.loads((ROOT / "docs" / "results" / "loss_surfaces.json").read_text())


@pytest.mark.parametrize("name", SURFACES)
def test_the_middle_is_the_loss_of_the_network_itself(name: str) -> None:
    """The package has each network's answers to the test images."""
    surface = SURFACES[name]
    middle = len(surface["first"]) // 2
    assert surface["first"][middle] == surface["second"][middle] == 0
    stored = resnetzoo.load_logits(name)
    loss = torch.nn.functional.cross_entropy(stored.logits[:100].float(), stored.labels[:100])
    assert surface["losses"][middle][middle] == pytest.approx(loss.item(), rel=1e-2)
    assert min(map(min, surface["losses"])) == surface["losses"][middle][middle]
