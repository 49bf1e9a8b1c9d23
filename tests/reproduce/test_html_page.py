"""Reports in both forms."""

from html.parser import HTMLParser
from pathlib import Path

from hypothesis import example, given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from resnetzoo.reproduce.html_page import html_page
from resnetzoo.reproduce.picture import Picture
from resnetzoo.utils.markdown import code_block, plain, table

PICTURE = Picture("errors", 'By "epoch"')


def report(picture: str) -> str:
    return "\n\n".join(
        [
            "# Plain & residual",
            "x < y",
            code_block("resnetzoo reproduce source"),
            table(("name", "error"), (("a|b", "1.00"), ("<i>", "2.00"), ("*_x_*", "3.00"))),
            picture,
        ]
    )


class Seen(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.texts: list[str] = []
        self.sources: list[str] = []
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "img":
            self.sources.append(dict(attrs)["src"] or "")
            self.texts.append(dict(attrs)["alt"] or "")
        elif tag != "meta":
            self.open.append(tag)
            self.links += [value or "" for name, value in attrs if name in ("href", "src")]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data.strip())


def test_markdown() -> None:
    text = report(PICTURE.linked)
    assert text.startswith("# Plain & residual\n\nx < y\n\n```sh\nresnetzoo reproduce source\n```\n")
    assert "| name | error |\n| --- | ---: |\n| a\\|b | 1.00 |" in text
    assert "](errors.png)" in text
    assert "[SVG](errors.svg)" in text


def test_html_needs_nothing_beside_it(tmp_path: Path) -> None:
    (tmp_path / "errors.svg").write_text("<svg/>")
    page = html_page(report(PICTURE.embedded), tmp_path)
    seen = Seen()
    seen.feed(page)
    assert not seen.open
    assert not seen.links
    for text in ("Plain & residual", "x < y", "a|b", "<i>", "*_x_*", 'By "epoch"'):
        assert text in seen.texts
    assert seen.texts.count("Plain & residual") == 2  # the title, and the heading
    assert len(seen.sources) == 1
    assert seen.sources[0].startswith("data:image/svg+xml;base64,")
    assert '<td style="text-align:right">1.00</td>' in page


def test_a_title_has_no_marks_of_markdown(tmp_path: Path) -> None:
    seen = Seen()
    seen.feed(html_page(f"# {plain('a|b *c* [d]')}\n\ntext\n", tmp_path))
    assert seen.texts.count("a|b *c* [d]") == 2


@given(text=st.text(st.characters(min_codepoint=32, max_codepoint=126), min_size=1, max_size=40))
@example(text="a__b_ __c")
@example(text="&lt; <i> `a` *b* _c_ [d](e) ![f](g) \\* | h")
def test_plain_text_means_nothing_but_itself(text: str) -> None:
    """In a cell, where no line of text begins a heading, a list or a block of code."""
    tokens = MarkdownIt("commonmark", {"html": False}).enable("table").parse(table((text,), ()))
    cell = next(token for token in tokens if token.type == "inline")
    assert {child.type for child in cell.children or []} <= {"text"}
    assert "".join(child.content for child in cell.children or []) == " ".join(text.split())
