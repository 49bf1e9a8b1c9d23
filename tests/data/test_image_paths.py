"""Folders of images with links in them, and folders to which somebody has no right."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from PIL import Image
from torchvision.datasets import ImageFolder

import resnetzoo
from resnetzoo.data.image_paths import images_below
from resnetzoo.errors import DataError, ImageError


@pytest.fixture(scope="module")
def model() -> resnetzoo.CifarNet:
    return resnetzoo.create("resnet20", weights=True)


def write(*names: str) -> None:
    for name in names:
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (32, 32), len(name)).save(name)


def found_below(folder: str) -> tuple[list[str], list[str]]:
    """The images, and what is said of the rest."""
    errors: list[OSError] = []
    images = [str(image) for image in images_below(Path(folder), errors.append)]
    return images, [f"{error.filename}: {error.strerror}" for error in errors]


def link(name: str, target: str) -> None:
    Path(name).parent.mkdir(parents=True, exist_ok=True)
    Path(name).symlink_to(target)


def test_linked_folders_are_entered_as_torchvision_does(model: resnetzoo.CifarNet) -> None:
    write("store/1.png", "store/deep/2.png", "away/3.png", "pets/cat/4.png")
    link("pets/cat/more", "../../store")
    link("pets/cat/deep/5.png", "../../../away/3.png")
    link("pets/dog", "../away")
    peer = ImageFolder("pets")
    found = resnetzoo.ImageSet.from_folder("pets")
    assert (list(found.classes), found.labels.tolist()) == (peer.classes, peer.targets)
    for folder in ("pets/cat", "pets/dog"):
        assert sorted(found_below(folder)[0]) == [name for name, _ in peer.samples if name.startswith(folder)]
    assert sorted(str(one.path) for one in resnetzoo.predict(model, "pets")) == sorted(name for name, _ in peer.samples)


def test_a_folder_is_entered_once_and_none_that_holds_the_first() -> None:
    """Links in a circle would not end, and one to the folder of all classes would give a class the images of others."""
    write("pets/cat/1.png", "pets/cat/kitten/2.png", "pets/dog/3.png", "store/4.png", "store/deep/5.png")
    for name, target in {"again": "kitten", "itself": ".", "all": "..", "kitten/up": "..", "b": "../../store"}.items():
        link(f"pets/cat/{name}", target)
    link("store/deep/back", "../../pets/cat")
    link("pets/cat/c", "../../store/deep")
    names = ["pets/cat/1.png", "pets/cat/b/4.png", "pets/cat/b/deep/5.png", "pets/cat/kitten/2.png"]
    assert found_below("pets/cat") == (names, [])
    assert resnetzoo.ImageSet.from_folder("pets").labels.tolist() == [0, 0, 0, 0, 1]


@pytest.mark.parametrize("name", ["cat/2.png", "cat/more", "cat/part.1", "cat/notes.txt", "cow"])
def test_a_link_to_nothing_is_named(name: str, model: resnetzoo.CifarNet) -> None:
    write("pets/cat/1.png", "pets/dog/1.png")
    link("pets/cat/.hidden.png", "nothing")
    for other in ("pets/labels.csv", "pets/dog/notes.txt"):
        Path(other).touch()
    assert len(resnetzoo.ImageSet.from_folder("pets")) == 2
    link(f"pets/{name}", "nowhere")
    message = f"pets/{name}: cannot be read: a link to nowhere, which is missing"
    with pytest.raises(DataError, match=message):
        resnetzoo.ImageSet.from_folder("pets")
    with pytest.raises(DataError, match=message):
        resnetzoo.load_data("folder", "pets")
    write("odd[1]/1.png", "odd1/1.png")
    link("odd[1]/2.png", "nowhere")
    assert [str(one.path) for one in resnetzoo.predict(model, "odd[1]")] == ["odd[1]/1.png", "odd[1]/2.png"]
    for words in ("pets", ["pets/cat", "pets/c*"]):
        failed = [one for one in resnetzoo.predict(model, words) if one.error]
        assert [str(one.path) for one in failed] == [f"pets/{name}"]
        assert str(failed[0].error).endswith("a link to nowhere, which is missing")


def test_images_that_link_to_nothing_are_counted() -> None:
    for number in range(7):
        link(f"pets/cat/{number}.png", "nowhere")
    with pytest.raises(DataError, match=r"pets/cat/4\.png: cannot be read: a link to nowhere.*; and 2 more$"):
        resnetzoo.ImageSet.from_folder("pets")
    with pytest.raises(ImageError, match=r"pets/cat/4\.png: a link to nowhere, which is missing"):
        resnetzoo.read_image("pets/cat/4.png")


@pytest.fixture
def public_folder(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Stay in a folder that every user of the machine may enter."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    monkeypatch.chdir(folder)
    yield
    for place, _, _ in os.walk(folder):
        Path(place).chmod(0o755)
    shutil.rmtree(folder)


@contextmanager
def without_rights() -> Iterator[None]:
    """Be somebody whom permissions bind, which they do not the superuser."""
    superuser = os.geteuid() == 0
    if superuser:
        os.setresuid(65534, 65534, 0)
    try:
        yield
    finally:
        if superuser:
            os.setresuid(0, 0, 0)


@pytest.mark.usefixtures("public_folder")
@pytest.mark.skipif(not hasattr(os, "setresuid"), reason="a system without such permissions")
def test_a_folder_that_can_be_listed_but_not_entered(model: resnetzoo.CifarNet) -> None:
    write("pets/cat/1.png", "pets/dog/1.png", "pets/dog/2.png")
    Path("pets/dog").chmod(0o444)
    denied = "cannot be read: Permission denied"
    with without_rights():
        with pytest.raises(DataError, match=rf"^pets/dog/1\.png: {denied}; pets/dog/2\.png: {denied}$"):
            resnetzoo.ImageSet.from_folder("pets")
        with pytest.raises(DataError, match=rf"^pets/dog/1\.png: {denied}"):
            resnetzoo.load_data("folder", "pets")
        with pytest.raises(DataError, match="pets/dog cannot be read: Permission denied"):
            resnetzoo.ImageSet.from_folder("pets/dog/1")
        for words in ("pets", ["pets/dog/*", "pets/cat/*"], ["pets/dog/1.png", "pets"]):
            found = {str(one.path): one.error for one in resnetzoo.predict(model, words)}
            assert found == {"pets/cat/1.png": None, "pets/dog/1.png": denied, "pets/dog/2.png": denied}
    Path("pets").chmod(0o444)
    with without_rights(), pytest.raises(DataError, match=f"^pets/(cat|dog): {denied}$"):
        resnetzoo.ImageSet.from_folder("pets")
