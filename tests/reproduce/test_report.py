"""Tables and files over several runs, by hand."""

import csv
import json
import math
import re
from dataclasses import replace
from itertools import compress
from pathlib import Path

import pytest
from markdown_it import MarkdownIt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.text import Text

import resnetzoo
from resnetzoo import plots
from resnetzoo.errors import ResultsError
from resnetzoo.reproduce import SOURCE_ACCURACIES, Network, Target, budget_of, get_target
from resnetzoo.reproduce import comparison as report
from resnetzoo.reproduce.beside_source import is_like_source
from resnetzoo.reproduce.claims import Lower
from resnetzoo.reproduce.curves import error_curves, note_provenance, published_curve
from resnetzoo.reproduce.layer_stats import LayerRow
from resnetzoo.reproduce.markdown_report import markdown_report
from resnetzoo.reproduce.outcome import Outcome, Summary, outcome_of
from resnetzoo.reproduce.planned_run import PlannedRun
from resnetzoo.reproduce.report_figures import Panel, plots_of, write_title
from resnetzoo.reproduce.report_folder import _plan, prepare_folder
from resnetzoo.reproduce.rerunning import rerun
from resnetzoo.reproduce.source_document import SOURCE_ERRORS
from resnetzoo.training.presets import SMOKE
from resnetzoo.training.results import RunRecord
from resnetzoo.utils.checksummed_json import write_checksummed
from resnetzoo.utils.figures import new_figure


def run_of(name: str, seed: int, errors: list[float]) -> resnetzoo.Run:
    rows = [
        resnetzoo.EpochRow(
            epoch=place,
            step=place,
            lr=0.1,
            train_loss=1.0,
            train_error=error,
            test_loss=1.0,
            test_error=error,
            train_seconds=2.0,
            test_seconds=1.0,
            images_per_second=5.0,
        )
        for place, error in enumerate(errors, start=1)
    ]
    data = resnetzoo.synthetic(train_images=10, test_images=10)
    return resnetzoo.Run(
        model=resnetzoo.plainnet(8),
        name=name,
        spec=None,
        recipe=SMOKE,
        seed=seed,
        data=data.to_dict(),
        normalization={},
        device="cpu",
        precision="fp32",
        execution="eager",
        processes=1,
        versions={"torch": "2"},
        commit=None,
        epochs=tuple(rows),
    )


def cells(table: str) -> list[list[str]]:
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()]


def test_a_table_of_single_runs() -> None:
    runs = [run_of("plain", 0, [60.0, 40.5]), run_of("residual", 0, [50.0, 30.25])]
    table = cells(report.accuracy_table(runs, {"source": {2: 81.13}}))
    assert table[0] == ["epoch", "plain", "residual", "source"]
    assert table[2:] == [["1", "40.00", "50.00", "-"], ["2", "59.50", "69.75", "81.13"]]


def test_a_table_over_seeds_gives_mean_and_sample_deviation() -> None:
    runs = [run_of("plain", seed, [error]) for seed, error in enumerate([10.0, 12.0, 14.0])]
    table = cells(report.accuracy_table(runs, {}))
    assert table[0] == ["epoch", "plain (n=3)"]
    assert table[2:] == [["1", "88.00 ± 2.00"]]


def test_two_columns_of_one_title_are_refused() -> None:
    run = run_of("plain", 0, [40.0])
    for source in ({"plain": {1: 50.0}}, {"epoch": {1: 50.0}}):
        with pytest.raises(
            resnetzoo.UsageError, match=rf'are called "{next(iter(source))}": give that of `source` anot'
        ):
            report.accuracy_table([run], source)
    alike = [replace(run, name="plain (n=2)"), run, run_of("plain", 1, [41.0])]
    with pytest.raises(resnetzoo.UsageError, match=r'two columns of the table are called "plain \(n=2\)"'):
        report.accuracy_table(alike, {})
    assert cells(report.accuracy_table([run], {"plain, published": {1: 50.0}}))[2:] == [["1", "60.00", "50.00"]]


NAMES = ("plain", "a|b", "_a_", "`a` <b>", "*a*", "a\\|b")


