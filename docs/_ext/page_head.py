"""Changes to each page's frame: a description for search engines, and a sidebar whose captions are not headings."""

from html import escape
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx

_LONGEST = 160  # characters, of which search engines show no more


def describe(doctree: nodes.document) -> str:
    """The first paragraph of more than a few words, shortened at the end of a word."""
    for paragraph in doctree.findall(nodes.paragraph):
        text = " ".join(paragraph.astext().split())
        if "notebook-links" not in paragraph["classes"] and len(text) > 20:
            return text if len(text) <= _LONGEST else text[: _LONGEST - 3].rsplit(" ", 1)[0] + "..."
    return ""


def add_description(
    app: Sphinx, _page: str, _template: str, context: dict[str, Any], doctree: nodes.document | None
) -> None:
    """Put a description into the head of a page; the pages of the index and of the search have none of their own."""
    text = (describe(doctree) if doctree else "") or app.config.html_context["description"]
    context["metatags"] = context.get("metatags", "") + f'<meta name="description" content="{escape(text)}" />'


def take_headings_from_the_sidebar(
    _app: Sphinx, _page: str, _template: str, context: dict[str, Any], _doctree: nodes.document | None
) -> None:
    """Remove the heading role of the captions: Sphinx puts such headings, without a level, before the page's first."""
    tree = context["furo_navigation_tree"]
    context["furo_navigation_tree"] = tree.replace('class="caption" role="heading"', 'class="caption"')


def setup(app: Sphinx) -> dict[str, bool]:
    app.connect("html-page-context", add_description)
    app.connect("html-page-context", take_headings_from_the_sidebar, priority=900)  # after the theme has made the tree
    return {"parallel_read_safe": True, "parallel_write_safe": True}
