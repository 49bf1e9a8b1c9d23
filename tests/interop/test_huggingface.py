"""Networks in folders and repositories of the Hugging Face Hub; nothing here leaves the machine."""

import copy
import json
import pickle
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from cases import KINDS
from markdown_it import MarkdownIt
from safetensors.torch import save_file

import resnetzoo
from resnetzoo.data.normalization import measure_normalization
from resnetzoo.models.fingerprint import attach_weights

hub = pytest.importorskip("huggingface_hub", reason="the interoperation with the hub needs huggingface_hub")
from resnetzoo.interop.huggingface import HubCifarNet  # noqa: E402 (after the check that it can be)

Change = Callable[[resnetzoo.CifarNet], object]


def trained() -> resnetzoo.CifarNet:
    return resnetzoo.create("resnet20", weights=True)


@pytest.mark.parametrize("spec", KINDS, ids=lambda spec: f"{spec.label}-{spec.shortcut}")
def test_a_folder_gives_the_same_network_back(spec: resnetzoo.ModelSpec, tmp_path: Path) -> None:
    model = HubCifarNet(spec).eval()
    model.save_pretrained(tmp_path / "saved")
    assert sorted(path.name for path in (tmp_path / "saved").iterdir()) == [
        "README.md",
        "config.json",
        "model.safetensors",
    ]
    again = HubCifarNet.from_pretrained(tmp_path / "saved")
    assert again.spec == resnetzoo.ModelSpec.from_dict(json.loads((tmp_path / "saved" / "config.json").read_text()))
    assert again.spec == spec
    assert not again.training
    images = torch.randn(2, 3, 32, 32)
    assert torch.equal(again(images), model(images))
    assert again.normalization is None
    again.save_pretrained(tmp_path / "again")
    assert (tmp_path / "again" / "config.json").read_text() == (tmp_path / "saved" / "config.json").read_text()


@pytest.mark.parametrize("kind", ["channel", "per_pixel_mean"])
def test_the_normalization_comes_along(kind: Any, tmp_path: Path, tiny_data: resnetzoo.Data) -> None:
    model = resnetzoo.create("plainnet20", num_classes=4)
    model.normalization = measure_normalization(tiny_data.train.images, kind)
    HubCifarNet.of(model).save_pretrained(tmp_path)
    for again in (
        HubCifarNet.from_pretrained(str(tmp_path)),
        resnetzoo.load_checkpoint(tmp_path / "model.safetensors"),
    ):
        assert again.spec == model.spec
        assert again.normalization is not None
        assert again.normalization.kind == kind
        assert torch.equal(again.normalization.mean, model.normalization.mean)
        assert torch.equal(again.normalization.std, model.normalization.std)


def test_a_network_of_the_hub_is_a_copy_with_all_that_is_known() -> None:
    model = trained()
    network = HubCifarNet.of(model)
    images = torch.randn(1, 3, 32, 32)
    for twin in (network, copy.deepcopy(network), pickle.loads(pickle.dumps(network))):
        assert torch.equal(twin(images), model(images))
        assert twin.weights == model.weights
        assert twin.origin == model.origin
        assert not twin.training
    with torch.no_grad():
        network.fc.bias.add_(1)
    assert not torch.equal(network(images), model(images))
    assert all(parameter.requires_grad and not parameter.is_meta for parameter in network.parameters())


@pytest.mark.parametrize("training", [False, True])
def test_what_is_frozen_stays_frozen_and_modules_keep_their_modes(training: bool) -> None:
    model = resnetzoo.create("resnet20", seed=0).train(training)
    model.layer1.requires_grad_(False).train(not training)
    model.fc.bias.requires_grad_(False)  # type: ignore[operator, union-attr]
    network = HubCifarNet.of(model)
    for name, parameter in network.named_parameters():
        assert parameter.requires_grad == (not name.startswith("layer1.") and name != "fc.bias")
    assert [module.training for module in network.modules()] == [module.training for module in model.modules()]


