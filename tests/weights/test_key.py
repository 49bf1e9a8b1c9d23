"""One network of several in a file: `key` takes it, in every reader, and the message lists what there is."""

import json
from argparse import Namespace
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from cases import Call
from foreign_networks import assert_same_logits, load, with_lived_in_norms
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from safetensors.torch import save_file
from torch import Tensor

import resnetzoo
from resnetzoo import CheckpointError, ModelSpec, UsageError, cli

State = dict[str, Tensor]


def network(spec: ModelSpec, seed: int) -> resnetzoo.CifarNet:
    model = resnetzoo.CifarNet(spec)
    with_lived_in_norms(model)
    torch.manual_seed(seed)
    with torch.no_grad():
        model.fc.weight.normal_()
    return model


ONE, OTHER = network(ModelSpec("residual", 8), 1), network(ModelSpec("residual", 8), 2)
TEACHER = network(ModelSpec("residual", 14, shortcut="projection"), 3)  # in names whose normalization is known


def under(prefix: str, state: State) -> State:
    return {f"{prefix}{name}": value for name, value in state.items()}


# What a file holds; the keys and what they take, with None for the network that is taken without one.
FORMS: dict[str, tuple[Callable[[State, State], object], str | None, str, str]] = {
    "timm": (
        lambda one, other: {"arch": "x", "args": Namespace(model="x"), "state_dict": one, "state_dict_ema": other},
        None,
        "state_dict",
        "state_dict_ema",
    ),
    "timm, wrapped": (
        lambda one, other: {"state_dict": under("module.", one), "state_dict_ema": under("module.", other)},
        None,
        "state_dict",
        "state_dict_ema",
    ),
    "ema-pytorch": (
        lambda one, other: {
            **under("online_model.", one),
            **under("ema_model.", other),
            "initted": torch.tensor(True),
            "step": torch.tensor(3),
        },
        None,
        "online_model",
        "ema_model.",
    ),
    "ema-pytorch in a trainer's file": (
        lambda one, other: {"ema": {**under("online_model.", one), **under("ema_model.", other)}, "step": 4},
        None,
        "online_model",
        "ema_model",
    ),
    "lightning's average": (
        lambda one, other: {"state_dict": {**under("model.", one), **under("ema_model.", other)}},
        None,
        "model",
        "ema_model",
    ),
    "torchdistill's prefixes": (
        lambda one, other: {"model": {**under("student_model.", one), **under("teacher_model.", other)}},
        "open",
        "student_model",
        "teacher_model",
    ),
    "mmrazor": (
        lambda one, other: {
            "meta": {"epoch": 3},
            "state_dict": {**under("architecture.backbone.", one), **under("teacher.backbone.", other)},
        },
        "open",
        "architecture",
        "teacher",
    ),
    "student and teacher, wrapped": (
        lambda one, other: {**under("student.module.", one), **under("teacher.module.", other)},
        "open",
        "student",
        "teacher.module",
    ),
    "model and teacher": (
        lambda one, other: {**under("model.", one), **under("teacher.", other)},
        "open",
        "model",
        "teacher",
    ),
    "two dictionaries": (lambda one, other: {"student": one, "teacher": other}, "open", "student", "teacher"),
    "two dictionaries inside": (
        lambda one, other: {"runs": {"best": {"state_dict": one}, "last": {"state_dict": other}}},
        "open",
        "best",
        "runs.last.state_dict",
    ),
    "lists": (lambda one, other: {"nets": [one, other], "epoch": 3}, "open", "nets.0", "1"),
    "stochastic weight averaging": (
        lambda one, other: {"model": one, "swa_model": {**under("module.", other), "n_averaged": torch.tensor(3)}},
        None,
        "model",
        "swa_model",
    ),
    "trainer's file, average chosen by its dictionary": (
        lambda one, other: {"model": one, "ema": {**under("online_model.", one), **under("ema_model.", other)}},
        None,
        "model",
        "ema",
    ),
    "one without a prefix": (lambda one, other: {**one, **under("teacher.", other)}, "open", "", "teacher"),
}


@pytest.mark.parametrize("kind", FORMS)
def test_a_key_takes_its_network(tmp_path: Path, kind: str) -> None:
    form, default, first, second = FORMS[kind]
    path = tmp_path / "weights.pt"
    torch.save(form(ONE.state_dict(), OTHER.state_dict()), path)
    assert_same_logits(load(path, key=first), ONE)
    assert_same_logits(load(path, key=second), OTHER)
    if default is None:
        assert_same_logits(load(path), ONE)
        return
    with pytest.raises(CheckpointError) as refused:
        load(path)
    for key in (first, second):
        assert key in str(refused.value)
    assert str(refused.value).count("\n") == 0


