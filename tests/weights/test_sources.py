"""Checkpoints that are no paths: open files and what is in memory; networks without a classifier; no plain tensors."""

import io
import sys
import types
import warnings
from argparse import Namespace
from collections import OrderedDict
from pathlib import Path

import pytest
import torch
from foreign_networks import IMAGES, assert_same_logits, load, ours
from safetensors.torch import save, save_file
from torch import Tensor, nn

import resnetzoo
from resnetzoo import CheckpointError, CheckpointWarning, ModelSpec, UsageError

SPEC = ModelSpec("residual", 8)


def saved(content: object, *, legacy: bool = False) -> bytes:
    buffer = io.BytesIO()
    torch.save(content, buffer, _use_new_zipfile_serialization=not legacy)
    return buffer.getvalue()


@pytest.mark.parametrize("kind", ["zip", "legacy", "safetensors"])
def test_open_files(tmp_path: Path, kind: str) -> None:
    writer = ours(SPEC)
    state = writer.state_dict()
    data = save(state) if kind == "safetensors" else saved({"net": state}, legacy=kind == "legacy")
    assert_same_logits(resnetzoo.load_checkpoint(io.BytesIO(data)), writer)
    (tmp_path / "resnet56.bin").write_bytes(data)
    with (tmp_path / "resnet56.bin").open("rb") as file, pytest.warns(CheckpointWarning, match="the name says 56"):
        model = resnetzoo.load_checkpoint(file)
    assert_same_logits(model, writer)
    assert model.origin is not None
    assert model.origin.path == str(tmp_path / "resnet56.bin")


@pytest.mark.parametrize("name", ["a.pt", "a.safetensors", "content", "model.safetensors#v1", "th\udce9.safetensors"])
@pytest.mark.parametrize("kind", ["zip", "legacy", "safetensors"])
def test_what_a_file_is_called_does_not_say_how_it_is_written(tmp_path: Path, kind: str, name: str) -> None:
    writer = ours(SPEC)
    state = writer.state_dict()
    data = save(state) if kind == "safetensors" else saved(state, legacy=kind == "legacy")
    (tmp_path / name).write_bytes(data)
    assert_same_logits(resnetzoo.load_checkpoint(tmp_path / name), writer)


def test_our_own_file_of_an_undecodable_name(tmp_path: Path) -> None:
    writer = ours(SPEC)
    resnetzoo.save_weights(writer, tmp_path / "th\udce9.safetensors")
    assert resnetzoo.load_checkpoint(tmp_path / "th\udce9.safetensors").spec == SPEC


def test_every_reader_takes_what_is_in_memory() -> None:
    writer = ours(ModelSpec("residual", 20))
    state = writer.state_dict()
    for read in (
        resnetzoo.load_checkpoint,
        resnetzoo.load_model,
        lambda source: resnetzoo.create("resnet20", weights=source),
    ):
        for source in ({"arch": "resnet20", "state_dict": state}, io.BytesIO(save(state))):
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", CheckpointWarning)
                assert_same_logits(read(source), writer)
        with pytest.raises(UsageError, match="or a dictionary of weights, not int"):
            read(3)  # type: ignore[operator]


def test_our_own_files_when_open(tmp_path: Path) -> None:
    writer = resnetzoo.create("plainnet20", weights=True)
    resnetzoo.save_weights(writer, tmp_path / "ours.safetensors")
    with (tmp_path / "ours.safetensors").open("rb") as file:
        model = resnetzoo.load_checkpoint(file)
    assert (model.spec, model.classes, model.weights) == (writer.spec, writer.classes, writer.weights)
    assert_same_logits(model, writer)


def test_what_is_in_memory() -> None:
    writer = ours(ModelSpec("plain", 8))
    state = writer.state_dict()
    for content in (state, OrderedDict(state), {"arch": "plainnet8", "state_dict": state}, {"model": state}):
        model = resnetzoo.load_checkpoint(content, family="plain")
        assert_same_logits(model, writer)
        assert str(model.origin).startswith("dictionary in memory: plainnet8")
    with torch.no_grad():
        model.conv1.weight.zero_()
    assert state["conv1.weight"].abs().sum() > 0  # a copy


