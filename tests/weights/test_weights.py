"""Weights as facts: every row against its file, its network and its record."""

import hashlib
import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import resnetzoo
from resnetzoo.data import cifar_files
from resnetzoo.models.fingerprint import fingerprint_of
from resnetzoo.utils.download import download
from resnetzoo.weights import Weights, hub
from resnetzoo.weights.checkpoint import load

ALL = resnetzoo.list_weights()
STORED = (
    "name spec file url sha256 classes mean std input_size params test_error test_images trained_on recipe epoch "
    "licence source"
)  # the fields of a row in files, which stay
PACKAGED = [row for row in ALL if row.packaged]


@pytest.mark.parametrize("row", ALL, ids=lambda row: row.name)
def test_a_row_says_what_its_network_is(row: Weights) -> None:
    assert resnetzoo.get_weights(row.name) is row
    assert row.network in resnetzoo.list_models(pretrained=True)
    spec = resnetzoo.get_spec(row.network)
    assert (row.spec.family, row.spec.depth) == (spec.family, spec.depth)
    assert row.params == resnetzoo.complexity(row.spec).params
    assert len(row.classes) == row.spec.num_classes
    assert 0 < row.test_error < 100
    assert set(row.sha256) <= set("0123456789abcdef")
    assert len(row.sha256) == 64 if row.packaged else len(row.sha256) >= 8
    assert row.sha256[:8] in row.file or row.packaged
    assert str(row.url).startswith("https://") or row.packaged
    assert Weights.from_dict(json.loads(json.dumps(row.to_dict()))) == row


@pytest.mark.parametrize("row", PACKAGED, ids=lambda row: row.name)
def test_a_packaged_file_is_the_one_of_its_row(row: Weights, real_data: str) -> None:
    path = hub.local_path(row)
    assert hashlib.sha256(path.read_bytes()).hexdigest() == row.sha256
    model = resnetzoo.create(row.network, weights=row.name)
    assert model.weights is row
    assert model.spec == row.spec
    assert not model.training
    assert model.normalization is not None
    for ours, said in ((model.normalization.mean, row.mean), (model.normalization.std, row.std)):
        assert ours.flatten().tolist() == pytest.approx(said, abs=1e-6)
    if real_data:
        found = resnetzoo.evaluate(model, resnetzoo.cifar10(real_data).test)
        assert found.error == pytest.approx(row.test_error, abs=0.1)


def test_the_package_stays_small() -> None:
    assert sum(hub.local_path(row).stat().st_size for row in PACKAGED) < 9_000_000


def test_the_first_row_is_the_default() -> None:
    assert {row.network for row in PACKAGED} >= {"plainnet20", "plainnet56", "resnet20", "resnet56"}
    model = resnetzoo.create("resnet20", weights=True)
    assert model.weights is resnetzoo.get_weights("resnet20.modern_c10")
    tagged = resnetzoo.create("resnet20", weights="modern_c10")
    images = torch.rand(2, 3, 32, 32)
    with torch.inference_mode():
        assert torch.equal(model(images), tagged(images))
    assert resnetzoo.create("resnet20", weights=False).training
    assert resnetzoo.create("resnet20").weights is None


def test_another_number_of_classes_gets_a_fresh_classifier() -> None:
    trained = resnetzoo.create("resnet20", weights=True)
    model = resnetzoo.create("resnet20", weights=True, num_classes=7, seed=3)
    assert model(torch.rand(1, 3, 32, 32)).shape == (1, 7)
    assert torch.equal(model.conv1.weight, trained.conv1.weight)
    assert model.weights is None
    again = resnetzoo.create("resnet20", weights=True, num_classes=7, seed=3)
    assert torch.equal(model.fc.weight, again.fc.weight)


