"""The command line as a person uses it: real processes, their output and exit status."""

import json
import re
from pathlib import Path
from typing import Any, get_args

import pytest
import typer
from cases import COMMANDS, PARAMS, PROJECTION_PARAMS, Call, assert_one_line, write_folder
from processes import Command
from typer.testing import CliRunner

import resnetzoo
from resnetzoo import cli
from resnetzoo.data.cifar_files import CIFAR10
from resnetzoo.data.load import TEST_SETS, Dataset

NAMED = ("cifar10", "cifar100", "cifar100-coarse", "synthetic")
SMOKE = ("--dataset", "synthetic", "--max-train-images", "128", "--recipe", "SMOKE", "--epochs", "1", "--device", "cpu")


@pytest.mark.parametrize("command", COMMANDS)
def test_every_help_has_an_example_that_parses(command: str) -> None:
    said = CliRunner().invoke(cli.app, [command, "--help"])
    assert said.exit_code == 0
    text = " ".join(said.output.split())
    example = re.search(rf"Example: resnetzoo ({command}[^.]*)\.", text)
    assert example, text
    options = set(re.findall(r"--[a-z-]+", example[1]))
    assert options <= set(re.findall(r"--[a-z-]+", text.replace(example[0], "")))


def test_version(run_command: Command) -> None:
    said = run_command("resnetzoo", "--version")
    assert (said.returncode, said.stdout) == (0, f"{resnetzoo.__version__}\n")


def test_list(run_command: Command) -> None:
    said = run_command("resnetzoo", "list", "plainnet*")
    assert said.returncode == 0
    rows = [line for line in said.stdout.splitlines() if "plainnet" in line]
    assert [row.split()[1] for row in rows] == resnetzoo.list_models("plainnet*")
    assert f"{PARAMS['plainnet56']:,}" in said.stdout
    facts = json.loads(run_command("resnetzoo", "list", "--json").stdout)
    assert [row["name"] for row in facts] == resnetzoo.list_models()
    assert all(row["params"] == resnetzoo.complexity(row["name"]).params for row in facts)


def test_info(run_command: Command) -> None:
    said = run_command("resnetzoo", "info", "resnet56", "--shortcut", "projection", "--json")
    facts = json.loads(said.stdout)
    assert (facts["params"], facts["shortcut"], facts["depth"]) == (PROJECTION_PARAMS["resnet56"], "projection", 56)
    assert f"{PARAMS['plainnet56']:,}" in run_command("resnetzoo", "info", "plainnet56").stdout


