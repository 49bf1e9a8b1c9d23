"""Datasets from real files: both formats, every way in which a file can be wrong, parts and fingerprints."""

import hashlib
import pickle
import warnings
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from cases import REAL_DATA, random_batch, write_batch, write_folder
from processes import Command

import resnetzoo
from resnetzoo.data.cifar_files import CIFAR10, CIFAR100, DatasetInfo
from resnetzoo.errors import DataError, DataNotFoundError

pytestmark = pytest.mark.filterwarnings("ignore::resnetzoo.UnofficialDataWarning")

READERS = {"cifar10": resnetzoo.cifar10, "cifar100": resnetzoo.cifar100}
BOTH = pytest.mark.parametrize("info", [CIFAR10, CIFAR100], ids=lambda info: info.name)
KINDS = pytest.mark.parametrize("kind", ["binary", "python"])


@BOTH
@KINDS
@pytest.mark.parametrize("inside", [False, True], ids=["above", "inside"])
def test_reads_both_formats(tmp_path: Path, info: DatasetInfo, kind: str, inside: bool) -> None:
    folder = write_folder(tmp_path / "data", info, kind, count=20)
    data = READERS[info.name](folder if inside else tmp_path / "data")
    files = len(info.formats[0].train)
    assert data.train.images.shape == (20 * files, 3, 32, 32)
    assert data.train.images.dtype == torch.uint8
    assert len(data.test) == 20
    assert data.classes == info.classes
    pixels, labels = random_batch(info, 20, seed=0)
    assert torch.equal(data.train.images[:20], torch.from_numpy(pixels).reshape(20, 3, 32, 32))
    assert torch.equal(data.train.labels[:20], torch.from_numpy(labels))
    assert not data.official


@BOTH
def test_both_formats_have_one_fingerprint(tmp_path: Path, info: DatasetInfo) -> None:
    read = READERS[info.name]
    prints = {read(write_folder(tmp_path / kind, info, kind)).fingerprint for kind in ("binary", "python")}
    assert len(prints) == 1


def test_version_1_of_the_fingerprint_is_sha256_over_images_and_labels(tmp_path: Path) -> None:
    data = resnetzoo.cifar10(write_folder(tmp_path, CIFAR10, "binary", count=3))
    batches = [random_batch(CIFAR10, 3, seed) for seed in range(6)]
    digest = hashlib.sha256()
    for group in (batches[:5], batches[5:]):
        digest.update(b"".join(pixels.tobytes() for pixels, _ in group))
        digest.update(b"".join(labels.astype(np.uint8).tobytes() for _, labels in group))
    assert data.fingerprint_v1 == digest.hexdigest()
    assert data.has_fingerprint(digest.hexdigest())


def test_a_changed_pixel_is_another_fingerprint(tmp_path: Path) -> None:
    folder = write_folder(tmp_path, CIFAR10, "binary")
    before = resnetzoo.cifar10(folder).fingerprint
    content = bytearray((folder / "data_batch_3.bin").read_bytes())
    content[3_000] ^= 1
    (folder / "data_batch_3.bin").write_bytes(content)
    assert resnetzoo.cifar10(folder).fingerprint != before


@pytest.mark.filterwarnings("error::resnetzoo.UnofficialDataWarning")
def test_unofficial_contents_are_said(cifar10_folder: Path) -> None:
    with pytest.warns(resnetzoo.UnofficialDataWarning, match="is not the official CIFAR-10: data_batch_1.bin, "):
        resnetzoo.cifar10(cifar10_folder)


@pytest.mark.skipif(not REAL_DATA, reason="needs CIFAR-10 itself in $RESNETZOO_DATA")
@pytest.mark.filterwarnings("error::resnetzoo.UnofficialDataWarning")
def test_the_official_files_are_recognised(real_data: str) -> None:
    from torchvision.datasets import CIFAR10 as Peer  # noqa: N811

    data = resnetzoo.cifar10(real_data)
    assert data.official
    assert data.fingerprint_v1 == "32e5966899bde482c0ef7d076bf69809b4b1488c806f657a814cfca4646ec493"
    if (Path(real_data) / "cifar-10-batches-py").is_dir():
        peer = Peer(real_data, train=False)
        assert np.array_equal(peer.data.transpose(0, 3, 1, 2), data.test.images.numpy())
        assert peer.targets == data.test.labels.tolist()


