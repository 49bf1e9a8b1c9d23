"""Networks back from files in everybody's layouts, compared with the networks that wrote them."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from cases import THIN, Call
from foreign_networks import IMAGES, assert_same_logits, load, ours, with_lived_in_norms
from pytorchcv.model_provider import get_model
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812
from torchvision.models.resnet import BasicBlock, Bottleneck, conv1x1
from typer.testing import CliRunner

import resnetzoo
from resnetzoo import CheckpointError, CheckpointWarning, ModelSpec, cli
from resnetzoo.models import registry
from resnetzoo.models.spec import Family

State = dict[str, Tensor]
IMAGENET = [0.485, 0.456, 0.406]
CIFAR10 = [0.4914, 0.4822, 0.4465]
CIFAR100 = [0.5070, 0.4865, 0.4409]


class TorchvisionCifarNet(nn.Module):
    """Torchvision's own blocks in three stages, as chenyaofo and bearpaw arrange and name them."""

    def __init__(self, block: type[BasicBlock | Bottleneck], n: int, num_classes: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 16, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(16)
        self.inplanes = 16
        self.layer1 = self.stage(block, 16, n, 1)
        self.layer2 = self.stage(block, 32, n, 2)
        self.layer3 = self.stage(block, 64, n, 2)
        self.fc = nn.Linear(64 * block.expansion, num_classes)

    def stage(self, block: type[BasicBlock | Bottleneck], planes: int, n: int, stride: int) -> nn.Sequential:
        outputs = planes * block.expansion
        downsample = None
        if stride != 1 or self.inplanes != outputs:
            downsample = nn.Sequential(conv1x1(self.inplanes, outputs, stride), nn.BatchNorm2d(outputs))
        first = block(self.inplanes, planes, stride, downsample)
        self.inplanes = outputs
        return nn.Sequential(first, *(block(outputs, planes) for _ in range(1, n)))

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(self.bn1(self.conv1(x)))
        return self.fc(self.layer3(self.layer2(self.layer1(x))).mean(dim=(2, 3)))


def in_names_of_akamaster(model: nn.Module) -> State:
    state = model.state_dict()
    return {name.replace("fc.", "linear.").replace("downsample", "shortcut"): state[name] for name in state}


@pytest.mark.parametrize(
    ("name", "label", "classes"),
    [
        ("resnet20_cifar10", "resnet20 (projection)", 10),
        ("resnet56_cifar100", "resnet56 (projection)", 100),
        ("resnet164bn_cifar10", "resnet164", 10),
        ("preresnet20_cifar10", "preresnet20 (projection)", 10),
        ("preresnet164bn_cifar100", "preresnet164", 100),
    ],
)
def test_pytorchcv(tmp_path: Path, name: str, label: str, classes: int) -> None:
    peer = with_lived_in_norms(get_model(name, pretrained=False))
    torch.save(peer.state_dict(), tmp_path / "weights.pth")
    model = load(tmp_path / "weights.pth")
    assert (model.spec.label, model.num_classes, model.training) == (label, classes, False)
    assert model.origin is not None
    assert (model.origin.layout, model.origin.opened) == ("pytorchcv", ())
    assert model.normalization is not None
    assert model.normalization.to_dict()["mean"] == CIFAR10
    assert_same_logits(model, peer)


@pytest.mark.parametrize(
    ("block", "n", "classes", "label", "author", "mean"),
    [
        (BasicBlock, 3, 10, "resnet20 (projection)", "chenyaofo", CIFAR10),
        (BasicBlock, 9, 100, "resnet56 (projection)", "chenyaofo", CIFAR100),
        (Bottleneck, 3, 10, "resnet29", "bearpaw", CIFAR10),
    ],
)
def test_chenyaofo_and_bearpaw(
    tmp_path: Path,
    block: type[BasicBlock | Bottleneck],
    n: int,
    classes: int,
    label: str,
    author: str,
    mean: list[float],
) -> None:
    peer = with_lived_in_norms(TorchvisionCifarNet(block, n, classes))
    torch.save(peer.state_dict(), tmp_path / "weights.pt")
    model = load(tmp_path / "weights.pt")
    assert (model.spec.label, model.num_classes) == (label, classes)
    assert model.origin is not None
    assert model.origin.normalization == f"as {author} trains (the file does not say)"
    assert model.normalization is not None
    assert model.normalization.to_dict()["mean"] == mean
    assert_same_logits(model, peer)


@pytest.mark.parametrize("shortcut", ["identity", "projection"])
def test_akamaster(tmp_path: Path, shortcut: str) -> None:
    peer = ours(ModelSpec("residual", 20, shortcut=shortcut))  # type: ignore[arg-type]
    state = {f"module.{name}": tensor for name, tensor in in_names_of_akamaster(peer).items()}
    torch.save({"state_dict": state, "best_prec1": 91.7, "epoch": 180}, tmp_path / "resnet20-12fca82f.th")
    model = load(tmp_path / "resnet20-12fca82f.th")
    assert model.spec == peer.spec
    assert_same_logits(model, peer)
    assert model.origin is not None
    assert (model.origin.layout, model.origin.opened) == ("akamaster", ('["state_dict"]', "module."))
    assert model.origin.training == {"best_prec1": 91.7, "epoch": 180}
    if shortcut == "identity":  # what is published
        assert model.normalization is not None
        assert model.normalization.to_dict()["mean"] == IMAGENET
        assert str(model.origin).endswith(
            'resnet20-12fca82f.th: resnet20, 10 classes in the names of akamaster, found under ["state_dict"] module.; '
            "normalization as akamaster trains (the file does not say)"
        )
    else:
        assert model.normalization is None
        assert model.origin.normalization.startswith("unknown")


KINDS = [
    ModelSpec("residual", 8, num_classes=7, in_chans=1, widths=(4, 8, 12)),
    ModelSpec("residual", 14, shortcut="projection", widths=(4, 8, 4)),
    ModelSpec("residual", 14, shortcut="projection_all"),
    ModelSpec("residual", 20, block="bottleneck", shortcut="identity"),
    ModelSpec("residual", 20, block="bottleneck", shortcut="projection_all"),
    ModelSpec("preactivation", 8),
    ModelSpec("preactivation", 11, block="bottleneck"),
    *(
        ModelSpec("residual", 29, block="bottleneck", shortcut="projection", groups=groups, width_per_group=width)
        for groups, width in ((8, 6), (2, 7), (4, 5))
    ),
    *(
        ModelSpec("preactivation", depth, block=block, shortcut="identity", last_norm=False)
        for depth, block in ((8, "basic"), (11, "bottleneck"))
    ),
    *(spec for spec in THIN.values() if spec.norm == "batch" and spec.family == "residual" and not spec.layers),
]


@pytest.mark.parametrize("spec", KINDS, ids=lambda spec: spec.label)
def test_a_spec_is_read_off_names_and_shapes(tmp_path: Path, spec: ModelSpec) -> None:
    torch.save(ours(spec).state_dict(), tmp_path / "weights.pt")
    assert load(tmp_path / "weights.pt").spec == spec


@pytest.mark.parametrize("kind", ["preactivation", "wide"])
def test_wider_preactivation_is_read_with_the_warning_that_its_shortcuts_need(tmp_path: Path, kind: str) -> None:
    spec = replace(THIN[kind], drop_rate=0)  # which no weight shows
    torch.save(ours(spec).state_dict(), tmp_path / "weights.pt")
    with pytest.warns(CheckpointWarning, match="leave open what its projections take"):
        assert resnetzoo.load_checkpoint(tmp_path / "weights.pt").spec == spec


@pytest.mark.parametrize("family", ["residual", "preactivation"])
def test_bottlenecks_say_that_their_names_leave_their_strides_open(tmp_path: Path, family: Family) -> None:
    spec = ModelSpec(family, 11, block="bottleneck", strided_conv=1)
    made = ours(spec)
    torch.save(made.state_dict(), tmp_path / "weights.pt")
    model = load(tmp_path / "weights.pt")
    assert "here the second, as in torchvision" in str(model.origin)
    again = resnetzoo.CifarNet(replace(model.spec, strided_conv=1)).eval()  # as the note says
    again.load_state_dict(model.state_dict())
    assert_same_logits(again, made)


def test_weights_of_other_widths_are_not_those_of_a_name(tmp_path: Path) -> None:
    resnetzoo.save_weights(ours(resnetzoo.get_spec("resnet8")), tmp_path / "weights.safetensors")
    with pytest.raises(resnetzoo.UsageError, match=r"the weights are of resnet8 \(projection\), not of resnet8x4"):
        resnetzoo.create("resnet8x4", weights=tmp_path / "weights.safetensors")


def test_unequal_stages_are_read_where_a_network_is_known_by_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = THIN["unequal stages"]
    torch.save(ours(spec).state_dict(), tmp_path / "weights.pt")
    with pytest.raises(resnetzoo.CheckpointError, match=r"have 1, 2, 1 and 1 blocks.* after register\(name, spec\)"):
        load(tmp_path / "weights.pt")
    monkeypatch.setitem(registry._SPECS, "mine", spec)
    assert load(tmp_path / "weights.pt").spec == spec


@pytest.mark.parametrize("kind", THIN)
def test_saved_weights_say_what_names_and_shapes_do_not(tmp_path: Path, kind: str) -> None:
    model = ours(THIN[kind]).eval()
    resnetzoo.save_weights(model, tmp_path / "weights.safetensors")
    loaded = load(tmp_path / "weights.safetensors")
    assert loaded.spec == THIN[kind]
    assert_same_logits(loaded, model)


def test_plain_or_residual_can_be_chosen_where_the_weights_fit_both(tmp_path: Path) -> None:
    plain = ours(ModelSpec("plain", 8))
    torch.save(plain.state_dict(), tmp_path / "weights.pt")
    residual = load(tmp_path / "weights.pt")
    assert residual.spec.family == "residual"
    assert 'plainnet8 has the same names and shapes: family="plain" loads it as that' in str(residual.origin)
    chosen = load(tmp_path / "weights.pt", family="plain")
    assert chosen.spec == plain.spec
    assert_same_logits(chosen, plain)
    with pytest.raises(CheckpointError, match=r'family="preactivation" was asked for, but .* an 8-layer residual'):
        load(tmp_path / "weights.pt", family="preactivation")
    with pytest.raises(resnetzoo.UsageError, match="family must be one of plain, residual, preactivation"):
        load(tmp_path / "weights.pt", family="plane")


@pytest.mark.parametrize(
    ("name", "spec", "warning"),
    [
        ("weights.pt", ModelSpec("preactivation", 8, shortcut="projection"), "wide-resnet.pytorch need strided_conv=2"),
        ("resnet-110/model_best.pth.tar", ModelSpec("residual", 164, block="bottleneck", shortcut="projection"),
         "the name says 110, the weights are a 164-layer bottleneck network"),
        ("resnet56.pt", ModelSpec("residual", 20), "the name says 56, the weights are a 20-layer residual network"),
        ("plainnet20.pt", ModelSpec("plain", 20), 'says plainnet, .* loaded as resnet20; family="plain" loads them as'),
        ("plainnet14.pt", ModelSpec("residual", 14, shortcut="projection"), r"loaded as resnet14 \(projection\)$"),
        ("resnet8.pt", ModelSpec("preactivation", 8), "the name says resnet, the weights were loaded as preresnet8"),
        ("preact_resnet8.pt", ModelSpec("residual", 8), "the name says preact_resnet, .* loaded as resnet8"),
        ("weights.pt", ModelSpec("preactivation", 8, shortcut="projection"), "names leave open .* bearpaw's"),
    ],
)  # fmt: skip
def test_what_speaks_against_a_network_is_warned_of(tmp_path: Path, name: str, spec: ModelSpec, warning: str) -> None:
    (tmp_path / name).parent.mkdir(exist_ok=True)
    torch.save({"state_dict": resnetzoo.CifarNet(spec).state_dict()}, tmp_path / name)
    with pytest.warns(CheckpointWarning, match=warning) as caught:
        resnetzoo.load_checkpoint(tmp_path / name)
    assert caught[0].filename == __file__


@pytest.mark.parametrize(
    ("name", "family"),
    [
        ("resnet-2024-05-01.pt", "residual"),
        ("resnet_20240501.pt", "residual"),
        ("resnet8-2024.pt", "residual"),
        ("pre-resnet-8.pt", "preactivation"),
        ("preactivation_resnet8.pt", "preactivation"),
    ],
)
def test_names_that_say_nothing_wrong(tmp_path: Path, name: str, family: Family) -> None:
    torch.save(resnetzoo.CifarNet(ModelSpec(family, 8)).state_dict(), tmp_path / name)
    assert load(tmp_path / name).spec.depth == 8


def test_akamasters_names_are_hardly_plain(tmp_path: Path) -> None:
    torch.save(in_names_of_akamaster(ours(ModelSpec("residual", 8))), tmp_path / "weights.th")
    with pytest.warns(CheckpointWarning, match="the names are akamaster's, whose networks are residual"):
        assert resnetzoo.load_checkpoint(tmp_path / "weights.th", family="plain").spec.family == "plain"


def test_safetensors_of_others_and_our_own(tmp_path: Path) -> None:
    peer = ours(ModelSpec("plain", 8))
    save_file(peer.state_dict(), tmp_path / "theirs.safetensors", {"format": "pt"})
    assert load(tmp_path / "theirs.safetensors").spec.family == "residual"

    normalization = {"kind": "channel", "mean": [[[0.1]], [[0.2]], [[0.3]]], "std": [[[1.0]], [[1.0]], [[0.5]]]}
    metadata = {"spec": json.dumps(peer.spec.to_dict()), "normalization": json.dumps(normalization)}
    halves = {
        name: tensor.half() if tensor.is_floating_point() else tensor for name, tensor in peer.state_dict().items()
    }
    save_file(halves, tmp_path / "ours.safetensors", metadata)
    model = load(tmp_path / "ours.safetensors")
    assert model.spec == peer.spec
    assert model.normalization is not None
    assert model.normalization.to_dict() == {"kind": "channel", "mean": [0.1, 0.2, 0.3], "std": [1.0, 1.0, 0.5]}
    assert "in the names of resnetzoo; normalization as the file says" in str(model.origin)
    torch.testing.assert_close(model(IMAGES), peer(IMAGES), rtol=1e-2, atol=1e-2)
    with pytest.raises(CheckpointError, match=r'family="residual" was asked for, but .* an 8-layer plain network'):
        load(tmp_path / "ours.safetensors", family="residual")


def test_a_run_says_how_it_was_trained(
    tiny_data: resnetzoo.Data, tiny_recipe: resnetzoo.Recipe, tmp_path: Path
) -> None:
    plain = resnetzoo.CifarNet(ModelSpec("plain", 8, widths=(4, 8, 16)))
    resnetzoo.fit(plain, tiny_data, tiny_recipe, seed=3, out=tmp_path, progress=False)
    model = load(tmp_path)
    assert model.spec.family == "plain"
    assert model.origin is not None
    data = {"trained_on": "synthetic", "train_fingerprint": tiny_data.fingerprint}
    assert model.origin.training == {**data, "recipe": "TINY", "seed": 3, "step": 6}
    assert str(model.origin).endswith(
        "checkpoint.pt: plainnet8 (widths 4-8-16), 10 classes in the names of resnetzoo; normalization as the file says"
    )
    with pytest.raises(CheckpointError, match='family="residual" was asked for'):
        load(tmp_path, family="residual")


def test_loading_leaves_the_random_state_and_the_file_alone(tmp_path: Path) -> None:
    path = tmp_path / "weights.pt"
    torch.save(ours(ModelSpec("residual", 8)).state_dict(), path)
    content = path.read_bytes()
    torch.manual_seed(1)
    state = torch.get_rng_state()
    model = load(path)
    model.train()(IMAGES)
    assert torch.equal(torch.get_rng_state(), state)
    assert path.read_bytes() == content


def test_eval_measures_weights_of_others(call: Call, cifar10_folder: Path, tmp_path: Path) -> None:
    torch.save(in_names_of_akamaster(ours(ModelSpec("residual", 8))), tmp_path / "weights.th")
    torch.save(ours(ModelSpec("residual", 8, num_classes=7)).state_dict(), tmp_path / "seven.pt")
    words = ("--data-dir", str(cifar10_folder.parent), "--device", "cpu", "--json")
    with pytest.warns(resnetzoo.UnofficialDataWarning), pytest.warns(CheckpointWarning, match="akamaster's, whose"):
        said = CliRunner().invoke(cli.app, ["eval", "weights.th", "--family", "plain", *words])
    facts = json.loads(said.stdout)
    assert (facts["network"], facts["n"]) == ("plainnet8", 20)
    assert facts["origin"].startswith("weights.th: plainnet8, 10 classes in the names of akamaster")
    status, errors = call(cli.main, "eval", "seven.pt", *words)
    assert (status, errors.count("\n")) == (2, 1)
    assert "on which dataset its 7 classes were trained; pass --dataset" in errors
