"""The code blocks of a Markdown page, with the reason why one is not run, or the description of its picture."""

import re
from dataclasses import dataclass
from pathlib import Path

_BLOCK = re.compile(
    r"(?:^(?:% not run: (?P<in_docs>[^\n]+)|<!-- not run: (?P<in_readme>[^\n]+) -->|% alt: (?P<alt>[^\n]+))\n)?"
    r"^```(?P<kind>\w+)\n(?P<code>.*?)^```",
    re.MULTILINE | re.DOTALL,
)


@dataclass(frozen=True)
class Block:
    """One fenced block.

    Attributes:
        kind: its language.
        code: its lines.
        reason: why it is not run; empty if it is.
        span: where it begins and ends in its page, including the line above it with the reason or the description.
        alt: what its picture shows; empty if it draws none.
    """

    kind: str
    code: str
    reason: str
    span: tuple[int, int]
    alt: str = ""

    @property
    def commands(self) -> list[str]:
        """The lines that call the command line."""
        return [line for line in self.code.splitlines() if line.startswith("resnetzoo ")] if self.kind == "sh" else []

    @property
    def is_run(self) -> bool:
        """Whether the tests of the README, or the build of the site, run the block."""
        return self.kind in ("python", "sh") and not self.reason


def blocks_of(page: Path) -> list[Block]:
    """All blocks of a file, in order."""
    return blocks_in(page.read_text())


def blocks_in(text: str) -> list[Block]:
    """All blocks of a page, in order."""
    return [
        Block(
            found["kind"], found["code"], found["in_docs"] or found["in_readme"] or "", found.span(), found["alt"] or ""
        )
        for found in _BLOCK.finditer(text)
    ]