@pytest.mark.parametrize("name", NAMES)
def test_any_name_stands_in_one_cell_of_a_table(name: str) -> None:
    """As markdown-it-py, which knows GitHub's tables, reads it."""
    run = run_of(name, 0, [40.0])
    found = (
        MarkdownIt("commonmark").enable("table").parse(report.accuracy_table([run], {f"{name}, published": {1: 50}}))
    )
    texts = [token for token in found if token.type == "inline"]
    assert all(child.type in ("text", "text_special") for token in texts for child in token.children or ())
    said = ["".join(child.content for child in token.children or ()) for token in texts]
    assert said == ["epoch", name, f"{name}, published", "1", "60.00", "50.00"]


def test_a_table_and_a_picture_of_figures_that_are_no_numbers(tmp_path: Path) -> None:
    runs = [run_of("plain", 0, [40.0, math.nan]), run_of("plain", 1, [42.0, 41.0]), run_of("residual", 0, [math.nan])]
    table = cells(report.accuracy_table(runs, {"theirs": {}}))
    assert table[2:] == [["1", "59.00 ± 1.41", "nan", "-"], ["2", "nan ± nan", "-", "-"]]
    infinite = [run_of("plain", 0, [math.inf]), run_of("plain", 1, [42.0])]
    assert cells(report.accuracy_table(infinite, {}))[2:] == [["1", "-inf ± nan"]]
    assert math.isnan(Summary("plain", None, (1.0, math.nan), 10).std or 0)
    for index, drawn_runs in enumerate(([runs[0]], runs, [runs[2]])):
        plots.save_comparison(drawn_runs, tmp_path / f"{index}.png", title="one", source={"theirs": {}})
        assert (tmp_path / f"{index}.png").read_bytes().startswith(b"\x89PNG")


def test_a_run_without_epochs_is_not_drawn(tmp_path: Path) -> None:
    empty = run_of("plain", 3, [])
    for runs in ([empty], [run_of("plain", 0, [40.0]), empty]):
        with pytest.raises(resnetzoo.UsageError, match="the run of plain with seed 3 has no epoch to draw"):
            plots.save_comparison(runs, tmp_path / "x.png", title="one", source={})
        with pytest.raises(resnetzoo.UsageError, match="has no epoch to draw"):
            error_curves(Figure().subplots(), iter(runs))  # type: ignore[arg-type]


def test_files_hold_every_epoch_of_every_run(tmp_path: Path) -> None:
    runs = [run_of("plain", 0, [60.0, 40.5]), run_of("residual", 1, [50.0, 30.25])]
    report.save_results(runs, tmp_path / "new" / "folder", note="a test")
    results = json.loads((tmp_path / "new" / "folder" / "results.json").read_text())
    assert results["note"] == "a test"
    assert results["runs"][1]["epochs"][1]["test_error"] == 30.25
    assert results["runs"][0]["wall_seconds"] == 6.0
    with (tmp_path / "new" / "folder" / "epochs.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [(row["model"], row["seed"], row["test_error"]) for row in rows] == [
        *(("plain", "0", "60.0"), ("plain", "0", "40.5"), ("residual", "1", "50.0"), ("residual", "1", "30.25")),
    ]


@pytest.mark.parametrize(
    ("name", "official", "title"),
    [
        ("cifar10", True, "CIFAR-10"),
        ("cifar10", False, "CIFAR-10 (NOT the official files)"),
        ("synthetic", False, "the synthetic dataset: NOT CIFAR-10"),
    ],
)
def test_what_is_not_official_says_so(name: str, official: bool, title: str) -> None:
    run = run_of("plain", 0, [1.0])
    run = replace(run, data={**run.data, "name": name, "official": official})
    assert report.measured_on([run]) == title
    assert "n = 10 training, 10 test images" in report.provenance_line([run])


@pytest.mark.parametrize(
    ("fingerprint", "short", "called"),
    [("v2:" + 8 * "0123abcd", "v2:0123abcd0123", "fingerprint"), (8 * "0123abcd", "0123abcd0123", "SHA-256")],
)
def test_a_fingerprint_is_shortened_to_twelve_digits_of_either_version(
    fingerprint: str, short: str, called: str, tmp_path: Path
) -> None:
    run = like_source("plainnet20", 0, [50.0])
    run = replace(run, data={**run.data, "fingerprint": fingerprint, "source": "files"})
    assert f"; data {short}; " in report.provenance_line([run])
    assert f"Data: files, {called} {fingerprint}." in markdown_report(outcome_of_source([run]), [])
    other = resnetzoo.synthetic(train_images=12, test_images=10)
    theirs = re.escape(other.fingerprint[:15])
    with pytest.raises(ResultsError, match=rf": fingerprint {short} \(.*\) there, {theirs} \("):
        rerun(run, other, epochs=1)
    write_checksummed(tmp_path / "plan.json", _plan("source", "full", "mine", fingerprint))
    with pytest.raises(ResultsError, match=rf"on mine \({short}\), but .* \({theirs}\): choose another"):
        prepare_folder(tmp_path, "source", "full", other)


