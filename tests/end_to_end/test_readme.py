"""The README's first screen; that its code works is in test_docs."""

from cases import ROOT
from markdown_blocks import blocks_of

README = ROOT / "README.md"


def test_the_first_screen_has_the_two_commands() -> None:
    first, second = [block.code for block in blocks_of(README) if block.kind == "sh"][:2]
    assert first == "python -m pip install . && python examples/cifar_compare.py\n"
    assert second == 'python -m pip install -e ".[test]" && python -m pytest -n auto\n'
    assert README.read_text().index(second) < 1_200
