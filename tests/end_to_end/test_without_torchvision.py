"""Networks, images, training and checkpoints beside a torchvision that does not import.

That is how one for another build of torch fails.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from cases import ROOT
from PIL import Image
from processes import environment

BROKEN = 'raise RuntimeError("operator torchvision::nms does not exist")\n'

LIBRARY = """
from pathlib import Path

from PIL import Image

import resnetzoo

data = resnetzoo.synthetic(seed=0, train_images=48, test_images=20)
recipe = resnetzoo.recipes.SMOKE
model = resnetzoo.create("resnet20", weights=True)
small = resnetzoo.CifarNet(resnetzoo.ModelSpec("residual", 8, widths=(4, 8, 16)))
run = resnetzoo.fit(small, data, recipe, out="run", device="cpu", progress=False)
again = resnetzoo.load_checkpoint("run/checkpoint.pt")
assert resnetzoo.evaluate(again, data.test).error == run.epochs[-1].test_error
for kind in ("a", "b"):
    Path("mine", kind).mkdir(parents=True)
    for number in range(2):
        Image.new("RGB", (50, 40), number * 50).save(f"mine/{kind}/{number}.png")
mine = resnetzoo.load_data("folder", "mine")
assert len(mine.train) + len(mine.test) == 4
assert [found.error for found in resnetzoo.predict(model, "mine/a")] == [None, None]
assert resnetzoo.optimize(model, compile=False)(data.test.images[:2].float()).shape == (2, 10)
"""

COMMANDS = """
import json, sys
import resnetzoo
from resnetzoo.cli import main

resnetzoo.register("narrow8", resnetzoo.ModelSpec("residual", 8, widths=(4, 8, 16)))
for words in json.loads(sys.argv[1]):
    sys.argv = ["resnetzoo", *words]
    try:
        status = main()
    except SystemExit as stop:
        status = stop.code
    assert not status, words
"""


@pytest.fixture
def broken(tmp_path: Path) -> dict[str, str]:
    """The environment of a process in which torchvision raises an error."""
    package = tmp_path / "broken" / "torchvision"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text(BROKEN)
    return environment(PYTHONPATH=os.pathsep.join([str(package.parent), str(ROOT)]))


def run(words: list[str], variables: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, *words], env=variables, capture_output=True, text=True, check=False)


@pytest.mark.slow
def test_the_library_works(broken: dict[str, str]) -> None:
    assert "operator torchvision::nms does not exist" in run(["-c", "import torchvision"], broken).stderr
    said = run(["-c", LIBRARY], broken)
    assert said.returncode == 0, said.stderr


@pytest.mark.slow
def test_the_commands_work(broken: dict[str, str], cifar10_folder: Path) -> None:
    options = ["--dataset", "cifar10", "--data-dir", str(cifar10_folder), "--device", "cpu"]
    train = ["train", "narrow8", *options, "--recipe", "SMOKE", "--epochs", "1", "--out", "run"]
    Image.new("RGB", (50, 40)).save("a.png")
    words = json.dumps([train, ["eval", "run/checkpoint.pt", *options], ["predict", "a.png"]])
    said = run(["-c", COMMANDS, words], broken)
    assert said.returncode == 0, said.stderr
    assert "epoch   1/1" in said.stdout
