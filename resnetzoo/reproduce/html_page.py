"""A Markdown report as one self-contained HTML page."""

import base64
from collections.abc import Sequence
from html import escape
from itertools import pairwise
from pathlib import Path
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token


def html_page(markdown: str, folder: Path) -> str:
    """The page, with the pictures from `folder` embedded; its title is the first heading.

    HTML in the report is shown as text.

    Raises:
        OSError: a picture cannot be read.
    """
    parser = MarkdownIt("commonmark", {"html": False}, renderer_cls=_Renderer).enable("table")
    tokens = parser.parse(markdown)
    heading = next(after for token, after in pairwise(tokens) if token.type == "heading_open")
    title = "".join(token.content for token in heading.children or ())  # its words, without the Markdown syntax
    body = parser.renderer.render(tokens, parser.options, {"folder": folder})
    return _PAGE.format(title=escape(title), body=body)


class _Renderer(RendererHTML):
    """Renders HTML with embedded pictures, in which only elements wider than the page scroll."""

    def image(self, tokens: Sequence[Token], index: int, options: Any, env: Any) -> str:
        """Embed the SVG file that a picture names."""
        name, caption = str(tokens[index].attrs["src"]), escape(tokens[index].content)
        content = base64.b64encode((env["folder"] / name).read_bytes()).decode()
        return f'<img src="data:image/svg+xml;base64,{content}" alt="{caption}">'

    def table_open(self, tokens: Sequence[Token], index: int, options: Any, env: Any) -> str:
        return '<div class="wide"><table>\n'

    def table_close(self, tokens: Sequence[Token], index: int, options: Any, env: Any) -> str:
        return "</table></div>\n"


_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
:root {{ color-scheme: light dark; }}
body {{ font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }}
h1 {{ font-size: 1.6rem; line-height: 1.25; }}
h2 {{ font-size: 1.2rem; margin-top: 2.2rem; }}
.wide {{ overflow-x: auto; }}
table {{ border-collapse: collapse; font-variant-numeric: tabular-nums; }}
th, td {{ padding: .3rem .7rem; border-bottom: 1px solid #8886; text-align: left; vertical-align: top; }}
th[style], td[style] {{ white-space: nowrap; }} /* columns of numbers: only these are aligned */
pre {{ padding: .7rem 1rem; background: #8882; overflow-x: auto; }}
img {{ max-width: 100%; height: auto; background: white; }}
</style>
</head>
<body>
{body}</body>
</html>
"""