def test_peak_memory_stands_beside_the_seconds_where_a_device_counts_it() -> None:
    runs = [run_of("plain", 0, [60.0]), run_of("residual", 0, [50.0])]

    def how_made(records: list[resnetzoo.Run]) -> list[list[str]]:
        target = get_target("source")
        outcome = outcome_of(
            target, budget_of(target, "smoke"), command="", records=records, failed={}, layers=[], unmeasured={}
        )
        return cells(markdown_report(outcome, []).partition("## How it was made")[2])

    assert all("peak memory" not in row for row in how_made(runs))
    rows = how_made([runs[0], replace(runs[1], peak_memory_bytes=3 * 2**29)])
    (header,) = (row for row in rows if row[0] == "network")
    place = header.index("peak memory")
    assert header[place - 1] == "seconds"
    assert [row[place] for row in rows if row[0] in ("plain", "residual")] == ["-", "1.50 GiB"]


def like_source(name: str, seed: int, errors: list[float]) -> resnetzoo.Run:
    run = run_of(name, seed, errors)
    return replace(run, data={**run.data, "name": "cifar10", "official": True, "part": ""})


def drawn(panel: Panel) -> Axes:
    axes = Figure().subplots()
    panel.draw(axes)
    return axes


def outcome_of_source(runs: list[resnetzoo.Run]) -> Outcome:
    target = get_target("source")
    return outcome_of(target, budget_of(target, "full"), command="", records=runs, failed={}, layers=[], unmeasured={})


def test_the_forty_figures_of_the_source() -> None:
    assert [len(accuracies) for accuracies in SOURCE_ACCURACIES.values()] == [20, 20]
    assert [round(sum(accuracies), 2) for accuracies in SOURCE_ACCURACIES.values()] == [1526.94, 1589.89]
    assert SOURCE_ERRORS == {"plainnet20": 18.87, "resnet20": 14.31}


def test_a_report_sets_the_source_beside_each_epoch_and_says_who_is_ahead() -> None:
    theirs = {name: [round(100 - right, 2) for right in by_epoch] for name, by_epoch in SOURCE_ACCURACIES.items()}
    plain = [error + (1 if epoch in (1, 2, 3, 7) else -1) for epoch, error in enumerate(theirs["plainnet20"], start=1)]
    residual = [error - 1 for error in theirs["resnet20"][:-1]] + [theirs["resnet20"][-1] + 0.5]
    runs = [like_source("plainnet20", 0, plain), like_source("resnet20", 0, residual)]
    runs += [like_source("plainnet20", 1, [error - 0.25 for error in plain])]
    outcome = outcome_of_source(runs)
    section = markdown_report(outcome, []).partition("## Test accuracy by epoch")[2].partition("## How")[0]
    assert "in 4 of 20 epochs (1 to 3, 7), and ours ends 1.12 points higher" in section
    assert "(n=1) in 1 of 20 epochs (20), and ours ends 0.50 points lower" in section
    assert "depth and recipe not known.\n" in section
    rows = cells(section[section.index("| epoch") :].strip())
    assert rows[0][-2:] == ["source: plain", "source: residual"]
    expected = zip(*SOURCE_ACCURACIES.values(), strict=True)
    assert [tuple(map(float, row[-2:])) for row in rows[2:]] == list(expected)

    (panel,) = plots_of(outcome)[0].panels
    axes = drawn(panel)
    hollow = [line for line in axes.get_lines() if line.get_markerfacecolor() == "none"]
    assert [list(line.get_ydata()) for line in hollow] == [pytest.approx(errors) for errors in theirs.values()]
    assert all("recipe not known" in str(line.get_label()) for line in hollow)
    assert labels_of(axes)[2:] == ["source (plain) 18.87 %", "source (residual) 14.31 %"]