def test_places_in_their_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folders = {}
    for place, count in (("given", 3), ("variable", 4), ("cache/resnetzoo", 5)):
        write_folder(tmp_path / place, CIFAR10, "binary", count=count)
        folders[place] = tmp_path / place
    assert len(resnetzoo.cifar10().test) == 5
    monkeypatch.setenv("RESNETZOO_DATA", str(folders["variable"]))
    assert len(resnetzoo.cifar10().test) == 4
    assert len(resnetzoo.cifar10(folders["given"]).test) == 3
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataNotFoundError, match=r"is not in .*empty; "):  # nobody gets other data than those named
        resnetzoo.cifar10(tmp_path / "empty")


def test_a_complete_layout_is_preferred(tmp_path: Path) -> None:
    binary = write_folder(tmp_path / "data", CIFAR10, "binary", count=3)
    write_folder(tmp_path / "data", CIFAR10, "python", count=4)
    assert len(resnetzoo.cifar10(tmp_path / "data").test) == 3
    (binary / "test_batch.bin").unlink()
    assert len(resnetzoo.cifar10(tmp_path / "data").test) == 4


def test_nowhere_says_where_it_looked_and_what_to_type() -> None:
    with pytest.raises(DataNotFoundError, match=r"is not in .*resnetzoo; .*resnetzoo data --dataset cifar10"):
        resnetzoo.cifar10()


NAMED = {
    "nowhere": r"nowhere.* is missing; .*resnetzoo data --dataset cifar10 --data-dir .*nowhere --download",
    "no where": r"no where is missing; .*resnetzoo data --dataset cifar10 --data-dir '.*no where' --download",
    "link": "link.* is a link to nowhere, which is missing",
    "file": r"file.* is a file, not a folder; pass the folder that contains it",
    "cifar-10-python.tar.gz": "is the archive of CIFAR-10, a file; pass the folder that contains it",
    "above": "CIFAR-10 is in a subfolder, .*above/two: pass that folder",
    "other": "other holds CIFAR-100: --dataset cifar100",
    "other/cifar-100-python": "holds CIFAR-100: --dataset cifar100",
}


@pytest.mark.parametrize("dataset", ["auto", "cifar10"])
@pytest.mark.parametrize(("word", "message"), NAMED.items())
def test_what_is_named_and_does_not_hold_the_data_is_called_what_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, dataset: str, word: str, message: str
) -> None:
    """Never the synthetic dataset in its place, never a folder that a misspelt word would make."""
    (tmp_path / "file").write_text("")
    (tmp_path / "link").symlink_to("nowhere")
    (tmp_path / "cifar-10-python.tar.gz").write_text("")
    write_folder(tmp_path / "above" / "two", CIFAR10, "binary", count=1)
    write_folder(tmp_path / "other", CIFAR100, "python", count=1)
    with pytest.raises(DataNotFoundError, match=message):
        resnetzoo.load_data(dataset, tmp_path / word)
    with pytest.raises(DataNotFoundError, match=message):
        resnetzoo.cifar10(str(tmp_path / word))
    if not (tmp_path / word).is_dir():
        monkeypatch.setenv("RESNETZOO_DATA", str(tmp_path / word))
        for find in (partial(resnetzoo.load_data, dataset), partial(resnetzoo.cifar10, download=True)):
            with pytest.raises(DataNotFoundError, match=r"^\$RESNETZOO_DATA names .*, which is"):
                find()
    assert not (tmp_path / "nowhere").exists()


def test_the_synthetic_set_is_not_read_from_a_folder(tmp_path: Path) -> None:
    with pytest.raises(resnetzoo.UsageError, match="is drawn by a program, not read from"):
        resnetzoo.load_data("synthetic", tmp_path)


def test_what_cannot_be_read_is_named(tmp_path: Path, cifar10_folder: Path) -> None:
    """A link to itself: as root, the system refuses nothing else."""
    (tmp_path / "loop").symlink_to("loop")
    with pytest.raises(DataError, match="loop cannot be read: Too many levels of symbolic links"):
        resnetzoo.load_data("auto", tmp_path / "loop" / "data")
    file = cifar10_folder / "data_batch_2.bin"
    file.unlink()
    file.symlink_to(file.name)
    with pytest.raises(DataError, match=f"{file} cannot be read: Too many levels of symbolic links"):
        resnetzoo.cifar10(cifar10_folder)


DAMAGES = {
    "empty": (lambda content: b"", "empty: 0 bytes found, {expected} expected"),
    "truncated": (lambda content: content[:-100], "{found} bytes found|of the {found} found"),
    "too long": (lambda content: content + b"\0" * 7, "{found} bytes found"),
    "garbage": (lambda content: bytes(range(250)) * 11, "{found} (bytes )?found"),
}


