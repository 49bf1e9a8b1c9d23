"""Pages with Python are notebooks: they are run when the site is built, and show what each block prints and draws.

A page stays plain Markdown. Its blocks of Python become the cells of a notebook, one after the other in one process.
Its commands run between them, in the same folder. Blocks with a line `% not run: ...` above them remain text. Above a
block that draws, a line `% alt: ...` says what its picture shows. A page offers its notebook, with the outputs, for
download.
"""

import os
from typing import Any

import nbformat
from docutils import nodes
from markdown_blocks import Block, blocks_in
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.transforms import SphinxTransform
from sphinx.util import logging

_LOG = logging.getLogger(__name__)
REPOSITORY = "resnetzoo/resnetzoo"  # on GitHub
BRANCH = "notebooks"  # where the workflow of the documentation puts the executed notebooks
_INSTALL = '%pip install --quiet "resnetzoo[timm,huggingface]" tensorboard'
_COMMANDS = """import subprocess
import sys

commands = r'''
resnetzoo() {{ "$PYTHON" -m resnetzoo "$@"; }}
{code}
'''
said = subprocess.run(
    ["env", f"PYTHON={{sys.executable}}", "bash", "-euc", commands], check=True, stdout=subprocess.PIPE, text=True
)
print(said.stdout)"""
_PICTURES = "%matplotlib inline\n%config InlineBackend.figure_formats = ['svg']"


def read_page(text: str) -> nbformat.NotebookNode:
    """Turn a Markdown page into a notebook; a page with nothing to run becomes a single text cell."""
    blocks = [block for block in blocks_in(text) if block.is_run]
    cells, lines, end = [], [], 0
    if blocks:
        # A page shows neither; the first is for a machine without the package.
        cells = [_hidden(_INSTALL, "skip-execution")]
        if any("matplotlib" in block.code for block in blocks):
            cells.append(_hidden(_PICTURES))
        lines = [0] * len(cells)
    for block in blocks:
        begin, stop = block.span
        shown = stop if block.kind == "sh" else begin  # a command keeps its own highlighting; only its output is added
        cells += [nbformat.v4.new_markdown_cell(text[end:shown]), _cell(block)]
        lines += [text.count("\n", 0, end), text.count("\n", 0, begin)]
        end = stop
    cells.append(nbformat.v4.new_markdown_cell(text[end:]))
    lines.append(text.count("\n", 0, end))
    for number, cell in enumerate(cells):
        cell["id"] = f"cell{number}"  # the same in every build
    return nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": _KERNEL, "source_map": lines})


_KERNEL = {"name": "python3", "display_name": "Python 3", "language": "python"}


def _cell(block: Block) -> nbformat.NotebookNode:
    code = block.code.rstrip("\n")
    if block.kind == "python":
        return nbformat.v4.new_code_cell(code, metadata={"mystnb": {"image": {"alt": block.alt}}} if block.alt else {})
    return nbformat.v4.new_code_cell(_COMMANDS.format(code=code), metadata={"tags": ["remove-input"]})


def _hidden(code: str, *tags: str) -> nbformat.NotebookNode:
    return nbformat.v4.new_code_cell(code, metadata={"tags": ["remove-cell", *tags]})


class PictureTexts(SphinxTransform):
    """Report pictures without a description; the page would show the file name instead."""

    default_priority = 400

    def apply(self, **_: Any) -> None:
        """Warn about each of them; the build of the site turns warnings into errors."""
        for image in self.document.findall(nodes.image):
            if not image.get("alt"):
                words = "put a line `% alt: ...` above the block that draws this picture, to say what it shows"
                _LOG.warning(words, location=image.parent, type="notebooks", subtype="alt")


class NotebookLinks(SphinxTransform):
    """Links below the title of each page that was run, except the first: its notebook, to download or open in Colab."""

    default_priority = 400

    def apply(self, **_: Any) -> None:
        """Add the links, if the page was run."""
        page = self.env.docname
        if page == self.config.root_doc or not self.env.nb_metadata[page].get("exec_data"):
            return
        download = addnodes.download_reference("", reftarget=f"/{self._executed(page)}")
        download += nodes.Text("Download this page as a notebook")
        address = f"https://colab.research.google.com/github/{REPOSITORY}/blob/{BRANCH}/{page}.ipynb"
        colab = nodes.reference("", "open it in Colab", refuri=address)
        links = nodes.paragraph(
            "", "", download, nodes.Text(" or "), colab, nodes.Text("."), classes=["notebook-links"]
        )
        title = next(self.document.findall(nodes.title))
        title.parent.insert(title.parent.index(title) + 1, links)

    def _executed(self, page: str) -> str:
        """The path of the notebook, relative to the folder of the pages."""
        return os.path.relpath(f"{self.env.mystnb_config.output_folder}/{page}.ipynb", self.env.srcdir)


def setup(app: Sphinx) -> dict[str, bool]:
    app.add_transform(PictureTexts)
    app.add_transform(NotebookLinks)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