@pytest.mark.parametrize(
    ("name", "choices", "message"),
    [
        (
            "resnet20",
            {"weights": "fast"},
            'no weights are called "resnet20.fast"; there is resnet20.modern_c10, resnet',
        ),
        (
            "preresnet20",
            {"weights": True},
            "preresnet20 has no weights; networks that have: plainnet20, plainnet56, resnet20, resnet32",
        ),
        ("resnet32", {"weights": "resnet20.modern_c10"}, "the weights are of resnet20, not of resnet32"),
        ("plainnet20", {"weights": "resnet20.akamaster_c10"}, "the weights are of resnet20, not of plainnet20"),
        ("resnet20", {"weights": True, "shortcut": "projection"}, 'have shortcut="identity", not "projection"'),
        ("resnet20", {"weights": True, "in_chans": 0}, "in_chans"),
        ("resnet20", {"weights": True, "zero_init_residual": True}, "zero_init_residual is for fresh weights"),
        ("resnet20", {"weights": True, "norm": "group"}, "norm is for fresh weights"),
        ("resnet20", {"weights": True, "drop_rate": 0.3}, "drop_rate is for fresh weights"),
        ("resnet20", {"norm": "layer"}, "norm must be one of batch, group"),
        ("resnext29_8x64d", {"drop_rate": 0.3}, "drop_rate is only for basic blocks"),
        ("resnet20", {"weights": "http://example.org/a.pt"}, "fetched from https addresses"),
        ("resnet20", {"weights": "HTTP://example.org/a.pt"}, "fetched from https addresses"),
        ("resnet20", {"weights": "https://[x/a.pt"}, r"cannot fetch https://\[x/a\.pt: Invalid IPv6 URL;"),
        ("resnet20", {"weights": "https://localhost/é.pt"}, "cannot fetch https://localhost/.*: .* written as %XX"),
        ("resnet57", {"weights": True}, "the nearest valid: 56 or 62"),
    ],
)
def test_what_cannot_be_meant(name: str, choices: dict[str, object], message: str) -> None:
    with pytest.raises(resnetzoo.UsageError, match=message.replace("(", r"\(")):
        resnetzoo.create(name, **choices)  # type: ignore[arg-type]


def test_training_ends_what_a_row_says(tiny_data: resnetzoo.Data, tiny_recipe: resnetzoo.Recipe) -> None:
    model = resnetzoo.create("resnet20", weights=True)
    resnetzoo.fit(model, tiny_data, tiny_recipe, precision="fp32", device="cpu", progress=False)
    assert model.weights is None
    assert model.origin is None


def test_a_file_as_weights(tmp_path: Path) -> None:
    model = resnetzoo.create("plainnet20", seed=4).eval()
    resnetzoo.save_weights(model, tmp_path / "mine.safetensors")
    again = resnetzoo.create("plainnet20", weights=tmp_path / "mine.safetensors")
    assert all(torch.equal(tensor, again.state_dict()[name]) for name, tensor in model.state_dict().items())
    torch.save(model.state_dict(), tmp_path / "mine.pt")
    assert resnetzoo.create("plainnet20", weights=str(tmp_path / "mine.pt")).spec.family == "plain"
    with pytest.raises(resnetzoo.UsageError, match="the weights are of plainnet20, not of resnet20"):
        resnetzoo.create("resnet20", weights=tmp_path / "mine.safetensors")


@pytest.mark.parametrize("row", resnetzoo.list_weights(), ids=lambda row: row.name)
def test_a_row_is_stored_with_its_data_in_a_line(row: Weights) -> None:
    stored = row.to_dict()
    assert " ".join(stored) == STORED
    line = f"{row.dataset}, 50,000 images"
    assert stored["trained_on"] == row.trained_on == (f"{line}, {row.dataset_fingerprint}" if row.packaged else line)
    assert Weights.from_dict(json.loads(json.dumps(stored))) == row
    with pytest.raises(KeyError, match="trained_on"):
        Weights.from_dict({key: value for key, value in stored.items() if key != "trained_on"})