@BOTH
@KINDS
@pytest.mark.parametrize("damage", DAMAGES)
def test_damaged_files_are_named_with_sizes(tmp_path: Path, info: DatasetInfo, kind: str, damage: str) -> None:
    folder = write_folder(tmp_path / "data", info, kind)
    archive_format = next(archive_format for archive_format in info.formats if archive_format.kind == kind)
    file = archive_format.train[-1]
    change, message = DAMAGES[damage]
    path = folder / file.name
    path.write_bytes(change(path.read_bytes()))
    expected = f"{file.size:,} bytes" if file.size else "images"
    wanted = message.format(expected=expected, found=f"{path.stat().st_size:,}")
    with pytest.raises(DataError, match=wanted) as caught:
        READERS[info.name](folder)
    assert str(path) in str(caught.value)
    assert f"{file.size:,}" in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("size", "word"), [(30_730_000 - 3_073, "truncated"), (30_730_000 + 3_073, "too long")])
def test_sizes_beside_an_official_file(tmp_path: Path, size: int, word: str) -> None:
    """A whole number of records is no excuse where the other files have their official length."""
    folder = write_folder(tmp_path, CIFAR10, "binary")
    with (folder / "data_batch_1.bin").open("wb") as file:
        file.truncate(30_730_000)
    with (folder / "data_batch_2.bin").open("wb") as file:
        file.truncate(size)
    with pytest.raises(DataError, match=rf"data_batch_\d.bin: {word}: .* bytes found, 30,730,000 bytes expected"):
        resnetzoo.cifar10(folder)


@BOTH
@KINDS
def test_missing_files_are_named(tmp_path: Path, info: DatasetInfo, kind: str) -> None:
    folder = write_folder(tmp_path, info, kind)
    archive_format = next(archive_format for archive_format in info.formats if archive_format.kind == kind)
    (folder / archive_format.test[0].name).unlink()
    with pytest.raises(DataError, match=f"missing: {archive_format.test[0].name}"):
        READERS[info.name](folder)


@BOTH
@KINDS
def test_a_label_out_of_range_is_named(tmp_path: Path, info: DatasetInfo, kind: str) -> None:
    folder = write_folder(tmp_path, info, kind)
    archive_format = next(archive_format for archive_format in info.formats if archive_format.kind == kind)
    pixels, labels = random_batch(info, 20, seed=0)
    labels[13] = 200
    write_batch(folder / archive_format.train[0].name, archive_format, pixels, labels)
    highest = len(info.classes) - 1
    with pytest.raises(DataError, match=f"{archive_format.train[0].name}: image 13 has label 200, .* 0 to {highest}"):
        READERS[info.name](folder)


@pytest.mark.parametrize(
    ("batch", "message"),
    [
        ({"data": np.zeros((2, 3072), np.uint8)}, 'a dictionary with "data" and "labels"'),
        ([1, 2], "found a list"),
        ({"data": np.zeros((2, 3071), np.uint8), "labels": [0, 1]}, r"must be uint8 \(n, 3072\)"),
        ({"data": np.zeros((2, 3072), np.float32), "labels": [0, 1]}, "found float32"),
        ({"data": [1, 2], "labels": [0, 1]}, "found a list"),
        ({"data": np.zeros((2, 3072), np.uint8), "labels": [0]}, "2 images and 1 labels found"),
        ({"data": np.zeros((0, 3072), np.uint8), "labels": []}, "0 images"),
        ({"data": np.zeros((2, 3072), np.uint8), "labels": ["a", "b"]}, "whole numbers, but label 0 is 'a'"),
        ({"data": np.zeros((2, 3072), np.uint8), "labels": [0, None]}, "whole numbers, but label 1 is None"),
        ({"data": np.zeros((2, 3072), np.uint8), "labels": (0, 1.0)}, r"whole numbers, but label 1 is 1\.0"),
        ({"data": np.zeros((2, 3072), np.uint8), "labels": [True, 0]}, "whole numbers, but label 0 is True"),
        ({"data": np.zeros((2, 3072), np.uint8), "labels": np.array([True, False])}, "whole numbers, found bool"),
        ({"data": np.zeros((2, 3072), np.uint8), "labels": {0: 1}}, "whole numbers, found a dictionary with 0"),
        ({"data": np.zeros((2, 3072), np.uint8), "labels": [0, 2**80]}, f"image 1 has label {2**80}, but"),
        ({"data": np.zeros((2, 3072), np.uint8), "labels": [0, -1]}, "image 1 has label -1"),
        ({"data": np.zeros((2, 3072), np.uint8), "labels": [0, -7]}, "image 1 has label -7"),
        (
            {"data": np.zeros((2, 3072), np.uint8), "labels": np.array([0, 2**64 - 1], np.uint64)},
            f"image 1 has label {2**64 - 1}, but",
        ),
    ],
)
@pytest.mark.parametrize("protocol", [2, pickle.HIGHEST_PROTOCOL])
def test_a_pickle_of_something_else_is_described(tmp_path: Path, batch: object, message: str, protocol: int) -> None:
    folder = write_folder(tmp_path, CIFAR10, "python")
    (folder / "data_batch_1").write_bytes(pickle.dumps(batch, protocol=protocol))
    with pytest.raises(DataError, match=message):
        resnetzoo.cifar10(folder)


