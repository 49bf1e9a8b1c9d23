"""Pictures of stored reports, drawn again."""

import shutil
from pathlib import Path

import pytest
from cases import ROOT

from resnetzoo import plots
from resnetzoo.errors import UsageError
from resnetzoo.reproduce.markdown_report import markdown_report
from resnetzoo.reproduce.outcome import outcome_of
from resnetzoo.reproduce.picture import Picture
from resnetzoo.reproduce.report_figures import plots_of
from resnetzoo.reproduce.stored_results import read_outcome

RESULTS = ROOT / "docs" / "results"


def test_a_stored_report_is_drawn_again(tmp_path: Path) -> None:
    shutil.copy(RESULTS / "source" / "results.json", tmp_path)
    plots.redraw_report(tmp_path)
    assert (tmp_path / "results.json").read_bytes() == (RESULTS / "source" / "results.json").read_bytes()
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {"results.json", "report.md", "report.html", "errors.png", "errors.svg"}


REPORTS = pytest.mark.parametrize(
    "folder", [path.parent for path in sorted(RESULTS.glob("*/report.md"))], ids=lambda path: path.name
)


@REPORTS
def test_committed_reports_are_what_is_written_from_their_results(folder: Path) -> None:
    outcome = read_outcome(folder / "results.json")
    pictures = [Picture(plot.stem, plot.caption).linked for plot in plots_of(outcome)]
    assert (folder / "report.md").read_bytes() == markdown_report(outcome, pictures).encode()
    assert not outcome.failed
    judged = outcome_of(
        outcome.target,
        outcome.budget,
        command=outcome.command,
        records=outcome.records,
        failed={},
        layers=outcome.layers,
        unmeasured={},
    )
    assert judged.verdicts == outcome.verdicts


@REPORTS
def test_committed_reports_name_the_pictures_that_stand_beside_them(folder: Path) -> None:
    report = (folder / "report.md").read_text()
    pictures = {path.name for suffix in ("png", "svg") for path in folder.glob(f"*.{suffix}")}
    assert pictures == {name for name in pictures if f"]({name})" in report}
    assert report.count(".png)") == report.count(".svg)") == len(pictures) / 2


def test_each_panel_is_a_file_in_the_colours_of_the_page(tmp_path: Path) -> None:
    results = RESULTS / "figure6" / "results.json"
    assert plots.draw_stored(results, "errors", tmp_path, theme=plots.DARK) == ["errors-1", "errors-2"]
    assert plots.DARK.ink in (tmp_path / "errors-2.svg").read_text()
    assert plots.draw_stored(results, "depths", tmp_path, suffixes=(".png",)) == ["depths"]
    assert (tmp_path / "depths.png").read_bytes().startswith(b"\x89PNG")
    with pytest.raises(UsageError, match="has no picture 'responses'; it has errors, depths"):
        plots.draw_stored(results, "responses", tmp_path)
    with pytest.raises(UsageError, match="it has none"):
        plots.draw_stored(RESULTS / "repeatability" / "results.json", "errors", tmp_path)
