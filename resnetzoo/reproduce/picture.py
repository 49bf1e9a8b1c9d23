"""A picture beside a report, in Markdown."""

from typing import NamedTuple


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
