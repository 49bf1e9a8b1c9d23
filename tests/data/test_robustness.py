"""CIFAR-10-C, CIFAR-100-C and CIFAR-10.1: small copies in the published format, made on the spot."""

import hashlib
import tarfile
import tracemalloc
import warnings
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from cases import Call, assert_one_line, write_corrupted, write_folder, write_new_test
from processes import Command

import resnetzoo
from resnetzoo import cli
from resnetzoo.data import array_checks, corrupted
from resnetzoo.data.archives import DamagedArchiveError
from resnetzoo.data.cifar_files import CIFAR10
from resnetzoo.data.load import TEST_SETS
from resnetzoo.data.robustness_files import CIFAR10_1, CIFAR10_C, CIFAR100_C, CORRUPTIONS, CorruptedInfo
from resnetzoo.errors import DataError, DataNotFoundError, UsageError

READERS = {CIFAR10_C.name: resnetzoo.cifar10_c, CIFAR100_C.name: resnetzoo.cifar100_c}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two images of each corruption at each severity."""
    return write_corrupted(tmp_path, CIFAR10_C)


@pytest.fixture
def official(folder: Path, monkeypatch: pytest.MonkeyPatch) -> CorruptedInfo:
    """What would be published if the small copy and an archive of it were."""
    packed = folder.parent / "made.tar"
    with tarfile.open(packed, "w") as tar:
        tar.add(folder, arcname=CIFAR10_C.folder)
    info = replace(
        CIFAR10_C,
        archive=CIFAR10_C.archive._replace(checksum=_md5(packed), size=packed.stat().st_size),
        array_size=(folder / "fog.npy").stat().st_size,
        md5s={path.stem: _md5(path) for path in folder.iterdir()},
    )
    monkeypatch.setattr(corrupted, "CIFAR10_C", info)
    return info


def _md5(path: Path) -> str:
    return hashlib.md5(path.read_bytes()).hexdigest()


def test_the_corruptions_are_those_of_the_paper() -> None:
    assert len(set(CORRUPTIONS)) == 19
    for info in (CIFAR10_C, CIFAR100_C):
        assert info.md5s.keys() == {"labels", *CORRUPTIONS}
    assert not set(CIFAR10_C.md5s.values()) & set(CIFAR100_C.md5s.values())


@pytest.mark.filterwarnings("ignore::resnetzoo.UnofficialDataWarning")
@pytest.mark.parametrize("clean", [None, "cifar10", torch.zeros(2, 3, 32, 32, dtype=torch.uint8)], ids=type)
def test_only_an_image_set_can_be_what_was_corrupted(folder: Path, clean: Any) -> None:
    with pytest.raises(UsageError, match=r"clean must be a resnetzoo\.ImageSet, not "):
        resnetzoo.cifar10_c(folder).is_of(clean)


@pytest.mark.filterwarnings("ignore::resnetzoo.UnofficialDataWarning")
@pytest.mark.parametrize("info", [CIFAR10_C, CIFAR100_C], ids=lambda info: info.name)
@pytest.mark.parametrize("inside", [False, True])
def test_reads_what_numpy_reads(tmp_path: Path, info: CorruptedInfo, inside: bool) -> None:
    folder = write_corrupted(tmp_path, info, count=3)
    labels = np.arange(15) % 7
    np.save(folder / "labels.npy", labels)
    found = READERS[info.name](folder if inside else tmp_path)
    assert (found.name, found.n, found.official, found.source) == (info.name, 3, False, str(folder))
    assert found.corruptions == CORRUPTIONS
    for name in ("gaussian_noise", "jpeg_compression", "saturate"):
        array = np.load(folder / f"{name}.npy")
        for severity in (1, 3, 5):
            images = found.images(name, severity)
            part = slice(3 * (severity - 1), 3 * severity)
            assert np.array_equal(images.images.permute(0, 2, 3, 1).numpy(), array[part])
            assert images.labels.tolist() == labels[part].tolist()
            assert images.classes == info.classes


@pytest.mark.filterwarnings("error")
def test_the_published_files_are_recognised_unpacked_and_packed(folder: Path, official: CorruptedInfo) -> None:
    unpacked = resnetzoo.cifar10_c(folder)
    assert unpacked.official
    images = {name: unpacked.images(name, 4).images for name in CORRUPTIONS}
    for path in folder.iterdir():
        path.unlink()
    for place in (folder.parent / official.archive.name, folder / official.archive.name):
        (folder.parent / "made.tar").rename(place)
        packed = resnetzoo.cifar10_c(folder.parent)
        assert packed.official
        assert packed.source == str(place)
        assert all(torch.equal(packed.images(name, 4).images, images[name]) for name in CORRUPTIONS)
        assert packed.images("fog", 4).labels.tolist() == [0, 1]
        place.rename(folder.parent / "made.tar")


def test_one_changed_file_is_named(folder: Path, official: CorruptedInfo) -> None:
    array = np.load(folder / "fog.npy")
    array[0, 0, 0, 0] += 1
    np.save(folder / "fog.npy", array)
    with pytest.warns(resnetzoo.UnofficialDataWarning, match=r"CIFAR-10-C: fog.npy differs from the published"):
        assert not resnetzoo.cifar10_c(folder).official


def test_an_archive_that_is_not_the_published_one_is_said(folder: Path, official: CorruptedInfo) -> None:
    packed = folder.parent / official.archive.name
    content = (folder.parent / "made.tar").read_bytes()
    for path in folder.iterdir():
        path.unlink()
    for wrong, message in ((content[:-1], "truncated: "), (b"\1" + content[1:], "not the published archive: .* MD5 ")):
        packed.write_bytes(wrong)
        with pytest.raises(DamagedArchiveError, match=f"{message}.*resnetzoo data --dataset cifar10-c .*--download"):
            resnetzoo.cifar10_c(folder.parent, download=True)


@pytest.mark.filterwarnings("ignore::resnetzoo.UnofficialDataWarning")
def test_one_severity_at_a_time_is_in_memory_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(array_checks, "_AT_ONCE", 3)
    found = resnetzoo.cifar10_c(write_corrupted(tmp_path, CIFAR10_C, count=20))
    part = 20 * 32 * 32 * 3
    tracemalloc.start()
    try:
        images = found.images("snow", 5)
        assert tracemalloc.get_traced_memory()[1] < 1.5 * part  # the file has five parts
    finally:
        tracemalloc.stop()
    assert images.images.is_contiguous()


def _save(name: str, array: np.ndarray) -> Callable[[Path], object]:
    return lambda folder: np.save(folder / name, array)


def _cut(name: str, change: Callable[[bytes], bytes]) -> Callable[[Path], object]:
    return lambda folder: (folder / name).write_bytes(change((folder / name).read_bytes()))


DAMAGES = {
    "missing": (lambda folder: (folder / "spatter.npy").unlink(), "CIFAR-10-C is incomplete; missing: spatter.npy"),
    "no labels": (lambda folder: (folder / "labels.npy").unlink(), "CIFAR-10-C is incomplete; missing: labels.npy"),
    "empty": (_cut("fog.npy", lambda content: b""), "fog.npy: empty: 0 bytes found"),
    "truncated": (_cut("fog.npy", lambda content: content[:-1]), "fog.npy: truncated: .*30,848 expected for uint8"),
    "header": (_cut("fog.npy", lambda content: content[:40]), "fog.npy: not a .npy file"),
    "too long": (_cut("fog.npy", lambda content: content + b"0"), "fog.npy: too long: "),
    "garbage": (_cut("fog.npy", lambda content: b"<html>" * 99), "fog.npy: not a .npy file"),
    "no dictionary": (_cut("fog.npy", lambda content: content.replace(b"{'descr'", b"((((((((")), "not a .npy file"),
    "format": (_cut("fog.npy", lambda content: b"\x93NUMPY\3" + content[7:]), "not a .npy file.* version 3.0"),
    "type": (_save("fog.npy", np.zeros((10, 32, 32, 3), np.float32)), r"fog.npy: expected uint8 \[10, 32, 32, 3\], "),
    "shape": (_save("fog.npy", np.zeros((10, 3, 32, 32), np.uint8)), r"found uint8 \[10, 3, 32, 32\]"),
    "fewer": (_save("fog.npy", np.zeros((2, 32, 32, 3), np.uint8)), "one image for each label, found uint8"),
    "objects": (_save("fog.npy", np.array([{}, None])), "fog.npy: expected an array of numbers, found object"),
    "label": (
        _save("labels.npy", np.full(10, 10)),
        "image 0 has label 10, but the labels of CIFAR-10-C go from 0 to 9",
    ),
    "negative": (_save("labels.npy", np.full(10, -1)), "image 0 has label -1"),
    "large": (
        _save("labels.npy", np.full(10, 2**64 - 1, np.uint64)),
        "image 0 has label 18446744073709551615, but the labels",
    ),
    "severities": (_save("labels.npy", np.zeros(9, np.uint8)), "labels.npy: 9 labels found, .*among 5 severities"),
    "no image": (_save("labels.npy", np.zeros(0, np.uint8)), r"labels.npy: expected whole numbers \(n,\)"),
    "float labels": (_save("labels.npy", np.zeros(10)), r"expected whole numbers \(n,\), found float64 \[10\]"),
}


@pytest.mark.filterwarnings("ignore::resnetzoo.UnofficialDataWarning")
@pytest.mark.parametrize(("damage", "message"), DAMAGES.values(), ids=DAMAGES)
def test_what_is_wrong_is_named(folder: Path, damage: Callable[[Path], object], message: str) -> None:
    damage(folder)
    with pytest.raises(DataError, match=message):
        resnetzoo.cifar10_c(folder.parent)


@pytest.mark.filterwarnings("ignore::resnetzoo.UnofficialDataWarning")
def test_what_changes_after_it_was_opened_is_an_error_too(folder: Path) -> None:
    found = resnetzoo.cifar10_c(folder)
    (folder / "fog.npy").write_bytes(b"short")
    with pytest.raises(DataError, match=r"fog.npy: truncated after it was opened"):
        found.images("fog", 1)
    (folder / "snow.npy").unlink()
    with pytest.raises(DataError, match=r"snow.npy cannot be read: No such file"):
        found.images("snow", 1)


@pytest.mark.filterwarnings("ignore::resnetzoo.UnofficialDataWarning")
@pytest.mark.parametrize(
    ("corruption", "severity", "message"),
    [("rain", 1, "corruption must be one of gaussian_noise, .*, not"), ("fog", 0, "severity"), ("fog", 6, "severity")],
)
def test_other_corruptions_and_severities_are_refused(
    folder: Path, corruption: str, severity: int, message: str
) -> None:
    with pytest.raises(resnetzoo.UsageError, match=message):
        resnetzoo.cifar10_c(folder).images(corruption, severity)


@pytest.mark.parametrize("dataset", ["cifar10", "cifar100", *TEST_SETS])
@pytest.mark.parametrize("words", [(), ("--data-dir", "my data")], ids=["cache", "folder"])
def test_the_download_goes_to_where_the_set_is_looked_for(call: Call, dataset: str, words: tuple[str, ...]) -> None:
    Path("my data").mkdir()
    name = "cifar10.1-v6" if dataset == "cifar10.1" else dataset
    where = " --data-dir 'my data'" if words else ""
    said = call(cli.main, "data", "--dataset", dataset, *words)
    assert_one_line(said, 1, f'download it with "resnetzoo data --dataset {name}{where} --download", ')


@pytest.mark.filterwarnings("ignore::resnetzoo.UnofficialDataWarning")
def test_places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(
        DataNotFoundError, match=r"CIFAR-10-C is not in .*resnetzoo data --dataset cifar10-c --download"
    ):
        resnetzoo.cifar10_c()
    folder = write_corrupted(tmp_path / "above" / "two", CIFAR10_C)
    with pytest.raises(DataNotFoundError, match=r"CIFAR-10-C is in a subfolder, .*above/two: pass that folder"):
        resnetzoo.cifar10_c(tmp_path / "above")
    for place in (folder, folder.parent):  # the names of the files are those of the other set
        with pytest.raises(DataNotFoundError, match="holds CIFAR-10-C: --dataset cifar10-c"):
            resnetzoo.cifar100_c(place)
    (tmp_path / "CIFAR-10-C.tar").write_bytes(b"")
    with pytest.raises(DataNotFoundError, match="is the archive of CIFAR-10-C, a file; pass the folder"):
        resnetzoo.cifar10_c(tmp_path / "CIFAR-10-C.tar")
    monkeypatch.setenv("RESNETZOO_DATA", str(folder))
    assert resnetzoo.cifar10_c().source == str(folder)


@pytest.mark.filterwarnings("ignore::resnetzoo.UnofficialDataWarning")
@pytest.mark.parametrize("capitalised", [False, True])
def test_a_message_never_leads_to_a_folder_that_is_refused(tmp_path: Path, capitalised: bool) -> None:
    folder = write_corrupted(tmp_path / "above", CIFAR10_C)
    for name in CORRUPTIONS:
        if capitalised:
            (folder / f"{name}.npy").rename(folder / f"{name.capitalize()}.npy")
        else:
            (folder / f"{name}.npy").unlink()
    ending = "; files of other names are not read: Brightness.npy, .* \\(19\\)$" if capitalised else "saturate.npy$"
    for place in (folder, folder.parent):
        with pytest.raises(DataError, match=f"CIFAR-10-C: CIFAR-10-C is incomplete; missing: gaussian_noise.*{ending}"):
            resnetzoo.cifar10_c(place)
    with pytest.raises(DataNotFoundError, match=r"CIFAR-10-C is in a subfolder, .*above: pass that folder"):
        resnetzoo.cifar10_c(tmp_path)
    for place in (folder, folder.parent):
        with pytest.raises(DataNotFoundError, match="holds CIFAR-10-C: --dataset cifar10-c"):
            resnetzoo.cifar100_c(place)


@pytest.mark.filterwarnings("ignore::resnetzoo.UnofficialDataWarning")
def test_labels_tell_more_than_the_name_of_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = write_corrupted(tmp_path, CIFAR10_C)
    found = {**CIFAR100_C.md5s, "labels": _md5(folder / "labels.npy")}
    monkeypatch.setattr(corrupted, "CIFAR100_C", replace(CIFAR100_C, md5s=found))
    for place in (folder, tmp_path):
        with pytest.raises(
            DataNotFoundError, match=r"CIFAR-10-C holds CIFAR-100-C in spite of .* with --dataset cifar100-c"
        ):
            resnetzoo.cifar10_c(place)
    assert resnetzoo.cifar100_c(folder).name == "cifar100-c"


@pytest.mark.parametrize(("version", "place"), [("v4", "."), ("v6", "CIFAR-10.1/datasets"), ("v6", "CIFAR-10.1")])
def test_reads_new_test_images(tmp_path: Path, version: str, place: str) -> None:
    info = CIFAR10_1[version]
    write_new_test(tmp_path / place, info)
    with pytest.warns(resnetzoo.UnofficialDataWarning, match=f"does not contain the official CIFAR-10.1 {version}"):
        images = resnetzoo.cifar10_1(tmp_path, version=version)
    assert (images.title, images.official, images.source) == (info.title, False, str(tmp_path / place))
    assert repr(images).startswith("NewTestImages(5 images of 3 x 32 x 32")
    array = np.load(tmp_path / place / info.images.name)
    assert np.array_equal(images.images.permute(0, 2, 3, 1).numpy(), array)
    assert images.labels.tolist() == [0, 1, 2, 3, 4]
    other = "v4" if version == "v6" else "v6"
    with pytest.raises(DataNotFoundError, match=f"holds CIFAR-10.1 {version}: --dataset cifar10.1-{version}"):
        resnetzoo.cifar10_1(tmp_path / place, version=other)
    (tmp_path / place / info.labels.name).unlink()
    with pytest.raises(DataError, match=f"incomplete; missing: {info.labels.name}"):
        resnetzoo.cifar10_1(tmp_path, version=version)


@pytest.mark.filterwarnings("error")
def test_official_new_test_images(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    info = CIFAR10_1["v6"]
    write_new_test(tmp_path, info)
    np.save(tmp_path / info.images.name, np.asfortranarray(np.load(tmp_path / info.images.name)))
    sums = {name: hashlib.sha256((tmp_path / name).read_bytes()).hexdigest() for name in info.fetched}
    made = replace(
        info,
        images=info.images._replace(checksum=sums[info.images.name]),
        labels=info.labels._replace(checksum=sums[info.labels.name]),
    )
    monkeypatch.setitem(CIFAR10_1, "v6", made)
    images = resnetzoo.cifar10_1(tmp_path)
    assert images.official
    assert images.select(slice(1)).title == "CIFAR-10.1 v6"
    assert np.array_equal(images.images.permute(0, 2, 3, 1).numpy(), np.load(tmp_path / info.images.name))
    with pytest.raises(resnetzoo.UsageError, match="version must be one of v4, v6"):
        resnetzoo.cifar10_1(tmp_path, version="v7")


def test_they_are_views_of_data(tmp_path: Path, folder: Path) -> None:
    write_folder(tmp_path, CIFAR10, "binary", count=4)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", resnetzoo.UnofficialDataWarning)
        data, foggy = resnetzoo.cifar10(tmp_path), resnetzoo.cifar10_c(folder).images("fog", 3)
    view = data.with_test(foggy, "tested on CIFAR-10-C, fog at severity 3")
    assert view.title == "CIFAR-10, tested on CIFAR-10-C, fog at severity 3"
    assert view.train is data.train
    assert view.test is foggy
    assert view.fingerprint != data.fingerprint
    assert not replace(data, official=True).with_test(foggy, "fog").official
    with pytest.raises(resnetzoo.UsageError, match="part must describe the images"):
        data.with_test(foggy, "")
    with pytest.raises(DataError, match="the test set has 2 classes, but the training set has 10"):
        data.with_test(replace(foggy, classes=("a", "b")), "other classes")


@pytest.mark.parametrize("word", ["cifar10-c", "cifar100-c", "cifar10.1", "cifar10.1-v4", "cifar10.1-v6"])
def test_nothing_can_be_trained_on_them(word: str) -> None:
    with pytest.raises(resnetzoo.UsageError, match=f'"resnetzoo eval MODEL --dataset {word}"'):
        resnetzoo.load_data(word)


def test_commands_find_and_refuse(fork_command: Command, folder: Path) -> None:
    found = fork_command("resnetzoo", "data", "--dataset", "cifar10-c", "--data-dir", folder)
    assert found.returncode == 0
    assert "CIFAR-10-C: 2 test images of cifar10 under 19 corruptions at 5 severities" in found.stdout
    assert f"source       {folder} (not an official dataset)" in found.stdout
    assert "noise        gaussian_noise, shot_noise, impulse_noise" in found.stdout
    assert "is not the official CIFAR-10-C: labels.npy, gaussian_noise.npy, " in found.stderr
    write_new_test(folder, CIFAR10_1["v6"])
    new = fork_command("resnetzoo", "data", "--dataset", "cifar10.1", "--data-dir", folder)
    assert f"data         CIFAR-10.1 v6: 5 test images\nsource       {folder} (not an official dataset)\n" == new.stdout
    sized = fork_command("resnetzoo", "data", "--dataset", "cifar10.1-v6", "--data-dir", folder, "--image-size", "64")
    assert_one_line((sized.returncode, sized.stderr), 2, "--image-size is only for --dataset folder")
    refused = fork_command("resnetzoo", "train", "resnet20", "--dataset", "cifar10-c", "--data-dir", folder)
    assert_one_line((refused.returncode, refused.stderr), 2, "nothing to train on")
