"""Every format, loaded back by its own runtime: what was written answers as the model does."""

import json
import sys
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from marks import slow_if_in
from PIL import Image
from torch import Tensor

import resnetzoo
from resnetzoo.data.classes import classes_of
from resnetzoo.data.constants import NormalizationKind
from resnetzoo.data.normalization import measure_normalization
from resnetzoo.export import FORMATS
from resnetzoo.export import verify as verifying
from resnetzoo.export.subject import subject_of

Run = Callable[[Tensor], Tensor]

# What an exporter sees is code, of which depth only makes more: blocks and shortcuts at their smallest depth. All names
# take 10 s each at 110 layers, and minutes at the deepest.
KINDS = [
    resnetzoo.ModelSpec("plain", 8),
    resnetzoo.ModelSpec("residual", 8),
    resnetzoo.ModelSpec("residual", 11, block="bottleneck", shortcut="projection_all", num_classes=7, in_chans=1),
    resnetzoo.ModelSpec("preactivation", 8, shortcut="projection"),
    resnetzoo.ModelSpec("preactivation", 11, block="bottleneck", num_classes=100),
]
SLOW = ["onnx", "torch-export"]  # seconds each, for two of the kinds
CASES = [(word, spec) for word in FORMATS for spec in (KINDS[2:4] if word in SLOW else KINDS)]
GRAPHS = ["onnx", "torch-export", "torchscript"]


