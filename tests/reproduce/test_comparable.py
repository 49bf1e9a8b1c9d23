"""Which runs tables, figures and files take together: seeds of networks on the same data, each once."""

import re
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from cases import small_network
from matplotlib.figure import Figure

import resnetzoo
from resnetzoo import plots, report

RECIPE = resnetzoo.recipes.SMOKE.with_batch_size(16).with_epochs(2)
LONGER = RECIPE.with_epochs(3)

FUNCTIONS: dict[str, Callable[[Any], object]] = {
    "accuracy_table": lambda runs: report.accuracy_table(runs, {}),
    "by_name": report.by_name,
    "measured_on": report.measured_on,
    "provenance_line": report.provenance_line,
    "seeds_words": report.seeds_words,
    "save_results": lambda runs: report.save_results(runs, "out"),
    "save_comparison": lambda runs: plots.save_comparison(runs, "out.png", title="", source={}),
    "error_curves": lambda runs: plots.error_curves(Figure().subplots(), runs),
}
GROUPING = ("accuracy_table", "by_name", "save_comparison", "error_curves")


def train(
    data: resnetzoo.Data, seed: int = 0, recipe: resnetzoo.Recipe = RECIPE, network: int | None = None
) -> resnetzoo.Run:
    model = small_network(seed if network is None else network)
    return resnetzoo.fit(model, data, recipe, seed=seed, device="cpu", precision="fp32", progress=False)


@pytest.fixture(scope="module")
def data() -> resnetzoo.Data:
    return resnetzoo.synthetic(seed=1, train_images=48, test_images=20)


@pytest.fixture(scope="module")
def run(data: resnetzoo.Data) -> resnetzoo.Run:
    return train(data)


@pytest.fixture(scope="module")
def other(data: resnetzoo.Data) -> resnetzoo.Run:
    return train(data, seed=1)


def refuse(name: str, runs: object, *messages: str) -> None:
    with pytest.raises(resnetzoo.UsageError) as refused:
        FUNCTIONS[name](runs)
    assert all(message in str(refused.value) for message in messages), str(refused.value)
    assert not any(Path().iterdir())


@pytest.mark.parametrize("name", FUNCTIONS)
def test_what_is_no_list_of_runs_is_refused(name: str, run: resnetzoo.Run) -> None:
    refuse(name, [], "no runs to compare: pass at least one")
    refuse(name, run, "must be a list of runs, such as [run], not a Run")
    refuse(name, [run, "run.json"], "must be what fit or read_records returns, not a str")


@pytest.mark.parametrize("name", FUNCTIONS)
def test_runs_on_different_data_are_refused_by_the_names_of_both(name: str, run: resnetzoo.Run) -> None:
    elsewhere = train(resnetzoo.synthetic(seed=2, train_images=48, test_images=20), seed=1)
    mine = replace(elsewhere, data={**elsewhere.data, "name": "mine"})
    shortened = [one.data["fingerprint"][:15] for one in (run, mine)]
    assert all(re.fullmatch("v2:[0-9a-f]{12}", fingerprint) for fingerprint in shortened)
    both = [f"the synthetic dataset (fingerprint {shortened[0]})", f"is on mine (fingerprint {shortened[1]})"]
    refuse(name, [run, mine], *both)


def test_files_of_earlier_versions_have_one_fingerprint(run: resnetzoo.Run, other: resnetzoo.Run) -> None:
    first = {key: value for key, value in run.data.items() if key != "fingerprint_v1"}
    earlier = replace(run, data={**first, "fingerprint": run.data["fingerprint_v1"]})
    assert [len(group) for group in report.by_name([earlier, other]).values()] == [2]
    refuse("by_name", [replace(earlier, data={**earlier.data, "fingerprint": "0" * 64}), other], "on different data")


def test_a_run_counts_once(data: resnetzoo.Data, run: resnetzoo.Run, other: resnetzoo.Run) -> None:
    report.save_results([run], "out")
    again = [train(data), *resnetzoo.read_records("out/results.json")]
    table = report.accuracy_table([run], {})
    assert report.accuracy_table([run, run, *again], {}) == table
    assert report.accuracy_table([run, other, *again], {}) == report.accuracy_table([run, other], {})
    csv = Path("out/epochs.csv").read_bytes()
    report.save_results([run, run], "out")
    assert Path("out/epochs.csv").read_bytes() == csv
    assert len(resnetzoo.read_records("out/results.json")) == 1


