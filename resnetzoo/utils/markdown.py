"""Pieces of Markdown, as GitHub renders it, from plain text."""

import re
from collections.abc import Sequence

# Characters that would be read as markup: an underscore outside a word, a link, an entity, and the rest everywhere.
_MARKUP = re.compile(r"[\\`*<|]|(?<![^\W_])_|_(?![^\W_])|\[(?=.*\]\()|&(?=#?\w+;)")


def plain(text: str) -> str:
    """Text in one line, with all Markdown characters escaped."""
    return _MARKUP.sub(r"\\\g<0>", " ".join(text.split()))


def code_block(command: str) -> str:
    """A command to copy."""
    return f"```sh\n{command}\n```"


def table(header: Sequence[str], rows: Sequence[Sequence[str]], first_number: int = 1) -> str:
    """A Markdown table of plain text; columns from `first_number` on are aligned to the right."""
    rule = ["---" if column < first_number else "---:" for column in range(len(header))]
    titles, *cells = _escaped(header, rows)
    return "\n".join(_line(row) for row in [titles, rule, *cells])


def padded_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table of plain text that also lines up in a terminal, with all columns aligned to the right."""
    cells = _escaped(header, rows)
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    rule = f"|{'|'.join('-' * (width + 1) + ':' for width in widths)}|"
    titles, *lines = (_line([cell.rjust(width) for cell, width in zip(row, widths, strict=True)]) for row in cells)
    return "\n".join([titles, rule, *lines])


def _escaped(header: Sequence[str], rows: Sequence[Sequence[str]]) -> list[list[str]]:
    return [[plain(cell) for cell in row] for row in (header, *rows)]


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
