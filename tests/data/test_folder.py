"""Images of other makes as data: folders by class, torchvision's and the Hub's datasets, lists of pairs."""

import errno
import json
import os
import re
import shutil
import weakref
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from cases import TINY_RECIPE, small_network
from PIL import Image
from processes import Command
from torch.utils.data import ConcatDataset, Subset
from torchvision.datasets import FakeData, ImageFolder

import resnetzoo
from resnetzoo.errors import DataError, DataNotFoundError, UsageError


def write_images(
    folder: Path, *names: str, count: int = 5, size: tuple[int, int] = (40, 34), mode: str = "RGB"
) -> Path:
    random = np.random.default_rng(0)
    for name in names:
        (folder / name).mkdir(parents=True)
        for number in range(count):
            shape = (size[1] + number, size[0], *((3,) if mode == "RGB" else ()))
            Image.fromarray(random.integers(0, 256, shape, np.uint8), mode).save(folder / name / f"{number}.png")
    return folder


def test_a_folder_is_split_by_class(tmp_path: Path) -> None:
    data = resnetzoo.load_data("folder", write_images(tmp_path / "pets", "dog", "cat"))
    assert (data.classes, data.name, len(data.train), len(data.test)) == (("cat", "dog"), "folder", 8, 2)
    assert data.test.labels.tolist() == [0, 1]
    assert data.train.images.shape[1:] == (3, 32, 32)
    assert "resized to 32 pixels on the shorter side" in data.source
    assert data.to_dict()["source"].startswith("pets, ")


def test_the_first_of_a_folder_are_of_all_classes(tmp_path: Path) -> None:
    """Its images lie class by class; those of other sets stay the first ones, whatever they show."""
    data = resnetzoo.load_data("folder", write_images(tmp_path / "pets", "ant", "cat", "dog"), size=8)
    part = data.first(7, 2)
    assert part.train.labels.tolist() == [0, 0, 0, 1, 1, 2, 2]
    assert part.test.labels.tolist() == [0, 1]
    assert part.part.endswith(", first 7 training and 2 test images, of each class its share")
    labels = torch.tensor([0, 0, 1] * 12 + [2, 0])
    images = resnetzoo.ImageSet(data.train.images[:1].repeat(38, 1, 1, 1), labels, data.classes)
    mine = resnetzoo.Data("mine", images, images, False, "")
    with pytest.warns(UserWarning, match="the first 30 of 38 images lack these classes: dog; use more images"):
        assert torch.equal(mine.first(30).train.labels, labels[:30])
    assert torch.equal(mine.first(29).train.labels, labels[:29])  # no warning, which chance could have brought


@pytest.mark.parametrize(
    ("train", "test"), [("train", "val"), ("train", "test"), ("Train", "Test"), ("TRAINING", "testing")]
)
def test_train_and_test_below_a_folder(tmp_path: Path, train: str, test: str) -> None:
    write_images(tmp_path / "pets" / train, "cat", "dog", count=3)
    write_images(tmp_path / "pets" / test, "dog", count=2, mode="L")
    with pytest.raises(DataError, match=r"pets contains .*, which are sets of images and not classes: pass .*pets/"):
        resnetzoo.ImageSet.from_folder(tmp_path / "pets")
    data = resnetzoo.load_data("folder", tmp_path / "pets", size=16)
    assert (len(data.train), data.test.labels.tolist()) == (6, [1, 1])
    assert data.train.images.shape[1:] == data.test.images.shape[1:] == (3, 16, 16)


def test_a_class_may_be_called_as_a_set(tmp_path: Path) -> None:
    """Among other classes, or where the caller says so; alone, images right below `train` belong to no class."""
    folder = write_images(tmp_path / "vehicles", "bus", "train")
    assert resnetzoo.load_data("folder", folder, size=8).classes == ("bus", "train")
    assert resnetzoo.ImageSet.from_folder(folder, size=8).classes == ("bus", "train")
    write_images(tmp_path / "vehicles" / "train", "electric", "steam")
    assert resnetzoo.ImageSet.from_folder(folder, size=8).classes == ("bus", "train")
    folder = write_images(tmp_path / "models", "test", "train")
    with pytest.raises(DataError, match="train: expected one subfolder per class"):
        resnetzoo.load_data("folder", folder)
    with pytest.raises(DataError, match=r"contains test, train, which are sets of .*, or classes=\['test', 'train'\]"):
        resnetzoo.ImageSet.from_folder(folder)
    assert resnetzoo.ImageSet.from_folder(folder, classes=("train", "test"), size=8).classes == ("train", "test")


def test_two_folders_to_train_on_are_one_too_many(tmp_path: Path) -> None:
    for name in ("train", "training", "val"):
        write_images(tmp_path / "pets" / name, "cat", "dog", count=1)
    with pytest.raises(DataError, match="contains train, training, of which only one can be used"):
        resnetzoo.load_data("folder", tmp_path / "pets")