def test_results_do_not_say_where_on_a_machine_the_data_lay(cifar10_folder: Path) -> None:
    with pytest.warns(resnetzoo.UnofficialDataWarning):
        data = resnetzoo.cifar10(cifar10_folder)
    assert data.source == str(cifar10_folder)
    assert data.to_dict()["source"] == cifar10_folder.name


def test_first_and_split(tiny_data: resnetzoo.Data) -> None:
    part = tiny_data.first(7)
    assert (len(part.train), len(part.test)) == (7, 20)
    assert part.title == "the synthetic dataset, first 7 training images"
    assert part.fingerprint != tiny_data.fingerprint
    assert tiny_data.first(48) is tiny_data
    both = tiny_data.first(7, 5)
    assert (len(both.train), len(both.test)) == (7, 5)
    assert both.title == "the synthetic dataset, first 7 training and 5 test images"
    assert tiny_data.first(48, 5).title == "the synthetic dataset, first 5 test images"
    with pytest.raises(resnetzoo.UsageError, match="test_images must be a whole number from 1 to 20, not 21"):
        tiny_data.first(48, 21)

    split = tiny_data.validation_split(8, seed=3)
    again = tiny_data.validation_split(8, seed=3)
    other = tiny_data.validation_split(8, seed=4)
    assert (len(split.train), len(split.test)) == (40, 8)
    assert split.fingerprint == again.fingerprint != other.fingerprint
    whole = torch.cat([split.train.images, split.test.images]).flatten(1)
    assert {image.numpy().tobytes() for image in whole} == {
        image.numpy().tobytes() for image in tiny_data.train.images.flatten(1)
    }


@pytest.mark.parametrize("kind", ["binary", "python"])
def test_coarse_labels(tmp_path: Path, kind: str) -> None:
    folder = write_folder(tmp_path, CIFAR100, kind, count=3)
    coarse = [19, 0, 7]
    for name in ("train", "test"):
        if kind == "binary":
            records = np.fromfile(folder / f"{name}.bin", np.uint8).reshape(3, -1)
            records[:, 0] = coarse
            records.tofile(folder / f"{name}.bin")
        else:
            batch = pickle.loads((folder / name).read_bytes())
            (folder / name).write_bytes(pickle.dumps({**batch, "coarse_labels": coarse}, protocol=2))
    fine, data = resnetzoo.cifar100(folder), resnetzoo.cifar100(folder, labels="coarse")
    assert data.train.labels.tolist() == data.test.labels.tolist() == coarse
    assert (len(data.classes), data.classes[19]) == (20, "vehicles_2")
    assert torch.equal(data.train.images, fine.train.images)
    assert fine.train.labels.tolist() == [0, 1, 2]
    assert resnetzoo.load_data(data.name, folder).fingerprint == data.fingerprint != fine.fingerprint
    with pytest.raises(resnetzoo.UsageError, match="labels must be one of fine, coarse"):
        resnetzoo.cifar100(folder, labels="medium")


def labelled(*counts: int) -> resnetzoo.Data:
    """So many images of each class, each image its own number."""
    labels = torch.cat([torch.full((count,), label) for label, count in enumerate(counts)])
    images = torch.arange(len(labels), dtype=torch.int64).view(-1, 1, 1, 1).remainder(256).to(torch.uint8)
    whole = resnetzoo.ImageSet(images, labels, tuple("abcdefgh"[: len(counts)]))
    return resnetzoo.Data("mine", whole, whole, official=False, source="a test")


def classes_in(images: resnetzoo.ImageSet) -> list[int]:
    return images.labels.bincount(minlength=len(images.classes)).tolist()