def test_the_card_is_made_of_the_row(tmp_path: Path) -> None:
    model = trained()
    row = model.weights
    assert row is not None
    HubCifarNet.of(model).save_pretrained(tmp_path)
    card = hub.ModelCard.load(tmp_path / "README.md")
    assert (card.data.license, card.data.datasets, card.data.library_name) == ("mit", ["uoft-cs/cifar10"], "resnetzoo")
    (result,) = card.data.eval_results
    assert (card.data.model_name, result.metric_type) == (row.name, "accuracy")
    assert result.metric_value == pytest.approx(100 - row.test_error)
    facts = (
        row.recipe,
        row.trained_on,
        row.sha256,
        row.source,
        row.epoch,
        "n = 10,000 test images",
        "269,722",
        "truck",
    )
    assert [fact for fact in facts if fact not in card.text] == []
    (code,) = [block.split("```")[0] for block in card.text.split("```python\n")[1:]]
    exec(code.replace("OWNER/REPOSITORY", str(tmp_path)), {"images": torch.randn(1, 3, 32, 32)})


def test_a_row_of_ones_own_may_name_any_dataset(tmp_path: Path) -> None:
    model = trained()
    assert model.weights is not None
    row = replace(model.weights, dataset="flowers of mine", train_images=None, dataset_fingerprint=None)
    attach_weights(model, row)
    HubCifarNet.of(model).save_pretrained(tmp_path)
    again = HubCifarNet.from_pretrained(tmp_path)
    assert again.weights == row
    card = again.generate_model_card()
    (result,) = card.data.eval_results
    assert (card.data.datasets, result.dataset_name) == (None, "flowers of mine")
    assert "| trained on | flowers of mine |" in card.text


def test_a_card_is_written_again_unless_somebody_changed_it(tmp_path: Path) -> None:
    row = resnetzoo.list_weights("resnet20.*")[0]
    card = tmp_path / "README.md"
    HubCifarNet.of(trained()).save_pretrained(tmp_path)
    assert row.name in card.read_text()
    HubCifarNet.of(resnetzoo.plainnet(8)).save_pretrained(tmp_path)
    assert row.name not in card.read_text()
    assert "# plainnet8" in card.read_text()
    ours = card.read_bytes()
    for theirs in (ours + b"Mine.\n", b"Mine.\n" + ours, "of another encoding".encode("utf-16")):
        card.write_bytes(theirs)
        HubCifarNet.of(trained()).save_pretrained(tmp_path)
        assert card.read_bytes() == theirs


def test_the_card_says_what_it_is_told_to(tmp_path: Path) -> None:
    network = HubCifarNet.of(resnetzoo.plainnet(8))
    network.save_pretrained(tmp_path, model_card_kwargs={"license": "mit", "language": "en"})
    card = hub.ModelCard.load(tmp_path / "README.md")
    assert (card.data.license, card.data.language, card.data.library_name) == ("mit", "en", "resnetzoo")


def test_a_saved_network_tells_the_same_when_it_is_saved_again(tmp_path: Path) -> None:
    HubCifarNet.of(trained()).save_pretrained(tmp_path / "first")
    again = HubCifarNet.from_pretrained(tmp_path / "first")
    assert again.weights == trained().weights
    again.save_pretrained(tmp_path / "second")
    first, second = ((tmp_path / name / "README.md").read_text() for name in ("first", "second"))
    assert first == second
    assert "license: mit" in second


@pytest.mark.parametrize(
    "change",
    [
        lambda model: model.fc.bias.data.add_(0.1),
        lambda model: model.reset_classifier(4),
        lambda model: setattr(model, "weights", None),
    ],
)
def test_a_network_trained_on_claims_nothing_of_the_row(change: Change) -> None:
    model = trained()
    change(model)
    card = HubCifarNet.of(model).generate_model_card()
    assert card.data.eval_results is None
    assert card.data.to_dict().get("license") is None
    assert "7.87" not in card.text
    assert "Its accuracy is not recorded" in card.text
    assert "mean [0.4914" in card.text