def test_what_a_folder_lacks_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataNotFoundError, match="no such folder"):
        resnetzoo.load_data("folder", tmp_path / "nowhere")
    with pytest.raises(UsageError, match="--data-dir FOLDER"):
        resnetzoo.load_data("folder")
    folder = write_images(tmp_path / "pets", "cat", "dog")
    (folder / "cat" / "7.png").write_bytes(b"garbage")
    (folder / "dog" / "8.jpg").write_bytes(b"")
    with pytest.raises(DataError, match=r"2 image files cannot be read: .*7\.png: not an image.*8\.jpg: an empty file"):
        resnetzoo.load_data("folder", folder)
    (folder / "ant").mkdir()
    with pytest.raises(DataError, match=r"class folders without images: .*ant; remove"):
        resnetzoo.load_data("folder", folder)
    (tmp_path / "none").mkdir()
    with pytest.raises(DataError, match="expected one subfolder per class"):
        resnetzoo.load_data("folder", tmp_path / "none")
    write_images(tmp_path / "two/train", "cat", count=2)
    write_images(tmp_path / "two/val", "cow", count=2)
    with pytest.raises(DataError, match=r"val: none of the classes of the training set \(cat\) is called cow: "):
        resnetzoo.load_data("folder", tmp_path / "two")
    shutil.rmtree(tmp_path / "two/train")
    with pytest.raises(
        DataError, match=r"two contains val but no train folder, so there is nothing to train on.*eval RUN --all-images"
    ):
        resnetzoo.load_data("folder", tmp_path / "two")
    with pytest.raises(UsageError, match="leave size out"):
        resnetzoo.load_data("synthetic", size=16)


@pytest.mark.parametrize("classes", ["cat", [1, 2], 2, (None,)], ids=str)
def test_the_classes_of_a_folder_are_names(tmp_path: Path, classes: Any) -> None:
    folder = write_images(tmp_path / "pets", "cat", "dog", count=1)
    with pytest.raises(UsageError, match=r'classes must be the names of all classes, such as \("cat", "dog"\), not '):
        resnetzoo.ImageSet.from_folder(folder, classes=classes)


@pytest.mark.parametrize("classes", [("ant", "dog"), np.array(["ant", "dog"])], ids=type)
def test_a_folder_of_no_class_is_named(tmp_path: Path, classes: Any) -> None:
    """With all the classes that were stated; a folder that is read alone has no training set to speak of."""
    folder = write_images(tmp_path / "pets", "cat", "dog", count=1)
    with pytest.raises(DataError, match=r"pets: none of the classes \(ant, dog\) is called cat: rename or remove"):
        resnetzoo.ImageSet.from_folder(folder, classes=classes)
    shutil.rmtree(folder / "cat")
    assert resnetzoo.ImageSet.from_folder(folder, classes=classes).labels.tolist() == [1]


@pytest.mark.slow
def test_a_folder_on_the_command_line(fork_command: Command, tmp_path: Path) -> None:
    write_images(tmp_path / "pets", "cat", "dog")
    place = ("--dataset", "folder", "--data-dir", "pets", "--device", "cpu")
    words = ("--recipe", "SMOKE", "--epochs", "1", "--image-size", "16", "--out", "run")
    trained = fork_command("resnetzoo", "train", "resnet20", *place, *words)
    assert trained.returncode == 0, trained.stderr
    measured = fork_command("resnetzoo", "eval", "run", "--data-dir", "pets", "--device", "cpu")
    assert measured.returncode == 0, measured.stderr
    assert "resized to 16 pixels" in trained.stdout
    write_images(tmp_path / "new", "dog", count=7)
    words = ("resnetzoo", "eval", "run", "--all-images", "--device", "cpu")
    whole = fork_command(*words, "--data-dir", "new", "--json")
    assert whole.returncode == 0, whole.stderr
    assert [(row["class"], row["n"]) for row in json.loads(whole.stdout)["error_by_class"]] == [("cat", 0), ("dog", 7)]
    write_images(tmp_path / "grey", "cat", "dog", mode="L")
    whole = fork_command(*words, "--data-dir", "grey", "--json")  # as predict reads them
    assert whole.returncode == 0, whole.stderr
    smoke = ("--recipe", "SMOKE", "--epochs", "1", "--dataset", "folder", "--device", "cpu")
    trained = fork_command("resnetzoo", "train", "resnet8", *smoke, "--data-dir", "grey", "--out", "grey-run")
    assert trained.returncode == 0, trained.stderr
    assert resnetzoo.load_checkpoint(tmp_path / "grey-run").in_chans == 1
    refused = fork_command(*words, "--dataset", "synthetic")
    assert (refused.returncode, refused.stderr.count("--all-images is only for --dataset folder")) == (2, 1)
    found = fork_command("resnetzoo", "data", "--dataset", "folder", "--data-dir", "pets", "--image-size", "16")
    assert "resized to 16 pixels" in found.stdout
    again = fork_command("resnetzoo", "rerun", "run/run.json", "--data-dir", "pets", "--device", "cpu")
    assert again.returncode == 0, again.stderr  # of the recorded size
    missing = fork_command("resnetzoo", "train", "resnet20", "--dataset", "folder", "--data-dir", "nowhere")
    assert (missing.returncode, missing.stderr) == (1, "error: nowhere: no such folder\n")


