"""What type checkers say of a user's script: that the answer of a network is a tensor, and that every name is there."""

import json
import re
import subprocess
import sys
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import pytest
from cases import ROOT
from processes import environment

# A line that ends in "error" is one that a type checker has to refuse; it refuses no other.
SCRIPT = """
# pyright: strict
import torch
from PIL import Image
from torch import Tensor
from typing_extensions import assert_type

import resnetzoo
import resnetzoo.interop.huggingface

images = torch.zeros(1, 3, 32, 32)
model = resnetzoo.create("resnet20", shortcut="projection")
assert_type(model, resnetzoo.CifarNet)
assert_type(model.eval()(images), Tensor)
assert_type(model(images=images), Tensor)
assert_type(model.forward_features(images), Tensor)
assert_type(model.spec, resnetzoo.ModelSpec)
assert_type(resnetzoo.resnet(26).to("cpu")(images), Tensor)
assert_type(resnetzoo.load_model("resnet20")(images), Tensor)
assert_type(resnetzoo.optimize(model)(images), Tensor)
assert_type(resnetzoo.WithPreprocessing(model)(images), Tensor)
assert_type(resnetzoo.interop.huggingface.HubCifarNet.of(model)(images), Tensor)
assert_type(resnetzoo.get_weights("resnet20.modern_c10").transforms()(Image.new("RGB", (40, 30))), Tensor)
assert_type(model.preprocess(images), Tensor)

data = resnetzoo.synthetic(seed=0)
assert_type(data, resnetzoo.Data)
run = resnetzoo.fit(model, data, resnetzoo.recipes.SMOKE, seed=0)
assert_type(run.epochs[-1].test_error, float)
assert_type(resnetzoo.evaluate(model, data.test), resnetzoo.Evaluation)
assert_type(resnetzoo.complexity("resnet56").macs, int)
assert_type(resnetzoo.list_models("resnet*"), list[str])
assert_type(resnetzoo.__version__, str)

print(resnetzoo.creat)  # error
print(resnetzoo.create("resnet20", shortcut="none"))  # error
print(resnetzoo.create("resnet20", classes=10))  # error
print(model("photo.png"))  # error
print(model(images).logits)  # error
"""


@pytest.fixture(scope="module")
def script(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The script, and behind it a use of every name that is exported lazily."""
    packages = ["resnetzoo", "resnetzoo.data", "resnetzoo.export", "resnetzoo.inference", "resnetzoo.reproduce"]
    names = [f"{package}.{name}" for package in packages for name in import_module(package).__all__]
    path = tmp_path_factory.mktemp("user") / "script.py"
    path.write_text(SCRIPT + "".join(f"print({name})\n" for name in names))
    return path


def assert_refused(errors: list[tuple[int, str]], script: Path) -> None:
    """That these errors, each with its line, are of the lines that ask for one, and of no other."""
    asked = {number for number, line in enumerate(script.read_text().splitlines(), 1) if line.endswith("# error")}
    assert {line for line, _ in errors} == asked, errors


def test_mypy(script: Path) -> None:
    """By the project's settings and so with its cache: reading torch for the first time takes ten seconds."""
    pytest.importorskip("mypy")
    said = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--no-error-summary", "--no-pretty", script],
        capture_output=True,
        text=True,
        env=environment(),
        cwd=ROOT,
    )
    errors = re.findall(r"script\.py:(\d+): error: (.*)", said.stdout)
    assert_refused([(int(line), message) for line, message in errors], script)


def test_pyright(script: Path) -> None:
    """In its strict mode, where nothing may be of an unknown type."""
    if find_spec("pyright") is None:
        pytest.skip("pyright is not installed")
    said = subprocess.run(
        [sys.executable, "-m", "pyright", "--outputjson", "--pythonpath", sys.executable, script],
        capture_output=True,
        text=True,
        env=environment(),
        cwd=ROOT,
    )
    try:
        found = json.loads(said.stdout)["generalDiagnostics"]
    except json.JSONDecodeError:
        pytest.skip(f"pyright needs node, and does not run here: {said.stderr.strip() or said.stdout.strip()}")
    errors = [entry for entry in found if entry["severity"] == "error"]
    assert_refused([(entry["range"]["start"]["line"] + 1, entry["message"]) for entry in errors], script)