@pytest.mark.parametrize("kind", FORMS)
def test_what_is_not_there_is_said_with_what_is(tmp_path: Path, kind: str) -> None:
    form, _, first, second = FORMS[kind]
    path = tmp_path / "weights.pt"
    torch.save(form(ONE.state_dict(), OTHER.state_dict()), path)
    with pytest.raises(
        CheckpointError, match=r'no network under key="nobody"; it holds .*: key=".*" takes it'
    ) as refused:
        load(path, key="nobody")
    suggested = str(refused.value).rsplit('key="', 1)[1].split('"')[0]
    load(path, key=suggested)  # the cure works
    for key in (first, second):
        assert key.split(".")[0] in str(refused.value)


def test_a_file_with_one_network_needs_no_key(tmp_path: Path) -> None:
    torch.save(ONE.state_dict(), tmp_path / "weights.pt")
    with pytest.raises(CheckpointError, match='no network under key="ema", but one without any key: leave it out'):
        load(tmp_path / "weights.pt", key="ema")
    resnetzoo.save_weights(ONE, tmp_path / "ours.safetensors")
    with pytest.raises(CheckpointError, match=r"of this package holds one network.*leave it out"):
        load(tmp_path / "ours.safetensors", key="ema")


def test_a_key_that_means_several(tmp_path: Path) -> None:
    content = {name: {"net": state} for name, state in (("a", ONE.state_dict()), ("b", OTHER.state_dict()))}
    torch.save(content, tmp_path / "weights.pt")
    with pytest.raises(
        CheckpointError, match=r'key="net" means several networks of it; it holds \'a\.net\', \'b\.net\''
    ):
        load(tmp_path / "weights.pt", key="net")
    assert_same_logits(load(tmp_path / "weights.pt", key="b.net"), OTHER)


def test_the_note_about_others_says_the_key_that_takes_them(tmp_path: Path) -> None:
    torch.save({"state_dict": ONE.state_dict(), "state_dict_ema": OTHER.state_dict()}, tmp_path / "weights.pt")
    note = str(load(tmp_path / "weights.pt").origin)
    assert "weights also under 'state_dict_ema', which were not taken; key=\"state_dict_ema\" takes it" in note
    model = load(tmp_path / "weights.pt", key="state_dict_ema")
    assert model.origin is not None
    assert model.origin.opened == ('["state_dict_ema"]',)


def test_another_network_that_is_no_average_is_a_doubt(tmp_path: Path) -> None:
    """The one that is known to be trained is taken, and its user hears of the others."""
    torch.save({"model": ONE.state_dict(), "teacher": TEACHER.state_dict()}, tmp_path / "weights.pt")
    doubt = r'holds several networks, of which \["model"\] was taken; key="teacher" takes it'
    with pytest.warns(resnetzoo.CheckpointWarning, match=doubt):
        assert_same_logits(resnetzoo.load_checkpoint(tmp_path / "weights.pt"), ONE)
    assert_same_logits(load(tmp_path / "weights.pt", key="teacher"), TEACHER)


@pytest.mark.parametrize("key", [3, b"model", ["model"]])
def test_a_key_is_text(key: object) -> None:
    with pytest.raises(UsageError, match="key is a text, such as"):
        resnetzoo.load_checkpoint({"model": ONE.state_dict()}, key=key)  # type: ignore[arg-type]


def test_dictionaries_that_hold_each_other_end() -> None:
    content: dict[str, object] = {"net": ONE.state_dict()}
    content["itself"] = [content, content]
    assert_same_logits(resnetzoo.load_checkpoint(content, key="net"), ONE)


def test_names_of_student_and_teacher_go_with_their_networks(tmp_path: Path) -> None:
    plain = network(ModelSpec("plain", 8), 4)
    content = {
        "args": Namespace(student_arch="plainnet8", teacher_arch="resnet14", lr=0.1),
        "student": plain.state_dict(),
        "teacher": TEACHER.state_dict(),
    }
    torch.save(content, tmp_path / "weights.pt")
    assert_same_logits(load(tmp_path / "weights.pt", key="student"), plain)
    assert_same_logits(load(tmp_path / "weights.pt", key="teacher"), TEACHER)


def test_a_teacher_in_its_words_is_not_called_what_the_student_is(tmp_path: Path) -> None:
    content = {"args": Namespace(model="plainnet8"), "model": under("teacher_model.", TEACHER.state_dict())}
    torch.save(content, tmp_path / "weights.pt")
    assert_same_logits(load(tmp_path / "weights.pt", key="teacher_model"), TEACHER)


def test_of_two_dictionaries_with_two_networks_each_the_message_says_keys_that_mean_one(tmp_path: Path) -> None:
    pair = {**under("student.", ONE.state_dict()), **under("teacher.", OTHER.state_dict())}
    torch.save({"a": pair, "b": pair | {"teacher.fc.bias": torch.ones(10)}}, tmp_path / "weights.pt")
    with pytest.raises(CheckpointError, match=r'key="b\.student" takes it, and likewise \'b\.teacher\'$'):
        load(tmp_path / "weights.pt", key="b")
    assert load(tmp_path / "weights.pt", key="b.teacher").state_dict()["fc.bias"].tolist() == [1.0] * 10