class HubColumns:
    """What a dataset of the Hugging Face Hub answers, with its features."""

    def __init__(self, rows: list[dict[str, Any]], names: list[str]) -> None:
        self.rows = rows
        self.features = {"label": type("ClassLabel", (), {"names": names})()}

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, number: int) -> dict[str, Any]:
        return self.rows[number]


def test_data_sets_of_others(tmp_path: Path) -> None:
    folder = write_images(tmp_path / "pets", "cat", "dog")
    whole = resnetzoo.load_data("folder", folder)
    found = resnetzoo.ImageSet.from_dataset(ImageFolder(str(folder)), size=32)
    assert found.classes == whole.classes
    rows = ImageFolder(str(folder))
    pairs = resnetzoo.ImageSet.from_dataset(
        [rows[number] for number in range(len(rows))], classes=("cat", "dog"), size=32
    )
    hub = resnetzoo.ImageSet.from_dataset(
        HubColumns([{"img": image, "label": label} for image, label in rows], ["cat", "dog"]), size=32
    )
    for other in (pairs, hub):
        assert torch.equal(other.images, found.images)
        assert (other.classes, other.labels.tolist()) == (found.classes, found.labels.tolist())
    assert resnetzoo.ImageSet.from_dataset(Subset(rows, [7, 1]), size=8).labels.tolist() == [1, 0]
    floats = [
        (image.float() / 255, torch.tensor(int(label))) for image, label in zip(found.images, found.labels, strict=True)
    ]
    assert torch.equal(resnetzoo.ImageSet.from_dataset(floats).images, found.images)


JOINED = {"pets": ("cat", "dog"), "more": ("ant", "cat")}