def test_the_card_of_a_run_says_how_it_was_trained(
    tmp_path: Path, tiny_data: resnetzoo.Data, tiny_recipe: resnetzoo.Recipe, tiny_model: resnetzoo.CifarNet
) -> None:
    resnetzoo.fit(tiny_model, tiny_data, tiny_recipe, seed=3, device="cpu", out=tmp_path / "run", progress=False)
    card = HubCifarNet.of(resnetzoo.load_checkpoint(tmp_path / "run")).generate_model_card()
    for row in ("| recipe | TINY |", "| seed | 3 |", "| step | 6 |"):
        assert row in card.text


@pytest.mark.parametrize("kind", ["channel", "per_pixel_mean"])
@pytest.mark.parametrize("shape", [(32, 32), (48, 48), (48, 64)], ids=str)
def test_the_card_states_the_size_of_the_images(shape: tuple[int, int], kind: Any, tmp_path: Path) -> None:
    model = resnetzoo.plainnet(8)
    model.normalization = measure_normalization(torch.randint(0, 256, (4, 3, *shape), dtype=torch.uint8), kind)
    HubCifarNet.of(model).save_pretrained(tmp_path)
    for network in (HubCifarNet.of(model), HubCifarNet.from_pretrained(tmp_path)):
        card = network.generate_model_card().text
        assert f"| input | 3 x {shape[0]} x {shape[1]}, float, normalized |" in card
        assert f"for images of {shape[0]} x {shape[1]} pixels" in card


def cells(card: str) -> dict[str, str]:
    """The table of a card as a Markdown reader shows it."""
    found, rows = MarkdownIt("commonmark").enable("table").parse(card), []
    for token in found:
        if token.type == "tr_open":
            rows.append([])
        elif token.type == "inline" and token.level > 3:
            assert {part.type for part in token.children or []} <= {"text", "text_special"}
            rows[-1].append("".join(part.content for part in token.children or []))
    return dict(rows[1:])  # the first is empty


def test_the_card_shows_names_as_they_are() -> None:
    model = resnetzoo.plainnet(8, num_classes=5)
    model.classes = ("a|b", "x\ny", "<script>alert(1)</script>", "[go](https://example.org)", "*_`&amp;")
    shown = cells(HubCifarNet.of(model).generate_model_card().text)
    assert shown["classes"] == "a|b, x y, <script>alert(1)</script>, [go](https://example.org), *_`&amp;"
    assert list(shown) == ["network", "shortcuts", "parameters", "input", "classes", "normalization"]


def test_push_sends_the_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    sent: dict[str, Any] = {}

    class Recorder:
        def __init__(self, token: str | None = None) -> None:
            sent["token"] = token

        def create_repo(self, repo_id: str, **options: Any) -> Any:
            sent.update(options, created=repo_id)
            return type("Repository", (), {"repo_id": repo_id})

        def upload_folder(self, folder_path: Path, **options: Any) -> str:
            again = HubCifarNet.from_pretrained(folder_path)
            sent.update(options, files=sorted(path.name for path in folder_path.iterdir()), spec=again.spec)
            sent["license"] = hub.ModelCard.load(folder_path / "README.md").data.license
            return "https://example.org/commit"

    monkeypatch.setattr(hub.hub_mixin, "HfApi", Recorder)
    network = HubCifarNet.of(trained())
    choices = {"private": True, "token": "t", "model_card_kwargs": {"license": "cc0-1.0"}}
    assert network.push_to_hub("you/resnet20", **choices) == "https://example.org/commit"
    assert (sent["token"], sent["created"], sent["repo_id"], sent["private"]) == ("t", *["you/resnet20"] * 2, True)
    assert sent["files"] == ["README.md", "config.json", "model.safetensors"]
    assert (sent["spec"], sent["license"]) == (network.spec, "cc0-1.0")


