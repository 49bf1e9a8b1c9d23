"""The documentation site. Its tables and pictures are made from the code and the committed results at build time."""

import logging
import os
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE / "_ext"), str(HERE.parent)]

import notebooks  # noqa: E402 (of `_ext`)

import resnetzoo  # noqa: E402 (the checkout's own)

project = "resnetzoo"
author = "the resnetzoo maintainers"
copyright = "the resnetzoo maintainers, MIT licence"  # noqa: A001 (Sphinx's own name)
version = release = resnetzoo.__version__

extensions = [
    "myst_nb",
    "notebooks",
    "page_head",
    "sphinx.ext.autodoc",
    "sphinx.ext.doctest",
    "sphinx.ext.intersphinx",
    "sphinx.ext.napoleon",
    "sphinx.ext.viewcode",
    "sphinx_copybutton",
    "sphinx_design",
    "block_drawings",
    "command_line",
    "final_errors",
    "formulas",
    "generated",
    "live_page",
    "loss_surfaces",
    "packaged_measures",
    "source_table",
    "speed_tables",
    "stored_runs",
    "result_figures",
    "synthetic_set",
    "libraries",
    "published_tables",
    "cuda_evidence",
    "equal_terms",
]
exclude_patterns = ["_build", "results"]
default_role = "literal"
smartquotes = False  # which would make one dash of the two before an option
nitpicky = True
# Other projects' pages are linked where the build may fetch their inventories; without a network they are plain text.
nitpick_ignore_regex = [
    ("py:.*", r"(torch|nn|np|numpy|timm|torchvision|PIL|matplotlib|rich|typer|pathlib|os|collections|dist)\b.*"),
    ("py:.*", r"huggingface_hub\b.*"),
    ("py:.*", r"(tuple|dict)\[.*|Table"),
    ("py:.*", r"(Tensor|Axes|AxesImage|Figure|Image|Path|NDArray|Sequence|Mapping|Callable|Iterator|optional|Any)\b.*"),
]
if os.environ.get("DOCS_INTERSPHINX"):
    intersphinx_mapping = {
        "python": ("https://docs.python.org/3", None),
        "torch": ("https://docs.pytorch.org/docs/stable", None),
        "torchvision": ("https://docs.pytorch.org/vision/stable", None),
        "timm": ("https://huggingface.co/docs/timm", None),
    }

# Each page with Python is run, in a process and an empty folder of its own, and shows what each block prints and draws.
nb_custom_formats = {".md": ("notebooks.read_page", {}, False)}
nb_execution_mode = "auto"
nb_execution_in_temp = True
nb_execution_raise_on_error = True
nb_execution_timeout = 600  # of a block, in seconds, on a busy machine
nb_merge_streams = True
nb_output_stderr = "remove"  # what other libraries say of this machine; the tests run the pages with warnings as errors
logging.getLogger("traitlets").setLevel(logging.WARNING)  # it names each notebook that is run
os.environ.setdefault("OMP_NUM_THREADS", "1")  # pages run side by side; more threads would only wait for each other
os.environ["JUPYTER_PATH"] = str(HERE / "_ext" / "jupyter")  # a kernel that is silent about itself
os.environ["PYTHONPATH"] = os.pathsep.join([str(HERE.parent), *filter(None, [os.environ.get("PYTHONPATH")])])

myst_enable_extensions = ["attrs_block", "colon_fence", "deflist", "dollarmath"]
myst_heading_anchors = 3
autodoc_member_order = "bysource"
autodoc_typehints = "both"  # in the signature, and as a row of their own for what is returned
autodoc_typehints_description_target = "documented_params"
autodoc_preserve_defaults = True
napoleon_google_docstring = True
napoleon_numpy_docstring = False
napoleon_use_rtype = False
napoleon_use_ivar = True

html_theme = "furo"
html_math_renderer = "mathml"
html_title = f"resnetzoo {version}"
REPOSITORY = f"https://github.com/{notebooks.REPOSITORY}"
html_context = {"description": "CIFAR residual networks, their plain twins and trained weights for PyTorch."}
html_theme_options = {
    "announcement": f'Version {version} &middot; <a href="{REPOSITORY}">Source on GitHub</a>',
    "source_repository": REPOSITORY,
    "source_branch": "main",
    "source_directory": "docs/",
}
html_favicon = "_static/favicon.svg"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_js_files = ["tables.js", "scrolling.js"]
copybutton_prompt_text = r"\$ "
copybutton_prompt_is_regexp = True
