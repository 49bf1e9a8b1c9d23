"""Networks on the meta device have no values: all that needs some says so in one way, and the rest goes on working."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from cases import TINY_RECIPE, lived_in
from PIL import Image
from torch import nn

import resnetzoo
from resnetzoo import analysis, metrics, plots
from resnetzoo.data.normalization import channel_normalization
from resnetzoo.inference.predictor import model_title
from resnetzoo.models.fingerprint import true_row

SPEC = resnetzoo.ModelSpec("residual", 8, widths=(4, 8, 16))
DATA = resnetzoo.synthetic(seed=3, train_images=48, test_images=40)
Use = Callable[[nn.Module, Path], object]


def on_meta() -> resnetzoo.CifarNet:
    return known(lived_in(SPEC)).to("meta")


def known(model: resnetzoo.CifarNet) -> resnetzoo.CifarNet:
    model.normalization, model.classes = channel_normalization((0.2, 0.6, 0.9), (0.4, 0.1, 0.7)), DATA.classes
    return model


def in_part() -> resnetzoo.CifarNet:
    model = known(lived_in(SPEC))
    model.fc.to("meta")
    return model


def predict(model: nn.Module, folder: Path) -> object:
    Image.new("RGB", (32, 32), "orange").save(folder / "a.png")
    return resnetzoo.predict(model, folder / "a.png")


def save_pretrained(model: nn.Module, folder: Path) -> object:
    hub = pytest.importorskip("resnetzoo.interop.huggingface", exc_type=ImportError)
    return hub.HubCifarNet.of(model).save_pretrained(folder / "hub")


def fit(model: nn.Module, folder: Path) -> object:
    return resnetzoo.fit(model, DATA, TINY_RECIPE, device="cpu", progress=False)


USES: dict[str, Use] = {
    "fit": fit,
    "evaluate": lambda model, folder: resnetzoo.evaluate(model, DATA.test),
    "logits_of": lambda model, folder: metrics.logits_of(model, DATA.test),
    "agreement": lambda model, folder: resnetzoo.agreement(lived_in(SPEC), model, DATA.test),
    "predict": predict,
    "optimize": lambda model, folder: resnetzoo.optimize(model, compile=False),
    "optimize to int8": lambda model, folder: resnetzoo.optimize(model, precision="int8", calibration=DATA.train),
    "save_weights": lambda model, folder: resnetzoo.save_weights(model, folder / "a.safetensors"),
    "export_safetensors": lambda model, folder: resnetzoo.export_safetensors(model, folder / "a.safetensors"),
    "export_program": lambda model, folder: resnetzoo.export_program(model, folder / "a.pt2"),
    "export_torchscript": lambda model, folder: resnetzoo.export_torchscript(model, folder / "a.pt"),
    "export_onnx": lambda model, folder: resnetzoo.export_onnx(model, folder / "a.onnx"),
    "export with preprocessing": lambda model, folder: resnetzoo.export_program(
        resnetzoo.WithPreprocessing(model), folder / "a.pt2"
    ),
    "save_pretrained": save_pretrained,
    "response_std": lambda model, folder: analysis.response_std(model, DATA.test),
    "shortcut_share": lambda model, folder: analysis.shortcut_share(model, DATA.test),
    "gradient_norms": lambda model, folder: analysis.gradient_norms(model, DATA.test),
    "cka": lambda model, folder: analysis.cka(lived_in(SPEC), model, DATA.test),
    "loss_surface": lambda model, folder: analysis.loss_surface(model, DATA.test, points=3),
}


@pytest.mark.parametrize("use", USES)
@pytest.mark.parametrize("make", [on_meta, in_part, lambda: nn.DataParallel(on_meta())], ids=["all", "part", "wrapped"])
def test_what_needs_values_says_so(use: str, make: Callable[[], nn.Module], tmp_path: Path) -> None:
    with pytest.raises(
        resnetzoo.UsageError, match=r'on the device "meta", so its weights have no values: .*to_empty\(device='
    ):
        USES[use](make(), tmp_path)
    assert not [path for path in tmp_path.rglob("*") if path.is_file() and path.suffix != ".png"]


def test_what_needs_no_values_goes_on() -> None:
    model = on_meta()
    assert resnetzoo.complexity(model) == resnetzoo.complexity(SPEC)
    assert plots.draw(model) == plots.draw(SPEC)
    assert model(torch.empty(2, 3, 32, 32, device="meta")).shape == (2, 10)
    loaded = resnetzoo.create("resnet20", weights=True).to("meta")
    assert true_row(loaded) is None
    assert model_title(loaded) == f"resnet20, changed after it was loaded as {loaded.weights.name}"  # type: ignore[union-attr]


def test_the_advice_gives_it_values() -> None:
    source, model = known(lived_in(SPEC)), on_meta()
    model.to_empty(device="cpu").load_state_dict(source.state_dict())
    assert resnetzoo.evaluate(model, DATA.test) == resnetzoo.evaluate(source, DATA.test)