@pytest.mark.parametrize("name", GROUPING)
def test_runs_that_are_no_seeds_of_each_other_are_refused(
    name: str, data: resnetzoo.Data, run: resnetzoo.Run, other: resnetzoo.Run
) -> None:
    (*rows, last) = run.epochs
    elsewhere = replace(run, epochs=(*rows, replace(last, test_error=last.test_error / 2)), device="another one")
    refuse(name, [run, elsewhere], f"two runs of {run.name} began with the same weights and seed 0 but have different")
    assert other.starting_point is not None
    frozen = replace(other, starting_point=replace(other.starting_point, frozen=("conv1.weight",)))
    refuse(name, [run, frozen], f"the runs of {run.name} trained different parts of it")
    changed = replace(other, recipe=replace(other.recipe, lr=0.5))
    refuse(name, [run, changed], f"two recipes are called {run.recipe.name} but differ")
    assert other.spec is not None
    changed = replace(other, spec=replace(other.spec, widths=(8, 16, 32)))
    refuse(name, [run, changed], f"two networks are called {run.name} but differ")


def test_runs_of_other_initial_weights_are_seeds_whatever_their_order_of_images(
    data: resnetzoo.Data, run: resnetzoo.Run
) -> None:
    assert [len(group) for group in report.by_name([run, train(data, network=1)]).values()] == [2]


def test_changed_networks_are_apart_from_each_other_and_from_those_as_built(data: resnetzoo.Data) -> None:
    runs = []
    for depth in (8, 14):
        model = resnetzoo.CifarNet(resnetzoo.ModelSpec("residual", depth, widths=(4, 8, 16)))
        model.bn1.eps = 0.1
        runs.append(resnetzoo.fit(model, data, resnetzoo.recipes.SMOKE.with_epochs(1), progress=False))
    assert list(report.by_name(runs)) == [f"resnet{depth} (widths 4-8-16), changed" for depth in (8, 14)]


def test_recipes_have_columns_and_curves_of_their_own(
    data: resnetzoo.Data, run: resnetzoo.Run, other: resnetzoo.Run
) -> None:
    longer = train(data, recipe=LONGER)
    titles = [f"{run.name}, {RECIPE.name}", f"{run.name}, {LONGER.name}"]
    assert list(report.by_name([run, longer, other])) == titles
    table = report.accuracy_table([run, longer, other], {})
    header, _, *rows = ([cell.strip() for cell in line.split("|")[1:-1]] for line in table.splitlines())
    assert header == ["epoch", f"{titles[0]} (n=2)", titles[1]]
    assert rows[0][2] == f"{100 - longer.epochs[0].test_error:.2f}"
    assert rows[2][1] == "-"
    axes = Figure().subplots()
    plots.error_curves(axes, [run, longer, other])
    assert [len(line.get_xdata()) for line in axes.get_lines()] == [2, 2, 3, 3]
    resnet20 = plots.looks_of(["resnet20"])["resnet20"]
    assert plots.looks_of(["resnet20, QUICK20-5ep"])["resnet20, QUICK20-5ep"] == resnet20


def test_seeds_of_which_one_was_stopped_have_the_epochs_of_both(run: resnetzoo.Run, other: resnetzoo.Run) -> None:
    stopped = replace(other, epochs=other.epochs[:1])
    rows = report.accuracy_table([run, stopped], {}).splitlines()[2:]
    assert ("±" in rows[0], rows[1].split("|")[2].strip()) == (True, "-")
    axes = Figure().subplots()
    plots.error_curves(axes, [run, stopped])
    assert [len(line.get_xdata()) for line in axes.get_lines()] == [1, 1]
    plots.save_comparison([run, stopped, stopped], "out.svg", title="", source={})


@pytest.mark.parametrize("name", ["x.bmp", "x", "x.jpg"])
def test_a_picture_ends_in_png_svg_or_pdf(name: str, run: resnetzoo.Run) -> None:
    save = partial(plots.save_comparison, title="", source={})
    with pytest.raises(resnetzoo.UsageError, match=rf"end in \.png, \.svg or \.pdf, not to {name}$"):
        save([run], name)
    with pytest.raises(resnetzoo.UsageError, match=r"end in \.png, \.svg or \.pdf, not to errors"):
        plots.draw_stored("results.json", "errors", "out", suffixes=[name[1:]])
    for good in ("x.svg", "x.PNG", "x.pdf"):
        save([run], good)
        assert Path(good).is_file()


@pytest.mark.parametrize("rows", [[], [{"a": 1}, {"b": 2}], [{"a": 1}, {"a": 1, "b": 2}]])
def test_rows_of_a_csv_file_have_one_header(rows: list[dict[str, int]]) -> None:
    with pytest.raises(
        resnetzoo.UsageError, match=r"at least one row|rows may only have the keys of the first, a, but"
    ):
        report.write_csv("a.csv", rows)