@pytest.mark.parametrize(("epochs", "words"), [(1, "have 1 epoch of SMOKE,"), (23, "have 23 epochs of SMOKE,")])
def test_where_the_source_had_another_length_it_is_said(epochs: int, words: str) -> None:
    outcome = outcome_of_source(
        [like_source("plainnet20", 0, [50.0] * epochs), like_source("other", 0, [9.0] * epochs)]
    )
    text = markdown_report(outcome, [])
    assert text.count(words) == 2  # with the errors, and with the epochs
    assert "of ours" not in text
    rows = cells(text[text.index("| epoch") :].partition("\n\n")[0])
    assert rows[0] == ["epoch", "plainnet20, seed 0", "other, seed 0", "source: plain"]
    assert [row[-1] for row in rows[2:]] == [
        *(f"{right:.2f}" for right in SOURCE_ACCURACIES["plainnet20"][:epochs]),
        *["-"] * (epochs - 20),
    ]


def test_the_source_is_compared_with_nothing_but_cifar10() -> None:
    run = like_source("plainnet20", 0, [50.0] * 20)
    for data in ({"official": False}, {"part": "first 10 training images"}):
        assert not is_like_source([replace(run, data={**run.data, **data})])
    assert is_like_source([run])


def test_every_seed_stands_at_its_depth_beside_what_was_published() -> None:
    runs = [
        like_source(name, seed, [90.0, error + seed])
        for name, error in (("plainnet20", 12.0), ("plainnet56", 24.0), ("resnet20", 10.0), ("resnet56", 8.0))
        for seed in (0, 1)
    ]
    target = get_target("figure6")
    outcome = outcome_of(
        target, budget_of(target, "short"), command="", records=runs, failed={}, layers=[], unmeasured={}
    )
    by_epoch, by_depth = plots_of(outcome)
    assert [panel.title for panel in by_epoch.panels] == ["plain", "residual"]
    axes = drawn(by_depth.panels[0])

    def points(style: str, marker: str, face: str | None = None) -> list[list[list[float]]]:
        looks = [(line.get_linestyle(), line.get_marker(), line.get_markerfacecolor()) for line in axes.get_lines()]
        wanted = [look[:2] == (style, marker) and (look[2] == "none") == (face == "none") for look in looks]
        return [[list(values) for values in line.get_data()] for line in compress(axes.get_lines(), wanted)]

    assert points("-", "o") == [[[20, 56], [12.5, 24.5]], [[20, 56], [10.5, 8.5]]]  # means
    expected = [(20, 12.0), (56, 24.0), (20, 10.0), (56, 8.0)]
    assert points("None", "o") == [[[depth, depth], [error, error + 1]] for depth, error in expected]
    assert points("None", "x", "none") == [[[20, 56], [8.75, 6.97]]]  # the paper's
    peers = [
        [[20, 20, 56, 56], [9.5, 9.9, 12.76, 14.74]],
        [[20] * 3 + [56] * 4, [8, 8.24, 8.27, 6.61, 7.01, 7.33, 7.56]],
    ]
    assert points("None", "o", "none") == peers
    assert labels_of(axes) == ["plain 24.50 %", "residual 8.50 %"]
    others = ["the papers, 164 epochs", "other repositories"]
    assert legend_of(axes) == ["our runs", *others]
    elsewhere = [replace(run, data={**run.data, "name": "cifar100"}) for run in runs]
    outcome = outcome_of(
        target, budget_of(target, "short"), command="", records=elsewhere, failed={}, layers=[], unmeasured={}
    )
    assert legend_of(drawn(plots_of(outcome)[1].panels[0])) == ["our runs"]
    assert not any(word in markdown_report(outcome, []) for word in ("8.75", "8.27", "14.31", "repositories", "```"))


def labels_of(axes: Axes) -> list[str]:
    return [text.get_text() for label in axes.artists for text in label.findobj(Text)]  # type: ignore[attr-defined]


def legend_of(axes: Axes) -> list[str]:
    legend = axes.get_legend()
    assert legend is not None
    return [text.get_text() for text in legend.get_texts()]


@pytest.mark.parametrize(
    ("network", "published"),
    [
        ("plainnet20", ["-", "9.50 to 9.90", "18.87"]),
        ("resnet20", ["8.75", "8.00 to 8.27", "14.31"]),
        ("resnet20 (projection)", ["-", "5.97 to 8.08", "-"]),
        ("resnet1202", ["7.93", "6.18", "-"]),
        ("resnet1202 (projection)", ["-", "3.53", "-"]),
    ],
)
def test_errors_stand_beside_what_others_published(network: str, published: list[str]) -> None:
    target = Target("mine", "", "", (Network("plainnet20"), Network("resnet20")), SMOKE, SMOKE, 1, ())
    runs = [like_source(network, 0, [12.0])]
    outcome = outcome_of(
        target, budget_of(target, "full"), command="", records=runs, failed={}, layers=[], unmeasured={}
    )
    header, row, *_ = (row for row in cells(markdown_report(outcome, [])) if row[0] in ("network", network))
    assert header[-3:] == ["papers", "repositories", "source"]
    assert row[-3:] == published


