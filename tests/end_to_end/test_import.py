"""What importing costs: nothing that `create` does not need."""

import subprocess
import sys

import pytest
from cases import ROOT, environment

HEAVY = ["torchvision", "matplotlib", "rich", "typer", "timm", "safetensors", "huggingface_hub", "onnx", "onnxruntime"]


def test_neither_import_nor_create_loads_what_they_do_not_need() -> None:
    """Compared with `import torch` alone, which may bring some of these itself."""
    script = (
        "import sys, torch; before = set(sys.modules); import resnetzoo.analysis; resnetzoo.create('resnet20');"
        f"print([name for name in {HEAVY} if name in set(sys.modules) - before])"
    )
    said = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, env=environment(), check=True)
    assert said.stdout.strip() == "[]"


TORCH_FREE = {
    "resnetzoo.errors",
    "resnetzoo.models.complexity",
    "resnetzoo.models.registry",
    "resnetzoo.models.spec",
    "resnetzoo.utils.text",
    "resnetzoo.utils.validation",
}


@pytest.mark.parametrize("module", sorted(TORCH_FREE))
def test_specs_need_no_torch(module: str) -> None:
    """Read from the source: these files import nothing but each other and the standard library."""
    source = ROOT / f"{module.replace('.', '/')}.py"
    imported = [line.split()[1] for line in source.read_text().splitlines() if line.startswith(("import ", "from "))]
    assert {name for name in imported if name.startswith("resnetzoo")} <= TORCH_FREE
    assert {name.split(".")[0] for name in imported} - {"resnetzoo"} <= set(sys.stdlib_module_names)
