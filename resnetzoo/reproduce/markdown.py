"""Pieces of Markdown, as GitHub renders it, from plain text."""

import re
from collections.abc import Sequence
from typing import NamedTuple

# Characters that would be read as markup: an underscore outside a word, a link, an entity, and the rest everywhere.
_MARKUP = re.compile(r"[\\`*<|]|(?<![^\W_])_|_(?![^\W_])|\[(?=.*\]\()|&(?=#?\w+;)")


class Picture(NamedTuple):
    """`stem`.png and `stem`.svg beside the report."""

    stem: str
    caption: str

    @property
    def linked(self) -> str:
        """Markdown that shows the PNG, with a caption that links to the SVG."""
        return f"![{self.caption}]({self.stem}.png)\n\n{self.caption} ([SVG]({self.stem}.svg))"

    @property
    def embedded(self) -> str:
        """Markdown that shows the SVG, which `html_page` embeds."""
        return f"![{self.caption}]({self.stem}.svg)\n\n{self.caption}"


def plain(text: str) -> str:
    """Text in one line, with all Markdown characters escaped."""
    return _MARKUP.sub(r"\\\g<0>", " ".join(text.split()))


def code_block(command: str) -> str:
    """A command to copy."""
    return f"```sh\n{command}\n```"


def table(header: Sequence[str], rows: Sequence[Sequence[str]], first_number: int = 1) -> str:
    """A Markdown table of plain text; columns from `first_number` on are aligned to the right."""
    rule = ["---" if column < first_number else "---:" for column in range(len(header))]
    cells = [rule, *([plain(cell) for cell in row] for row in rows)]
    return "\n".join(f"| {' | '.join(row)} |" for row in [[plain(title) for title in header], *cells])
