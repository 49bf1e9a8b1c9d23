"""The README's first screen, its length and its links; that its other code works is in test_docs."""

import contextlib
import io
import re
from statistics import mean

import pytest
from cases import ROOT
from markdown_blocks import blocks_of

import resnetzoo
from resnetzoo.reproduce import PEERS, PUBLISHED

README = ROOT / "README.md"
TEXT = README.read_text()
SITE = "https://resnetzoo.github.io/resnetzoo/"
SOURCE = "https://github.com/resnetzoo/resnetzoo/blob/main/"
RAW = "https://raw.githubusercontent.com/resnetzoo/resnetzoo/main/"
LINKS = sorted(set(re.findall(r"(?<=\]\()[^)]+", TEXT) + re.findall(r'(?:src|srcset|href)="([^"]+)"', TEXT)))


def test_it_has_at_most_900_words() -> None:
    assert len(TEXT.split()) <= 900


def test_the_first_screen_comes_in_this_order() -> None:
    install, prediction, output, compare, test = blocks_of(README)[:5]
    assert install.code == "pip install resnetzoo\n"
    assert len([line for line in prediction.code.splitlines() if line]) == 4
    assert compare.code == "python -m pip install . && python examples/cifar_compare.py\n"
    assert test.code == 'python -m pip install -e ".[test]" && python -m pytest -n auto\n'
    sentence, picture, why = (TEXT.index(words) for words in ("The CIFAR residual networks", "<picture>", "\n- **"))
    blocks = (install, prediction, output, compare, test)
    begins = [block.span[0] for block in blocks]
    assert [sentence, *begins[:3], picture, why, *begins[3:]] == sorted([sentence, *begins, picture, why])
    assert TEXT[why : compare.span[0]].count("\n- **") == 3


def test_the_output_of_the_first_prediction_is_what_it_prints() -> None:
    prediction, output = blocks_of(README)[1:3]
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        exec(compile(prediction.code, "README.md", "exec"), {})
    assert said.getvalue() == output.code


@pytest.mark.parametrize("link", LINKS)
def test_links_are_absolute_and_lead_to_what_is_there(link: str) -> None:
    """The package index shows the README without the repository around it."""
    assert link.startswith("https://")
    if link.startswith(SITE):
        page = link.removeprefix(SITE).split("#")[0].removesuffix(".html")
        assert (ROOT / "docs" / f"{page}.md").is_file()
    for start in (SOURCE, RAW):
        if link.startswith(start):
            assert (ROOT / link.removeprefix(start)).is_file()


def test_the_project_names_its_addresses() -> None:
    """The package index shows them beside the README."""
    table = (ROOT / "pyproject.toml").read_text().split("[project.urls]", 1)[1].split("[project.scripts]", 1)[0]
    addresses = dict(re.findall(r'^(\w+) = "(https://[^"]+)"$', table, re.MULTILINE))
    assert set(addresses) == {"Homepage", "Documentation", "Source", "Changelog", "Issues"}
    assert addresses["Documentation"] == SITE


def test_the_text_for_the_picture_has_the_figures_of_the_result() -> None:
    records = resnetzoo.read_records(ROOT / "docs" / "results" / "figure6" / "results.json")
    words = []
    for family in ("plain", "residual"):
        errors: dict[int, list[float]] = {}
        for run in (run for run in records if run.spec.family == family):
            errors.setdefault(run.spec.depth, []).append(run.epochs[-1].test_error)
        words += [f"{mean(errors[depth]):.1f}" for depth in (min(errors), max(errors))]
    alternative = re.search(r'alt="([^"]+)"', TEXT)
    assert alternative is not None
    assert re.findall(r"\d+\.\d", alternative[1]) == words


def test_the_errors_of_others_are_those_that_are_kept_with_their_sources() -> None:
    kept = {("paper", row.network): row.cifar10 for row in PUBLISHED if not row.variant}
    for row in PEERS:
        whose = re.split("/|,", row.source)[0]
        if row.protocol == "one" and "logs" not in row.source:
            kept[whose, row.network.removesuffix(" (projection)")] = row.cifar10
    rows = re.findall(
        r"^\| (paper|akamaster|torchdistill|chenyaofo|pytorchcv) \|((?: [\d.-]+ \|){5})", TEXT, re.MULTILINE
    )
    assert len(rows) == 5
    for whose, cells in rows:
        for depth, cell in zip((20, 32, 44, 56, 110), cells.split(" |"), strict=False):
            found = kept.get((whose, f"resnet{depth}"))
            assert cell.strip() == ("-" if found is None else f"{found:.2f}"), (whose, depth)


def test_our_errors_beside_those_of_others_are_the_last_epochs_of_all_seeds() -> None:
    errors: dict[int, dict[int, float]] = {}
    for folder in ("source", "figure6"):
        for run in resnetzoo.read_records(ROOT / "docs" / "results" / folder / "results.json"):
            if run.spec.family == "residual":
                errors.setdefault(run.spec.depth, {})[run.seed] = run.epochs[-1].test_error
    cells = [f"{mean(errors[depth].values()):.2f}" if depth in errors else "-" for depth in (20, 32, 44, 56, 110)]
    counts = ", ".join(str(len(errors[depth])) for depth in sorted(errors))
    assert f"| **resnetzoo** | {' | '.join(cells)} | last | {counts} |" in TEXT


def test_the_errors_of_the_packaged_weights_are_those_of_their_rows() -> None:
    rows = [resnetzoo.create(name, weights=True).weights for name in ("resnet20", "resnet32", "resnet56")]
    errors = [f"{row.test_error:.2f}" for row in rows]
    words = f"the packaged weights from 60: {errors[0]}, {errors[1]} and {errors[2]} with 20, 32 and 56 layers"
    assert words in " ".join(TEXT.split())
    assert errors == sorted(errors, reverse=True)
    assert all(", 60 epochs" in row.recipe for row in rows)