@pytest.mark.filterwarnings("ignore:.* is not the official CIFAR-10")
def test_a_name_means_its_trained_weights(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write_folder(tmp_path, CIFAR10, "binary")
    monkeypatch.setattr("sys.argv", ["resnetzoo", "eval", "resnet20", "--data-dir", str(tmp_path), "--json"])
    assert cli.main() == 0
    facts = json.loads(capsys.readouterr().out)
    test = resnetzoo.cifar10(tmp_path).test
    assert facts["network"] == "resnet20"
    assert facts["n"] == len(test)
    assert facts["test_error"] == round(resnetzoo.evaluate(resnetzoo.load_model("resnet20"), test).error, 4)


@pytest.mark.slow
def test_train_then_eval(fork_command: Command, tmp_path: Path) -> None:
    trained = fork_command("resnetzoo", "train", "resnet20", *SMOKE, "--out", "run", "--shortcut", "projection")
    assert trained.returncode == 0, trained.stderr
    assert re.search(r"epoch +1/1 .*images/s .* left", trained.stdout)
    assert "after 1 epoch; kept in run\n" in trained.stdout
    error = re.search(r"test error ([\d.]+) % \(n=200\)", trained.stdout)
    assert error
    measured = fork_command("resnetzoo", "eval", "run", "--device", "cpu", "--json")
    facts = json.loads(measured.stdout)
    assert f"{facts['test_error']:.2f}" == error[1]
    rows = facts["error_by_class"]
    assert [row["class"] for row in rows] == list(resnetzoo.classes_of("synthetic"))
    assert sum(row["n"] * row["error"] for row in rows) / 200 == pytest.approx(facts["test_error"])
    assert (facts["trained_on"], facts["n"], facts["network"]) == ("synthetic", 200, "resnet20 (projection)")
    matrix = facts["confusion_matrix"]
    assert sum(matrix[place][place] for place in range(10)) == pytest.approx(2 * (100 - facts["test_error"]))
    assert facts["top5_error"] <= facts["test_error"]
    assert facts["temperature_scaling"]["fitted_on"] == facts["temperature_scaling"]["n"] == 100
    assert (tmp_path / "run" / "run.json").is_file()
    write_folder(tmp_path / "data", CIFAR10, "binary")
    elsewhere = fork_command(
        "resnetzoo", "eval", "run", "--dataset", "cifar10", "--data-dir", "data", "--device", "cpu", "--plot", "a.png"
    )
    assert elsewhere.returncode == 0
    for line in ("top5_error  ", "brier  ", "ece  ", "ece_equal_mass  ", "temperature  ", "confused: "):
        assert f"\n{line}" in elsewhere.stdout
    ours, theirs = resnetzoo.classes_of("cifar10"), resnetzoo.classes_of("synthetic")
    confused = re.findall(r"confused: \d+ of (.+) classified as (.+)", elsewhere.stdout)
    assert confused
    assert all(label in ours and predicted in theirs for label, predicted in confused)
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")
    unwritable = fork_command("resnetzoo", "eval", "run", "--device", "cpu", "--plot", "run/run.json/a.png")
    assert unwritable.returncode == 1
    assert "top5_error  " in unwritable.stdout  # what was measured is told
    assert "warning: the network was trained on synthetic but is measured on CIFAR-10" in elsewhere.stderr
    assert "warning: the network distinguishes disc, ring, square" in elsewhere.stderr


@pytest.mark.slow
def test_train_on_held_out_images(run_command: Command, cifar10_folder: Path, tmp_path: Path) -> None:
    """With all that a recipe may have beside the usual."""
    words = ("--data-dir", cifar10_folder, "--recipe", "SMOKE", "--epochs", "1", "--device", "cpu", "--out", "run")
    parts = ("--crop-padding-mode", "reflect", "--cutout", "8", "--mixup", "0.2", "--ema-decay", "0.9")
    said = run_command("resnetzoo", "train", "plainnet20", *words, "--val-split", *parts, "--no-decay-norms-and-biases")
    assert said.returncode == 0, said.stderr
    assert "90/10 split of the training set" in said.stdout
    recipe = json.loads((tmp_path / "run" / "run.json").read_text())["recipe"]
    assert recipe["name"] == "SMOKE-1ep-reflect-cutout8-mixup0.2-nonormdecay-ema0.9"


@pytest.mark.parametrize(
    ("command", "argument", "former", "present", "value"),
    [
        ("train", "resnet20", "--validation", "--val-split", True),
        ("reproduce", "figure6", "--validation", "--val-split", True),
        ("rerun", "run.json", "--validation", "--val-split", True),
        ("train", "resnet20", "--train-images", "--max-train-images", 64),
        ("rerun", "run.json", "--train-images", "--max-train-images", 64),
        ("export", "resnet20", "--to", "--format", "onnx"),
    ],
)
def test_the_former_word_of_an_option_is_accepted(
    command: str, argument: str, former: str, present: str, value: str | int | bool
) -> None:
    group: Any = typer.main.get_command(cli.app)
    for word in (former, present):
        words = [argument, word] if value is True else [argument, word, str(value)]
        asked = group.commands[command].make_context(command, words).params
        assert asked[present.removeprefix("--").replace("-", "_")] == value
    said = CliRunner().invoke(cli.app, [command, "--help"]).output
    assert said.index(f"{present},") < said.index(f"{former} ")


@pytest.mark.parametrize(
    ("command", "datasets"),
    [
        ("train", get_args(Dataset)),
        ("reproduce", get_args(Dataset)),
        ("predict", NAMED),
        ("data", (*get_args(Dataset), *TEST_SETS)),
    ],
)
def test_help_lists_exactly_the_datasets_that_the_command_takes(command: str, datasets: tuple[str, ...]) -> None:
    group: Any = typer.main.get_command(cli.app)
    (option,) = (param for param in group.commands[command].params if param.name == "dataset")
    listed = re.sub(r"\(.*?\)|.*: ", "", option.help).rstrip(".").replace(" or ", ", ").split(",")
    assert {word.strip() for word in listed} == set(datasets)


@pytest.mark.parametrize("words", [("data",), ("eval", "resnet20")], ids=lambda words: words[0])
@pytest.mark.parametrize("dataset", ["CIFAR10-C", "cifar10c"])
def test_a_wrong_dataset_is_answered_with_all_that_the_command_takes(words: tuple[str, ...], dataset: str) -> None:
    error = CliRunner().invoke(cli.app, [*words, "--dataset", dataset]).exception
    assert isinstance(error, resnetzoo.UsageError)
    listed, _, found = str(error).removeprefix("--dataset must be one of ").partition(", not ")
    assert set(listed.replace(" or ", ", ").split(", ")) == {*get_args(Dataset), *TEST_SETS}
    assert found == f'"{dataset}"'


@pytest.mark.usefixtures("few_images")
@pytest.mark.parametrize(
    ("words", "status", "message"),
    [
        (("info", "resnet57"), 2, "the nearest valid: 56 or 62"),
        (("info", "resent56"), 2, "did you mean resnet56"),
        (("info", "resnet56", "--shortcut", "padding"), 2, "--shortcut must be one of identity, projection"),
        (("info", "resnet56", "--num-classes", "0"), 2, "--num-classes must be a whole number from 1, not 0"),
        (("info", "resnet56", "--num-classes", "9" * 30), 2, "--num-classes must be at most 16,777,216, not 999"),
        (("info", "resnet20.modern_c10"), 2, 'lists the weights of the network "resnet20"'),
        (("info", "resnet56", "--input-size", "0"), 2, "--input-size must be a whole number from 1, not 0"),
        (("list", "vgg*"), 2, 'no name matches "vgg*"'),
        (("train", "resnet57", *SMOKE), 2, "the nearest valid: 56 or 62"),
        (("train", "resnet20", *SMOKE, "--epochs", "0"), 2, "--epochs must be a whole number from 1, not 0"),
        (("train", "resnet20", *SMOKE, "--epochs", "-1"), 2, "--epochs must be a whole number from 1, not -1"),
        (("train", "resnet20", *SMOKE, "--batch-size", "0"), 2, "--batch-size must be a whole number from 1, not 0"),
        (("train", "resnet20", *SMOKE, "--lr", "nan"), 2, "--lr must be above 0 and finite, not nan"),
        (("train", "resnet20", *SMOKE, "--recipe", "fast"), 2, "known: QUICK20, HE2015, MODERN, WRN2016"),
        (("train", "resnet20", *SMOKE, "--dataset", "mnist"), 2, "--dataset must be one of auto, cifar10"),
        (("train", "plainnet20", *SMOKE, "--shortcut", "projection"), 2, "plain networks have no shortcuts"),
        (("train", "resnet20", *SMOKE, "--out", "/proc/nothing/run"), 1, "cannot write /proc/nothing/run"),
        (("train", "resnet20", *SMOKE, "--device", "cuda:9"), 1, 'device "cuda:9" is not available'),
        (("train", "resnet20", *SMOKE, "--device", "cpu", "--record"), 2, "a step is recorded on CUDA only"),
        (
            ("train", "resnet20", *SMOKE, "--max-train-images", "999"),
            2,
            "--max-train-images must be",
        ),
        (
            ("train", "resnet20", *SMOKE[:2], "--train-images", "999"),
            2,
            "--train-images must be",
        ),
        (("train", "resnet20", "--ema-decay", "1"), 2, "above 0 and below 1, not 1.0; leave it out for no average"),
        (("train", "resnet20", *SMOKE, "--max-train-images", "9", "--val-split"), 2, "--val-split holds out a tenth"),
        (("train", "resnet20", *SMOKE, "--image-size", "16"), 2, "--image-size is only for --dataset folder"),
        (
            ("train", "resnet20", *SMOKE, "--extend-to", "9", "--fresh"),
            2,
            "--extend-to continues the finished run in its folder, but --fresh starts over: pass only one of them",
        ),
        (("data", "--dataset", "synthetic", "--image-size", "16"), 2, "--image-size is only for --dataset folder"),
        (("data", "--dataset", "synthetic", "--download"), 2, "--download is for published datasets"),
        (("bench", "resnet20", "--device", "cpu", "--record"), 2, "a step is recorded on CUDA only"),
        (("eval", "run", "--plot", "a.jpg"), 2, "end in .png, .svg or .pdf, not to a.jpg"),
        (("eval", "nowhere.pt"), 1, "nowhere.pt: no such checkpoint"),
        (("eval", "wrn16_4"), 2, "wrn16_4 has no weights; networks that have: plainnet20, "),
    ],
)
def test_a_mistake_gets_one_line(call: Call, words: tuple[str, ...], status: int, message: str) -> None:
    assert_one_line(call(cli.main, *words), status, message)


@pytest.mark.parametrize(
    "words", [("train",), ("train", "resnet20", "--epochs", "many"), ("trian",), ("list", "--fast")]
)
def test_wrong_usage_is_status_2(call: Call, words: tuple[str, ...]) -> None:
    exit_status, errors = call(cli.main, *words)
    assert exit_status == 2
    assert "Error: " in errors


def test_a_mistake_is_a_failed_process(run_command: Command) -> None:
    said = run_command("resnetzoo", "info", "resnet57")
    assert (said.returncode, said.stdout, said.stderr.count("\n")) == (2, "", 1)


@pytest.mark.parametrize(
    ("command", "option", "value"),
    [
        ("train", "--seed", "-1"),
        ("train", "--seed", "1.5"),
        ("train", "--precision", "fp16"),
        ("train", "--checkpoint-every", "0"),
        ("train", "--max-train-images", "0"),
        ("train", "--image-size", "0"),
        ("train", "--shortcut", "padding"),
        ("train", "--epochs", "0"),
        ("train", "--batch-size", "-3"),
        ("train", "--lr", "nan"),
        ("train", "--weight-decay", "-1"),
        ("train", "--label-smoothing", "2"),
        ("train", "--crop-padding-mode", "edge"),
        ("train", "--cutout", "-1"),
        ("train", "--mixup", "-0.1"),
        ("train", "--ema-decay", "1"),
        ("train", "--device", "tpu"),
        ("train", "--recipe", "fast"),
        ("reproduce", "--seeds", "x"),
        ("reproduce", "--depths", "21"),
        ("reproduce", "--precision", "fp16"),
        ("reproduce", "--jobs", "0"),
        ("reproduce", "--budget", "half"),
    ],
)
def test_options_are_checked_before_data_are_read(
    call: Call, monkeypatch: pytest.MonkeyPatch, command: str, option: str, value: str
) -> None:
    """By the name that was typed."""

    def read(*_: object, **__: object) -> None:
        raise AssertionError("the data were read")

    monkeypatch.setattr(resnetzoo, "load_data", read, raising=False)
    exit_status, errors = call(cli.main, command, "resnet20" if command == "train" else "figure6", option, value)
    assert exit_status == 2 or option == "--device"
    assert option in errors or value in errors
