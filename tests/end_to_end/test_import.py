"""What importing costs: nothing that `create` and `preprocess` do not need."""

import subprocess
import sys
from pathlib import Path

import pytest
from cases import COMMANDS
from processes import environment

HEAVY = ["torchvision", "matplotlib", "rich", "typer", "timm", "safetensors", "huggingface_hub", "onnx", "onnxruntime"]
COMPILER = ["torch._dynamo", "torch._inductor"]  # whose import takes as long as that of torch
STANDARD_LIBRARY_ALONE = [
    "resnetzoo",
    "resnetzoo.errors",
    "resnetzoo.models.spec",
    "resnetzoo.models.registry",
    "resnetzoo.models.complexity",
    "resnetzoo.models.diagram",
    "resnetzoo.plots",
    "resnetzoo.recipes",
    "resnetzoo.report",
    "resnetzoo.export.formats",
    "resnetzoo.reproduce.targets",
    "resnetzoo.utils.text",
    "resnetzoo.utils.validation",
    "resnetzoo.weights",
]


def test_neither_import_nor_create_nor_preprocess_loads_what_it_does_not_need() -> None:
    """Compared with `import torch` alone, which may bring some of these itself."""
    script = (
        "import sys, torch; before = set(sys.modules); import resnetzoo.analysis; resnetzoo.create('resnet20');"
        f"print([name for name in {HEAVY} if name in set(sys.modules) - before]);"
        "model = resnetzoo.create('resnet20', weights=True);"
        "from PIL import Image; model.preprocess(Image.new('RGB', (50, 40)));"
        f"print([name for name in {['torchvision', *COMPILER]} if name in set(sys.modules) - before])"
    )
    said = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, env=environment(), check=True)
    assert (said.stdout.split(), said.stderr) == (["[]", "[]"], "")


@pytest.mark.parametrize("module", STANDARD_LIBRARY_ALONE)
def test_names_costs_and_recipes_need_the_standard_library_alone(module: str) -> None:
    script = (
        f"import sys; before = set(sys.modules); import {module};"
        "roots = {name.split('.')[0] for name in set(sys.modules) - before};"
        "print(sorted(roots - set(sys.stdlib_module_names)))"
    )
    said = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, env=environment(), check=True)
    assert said.stdout.strip() == "['resnetzoo']"


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["--version"],
        ["--help"],
        *([command, "--help"] for command in COMMANDS),
        ["list"],
        ["list", "plainnet*", "--json"],
        ["info", "resnet56"],
        ["info", "resnet164", "--json"],
        ["info", "preresnet20", "--draw", "picture.svg"],
    ],
    ids=" ".join,
)
def test_what_computes_nothing_loads_no_torch(words: list[str], tmp_path: Path) -> None:
    """In a process of its own, which says at its end what was loaded."""
    script = (
        "import atexit, sys; from resnetzoo.cli import main; sys.argv = ['resnetzoo', *sys.argv[1:]];"
        f"atexit.register(lambda: print([name for name in {['torch', 'numpy', 'matplotlib']} if name in sys.modules]));"
        "sys.exit(main())"
    )
    said = subprocess.run(
        [sys.executable, "-c", script, *words], capture_output=True, text=True, env=environment(), cwd=tmp_path
    )
    assert said.returncode == (0 if words else 2), said.stderr
    assert said.stdout.splitlines()[-1] == "[]"