def test_a_report_judges_the_largest_network_only_where_it_was_trained() -> None:
    target = get_target("table6")
    short = budget_of(target, "short")

    def judged(*names: str, failed: dict[PlannedRun, str]) -> list[str]:
        runs = [like_source(name, seed, [10.0 - seed]) for name in names for seed in range(2)]
        outcome = outcome_of(target, short, command="", records=runs, failed=failed, layers=[], unmeasured={})
        return [verdict.claim for verdict in outcome.verdicts if "resnet1202" in verdict.claim]

    both = ["resnet1202 errs no more than the paper's", "resnet1202 errs no more than akamaster's"]
    assert judged("resnet20", failed={}) == []
    assert judged("resnet20", "resnet1202", failed={}) == both
    lost = PlannedRun(resnetzoo.get_spec("resnet1202"), short.recipe, 0, Path("lost"))
    assert judged("resnet20", failed={lost: "too little memory"}) == both


def test_networks_stand_in_the_order_of_the_target_and_lost_runs_are_counted() -> None:
    target, budget = get_target("source"), budget_of(get_target("source"), "smoke")
    runs = [like_source("resnet20", 0, [10.0]), *(like_source("plainnet20", seed, [12.0]) for seed in (1, 2))]
    lost = PlannedRun(resnetzoo.get_spec("plainnet20"), budget.recipe, 0, Path("lost"))
    outcome = outcome_of(
        target, budget, command="", records=runs, failed={lost: "it diverged"}, layers=[], unmeasured={}
    )
    assert [row.network for row in outcome.summaries] == ["plainnet20", "resnet20"]
    assert "; 1 more of plainnet20 without a result; " in outcome.verdicts[0].figures
    assert outcome.failed == {f"plainnet20 {budget.recipe.name} seed 0": "it diverged"}


def test_finished_runs_without_measured_layers_count_as_lost_for_claims_about_layers_alone() -> None:
    claims = (
        Lower("errors", "resnet20", "plainnet20"),
        Lower("responses", "resnet20", "plainnet20", measure="response std"),
    )
    target = Target("mine", "", "", (Network("plainnet20"), Network("resnet20")), SMOKE, SMOKE, 1, claims)
    runs = [like_source(name, seed, [10.0]) for name in ("plainnet20", "resnet20") for seed in (0, 1)]
    unmeasured = {PlannedRun(resnetzoo.get_spec("resnet20"), SMOKE, 1, Path("kept")): "no weights"}
    layers = [LayerRow(name, 0, "trained", "response std", ("a",), (1.0,)) for name in ("plainnet20", "resnet20")]
    outcome = outcome_of(
        target, budget_of(target, "full"), command="", records=runs, failed={}, layers=layers, unmeasured=unmeasured
    )
    errors, responses = (verdict.figures for verdict in outcome.verdicts)
    assert "without a result" not in errors
    assert "1 more of resnet20 without a result" in responses
    assert outcome.failed == {"resnet20 SMOKE seed 1, its layers": "no weights"}


def test_networks_with_projections_stand_beside_others_with_projections() -> None:
    runs = [like_source(f"resnet{depth} (projection)", 0, [90.0, 8.0]) for depth in (20, 56)]
    target = get_target("modern")
    outcome = outcome_of(
        target, budget_of(target, "short"), command="", records=runs, failed={}, layers=[], unmeasured={}
    )
    axes = drawn(plots_of(outcome)[-1].panels[0])
    (peers,) = (line for line in axes.get_lines() if line.get_markerfacecolor() == "none")
    assert list(zip(*peers.get_data(), strict=True)) == [
        *((20, error) for error in (5.97, 7.40, 7.44, 8.08)),
        *((56, error) for error in (4.52, 5.63, 5.79, 6.43)),
    ]
    assert legend_of(axes) == ["our runs", "other repositories"]