def test_a_repository_is_read_from_the_hubs_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    network = HubCifarNet.of(trained())
    network.save_pretrained(tmp_path)

    def download(repo_id: str, filename: str, revision: str | None, **options: Any) -> str:
        assert (repo_id, revision) == ("you/resnet20", "v1")
        return str(tmp_path / filename)

    monkeypatch.setattr("resnetzoo.interop.huggingface.hf_hub_download", download)
    again = HubCifarNet.from_pretrained("you/resnet20", revision="v1")
    assert again.origin is not None
    assert again.origin.path == str(tmp_path / "model.safetensors")
    assert torch.equal(again.fc.weight, network.fc.weight)


def test_the_words_of_the_mixin_are_taken(tmp_path: Path) -> None:
    network = HubCifarNet.of(resnetzoo.plainnet(8))
    network.save_pretrained(tmp_path)
    again = HubCifarNet.from_pretrained(tmp_path, map_location=torch.device("cpu"), strict=False, resume_download=None)
    assert torch.equal(again.fc.weight, network.fc.weight)
    assert not again.training
    with pytest.raises(resnetzoo.ResnetzooError, match='"gpu"'):
        HubCifarNet.from_pretrained(tmp_path, map_location="gpu")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"{", "saved: its config.json is not valid JSON: Expecting property name .*; save the network again"),
        (b"", "saved: its config.json is not valid JSON: Expecting value"),
        (b"\xff", "saved: its config.json is not valid JSON: 'utf-8' codec"),
        (b"[]", r"saved: this version of resnetzoo cannot read its spec: \[\]"),
        (b"null", "saved: this version of resnetzoo cannot read its spec: None"),
    ],
)
def test_a_broken_configuration(tmp_path: Path, content: bytes, message: str) -> None:
    HubCifarNet.of(resnetzoo.plainnet(8)).save_pretrained(tmp_path / "saved")
    (tmp_path / "saved" / "config.json").write_bytes(content)
    with pytest.raises(resnetzoo.CheckpointError, match=message):
        HubCifarNet.from_pretrained(tmp_path / "saved")


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("missing/a/b", r"^missing/a/b: no such folder, and no repository can have this name \(Repo id must be"),
        ("./missing", r"^\./missing: no such folder, and no repository"),
        ("~/missing", "^~/missing: no such folder, and no repository"),
        (Path("missing/a/b"), "^missing/a/b: no such folder, and no repository"),
        ("saved/model.safetensors", "a file, not a folder; resnetzoo.load_checkpoint reads files of weights"),
    ],
    ids=str,
)
def test_a_missing_folder_is_called_missing(source: str | Path, message: str) -> None:
    HubCifarNet.of(resnetzoo.plainnet(8)).save_pretrained("saved")
    with pytest.raises(resnetzoo.CheckpointError, match=message):
        HubCifarNet.from_pretrained(source)


def test_a_folder_in_the_home_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    model = trained()
    assert HubCifarNet.of(model).save_pretrained("~/saved") is None
    assert [path.name for path in tmp_path.iterdir()] == ["home"]
    assert HubCifarNet.from_pretrained("~/saved").weights == model.weights

    asked: list[Path] = []

    def download(repo_id: str, filename: str, cache_dir: Path, **options: Any) -> str:
        asked.append(cache_dir)
        return str(tmp_path / "home" / "saved" / filename)

    monkeypatch.setattr("resnetzoo.interop.huggingface.hf_hub_download", download)
    HubCifarNet.from_pretrained("you/resnet20", cache_dir="~/cache")
    assert asked == [tmp_path / "home" / "cache"] * 2


def test_a_repository_without_a_configuration(monkeypatch: pytest.MonkeyPatch) -> None:
    def download(repo_id: str, filename: str, **options: Any) -> str:
        raise reason(f"{repo_id} has no {filename}")

    monkeypatch.setattr("resnetzoo.interop.huggingface.hf_hub_download", download)
    reason: type[Exception] = hub.errors.EntryNotFoundError
    with pytest.raises(resnetzoo.CheckpointError, match=r"you/bert: it has no config\.json"):
        HubCifarNet.from_pretrained("you/bert")
    reason = hub.errors.LocalEntryNotFoundError  # no network: nobody knows what it has
    with pytest.raises(hub.errors.LocalEntryNotFoundError):
        HubCifarNet.from_pretrained("you/bert")


