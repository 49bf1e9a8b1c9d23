"""A report as a list of blocks, and the two forms that it is written in: Markdown, and HTML in one file."""

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path


@dataclass(frozen=True)
class Heading:
    """A title of the report (level 1) or of a part of it (2)."""

    text: str
    level: int = 2


@dataclass(frozen=True)
class Paragraph:
    """Plain text."""

    text: str


@dataclass(frozen=True)
class Code:
    """A command to copy."""

    text: str


@dataclass(frozen=True)
class Table:
    """Cells of plain text; all rows as long as the header. Columns from `first_number` on stand to the right."""

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    first_number: int = 1


@dataclass(frozen=True)
class Picture:
    """`stem`.png and `stem`.svg beside the report."""

    stem: str
    caption: str


Block = Heading | Paragraph | Code | Table | Picture


def to_markdown(blocks: Sequence[Block]) -> str:
    """GitHub's Markdown; pictures are linked."""
    return "\n\n".join(_markdown(block) for block in blocks) + "\n"


def to_html(blocks: Sequence[Block], folder: Path) -> str:
    """A page that needs nothing beside it: the pictures of `folder` are inside."""
    title = next(block.text for block in blocks if isinstance(block, Heading))
    body = "\n".join(_html(block, folder) for block in blocks)
    return _PAGE.format(title=escape(title), body=body)


def _markdown(block: Block) -> str:
    match block:
        case Heading(text, level):
            return f"{'#' * level} {text}"
        case Paragraph(text):
            return text
        case Code(text):
            return f"```sh\n{text}\n```"
        case Picture(stem, caption):
            return f"![{caption}]({stem}.png)\n\n{caption} ([SVG]({stem}.svg))"
        case Table(header, rows, first_number):
            rule = ["---" if place < first_number else "---:" for place in range(len(header))]
            cells = [header, rule, *rows]
            return "\n".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |" for row in cells)


def _html(block: Block, folder: Path) -> str:
    match block:
        case Heading(text, level):
            return f"<h{level}>{escape(text)}</h{level}>"
        case Paragraph(text):
            return f"<p>{escape(text)}</p>"
        case Code(text):
            return f"<pre><code>{escape(text)}</code></pre>"
        case Picture(stem, caption):
            inside = base64.b64encode((folder / f"{stem}.svg").read_bytes()).decode()
            image = f'<img src="data:image/svg+xml;base64,{inside}" alt="{escape(caption)}">'
            return f"<figure>{image}<figcaption>{escape(caption)}</figcaption></figure>"
        case Table(header, rows, first_number):
            head = _row(header, "th", first_number)
            body = "\n".join(_row(row, "td", first_number) for row in rows)
            return f'<div class="wide"><table>\n<thead>{head}</thead>\n<tbody>\n{body}\n</tbody></table></div>'


def _row(cells: Sequence[str], tag: str, first_number: int) -> str:
    inside = (
        f"<{tag}{' class=number' if place >= first_number else ''}>{escape(cell)}</{tag}>"
        for place, cell in enumerate(cells)
    )
    return f"<tr>{''.join(inside)}</tr>"


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
th.number, td.number {{ text-align: right; white-space: nowrap; }}
pre {{ padding: .7rem 1rem; background: #8882; overflow-x: auto; }}
figure {{ margin: 1.5rem 0; }}
img {{ max-width: 100%; height: auto; background: white; }}
figcaption {{ font-size: .9rem; opacity: .8; }}
</style>
</head>
<body>
{body}
</body>
</html>
"""
