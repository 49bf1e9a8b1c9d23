"""`eval` of a run whose folder has no test set: it was not trained on the images held out, or there is a warning."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from cases import small_network
from PIL import Image
from typer.testing import CliRunner

import resnetzoo
from resnetzoo import cli

RECIPE = resnetzoo.recipes.SMOKE.with_batch_size(8).with_epochs(1)
WARNING = "may have been trained on some of the"


def add_images(folder: Path, count: int, seed: int = 0) -> Path:
    random = np.random.default_rng(seed)
    for name in ("cat", "dog"):
        (folder / name).mkdir(parents=True, exist_ok=True)
        for number in range(count):
            Image.fromarray(random.integers(0, 256, (8, 8, 3), np.uint8)).save(folder / name / f"{seed}-{number}.png")
    return folder


def train(data: resnetzoo.Data, out: Path) -> None:
    model = small_network(0)
    model.reset_classifier(2)
    resnetzoo.fit(model, data, RECIPE, device="cpu", precision="fp32", out=out, progress=False)


def measure(*words: str | Path) -> None:
    said = CliRunner().invoke(cli.app, ["eval", "run", "--device", "cpu", *map(str, words)])
    assert said.exit_code == 0, said.exception


@pytest.fixture
def pets(tmp_path: Path) -> Path:
    return add_images(tmp_path / "pets", 20)


CUTS = {
    "all": lambda data: data,
    "--max-train-images": lambda data: data.first(10),
    "--val-split": lambda data: data.validation_split(len(data.train) // 10),
    "both": lambda data: data.first(20).validation_split(2),
}


@pytest.mark.parametrize("cut", CUTS)
def test_held_out_images_of_a_changed_folder_may_be_known(cut: str, pets: Path) -> None:
    """Of the same images there is no warning, which the suite takes for an error, however few were trained on."""
    train(CUTS[cut](resnetzoo.load_data("folder", pets, size=8)), Path("run"))
    measure("--data-dir", pets)
    shutil.copy(pets / "cat" / "0-0.png", pets / "cat" / "more.png")
    with pytest.warns(UserWarning, match=f"{WARNING} 8 images .* other images were held out.* --all-images") as said:
        measure("--data-dir", pets)
    assert len(said) == 1


def test_images_apart_from_the_training_set_are_not_known(pets: Path, tmp_path: Path) -> None:
    """All images of a folder are what was asked for, and a test set of its own is not drawn anew."""
    train(resnetzoo.load_data("folder", pets, size=8), Path("run"))
    new = add_images(tmp_path / "new", 6, seed=1)
    measure("--data-dir", new, "--all-images")
    shutil.copytree(new, tmp_path / "sets" / "test")
    shutil.copytree(pets, tmp_path / "sets" / "train")
    measure("--data-dir", tmp_path / "sets")
    with pytest.warns(UserWarning, match=WARNING):
        measure("--data-dir", new)
