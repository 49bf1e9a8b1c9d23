"""What importing costs: nothing that `create` does not need."""

import subprocess
import sys

import pytest
from cases import environment

HEAVY = ["torchvision", "matplotlib", "rich", "typer", "timm", "safetensors", "huggingface_hub", "onnx", "onnxruntime"]
STANDARD_LIBRARY_ALONE = [
    "resnetzoo",
    "resnetzoo.errors",
    "resnetzoo.models.spec",
    "resnetzoo.models.registry",
    "resnetzoo.models.complexity",
    "resnetzoo.models.diagram",
    "resnetzoo.recipes",
    "resnetzoo.reproduce.targets",
    "resnetzoo.utils.text",
    "resnetzoo.utils.validation",
]


def test_neither_import_nor_create_loads_what_they_do_not_need() -> None:
    """Compared with `import torch` alone, which may bring some of these itself."""
    script = (
        "import sys, torch; before = set(sys.modules); import resnetzoo.analysis; resnetzoo.create('resnet20');"
        f"print([name for name in {HEAVY} if name in set(sys.modules) - before])"
    )
    said = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, env=environment(), check=True)
    assert said.stdout.strip() == "[]"


@pytest.mark.parametrize("module", STANDARD_LIBRARY_ALONE)
def test_names_costs_and_recipes_need_the_standard_library_alone(module: str) -> None:
    script = (
        f"import sys; before = set(sys.modules); import {module};"
        "roots = {name.split('.')[0] for name in set(sys.modules) - before};"
        "print(sorted(roots - set(sys.stdlib_module_names)))"
    )
    said = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, env=environment(), check=True)
    assert said.stdout.strip() == "['resnetzoo']"
