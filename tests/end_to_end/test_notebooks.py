"""A page with Python becomes a notebook of its blocks, and nothing else of it is run."""

import os
import re
from pathlib import Path

import pytest
from cases import ROOT

nbformat = pytest.importorskip("nbformat")
pytest.importorskip("sphinx")
notebooks = pytest.importorskip("notebooks")

PAGE = """# Title

Text.

```python
print(1)
```

% not run: it takes hours
```python
print(2)
```

```sh
resnetzoo list
```

% alt: A curve
```python
print(3)
```
"""


def test_blocks_become_cells_and_the_rest_stays_text() -> None:
    book = notebooks.read_page(PAGE)
    shown = [cell for cell in book.cells if "remove-cell" not in cell.metadata.get("tags", [])]
    assert [cell.cell_type for cell in shown] == ["markdown", "code"] * 3 + ["markdown"]
    codes = [cell.source for cell in shown if cell.cell_type == "code"]
    assert [codes[0], codes[2]] == ["print(1)", "print(3)"]
    assert "\nresnetzoo list\n" in codes[1]
    assert "print(2)" in shown[2].source
    assert shown[2].source.endswith("```sh\nresnetzoo list\n```")  # a page shows the command itself, not the cell
    assert shown[3].metadata["tags"] == ["remove-input"]
    lines = PAGE.splitlines()
    for cell, line in zip(book.cells, book.metadata["source_map"], strict=True):
        if cell in shown and cell.cell_type == "code":
            above = lines[line].startswith("% alt: ")
            assert lines[line + above].startswith("```")
            assert lines[line + above + 1] in cell.source.splitlines()


def test_a_picture_says_what_it_shows() -> None:
    cells = [cell for cell in notebooks.read_page(PAGE).cells if cell.source.startswith("print(")]
    assert [cell.metadata.get("mystnb") for cell in cells] == [None, {"image": {"alt": "A curve"}}]
    assert "alt:" not in "".join(cell.source for cell in notebooks.read_page(PAGE).cells)


def test_only_a_downloaded_notebook_installs_the_package() -> None:
    install = notebooks.read_page(PAGE).cells[0]
    assert install.source.startswith("%pip install")
    assert install.metadata["tags"] == ["remove-cell", "skip-execution"]


@pytest.mark.parametrize("page", ["api/index", "faq"])
def test_a_page_without_python_to_run_is_text_alone(page: str) -> None:
    book = notebooks.read_page((ROOT / "docs" / f"{page}.md").read_text())
    assert [cell.cell_type for cell in book.cells] == ["markdown"]


def test_the_lines_of_a_run_are_text_in_the_order_in_which_a_cell_prints(monkeypatch: pytest.MonkeyPatch) -> None:
    nbclient = pytest.importorskip("nbclient")
    pytest.importorskip("ipykernel")
    monkeypatch.setenv("JUPYTER_PATH", str(ROOT / "docs" / "_ext" / "jupyter"))
    code = """
import resnetzoo
data = resnetzoo.synthetic(train_images=16, test_images=16)
recipe = resnetzoo.recipes.SMOKE.with_epochs(2)
print("before")
run = resnetzoo.fit(resnetzoo.resnet(8), data, recipe, device="cpu")
print("after")
"""
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(code)])
    nbclient.NotebookClient(book, kernel_name="python3").execute()
    outputs = book.cells[0].outputs
    assert {output.output_type for output in outputs} == {"stream"}
    first, _, one, two, last = "".join(output.text for output in outputs if output.name == "stdout").splitlines()
    assert (first, one[:18], two[:18], last) == ("before", "resnet8  epoch   1", "resnet8  epoch   2", "after")


@pytest.mark.skipif("SITE" not in os.environ, reason="$SITE names no site that was built")
def test_the_first_network_of_a_newcomer_learns() -> None:
    """The page says "below 10 % within three epochs"; the build of the site is what trains it."""
    (page,) = Path(os.environ["SITE"]).rglob("getting-started.ipynb")
    printed = [
        output["text"]
        for cell in nbformat.read(page, as_version=4).cells
        for output in cell.get("outputs", [])
        if output["output_type"] == "stream"
    ]
    (error,) = re.findall(r"([\d.]+) % of 1000 images wrong", "".join(printed))
    assert float(error) < 10