def test_prefixes_in_safetensors(tmp_path: Path) -> None:
    save_file(
        {**under("student.", ONE.state_dict()), **under("teacher.", TEACHER.state_dict())}, tmp_path / "w.safetensors"
    )
    assert_same_logits(load(tmp_path / "w.safetensors", key="teacher"), TEACHER)
    assert_same_logits(load(tmp_path / "w.safetensors", key="student"), ONE)


@pytest.mark.parametrize("words", [("student", "teacher"), ("net_a", "net_b"), ("0", "1")])
def test_networks_in_known_names_are_only_called_several(tmp_path: Path, words: tuple[str, str]) -> None:
    one, other = words
    content = {**under(f"{one}.", ONE.state_dict()), **under(f"{other}.", TEACHER.state_dict())}
    torch.save(content, tmp_path / "weights.pt")
    choice = f"key=\"{one}\" takes it, and likewise '{other}'"
    with pytest.raises(CheckpointError, match=rf": it holds several networks, '{one}', '{other}'; {choice}$"):
        load(tmp_path / "weights.pt")


def test_every_reader_takes_the_same(tmp_path: Path) -> None:
    path = tmp_path / "weights.pt"
    shallow, average = network(ModelSpec("residual", 20), 5), network(ModelSpec("residual", 20), 6)
    content = {"state_dict": shallow.state_dict(), "state_dict_ema": average.state_dict()}
    torch.save(content, path)
    for key, writer in ((None, shallow), ("state_dict", shallow), ("state_dict_ema", average)):
        assert_same_logits(load(path, key=key), writer)
        assert_same_logits(resnetzoo.load_model(path, key=key), writer)
        assert_same_logits(resnetzoo.create("resnet20", weights=path, key=key), writer)
        assert_same_logits(resnetzoo.load_checkpoint(content, key=key), writer)
        with path.open("rb") as file:
            assert_same_logits(resnetzoo.load_checkpoint(file, key=key), writer)


@pytest.mark.parametrize("call", [resnetzoo.load_model, resnetzoo.create])
def test_a_key_without_a_file(call: Callable[..., object]) -> None:
    with pytest.raises(UsageError, match=r'key="ema" chooses among the networks in a file, but resnet20 is not a file'):
        call("resnet20", key="ema")
    with pytest.raises(UsageError, match=r"resnet20\.modern_c10 is not a file: leave it out"):
        resnetzoo.create("resnet20", weights=True, key="ema")


def test_commands_take_a_key(
    call: Call, cifar10_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    torch.save({"student": ONE.state_dict(), "teacher": TEACHER.state_dict()}, tmp_path / "both.pt")
    data = ("--data-dir", str(cifar10_folder.parent), "--device", "cpu", "--json")
    Image.new("RGB", (32, 32)).save(tmp_path / "image.png")
    words: dict[str, tuple[str, ...]] = {
        "eval": ("eval", "both.pt", *data),
        "predict": ("predict", "image.png", "--model", "both.pt", "--dataset", "cifar10", "--device", "cpu"),
        "export": ("export", "both.pt", "--format", "safetensors", "--out", "taken.safetensors"),
    }
    for command, arguments in words.items():
        status, errors = call(cli.main, *arguments)
        assert status == 1, command
        assert "--key student takes it, and likewise 'teacher'" in errors, command
    assert call(cli.main, *words["predict"], "--key", "teacher") == (0, "")
    status, errors = call(cli.main, *words["export"], "--key", "teacher")
    assert (status, errors) == (0, "")
    assert_same_logits(load(tmp_path / "taken.safetensors"), TEACHER)


@settings(max_examples=40, deadline=None)
@given(
    words=st.lists(st.from_regex(r"[a-z]{3,6}", fullmatch=True), min_size=2, max_size=4, unique=True),
    nested=st.booleans(),
    chosen=st.integers(0, 3),
)
def test_any_words(words: list[str], nested: bool, chosen: int) -> None:
    """Of several networks under any words the one that is meant, by its bias."""
    states = []
    for number, _ in enumerate(words):
        state = dict(ONE.state_dict())
        state["fc.bias"] = torch.full((10,), float(number))
        states.append(state)
    content: dict[str, object] = {}
    for word, state in zip(words, states, strict=True):
        content |= {word: state} if nested else under(f"{word}.", state)
    index = chosen % len(words)
    model = resnetzoo.load_checkpoint({"inside": content}, key=words[index])
    assert model.state_dict()["fc.bias"].tolist() == [float(index)] * 10
    assert json.loads(json.dumps(str(model.origin)))