@pytest.fixture
def published(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Path, Weights]]:
    """A peer's row whose file a server on this machine publishes."""
    folder = tmp_path / "served"
    folder.mkdir()
    torch.save(resnetzoo.create("resnet20", seed=1).state_dict(), folder / "weights.pt")
    sha256 = hashlib.sha256((folder / "weights.pt").read_bytes()).hexdigest()
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(SimpleHTTPRequestHandler, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setattr(hub, "_SCHEMES", ("http://", "https://"))
    url = f"http://127.0.0.1:{server.server_port}/weights.pt"
    row = resnetzoo.get_weights("resnet20.akamaster_c10")
    yield folder / "weights.pt", Weights(**{**vars(row), "url": url, "file": "weights.pt", "sha256": sha256[:8]})
    server.shutdown()
    server.server_close()


def test_a_file_is_fetched_once_and_checked(published: tuple[Path, Weights]) -> None:
    served, row = published
    path = hub.local_path(row)
    assert path.read_bytes() == served.read_bytes()
    served.unlink()
    assert hub.local_path(row) == path
    path.write_bytes(b"something else")
    with pytest.raises(resnetzoo.CheckpointError, match=r"weights\.pt: not the file that was published: its SHA-256"):
        hub.local_path(row)


@pytest.mark.parametrize("scheme", ["HTTP", "Http"])
def test_the_scheme_of_an_address_ignores_case(published: tuple[Path, Weights], scheme: str) -> None:
    """Of https as of http, and the file is fetched once."""
    served, row = published
    url = str(row.url).replace("http", scheme)
    assert resnetzoo.load_model(url).spec == row.spec
    served.unlink()
    for again in (url, str(row.url)):
        assert resnetzoo.load_model(again).spec == row.spec
    with pytest.raises(resnetzoo.DownloadError, match=r"^https://localhost:1/a\.pt could not be fetched"):
        resnetzoo.load_model(f"{scheme}S://localhost:1/a.pt")


def test_a_file_that_several_need_at_once_is_fetched_once(
    published: tuple[Path, Weights], monkeypatch: pytest.MonkeyPatch
) -> None:
    fetched = []
    monkeypatch.setattr(hub, "download", lambda *args, **names: fetched.append(args) or download(*args, **names))
    with ThreadPoolExecutor(3) as threads:
        paths = list(threads.map(hub.local_path, [published[1]] * 3))
    assert {path.read_bytes() for path in paths} == {published[0].read_bytes()}
    assert len(fetched) == 1
    assert {*paths[0].parent.iterdir()} == {paths[0]}


def test_wrong_bytes_and_dead_links_leave_nothing(published: tuple[Path, Weights]) -> None:
    served, row = published
    served.write_bytes(b"a page of HTML")
    with pytest.raises(resnetzoo.CheckpointError, match="not the file that was published"):
        hub.local_path(row)
    served.unlink()
    with pytest.raises(
        resnetzoo.ResnetzooError, match=r"could not be fetched: status 404, File not found; fetch it on a machine with"
    ):
        hub.local_path(row)
    assert not hub.cache_path(row.file).exists()


def test_an_address_as_weights(published: tuple[Path, Weights]) -> None:
    _, row = published
    expected = resnetzoo.create("resnet20", seed=1).conv1.weight
    assert torch.equal(resnetzoo.create("resnet20", weights=row.url).conv1.weight, expected)
    assert torch.equal(resnetzoo.load_model(str(row.url)).conv1.weight, expected)


@pytest.mark.parametrize(
    "name",
    [
        "resnet20-20240315.pt",
        "resnet20-00064000.pt",
        "run-1710460800.final.pt",
        "resnet20-{hash}.pt",
        "files/resnet20.safetensors/content",
        "download?file=resnet20.safetensors",
        "r" * 250,
        f"weights.pt?signature={'0' * 5000}",
        f"{'r' * 240}.safetensors#v1",
    ],
)
def test_what_an_address_ends_in(published: tuple[Path, Weights], name: str) -> None:
    served, row = published
    name = name.replace("{hash}", row.sha256)
    content = served.read_bytes()
    if "safetensors" in name:
        resnetzoo.save_weights(resnetzoo.create("resnet20", seed=1), served.with_suffix(".safetensors"))
        content = served.with_suffix(".safetensors").read_bytes()
    path = served.parent / name.split("?")[0].split("#")[0]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    found = resnetzoo.load_model(str(row.url).replace("weights.pt", name))
    assert torch.equal(found.conv1.weight, resnetzoo.create("resnet20", seed=1).conv1.weight)


def test_a_hash_in_an_address_is_checked(published: tuple[Path, Weights]) -> None:
    served, row = published
    served.rename(served.with_name("resnet20-abcdef12.pt"))
    with pytest.raises(resnetzoo.CheckpointError, match="not abcdef12, as its name says, and it has"):
        resnetzoo.load_model(str(row.url).replace("weights", "resnet20-abcdef12"))


@pytest.mark.skipif(not Path("/proc/self/mem").exists(), reason="needs a file that opens and cannot be read")
def test_a_kept_file_that_cannot_be_read_is_named(published: tuple[Path, Weights]) -> None:
    path = hub.cache_path("weights.pt")
    path.parent.mkdir(parents=True)
    path.symlink_to("/proc/self/mem")
    with pytest.raises(resnetzoo.CheckpointError, match=r"weights/weights\.pt: cannot be read: Input/output error"):
        hub.local_path(published[1])


def test_a_page_at_an_address_is_not_kept(published: tuple[Path, Weights]) -> None:
    served, row = published
    good = served.read_bytes()
    served.write_bytes(b"<!DOCTYPE html><title>We are busy</title>")
    with pytest.raises(resnetzoo.CheckpointError, match=r"^http://.*/weights\.pt: a web page, not a checkpoint"):
        resnetzoo.load_model(str(row.url))
    served.write_bytes(good)
    assert resnetzoo.load_model(str(row.url)).spec.depth == 20


@pytest.mark.parametrize(
    ("mode", "size"), [("RGB", (32, 32)), ("RGB", (100, 40)), ("L", (32, 64)), ("RGBA", (48, 48)), ("P", (33, 32))]
)
def test_an_image_of_any_size_and_mode_becomes_input(mode: str, size: tuple[int, int]) -> None:
    model = resnetzoo.create("resnet20", weights=True)
    pixels = np.random.default_rng(0).integers(0, 256, (size[1], size[0], 3), np.uint8)
    image = Image.fromarray(pixels).convert(mode)
    found = model.preprocess(image)
    assert found.shape == (3, 32, 32)
    assert torch.equal(found, resnetzoo.get_weights("resnet20.modern_c10").transforms()(image)) or torch.allclose(
        found, resnetzoo.get_weights("resnet20.modern_c10").transforms()(image), atol=1e-4
    )
    if (mode, size) == ("RGB", (32, 32)):  # nothing is resampled: what `evaluate` feeds
        assert model.normalization is not None
        planes = torch.from_numpy(pixels).permute(2, 0, 1)
        assert torch.equal(found, model.normalization(planes))
        assert torch.allclose(model.preprocess(planes.float() / 255), found)


def test_transparent_is_white() -> None:
    model = resnetzoo.create("resnet20", weights=True)
    clear = Image.new("RGBA", (32, 32), (0, 0, 0, 0))
    assert torch.equal(model.preprocess(clear), model.preprocess(Image.new("RGB", (32, 32), "white")))


def test_a_fresh_network_knows_no_preprocessing() -> None:
    with pytest.raises(resnetzoo.UsageError, match="has not been trained"):
        resnetzoo.create("resnet20").preprocess(Image.new("RGB", (32, 32)))


def test_the_classes_are_the_data_sets() -> None:
    assert resnetzoo.get_weights("resnet20.chenyaofo_c100").classes == cifar_files.CIFAR100.classes
    assert resnetzoo.get_weights("resnet20.akamaster_c10").classes == cifar_files.CIFAR10.classes


@pytest.mark.parametrize(
    ("word", "error", "message"),
    [
        ("resent20", resnetzoo.UnknownModelError, "did you mean resnet20.*; there is no file of that name either"),
        ("resnet20.fast", resnetzoo.UsageError, 'no weights are called "resnet20.fast"; there is resnet20.modern'),
        ("preresnet20", resnetzoo.UsageError, "preresnet20 has no weights"),
        ("./resnet20", resnetzoo.CheckpointError, "no such checkpoint"),
        ("resnet20.pt", resnetzoo.CheckpointError, "no such checkpoint"),
        (Path("resnet20"), resnetzoo.CheckpointError, "no such checkpoint"),
        ("", resnetzoo.UsageError, "an empty path was given"),
    ],
)
def test_words_that_are_no_model(word: str | Path, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        resnetzoo.load_model(word)


def test_words_that_are_a_model() -> None:
    named = resnetzoo.load_model("resnet20.modern_c10")
    assert named.weights is resnetzoo.get_weights("resnet20.modern_c10")
    resnetzoo.save_weights(named, "mine.safetensors")
    for word in ("mine.safetensors", Path("mine.safetensors")):
        assert torch.equal(resnetzoo.load_model(word).conv1.weight, named.conv1.weight)
    torch.save(resnetzoo.create("plainnet20").state_dict(), "some")
    assert resnetzoo.load_model("some", family="plain").spec.family == "plain"
    with pytest.raises(resnetzoo.CheckpointError, match='family="plain" was asked for'):
        resnetzoo.load_model("resnet20", family="plain")


@pytest.mark.parametrize("word", ["modern_c10", "resnet20.modern_c10"])
def test_the_name_of_weights_takes_precedence_over_a_file(word: str) -> None:
    resnetzoo.save_weights(resnetzoo.create("resnet20", seed=1), "mine.safetensors")
    Path("mine.safetensors").rename(word)
    row = resnetzoo.get_weights("resnet20.modern_c10")
    assert resnetzoo.create("resnet20", weights=word).weights is row
    assert resnetzoo.create("resnet20", weights=f"./{word}").weights is None


def test_weights_are_hashed_once_however_they_are_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    resnetzoo.save_weights(resnetzoo.create("resnet20", weights=True), "copy.safetensors")
    hashed: list[object] = []

    def count(model: resnetzoo.CifarNet) -> str:
        hashed.append(model)
        return fingerprint_of(model)

    monkeypatch.setattr(load, "fingerprint_of", count)
    for name in ("resnet20.modern_c10", "copy.safetensors"):
        assert resnetzoo.load_model(name).weights is not None
    assert len(hashed) == 2
    resnetzoo.save_weights(resnetzoo.create("resnet20", seed=0), "fresh.safetensors")
    assert resnetzoo.load_checkpoint("fresh.safetensors").weights is None
    assert len(hashed) == 2
