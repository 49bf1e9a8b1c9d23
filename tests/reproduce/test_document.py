"""Reports in both forms."""

from html.parser import HTMLParser
from pathlib import Path

from resnetzoo.reproduce.document import Block, Code, Heading, Paragraph, Picture, Table, to_html, to_markdown

BLOCKS: list[Block] = [
    Heading("Plain & residual", level=1),
    Paragraph("x < y"),
    Code("resnetzoo reproduce source"),
    Table(("name", "error"), (("a|b", "1.00"), ("<i>", "2.00"))),
    Picture("errors", 'By "epoch"'),
]


class Seen(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.texts: list[str] = []
        self.sources: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "img":
            self.sources.append(dict(attrs)["src"] or "")
        elif tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data.strip())


def test_markdown() -> None:
    text = to_markdown(BLOCKS)
    assert text.startswith("# Plain & residual\n\nx < y\n\n```sh\nresnetzoo reproduce source\n```\n")
    assert "| name | error |\n| --- | ---: |\n| a\\|b | 1.00 |" in text
    assert "](errors.png)" in text
    assert "[SVG](errors.svg)" in text


def test_html_needs_nothing_beside_it(tmp_path: Path) -> None:
    (tmp_path / "errors.svg").write_text("<svg/>")
    seen = Seen()
    seen.feed(to_html(BLOCKS, tmp_path))
    assert not seen.open
    for text in ("Plain & residual", "x < y", "a|b", "<i>", 'By "epoch"'):
        assert text in seen.texts
    assert len(seen.sources) == 1
    assert seen.sources[0].startswith("data:image/svg+xml;base64,")