def test_a_folder_that_cannot_be_read_is_called_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By whoever has no right to it, which the superuser never lacks; its images would be missing without a word."""
    folder = write_images(tmp_path / "pets", "cat", "dog")
    locked = folder / "cat" / "more"
    locked.mkdir()
    scandir = os.scandir

    def refuse(place: Any) -> Any:
        if Path(place) == locked:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(place))
        return scandir(place)

    monkeypatch.setattr(os, "scandir", refuse)
    with pytest.raises(DataError, match=re.escape(f"{locked}: cannot be read: Permission denied")):
        resnetzoo.load_data("folder", folder)
    found = resnetzoo.predict(resnetzoo.load_model("resnet20"), [str(folder)])
    assert [(prediction.path, prediction.error) for prediction in found if prediction.error] == [
        (locked, "cannot be read: Permission denied")
    ]
    assert len(found) > 1


def test_joined_data_sets_must_mean_the_same_by_a_label(tmp_path: Path) -> None:
    first, second = (ImageFolder(str(write_images(tmp_path / part, *names))) for part, names in JOINED.items())
    assert resnetzoo.ImageSet.from_dataset(ConcatDataset([first, first]), size=8).classes == ("cat", "dog")
    with pytest.raises(DataError, match=r"different classes, cat, dog and ant, cat: .*classes="):
        resnetzoo.ImageSet.from_dataset(ConcatDataset([first, second]), size=8)
    stated = resnetzoo.ImageSet.from_dataset(ConcatDataset([first, second]), size=8, classes=("left", "right"))
    assert stated.classes == ("left", "right")


@pytest.mark.parametrize("size", [None, 16])
def test_an_image_is_not_kept_beside_its_pixels(size: int | None) -> None:
    """Thousands of photos would not fit into memory in their full size."""
    given: list[weakref.ref[Image.Image]] = []

    class Photos:
        def __len__(self) -> int:
            return 9

        def __getitem__(self, number: int) -> tuple[Image.Image, int]:
            assert sum(photo() is not None for photo in given) <= 1
            photo = Image.new("L" if number < 5 else "RGB", (40, 30), 9 * number if number < 5 else (9 * number, 1, 2))
            given.append(weakref.ref(photo))
            return photo, 0

    found = resnetzoo.ImageSet.from_dataset(Photos(), size=size).images
    assert found[:, 0, 0, 0].tolist() == [9 * number for number in range(9)]
    assert found.untyped_storage().nbytes() == found.numel()


def test_grey_among_colours_is_resized_as_in_colours(tmp_path: Path) -> None:
    write_images(tmp_path / "pets", "ant", mode="L", size=(57, 71))
    write_images(tmp_path / "pets", "cat", size=(41, 90))
    coloured = [Image.open(file).convert("RGB") for file in sorted((tmp_path / "pets").rglob("*.png"))]
    alone = resnetzoo.ImageSet.from_dataset([(image, 0) for image in coloured], size=24)
    assert torch.equal(resnetzoo.ImageSet.from_folder(tmp_path / "pets", size=24).images, alone.images)


def grey_files(folder: Path) -> None:
    """Two photos without a colour in every mode that files have for them."""
    random = np.random.default_rng(0)
    (folder / "cat").mkdir(parents=True)
    for number in range(2):
        grey = Image.fromarray(random.integers(0, 256, (40, 34), np.uint8))
        clear = Image.fromarray(random.integers(0, 256, (40, 34), np.uint8))
        grey.save(folder / "cat" / f"{number}.png")
        Image.merge("LA", [grey, clear]).save(folder / "cat" / f"alpha{number}.png")
        grey.save(folder / "cat" / f"{number}.gif")
        grey.convert("P").save(folder / "cat" / f"palette{number}.png")
        few = Image.fromarray(random.integers(0, 3, (40, 34), np.uint8), "P")
        few.putpalette([0, 0, 0, 90, 90, 90, 255, 0, 0, 0, 255, 0])  # red is transparent, and green not used
        few.save(folder / "cat" / f"few{number}.png", transparency=2)
        grey.convert("1").save(folder / "cat" / f"two{number}.png")


def test_grey_images_are_grey_in_every_mode(tmp_path: Path) -> None:
    grey_files(tmp_path / "pets" / "train")
    files = sorted((tmp_path / "pets/train/cat").iterdir())
    assert {resnetzoo.read_image(file).mode for file in files} == {"L", "LA", "P", "1"}
    for file in files:
        folder = tmp_path / file.stem / "cat"
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copy(file, folder)
    (tmp_path / "pets/test").mkdir()
    (tmp_path / "pets/train/dog").symlink_to(tmp_path / "0/cat")
    for name in ("alpha0", "few0", "palette0"):
        (tmp_path / "pets/test/cat").unlink(missing_ok=True)
        (tmp_path / "pets/test/cat").symlink_to(tmp_path / name / "cat")
        data = resnetzoo.load_data("folder", tmp_path / "pets")
        assert (data.train.images.shape[1], data.test.images.shape[1]) == (1, 1)
        assert torch.equal(data.test.images[0], resnetzoo.ImageSet.from_folder(tmp_path / name).images[0])
    found = resnetzoo.ImageSet.from_dataset([(resnetzoo.read_image(file), 0) for file in files], size=32)
    coloured = [(resnetzoo.read_image(file, "RGB"), 0) for file in files]
    assert torch.equal(found.with_channels(3).images, resnetzoo.ImageSet.from_dataset(coloured, size=32).images)


def test_grey_test_images_of_a_dataset_get_the_channels_of_the_training_images() -> None:
    grey = [(Image.new("LA", (8, 8), (9, 255)), 0)]
    coloured = [(Image.new("RGB", (8, 8), "red"), 0)]
    data = resnetzoo.Data.from_dataset(coloured, grey)
    assert (data.train.images.shape, data.test.images.unique().tolist()) == (data.test.images.shape, [9])
    with pytest.raises(DataError, match=r"train\.with_channels\(3\) repeats the channel of grey images"):
        resnetzoo.Data.from_dataset(grey, coloured)


def test_a_palette_with_one_colour_in_use_is_coloured() -> None:
    image = Image.new("P", (4, 4))
    image.putpalette([0, 0, 0, 90, 90, 91])
    assert resnetzoo.ImageSet.from_dataset([(image, 0)]).images.shape[1] == 1
    image.putpixel((1, 2), 1)
    assert resnetzoo.ImageSet.from_dataset([(image, 0)]).images.shape[1] == 3


def test_data_say_in_a_line_what_they_are(tiny_data: resnetzoo.Data) -> None:
    text = repr(tiny_data)
    assert f"train={tiny_data.train!r}, test={tiny_data.test!r}" in text
    assert f"{len(tiny_data.train):,} images of 3 x " in text
    assert "tensor" not in text


def test_data_of_others_are_trained_on() -> None:
    fake = FakeData(size=12, image_size=(3, 8, 8), num_classes=10)
    data = resnetzoo.Data.from_dataset(fake, Subset(fake, [0, 1]), name="fake")
    assert data.classes == tuple(str(label) for label in range(len(data.classes)))
    assert resnetzoo.fit(small_network(0), data, TINY_RECIPE, device="cpu", progress=False).epochs