def load_onnx(path: Path) -> Run:
    onnxruntime = pytest.importorskip("onnxruntime")
    session = onnxruntime.InferenceSession(path.read_bytes(), providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    return lambda inputs: torch.from_numpy(session.run(None, {name: inputs.numpy()})[0])


def load_torchscript(path: Path) -> Run:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch calls its own scripting deprecated
        return torch.jit.load(path)


LOADERS: dict[str, Callable[[Path], Run]] = {
    "onnx": load_onnx,
    "torch-export": lambda path: torch.export.load(path).module(),
    "torchscript": load_torchscript,
    "safetensors": resnetzoo.load_checkpoint,
}


def onnx_facts(path: Path) -> dict[str, str]:
    import onnxruntime

    session = onnxruntime.InferenceSession(path.read_bytes(), providers=["CPUExecutionProvider"])
    assert session.get_inputs()[0].shape == ["batch", 32, 32, 3]
    assert (session.get_inputs()[0].name, session.get_outputs()[0].name) == ("pixels", "probabilities")
    found: dict[str, str] = session.get_modelmeta().custom_metadata_map
    return found


def torch_export_facts(path: Path) -> dict[str, str]:
    extra = {"resnetzoo.json": ""}
    torch.export.load(path, extra_files=extra)
    found: dict[str, str] = json.loads(extra["resnetzoo.json"])
    return found


def torchscript_facts(path: Path) -> dict[str, str]:
    extra = {"resnetzoo.json": ""}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.jit.load(path, _extra_files=extra)
    found: dict[str, str] = json.loads(extra["resnetzoo.json"])
    return found


FACTS: dict[str, Callable[[Path], dict[str, str]]] = {
    "onnx": onnx_facts,
    "torch-export": torch_export_facts,
    "torchscript": torchscript_facts,
}


@pytest.fixture(params=list(FORMATS))
def word(request: pytest.FixtureRequest) -> str:
    if request.param == "onnx":
        pytest.importorskip("onnxruntime")
        pytest.importorskip("onnxscript")
    return str(request.param)


def trained_like(spec: resnetzoo.ModelSpec) -> resnetzoo.CifarNet:
    """With norms that have seen images, as a trained network has them, so that outputs are of ordinary size."""
    torch.manual_seed(0)
    model = resnetzoo.CifarNet(spec)
    model(torch.randn(16, spec.in_chans, 32, 32))
    return model.eval()


@torch.inference_mode()
def largest_difference(model: torch.nn.Module, run: Run, inputs: Tensor) -> float:
    return float((model(inputs) - run(inputs)).abs().max())


@pytest.mark.parametrize(("word", "spec"), CASES, indirect=["word"], ids=lambda case: getattr(case, "label", case))
def test_a_file_answers_as_its_model(word: str, spec: resnetzoo.ModelSpec) -> None:
    model = trained_like(spec)
    path = Path(f"folder/network{FORMATS[word].suffix}")
    done = FORMATS[word].export(model, path)
    assert done.path == path
    assert 0 <= done.max_difference <= 1e-4
    run = LOADERS[word](path)
    for count in (1, 2, 5):
        assert largest_difference(model, run, torch.randn(count, spec.in_chans, 32, 32)) <= 1e-4
    assert [file.name for file in path.parent.iterdir()] == [path.name]


@pytest.mark.parametrize("word", GRAPHS, indirect=True)
@pytest.mark.slow
def test_pixels_become_probabilities(word: str, real_data: str) -> None:
    """The graph alone, fed with what image libraries give, against `model.preprocess` and softmax; with its facts."""
    model = resnetzoo.create("resnet20", weights=True)
    path = Path(f"network{FORMATS[word].suffix}")
    done = FORMATS[word].export(resnetzoo.WithPreprocessing(model), path)
    assert done.max_difference <= 1e-4
    assert done.rounding <= 1e-5
    data = resnetzoo.cifar10(real_data) if real_data else resnetzoo.synthetic(train_images=1, test_images=100)
    images = data.test.images[:1000]
    run = LOADERS[word](path)
    with torch.inference_mode():
        expected = model(model.preprocess(images)).softmax(dim=1)
        found = run(images.permute(0, 2, 3, 1).contiguous())
    assert found.dtype == torch.float32
    assert float((found - expected).abs().max()) <= 1e-4
    assert torch.equal(found.argmax(dim=1), expected.argmax(dim=1))

    facts = FACTS[word](path)
    assert json.loads(facts["spec"]) == model.spec.to_dict()
    assert model.normalization is not None
    assert json.loads(facts["normalization"])["mean"] == model.normalization.mean.tolist()
    assert tuple(json.loads(facts["classes"])) == classes_of("cifar10")
    assert model.weights is not None
    assert json.loads(facts["weights"])["name"] == model.weights.name
    assert (facts["input"], facts["input_size"]) == ("uint8 (N, H, W, C)", "32")
    assert facts["resnetzoo"] == resnetzoo.__version__


@pytest.mark.parametrize("kind", ["channel", "per_pixel_mean"])
@pytest.mark.parametrize(("height", "width"), [(16, 16), (16, 24)])
@pytest.mark.slow
def test_a_graph_takes_images_as_large_as_in_training(
    word: str, tiny_model: resnetzoo.CifarNet, kind: NormalizationKind, height: int, width: int
) -> None:
    pixels = torch.randint(0, 256, (5, 3, height, width), dtype=torch.uint8)
    tiny_model.normalization = measure_normalization(pixels, kind)
    model = tiny_model if word == "safetensors" else resnetzoo.WithPreprocessing(tiny_model)
    path = Path(f"small{FORMATS[word].suffix}")
    FORMATS[word].export(model.eval(), path)
    if word == "safetensors":
        inputs = torch.randn(3, 3, height, width)
    else:
        inputs = torch.randint(0, 256, (3, height, width, 3), dtype=torch.uint8)
    assert largest_difference(model, LOADERS[word](path), inputs) <= 1e-4


@pytest.mark.parametrize("kind", ["channel", "per_pixel_mean"])
def test_a_file_says_how_large_images_are_that_are_not_square(
    tiny_model: resnetzoo.CifarNet, kind: NormalizationKind
) -> None:
    """And the network that it is loaded into knows it, so that a graph of that one takes them."""
    pixels = torch.randint(0, 256, (5, 3, 24, 16), dtype=torch.uint8)
    tiny_model.normalization = measure_normalization(pixels, kind)
    resnetzoo.export_safetensors(tiny_model, "oblong.safetensors")
    loaded = resnetzoo.load_checkpoint("oblong.safetensors")
    assert loaded.normalization is not None
    assert (loaded.normalization.image_shape, loaded.normalization.size) == ((24, 16), 16)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch calls its own scripting deprecated
        resnetzoo.export_torchscript(resnetzoo.WithPreprocessing(loaded), "oblong.pt")
    assert torchscript_facts(Path("oblong.pt"))["input_size"] == "24x16"


def test_the_model_stays_as_it_was(tiny_model: resnetzoo.CifarNet) -> None:
    before = {name: tensor.clone() for name, tensor in tiny_model.state_dict().items()}
    resnetzoo.export_torchscript(tiny_model, "tiny.pt")  # in training mode, with fresh weights
    assert tiny_model.training
    assert all(parameter.requires_grad for parameter in tiny_model.parameters())
    assert all(torch.equal(tensor, before[name]) for name, tensor in tiny_model.state_dict().items())


def test_a_file_that_answers_otherwise_is_not_written(
    word: str, tiny_model: resnetzoo.CifarNet, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = Path(f"tiny{FORMATS[word].suffix}")
    path.write_text("what stood here")
    monkeypatch.setattr(verifying, "TOLERANCE", -1.0)
    monkeypatch.setattr(verifying, "ROUNDINGS", -1)
    with pytest.raises(resnetzoo.ExportError, match=r"differs from the model by .* on 1 random images"):
        FORMATS[word].export(tiny_model, path)
    assert path.read_text() == "what stood here"
    assert [file.name for file in Path().iterdir() if "tiny" in file.name] == [path.name]


def test_outputs_that_are_no_numbers_cannot_be_checked(tiny_model: resnetzoo.CifarNet) -> None:
    with torch.no_grad():
        tiny_model.conv1.weight.fill_(torch.nan)
    with pytest.raises(resnetzoo.ExportError, match=r"the outputs of resnet8 .* itself are not finite"):
        resnetzoo.export_torchscript(tiny_model, "tiny.pt")
    assert not Path("tiny.pt").exists()


@pytest.mark.parametrize("word", slow_if_in(SLOW, FORMATS))
def test_outputs_beyond_float32_have_to_be_beyond_it_in_the_file_too(word: str, tiny_model: resnetzoo.CifarNet) -> None:
    """As those of the deepest networks before any training."""
    if word == "onnx":
        pytest.importorskip("onnxruntime")
    with torch.no_grad():
        tiny_model.conv1.weight.fill_(1e38)
    done = FORMATS[word].export(tiny_model, f"tiny{FORMATS[word].suffix}")
    assert done.path.exists()
    assert (done.max_difference, done.rounding) == (0.0, torch.inf)


def test_onnx_without_its_packages(tiny_model: resnetzoo.CifarNet, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(resnetzoo.ExportError, match=r'pip install "resnetzoo\[onnx\]"'):
        resnetzoo.export_onnx(tiny_model, "tiny.onnx")


def test_preprocessing_takes_pixels_alone() -> None:
    model = resnetzoo.WithPreprocessing(resnetzoo.create("resnet20", weights=True))
    image = Image.new("RGB", (32, 32), "navy")
    assert model(torch.from_numpy(np.array(image))[None]).sum().item() == pytest.approx(1)
    with pytest.raises(ValueError, match=r"uint8 from 0 to 255, or as floats from 0 to 1, found torch\.int64"):
        model(torch.zeros(1, 32, 32, 3, dtype=torch.int64))
    with pytest.raises(ValueError, match=r"expected floats from 0 to 1, found 0\.0 to 255\.0"):
        model(255 * torch.eye(32).expand(1, 3, 32, 32).permute(0, 2, 3, 1))
    with pytest.raises(ValueError, match=r"expected pixels of shape \(N, H, W, 3\), found \[1, 32, 32, 1\]"):
        model(torch.zeros(1, 32, 32, 1, dtype=torch.uint8))
    with pytest.raises(ValueError, match=r"expected pixels of shape \(N, H, W, C\), found \[32, 32, 3\]"):
        model(torch.zeros(32, 32, 3, dtype=torch.uint8))
    with pytest.raises(resnetzoo.UsageError, match="resnet20 has not been trained"):
        resnetzoo.WithPreprocessing(resnetzoo.create("resnet20"))
    headless = resnetzoo.create("resnet20", weights=True)
    headless.reset_classifier(0)
    with pytest.raises(resnetzoo.UsageError, match="without a classifier has no probabilities"):
        resnetzoo.WithPreprocessing(headless)


def test_facts_are_those_of_the_classifier_that_is_there(tiny_model: resnetzoo.CifarNet) -> None:
    tiny_model.normalization = resnetzoo.list_weights()[0].normalization
    tiny_model.classes = classes_of("cifar10")
    tiny_model.fc = torch.nn.Linear(16, 7)
    with pytest.warns(UserWarning, match="now has a classifier of 7 classes but names of 10, which are left out"):
        resnetzoo.export_torchscript(tiny_model, "seven.pt")
    facts = torchscript_facts(Path("seven.pt"))
    assert json.loads(facts["spec"])["num_classes"] == 7
    assert "classes" not in facts
    tiny_model.reset_classifier(0)
    assert subject_of(tiny_model).output_name == "features"
    resnetzoo.export_torchscript(tiny_model, "features.pt")
    assert set(torchscript_facts(Path("features.pt"))) == {"resnetzoo", "input", "input_size", "normalization"}


def test_what_cannot_be_exported(tiny_model: resnetzoo.CifarNet) -> None:
    with pytest.raises(resnetzoo.UsageError, match=r"an export takes a network of resnetzoo, .* not Linear"):
        resnetzoo.export_torchscript(torch.nn.Linear(2, 2), "a.pt")
    with pytest.raises(resnetzoo.ResnetzooError, match=r"cannot write /proc/nothing/a\.pt"):
        resnetzoo.export_torchscript(tiny_model, "/proc/nothing/a.pt")
    tiny_model.layer2 = torch.nn.Sequential()
    with pytest.raises(resnetzoo.UsageError, match=r"no longer a whole resnet8 .* of 10 classes: under layer2"):
        resnetzoo.export_torchscript(tiny_model, "a.pt")
