"""What importing costs: nothing that `create` does not need."""

import subprocess
import sys
from pathlib import Path

import pytest
from cases import environment

HEAVY = ["torchvision", "matplotlib", "rich", "typer", "timm", "safetensors", "huggingface_hub", "onnx", "onnxruntime"]


def test_neither_import_nor_create_loads_what_they_do_not_need() -> None:
    """Compared with `import torch` alone, which may bring some of these itself."""
    script = (
        "import sys, torch; before = set(sys.modules); import resnetzoo.analysis; resnetzoo.create('resnet20');"
        f"print([name for name in {HEAVY} if name in set(sys.modules) - before])"
    )
    said = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, env=environment(), check=True)
    assert said.stdout.strip() == "[]"


@pytest.mark.parametrize("module", ["spec", "registry", "complexity", "checks", "errors"])
def test_specs_need_no_torch(module: str) -> None:
    """Read from the source: these files import nothing but each other and the standard library."""
    source = Path(__file__).resolve().parent.parent / "resnetzoo" / f"{module}.py"
    imported = [line.split()[1] for line in source.read_text().splitlines() if line.startswith(("import ", "from "))]
    inside = {name for name in imported if name.startswith("resnetzoo")}
    assert inside <= {f"resnetzoo.{name}" for name in ("spec", "registry", "complexity", "checks", "errors")}
    assert {name.split(".")[0] for name in imported} - {"resnetzoo"} <= set(sys.stdlib_module_names)