def test_series_of_one_family_are_told_apart_and_clear_of_the_legend() -> None:
    names = [f"resnet{depth}{shortcut}" for shortcut in ("", " (projection)") for depth in (20, 56)]
    runs = [like_source(name, 0, [90.0, 8.0 + index]) for index, name in enumerate(names)]
    target = get_target("shortcuts")
    outcome = outcome_of(
        target, budget_of(target, "short"), command="", records=runs, failed={}, layers=[], unmeasured={}
    )
    axes = drawn(plots_of(outcome)[-1].panels[0])
    shapes = [{line.get_marker() for line in label.findobj(Line2D)} for label in axes.artists]
    assert shapes == [{"o"}, {"s"}]
    legend, figure = axes.get_legend(), axes.get_figure(root=True)
    assert legend is not None
    assert figure is not None
    figure.draw_without_rendering()
    box = legend.get_window_extent()
    for line in axes.get_lines():
        assert not any(box.contains(*point) for point in line.get_transform().transform(line.get_xydata())), line


@pytest.mark.parametrize(
    ("seeds", "end"),
    [
        ({"plainnet20": 1, "resnet20": 1}, "training thin"),
        ({"plainnet20": 2, "resnet20": 2}, "training thin, mean of 2 seeds and their range"),
        ({"plainnet20": 3, "resnet20": 1}, "training thin, mean of up to 3 seeds and their range"),
    ],
)
def test_a_caption_says_of_how_many_seeds_the_lines_are_means(seeds: dict[str, int], end: str) -> None:
    runs = [like_source(name, seed, [90.0, 12.0]) for name, count in seeds.items() for seed in range(count)]
    assert plots_of(outcome_of_source(runs))[0].caption == f"Error by epoch: test in bold, {end}"


def test_curves_of_one_family_and_depth_have_marks() -> None:
    names = ("resnet20", "resnet20 (projection)", "resnet56")
    axes = Figure().subplots()
    error_curves(axes, [like_source(name, 0, [90.0, 12.0]) for name in names])
    assert [line.get_marker() for line in axes.get_lines()[::2]] == ["o", "s", ""]


def test_a_single_epoch_makes_no_picture() -> None:
    assert plots_of(outcome_of_source([like_source(f"resnet{depth}", 0, [50.0]) for depth in (20, 56)])) == []


def test_what_stands_at_the_head_and_the_foot_of_a_picture_is_no_wider_than_the_picture() -> None:
    run = run_of("plain", 0, [1.0])
    runs = [replace(run, commit=f"{number:040x}") for number in range(9)]
    caption = "Test error at the last epoch by depth: a dot for each run, crosses and hollow marks for published errors"
    below = "CIFAR-10, 45,000/5,000 split of the training set (seed 0); full budget: MODERN-200ep"
    with new_figure(6, 3) as figure:
        figure.subplots()
        write_title(figure, caption, below)
        note_provenance(figure, runs)
        figure.canvas.draw()
    head, foot = figure.texts
    assert " ".join(head.get_text().split()) == f"{caption} {below}"
    assert " ".join(foot.get_text().split()) == report.provenance_line(runs)
    for text in (head, foot):
        box, whole = text.get_window_extent(), figure.bbox
        assert box.x0 >= whole.x0
        assert box.x1 <= whole.x1


def test_published_errors_are_drawn_at_the_end_or_by_epoch(tmp_path: Path) -> None:
    axes = Figure().subplots()
    published_curve(axes, {1: 50.0, 2: 40.0}, name="theirs", color="C0")
    (line,) = axes.get_lines()
    assert (list(line.get_xdata()), list(line.get_ydata()), line.get_label()) == (
        [1, 2],
        [50.0, 40.0],
        "theirs: 40.00 %",
    )
    runs = [run_of("plain", 0, [60.0, 40.5])]
    pictures = []
    for index, source in enumerate(({}, {"theirs": 40.0}, {"theirs": {1: 50.0, 2: 40.0}})):
        plots.save_comparison(runs, tmp_path / f"{index}.png", title="one", source=source)
        pictures.append((tmp_path / f"{index}.png").read_bytes())
    assert len(set(pictures)) == 3


def test_records_of_before_have_no_peak_memory() -> None:
    record = replace(run_of("plain", 0, [60.0]), peak_memory_bytes=5)
    values = record.to_dict()
    assert RunRecord.from_dict(values).peak_memory_bytes == 5
    del values["peak_memory_bytes"]
    assert RunRecord.from_dict(values).peak_memory_bytes is None