def test_a_training_state_in_memory(tiny_data: resnetzoo.Data, tiny_recipe: resnetzoo.Recipe, tmp_path: Path) -> None:
    model = resnetzoo.CifarNet(ModelSpec("plain", 8, widths=(4, 8, 16)))
    resnetzoo.fit(model, tiny_data, tiny_recipe, out=tmp_path, progress=False)
    content = torch.load(tmp_path / "checkpoint.pt")
    assert_same_logits(resnetzoo.load_checkpoint(content), model.eval())


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (3, "not int"),
        (None, "not NoneType"),
        (b"weights.pt", "not bytes"),
        (nn.Linear(2, 2), r"not Linear; give its state_dict\(\)"),
        (io.StringIO("text"), "opened as text; open it with mode 'rb'"),
    ],
)
def test_what_cannot_be_read(source: object, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        resnetzoo.load_checkpoint(source)  # type: ignore[arg-type]


def test_open_files_that_hold_nothing(tmp_path: Path) -> None:
    file = io.BytesIO(saved(ours(SPEC).state_dict()))
    file.read()
    with pytest.raises(CheckpointError, match=r"open file: empty: 0 bytes found, .*seek\(0\) goes"):
        resnetzoo.load_checkpoint(file)
    file.seek(0)
    load(file)  # type: ignore[arg-type]
    file.close()
    with pytest.raises(CheckpointError, match=r"cannot be read: .*closed"):
        resnetzoo.load_checkpoint(file)
    with pytest.raises(CheckpointError, match="open file: truncated or damaged, 100 bytes found"):
        resnetzoo.load_checkpoint(io.BytesIO(saved(ours(SPEC).state_dict())[:100]))
    with pytest.raises(CheckpointError, match="open file: truncated, damaged or not of safetensors"):
        resnetzoo.load_checkpoint(io.BytesIO(save(ours(SPEC).state_dict())[:-9]))


@pytest.mark.parametrize(
    "spec",
    [SPEC, ModelSpec("plain", 8), ModelSpec("preactivation", 8), ModelSpec("residual", 8, shortcut="projection")],
    ids=lambda spec: spec.label,
)
@pytest.mark.parametrize("prefix", ["", "module.", "encoder.", "resnet."])
def test_a_backbone_returns_its_pooled_features(tmp_path: Path, spec: ModelSpec, prefix: str) -> None:
    writer = ours(spec)
    state = {f"{prefix}{name}": value for name, value in writer.state_dict().items() if not name.startswith("fc.")}
    torch.save(state, tmp_path / "backbone.pt")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model = resnetzoo.load_checkpoint(tmp_path / "backbone.pt", family=spec.family)
    assert any("no classifier, fc.weight: the network returns its pooled feat" in str(one.message) for one in caught)
    with torch.inference_mode():
        expected = writer.forward_head(writer.forward_features(IMAGES), pre_logits=True)
        torch.testing.assert_close(model(IMAGES), expected)
    assert (model.num_classes, model.normalization) == (0, None)
    assert "no classifier" in str(model.origin)
    model.reset_classifier(7)
    assert model(IMAGES).shape == (2, 7)


def test_a_backbone_becomes_a_network_of_some_classes(tmp_path: Path) -> None:
    writer = resnetzoo.create("resnet20")
    state = {name: value for name, value in writer.state_dict().items() if not name.startswith("fc.")}
    torch.save(state, tmp_path / "backbone.pt")
    with pytest.warns(CheckpointWarning, match="no classifier"):
        model = resnetzoo.create("resnet20", weights=tmp_path / "backbone.pt", num_classes=7)
    assert model(IMAGES).shape == (2, 7)
    assert torch.equal(model.layer3[2].conv2.weight, writer.layer3[2].conv2.weight)


@pytest.mark.parametrize("head", ["fc", "classifier", "head.fc", "linear"])
def test_a_backbone_with_a_classifier_beside_it(tmp_path: Path, head: str) -> None:
    writer = ours(SPEC)
    state = {
        f"{head}{name[2:]}" if name.startswith("fc.") else f"backbone.{name}": value
        for name, value in writer.state_dict().items()
    }
    torch.save(state, tmp_path / "weights.pt")
    model = load(tmp_path / "weights.pt")
    assert_same_logits(model, writer)
    assert f"{head} was taken for the classifier" in str(model.origin)


def test_a_backbone_in_akamasters_names(tmp_path: Path) -> None:
    writer = ours(ModelSpec("residual", 8, shortcut="projection"))
    state = {name.replace("downsample", "shortcut"): v for name, v in writer.state_dict().items() if name[:2] != "fc"}
    torch.save(state, tmp_path / "weights.pt")
    with pytest.warns(CheckpointWarning, match="no classifier"):
        model = resnetzoo.load_checkpoint(tmp_path / "weights.pt")
    assert model.spec.shortcut == "projection"


class Quantized(Tensor):
    """As torchao's tensors are: a type of its own around values of another."""


@pytest.fixture
def torchao(monkeypatch: pytest.MonkeyPatch) -> type[Tensor]:
    module = types.ModuleType("torchao.quantization")
    monkeypatch.setitem(sys.modules, "torchao", types.ModuleType("torchao"))
    monkeypatch.setitem(sys.modules, "torchao.quantization", module)
    monkeypatch.setattr(Quantized, "__module__", "torchao.quantization")
    monkeypatch.setattr(module, "Quantized", Quantized, raising=False)
    return Quantized


def test_tensors_of_torchao_are_refused_by_name(tmp_path: Path, torchao: type[Tensor]) -> None:
    state = ours(SPEC).state_dict()
    state["fc.weight"] = state["fc.weight"].as_subclass(torchao)
    with pytest.raises(
        CheckpointError, match=r"torchao has quantized \(torchao\.quantization\.Quantized\).* fc\.weight"
    ):
        resnetzoo.load_checkpoint(state)
    torch.save({"state_dict": state}, tmp_path / "weights.pt")
    with pytest.raises(CheckpointError, match=r"weights\.pt: refused: it holds weights that torchao has quantized"):
        resnetzoo.load_checkpoint(tmp_path / "weights.pt")


def test_tensors_of_other_types_are_refused_by_name() -> None:
    state = ours(SPEC).state_dict()
    state["fc.weight"] = state["fc.weight"].as_subclass(Quantized)
    with pytest.raises(CheckpointError, match=r"weights of the type test_sources\.Quantized; save plain tensors"):
        resnetzoo.load_checkpoint(state)


@pytest.fixture
def alone(tmp_path: Path) -> object:
    if not torch.distributed.is_available():
        pytest.skip("this build of torch has no torch.distributed")
    store = torch.distributed.FileStore(str(tmp_path / "store"), 1)
    torch.distributed.init_process_group("gloo", store=store, rank=0, world_size=1)
    yield
    torch.distributed.destroy_process_group()


@pytest.mark.usefixtures("alone")
@pytest.mark.filterwarnings("ignore")
def test_tensors_spread_over_processes_are_refused_and_gathered_as_the_message_says(tmp_path: Path) -> None:
    from torch.distributed.device_mesh import init_device_mesh
    from torch.distributed.tensor import Shard, distribute_tensor

    model = ours(SPEC)
    spread = dict(model.state_dict())
    mesh = init_device_mesh("cpu", (1,))
    spread["fc.weight"] = distribute_tensor(spread["fc.weight"], mesh, [Shard(0)])
    with pytest.raises(
        CheckpointError, match=r"spread over several processes \(torch\.distributed\.\S*DTensor\)"
    ) as said:
        resnetzoo.load_checkpoint(spread)

    class Model:
        def state_dict(self) -> dict[str, Tensor]:
            return spread

    gathering = str(said.value).split("in every process: ")[1].split(", and let one")[0]
    names: dict[str, object] = {"model": Model()}
    exec(gathering, names)
    assert_same_logits(resnetzoo.load_checkpoint(names["full"]), model)  # type: ignore[arg-type]
    torch.save(spread, tmp_path / "weights.pt")
    with pytest.raises(CheckpointError, match="spread over several processes"):
        resnetzoo.load_checkpoint(tmp_path / "weights.pt")


def test_advice_to_save_writes_to_another_file_and_works(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The commands in the messages are run as they stand, in the folder of the file; the file stays as it was."""
    monkeypatch.chdir(tmp_path)
    writer = ours(SPEC)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch calls its own scripting deprecated
        torch.jit.save(torch.jit.script(writer), "weights.pt")
    _follow(Path("weights.pt"), writer)
    torch.export.save(torch.export.export(writer, (IMAGES,)), "program.pt2")
    _follow(Path("program.pt2"), writer)
    torch.save({"best_state": writer.state_dict(), "args": Namespace(lr=0.1)}, "best.pt")  # as torch.load refuses it
    _follow(Path("best.pt"), writer)
    assert_same_logits(load(Path("best.pt"), key="best_state"), writer)


def _follow(file: Path, writer: nn.Module) -> None:
    before = file.read_bytes()
    with pytest.raises(CheckpointError) as refused:
        resnetzoo.load_checkpoint(file)
    command = "torch.save(" + str(refused.value).split("torch.save(", 1)[1]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        exec(command, {"torch": torch, "resnetzoo": resnetzoo, "path": str(file)})
    assert file.read_bytes() == before
    written = Path(command.rsplit('"', 2)[1])
    assert_same_logits(load(written), writer)
    written.unlink()


def test_safetensors_of_a_backbone(tmp_path: Path) -> None:
    state = {name: value for name, value in ours(SPEC).state_dict().items() if not name.startswith("fc.")}
    save_file(state, tmp_path / "backbone.safetensors")
    with pytest.warns(CheckpointWarning, match="no classifier"):
        assert resnetzoo.load_checkpoint(tmp_path / "backbone.safetensors").num_classes == 0