def test_a_classifier_put_in_by_hand_comes_along(tmp_path: Path, tiny_model: resnetzoo.CifarNet) -> None:
    network = HubCifarNet.of(tiny_model)
    network.fc = torch.nn.Linear(16, 7)
    network.save_pretrained(tmp_path / "of seven")
    HubCifarNet.of(network).save_pretrained(tmp_path / "copied")
    for folder in ("of seven", "copied"):
        again = HubCifarNet.from_pretrained(tmp_path / folder)
        assert again.spec.num_classes == 7
        assert torch.equal(again.fc.weight, network.fc.weight)
        assert "| classes | 7 |" in (tmp_path / folder / "README.md").read_text()


def test_what_is_no_whole_network_is_refused(tmp_path: Path) -> None:
    model = trained()
    model.reset_classifier(0)
    with pytest.raises(resnetzoo.UsageError, match="no longer a whole resnet20 of 10 classes"):
        HubCifarNet.of(model)
    network = HubCifarNet.of(trained())
    network.reset_classifier(0)
    with pytest.raises(resnetzoo.UsageError, match="no longer a whole resnet20 of 10 classes"):
        network.save_pretrained(tmp_path)
    with pytest.raises(resnetzoo.CheckpointError, match=r"has no config\.json that describes the network"):
        HubCifarNet.from_pretrained(tmp_path)
    HubCifarNet.of(trained()).save_pretrained(tmp_path)
    with pytest.raises(
        resnetzoo.UsageError, match="from_pretrained does not take num_classes: it loads the network as it was"
    ):
        HubCifarNet.from_pretrained(tmp_path, num_classes=4)
    (tmp_path / "config.json").write_text('{"model_type": "bert"}')
    with pytest.raises(resnetzoo.CheckpointError, match="this version of resnetzoo cannot read its spec"):
        HubCifarNet.from_pretrained(tmp_path)
    (tmp_path / "config.json").write_text(json.dumps(resnetzoo.get_spec("resnet32").to_dict()))
    save_file(trained().state_dict(), tmp_path / "model.safetensors")  # as others write it
    with pytest.raises(resnetzoo.CheckpointError, match="those of resnet32, but it lacks"):
        HubCifarNet.from_pretrained(tmp_path)


@pytest.mark.parametrize(
    ("other", "difference"),
    [
        ({"family": "plain", "shortcut": "identity"}, "family 'residual' and 'plain'"),
        ({"depth": 32}, "depth 20 and 32"),
        ({"num_classes": 4}, "num_classes 10 and 4"),
    ],
)
def test_weights_that_contradict_the_configuration_are_refused(
    tmp_path: Path, other: dict[str, Any], difference: str
) -> None:
    HubCifarNet.of(trained()).save_pretrained(tmp_path)
    spec = replace(trained().spec, **other)
    resnetzoo.save_weights(resnetzoo.CifarNet(spec), tmp_path / "model.safetensors")
    message = rf"config\.json describes resnet20 and its model\.safetensors states {spec.label} \({difference}"
    with pytest.raises(resnetzoo.CheckpointError, match=message):
        HubCifarNet.from_pretrained(tmp_path)


def test_a_configuration_may_change_what_matters_to_training_alone(tmp_path: Path) -> None:
    HubCifarNet.of(trained()).save_pretrained(tmp_path)
    spec = replace(trained().spec, drop_rate=0.1)
    (tmp_path / "config.json").write_text(json.dumps(spec.to_dict()))
    again = HubCifarNet.from_pretrained(tmp_path)
    assert (again.spec, again.weights) == (spec, trained().weights)
