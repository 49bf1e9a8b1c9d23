"""The directive of the live page, and the files that it loads: the runtime, and networks whose layers can be watched.

Everything is compressed and wrapped in scripts as text, since a page that is opened from a folder may load scripts but
may not read files.
"""

import base64
import gzip
import json
import logging
from html import escape
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory

import onnx
from docutils import nodes
from onnxruntime_web import fetch_runtime
from PIL import Image
from sample_pictures import SCENES, draw_sample
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

import resnetzoo
from resnetzoo import export, plots

NETWORKS = ("plainnet20", "resnet20", "resnet56")
FOLDER = "live"  # below the site's static files
_CACHE = "npm"  # below the folder of what a build keeps

# Of this page alone, and in this order.
_SCRIPTS = '<link rel="stylesheet" href="_static/live.css">' + "".join(
    f'<script defer src="_static/{name}.js"></script>' for name in ("live-picture", "live-networks", "live")
)


# Each reports what it simplifies, which is no news.
for _name in ("onnx_ir", "onnxscript"):
    logging.getLogger(_name).setLevel(logging.WARNING)


def watched_network(name: str) -> bytes:
    """A pretrained network in ONNX, which takes pixels (1, 32, 32, 3) and returns probabilities and every response.

    A response is the output of a 3x3 convolution with its batch norm, which the exporter fuses into one operation.
    """
    with TemporaryDirectory() as folder:
        path = Path(folder) / f"{name}.onnx"
        export.export_onnx(export.WithPreprocessing(resnetzoo.create(name, weights=True)), path, batch=1)
        proto = onnx.load(path)
    for node in proto.graph.node:
        if node.op_type == "Conv":
            proto.graph.output.append(onnx.ValueInfoProto(name=node.output[0]))
    content: bytes = proto.SerializeToString()
    return content


def write_files(folder: Path, cache: Path) -> None:
    """Write the scripts that the page loads into `folder`; fetched files are kept in `cache`."""
    folder.mkdir(parents=True, exist_ok=True)
    runtime = fetch_runtime(cache)
    _write_script(folder / "runtime.js", "runtime", {"module": _packed(runtime.module), "wasm": _packed(runtime.wasm)})
    for name in NETWORKS:
        _write_script(folder / f"{name}.js", name, {"onnx": _packed(watched_network(name))})


def _packed(content: bytes) -> str:
    return base64.b64encode(gzip.compress(content, mtime=0)).decode()


def _write_script(path: Path, name: str, parts: dict[str, str]) -> None:
    path.write_text(f"(globalThis.liveFiles ??= {{}})[{json.dumps(name)}] = {json.dumps(parts)};\n")


def _sample_button(name: str) -> str:
    picture = BytesIO()
    Image.fromarray(draw_sample(name)).save(picture, "PNG")
    address = f"data:image/png;base64,{base64.b64encode(picture.getvalue()).decode()}"
    return (
        f'<button type="button" class="live-sample" aria-label="Drawing of the class {name}">'
        f'<img src="{address}" width="32" height="32" alt=""></button>'
    )


def _panel(name: str) -> str:
    weights = resnetzoo.list_weights(f"{name}.*")[0]
    facts = escape(
        json.dumps({"name": name, "classes": weights.classes, "color": plots.looks_of([name])[name].color}), quote=True
    )
    return (
        f'<section class="live-network" data-network="{facts}"><h2>{name}</h2>'
        f"<p>{weights.test_error:.2f} % test error<br>{weights.recipe}</p>"
        '<ol class="live-classes"></ol><p class="live-time"></p></section>'
    )


class LivePage(SphinxDirective):
    """The samples, a field for the visitor's own picture, a panel for each network, and the responses."""

    def run(self) -> list[nodes.Node]:
        if not self.config.live_page:
            words = "The networks were left off this page when it was built."
            return [nodes.note("", nodes.paragraph("", words))]
        samples = "".join(map(_sample_button, SCENES))
        panels = "".join(map(_panel, NETWORKS))
        page = f"""{_SCRIPTS}<div id="live" data-files="_static/{FOLDER}/">
<div class="live-samples" role="group" aria-label="Drawings to choose from">{samples}</div>
<label class="live-drop">Or choose a picture, or drop one here <input type="file" accept="image/*"></label>
<div class="live-seen" hidden><canvas width="32" height="32" role="img" aria-label="The picture as the networks see it,
32 by 32 pixels"></canvas></div>
<p class="live-state" role="status">Choose a drawing to load the networks.</p>
<div class="live-networks">{panels}</div>
<figure class="live-responses" hidden><figcaption>Standard deviation of each layer's response to this picture, from the
first layer to the last</figcaption><svg role="img"></svg></figure>
</div>"""
        return [nodes.raw("", page, format="html")]


def add_files(app: Sphinx, failed: Exception | None) -> None:
    """Add the files after the pages, so that a build that stops at a warning fetches nothing."""
    if failed is None and app.builder.format == "html" and app.config.live_page:
        write_files(Path(app.outdir) / "_static" / FOLDER, Path(app.srcdir) / "_build" / _CACHE)


def setup(app: Sphinx) -> dict[str, bool]:
    app.add_config_value("live_page", True, "env", types=(bool,))
    app.add_directive("live-page", LivePage)
    app.connect("build-finished", add_files)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
