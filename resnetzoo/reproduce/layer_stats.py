"""Responses and gradients of each layer, in the trained networks and in the same networks before training."""

from dataclasses import asdict, dataclass
from typing import Any, Literal

import torch
from torch.optim.swa_utils import update_bn

from resnetzoo.analysis import LayerValues, gradient_norms, response_std
from resnetzoo.data.image_set import ImageSet
from resnetzoo.data.normalization import Normalization
from resnetzoo.data.pair import Data
from resnetzoo.models.cifar_net import CifarNet
from resnetzoo.models.pretrained import attach_normalization
from resnetzoo.reproduce.planned_run import PlannedRun
from resnetzoo.utils.fp32 import computing
from resnetzoo.weights.checkpoint.training_state import network_of, open_checkpoint

State = Literal["initial", "trained"]
LayerMeasure = Literal["response std", "gradient norm"]

_TEST_IMAGES = 2_000  # for the responses
_TRAIN_IMAGES = 500  # for the gradients


@dataclass(frozen=True)
class LayerRow:
    """One measure of one network, layer by layer.

    Attributes:
        network: label of the network.
        seed: seed of its run.
        state: `trained`, or `initial`: before the first step, but with measured running statistics of the norms.
        measure: `response std` as in figure 7, on test images in evaluation mode; or `gradient norm`, of the loss
            on a batch of training images in training mode.
        layers: names of the layers.
        values: one value per layer.
    """

    network: str
    seed: int
    state: State
    measure: LayerMeasure
    layers: tuple[str, ...]
    values: tuple[float, ...]

    @property
    def by_layer(self) -> LayerValues:
        """The values in the form that the functions of `resnetzoo.analysis` return."""
        return LayerValues(self.layers, torch.tensor(self.values, dtype=torch.float64, device="cpu").numpy())

    def to_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON."""
        return asdict(self)


def measure_layers(run: PlannedRun, data: Data, device: torch.device) -> list[LayerRow]:
    """Compute both measures of a finished run, for the trained and the initial network.

    Raises:
        CheckpointError: the run's weights are no longer in its folder.
    """
    checkpoint = open_checkpoint(run.folder)
    trained = network_of(checkpoint).to(device)
    test = data.test.select(slice(_TEST_IMAGES))
    batch = data.train.select(slice(_TRAIN_IMAGES))
    initial = _initial(run, checkpoint.normalization, test, device)
    networks: dict[State, CifarNet] = {"initial": initial, "trained": trained}
    rows = []
    for state, model in networks.items():
        measured: dict[LayerMeasure, LayerValues] = {
            "response std": response_std(model, test),
            "gradient norm": gradient_norms(model, batch),
        }
        for measure, found in measured.items():
            values = tuple(float(f"{value:.7g}") for value in found.values)
            rows.append(LayerRow(run.spec.label, run.seed, state, measure, found.names, values))
    return rows


def _initial(run: PlannedRun, normalize: Normalization, images: ImageSet, device: torch.device) -> CifarNet:
    """The initial network, with running statistics measured on these images, since fresh ones are meaningless."""
    model = run.build().to(device)
    attach_normalization(model, normalize)
    with computing(device):
        update_bn([normalize(pixels.to(device)) for pixels in torch.split(images.images, 500)], model)
    return model
