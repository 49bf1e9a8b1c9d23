"""Networks that people have changed export with their own outputs, or the module at fault is named."""

from pathlib import Path

import pytest
import torch
from changed_networks import CHANGES, CLASSES, COMPUTED, HOOKS, changed
from torch import nn

import resnetzoo
from resnetzoo import export
from resnetzoo.export.wrapper import WithPreprocessing

QUICK = ("torchscript", "safetensors")


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("pixels", [False, True], ids=["images", "pixels"])
@pytest.mark.slow
def test_programs_have_the_changed_outputs(change: str, pixels: bool, tmp_path: Path) -> None:
    model = changed(change)
    model.normalization = resnetzoo.synthetic(seed=0, train_images=8, test_images=1).train.normalization("channel")
    subject = WithPreprocessing(model) if pixels else model
    if change in ("no norm", "norm of the batch"):
        with pytest.raises(resnetzoo.UsageError, match=r"no longer a whole resnet8.*layer1\.0\.bn1"):
            export.export_program(subject, tmp_path / "a.pt2")
        return
    if change == "hook on the network" and not pixels and torch.__version__ < (2, 7):
        with pytest.raises(
            resnetzoo.ExportError, match=r"torch\.export cannot represent this network.*has a forward hook"
        ):
            export.export_program(subject, tmp_path / "a.pt2")
        return
    export.export_program(subject, tmp_path / "a.pt2")
    run = torch.export.load(tmp_path / "a.pt2").module()
    images = torch.randint(0, 256, (3, 32, 32, 3), dtype=torch.uint8) if pixels else torch.randn(3, 3, 32, 32)
    with torch.no_grad():
        torch.testing.assert_close(run(images), subject(images), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("change", ["StdConv2d", "hook on a norm", "pruned", "weight norm"])
@pytest.mark.slow
def test_onnx_has_the_changed_outputs(change: str, tmp_path: Path) -> None:
    runtime = pytest.importorskip("onnxruntime")
    model = changed(change)
    export.export_onnx(model, tmp_path / "a.onnx")
    images = torch.randn(3, 3, 32, 32)
    session = runtime.InferenceSession(tmp_path / "a.onnx", providers=["CPUExecutionProvider"])
    with torch.no_grad():
        found = torch.from_numpy(session.run(None, {"images": images.numpy()})[0])
        torch.testing.assert_close(found, model(images), rtol=1e-3, atol=1e-3)


@pytest.mark.filterwarnings(r"ignore:`torch\.jit\.load` is")
@pytest.mark.parametrize("change", ["StdConv2d", *COMPUTED])
def test_scripts_have_the_changed_outputs(change: str, tmp_path: Path) -> None:
    model = changed(change)
    export.export_torchscript(model, tmp_path / "a.pt")
    images = torch.randn(3, 3, 32, 32)
    with torch.no_grad():
        torch.testing.assert_close(torch.jit.load(tmp_path / "a.pt")(images), model(images), rtol=1e-4, atol=1e-4)  # type: ignore[no-untyped-call]


@pytest.mark.parametrize("change", [*HOOKS, "norm subclass"])
def test_scripts_that_cannot_be_say_why(change: str, tmp_path: Path) -> None:
    with pytest.raises(resnetzoo.ExportError, match=r"TorchScript cannot represent.*(hook|of the class ScaledNorm)"):
        export.export_torchscript(changed(change), tmp_path / "a.pt")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("change", CHANGES)
def test_safetensors_hold_values_alone(change: str, tmp_path: Path) -> None:
    model, path = changed(change), tmp_path / "a.safetensors"
    if change not in COMPUTED:
        words = "has a forward|of the class" if change in {**HOOKS, **CLASSES} else "no longer a whole|of the class"
        with pytest.raises(resnetzoo.UsageError, match=words):
            export.export_safetensors(model, path)
        return
    export.export_safetensors(model, path)
    images = torch.randn(3, 3, 32, 32)
    with torch.no_grad():
        expected = model(images)
        torch.testing.assert_close(resnetzoo.load_checkpoint(path).eval()(images), expected, rtol=1e-4, atol=1e-4)
        assert torch.equal(model(images), expected)  # it still has its parametrization


@pytest.mark.parametrize(
    "word", [pytest.param(word, marks=[] if word in QUICK else pytest.mark.slow) for word in export.FORMATS]
)
def test_synchronized_norms_are_exported_as_the_norms_that_they_were(word: str, tmp_path: Path) -> None:
    """In evaluation they compute the same, and `save_weights` takes them too."""
    if word == "onnx":
        pytest.importorskip("onnxruntime")
        pytest.importorskip("onnxscript")
    model = nn.SyncBatchNorm.convert_sync_batchnorm(resnetzoo.create("resnet20", weights=True)).eval()
    path = tmp_path / f"a{export.FORMATS[word].suffix}"
    assert export.FORMATS[word].export(model, path).max_difference < 1e-4
    assert isinstance(model.bn1, nn.SyncBatchNorm)
    if word == "safetensors":
        loaded = resnetzoo.load_checkpoint(path)
        resnetzoo.save_weights(model, tmp_path / "saved.safetensors")
        assert loaded.weights == model.weights == resnetzoo.load_checkpoint(tmp_path / "saved.safetensors").weights


def test_a_hook_on_a_synchronized_norm_is_still_refused(tmp_path: Path) -> None:
    model = nn.SyncBatchNorm.convert_sync_batchnorm(changed("hook on a norm"))
    assert isinstance(model.layer1[0].bn1, nn.SyncBatchNorm)
    model.layer1[0].bn1.register_forward_hook(lambda module, x, y: 1.5 * y)
    with pytest.raises(resnetzoo.UsageError, match=r"layer1\.0\.bn1 has a forward hook"):
        export.export_safetensors(model, tmp_path / "a.safetensors")