def test_a_split_loses_no_class() -> None:
    """Of 24 and 3 images the first of a permutation lost a class in 27 of 50 seeds."""
    data = labelled(24, 3)
    for seed in range(50):
        split = data.validation_split(3, seed=seed)
        assert (classes_in(split.train), classes_in(split.test)) == ([22, 2], [2, 1])
    assert classes_in(labelled(100, 50, 10).validation_split(16).test) == [10, 5, 1]
    held = data.validation_split(5, seed=0).test.images.flatten().tolist()
    assert held != data.validation_split(5, seed=1).test.images.flatten().tolist()
    assert len(set(held)) == 5


@pytest.mark.parametrize(
    ("counts", "held_out", "message", "held"),
    [
        ((9, 1), 3, r"fewer than two images each, and none of them is held out: b \(1\)", [3, 0]),
        ((9, 0), 3, r"fewer than two images each, and none of them is held out: b \(0\)", [3, 0]),
        ((2, 2), 3, "which leaves none to train on: a", [2, 1]),
    ],
)
def test_a_split_says_which_class_it_cannot_keep(
    counts: tuple[int, ...], held_out: int, message: str, held: list[int]
) -> None:
    with pytest.warns(UserWarning, match=message):
        split = labelled(*counts).validation_split(held_out)
    assert classes_in(split.test) == held


@pytest.mark.parametrize(
    ("counts", "held_out", "kept", "lost"),
    [((1, 1), 1, "b (1)", "a"), ((1, 1, 1), 2, "c (1)", "a, b"), ((1, 0, 1, 2), 3, "b (0)", "a, c")],
)
def test_no_class_is_both_lost_and_kept(counts: tuple[int, ...], held_out: int, kept: str, lost: str) -> None:
    """Where the images of single ones have to be held out too, which then are lost to the training."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        split = labelled(*counts).validation_split(held_out)
    assert [str(warning.message).split(": ")[1] for warning in caught] == [kept, lost]
    left = zip(split.classes, counts, classes_in(split.train), strict=True)
    assert [name for name, count, train in left if count and not train] == lost.split(", ")


@pytest.mark.parametrize("name", ["cifar10", "cifar100"])
def test_the_split_of_the_paper_stays_the_same(name: str) -> None:
    labels = torch.arange(50_000) % 10
    whole = resnetzoo.ImageSet(
        (torch.arange(50_000) // 256).to(torch.uint8).view(-1, 1, 1, 1), labels, tuple("abcdefghij")
    )
    data = resnetzoo.Data(name, whole, whole, official=True, source="a test")
    for seed in (0, 7):
        order = torch.randperm(50_000, generator=torch.Generator().manual_seed(seed))
        split = data.validation_split(seed=seed)
        assert torch.equal(split.test.labels, labels[order[:5_000].sort().values])
        assert torch.equal(split.train.images, whole.images[order[5_000:].sort().values])
    assert classes_in(data.validation_split(5_000, stratify=True).test) == [500] * 10


@pytest.mark.parametrize("count", [0, -1, 49])
def test_parts_that_cannot_be(tiny_data: resnetzoo.Data, count: int) -> None:
    with pytest.raises(resnetzoo.UsageError, match=f"from 1 to 48, not {count}"):
        tiny_data.first(count)
    with pytest.raises(resnetzoo.UsageError, match="has a single training image, so none can be held out: add images"):
        tiny_data.first(1).validation_split(1)
    with pytest.raises(resnetzoo.UsageError, match="held_out must be a whole number from 1 to 47"):
        tiny_data.validation_split(count)


def test_data_command_finds_warns_and_explains(fork_command: Command, cifar10_folder: Path) -> None:
    found = fork_command("resnetzoo", "data", "--data-dir", cifar10_folder)
    assert found.returncode == 0
    assert "100 training and 20 test images" in found.stdout
    assert found.stderr.startswith("warning: ")
    assert "is not the official CIFAR-10" in found.stderr
    (cifar10_folder / "data_batch_1.bin").write_bytes(b"")
    damaged = fork_command("resnetzoo", "data", "--data-dir", cifar10_folder)
    assert damaged.returncode == 1
    assert damaged.stderr.count("\n") == 1
    assert "data_batch_1.bin: empty: 0 bytes found, 30,730,000 bytes expected" in damaged.stderr
    missing = fork_command("resnetzoo", "data", "--dataset", "cifar100", "--data-dir", cifar10_folder)
    assert missing.returncode == 1
    assert "CIFAR-100 is not in" in missing.stderr
    wrong = fork_command("resnetzoo", "data", "--dataset", "cifar11")
    assert wrong.returncode == 2
    assert "cifar11" in wrong.stderr
