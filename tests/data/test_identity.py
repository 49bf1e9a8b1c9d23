"""What tells datasets apart: fingerprints of both versions, names and order of classes, channels and sizes."""

import copy
import pickle
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from cases import TINY_RECIPE, small_network
from torch.utils.data import DataLoader, TensorDataset

import resnetzoo
from resnetzoo.data.fingerprint import fingerprint_v1
from resnetzoo.errors import CheckpointMismatchError, DataError, ResultsError, UsageError
from resnetzoo.reproduce.report_folder import prepare_folder
from resnetzoo.training.run_folder import check_identity, find_latest
from resnetzoo.utils.checksummed_json import read_checksummed, write_checksummed

NAMES = tuple(f"c{number}" for number in range(600))


def images(*shape: int, labels: tuple[int, ...] = (), classes: tuple[str, ...] = NAMES) -> resnetzoo.ImageSet:
    pixels = torch.arange(torch.Size(shape).numel(), dtype=torch.int64).remainder(251).to(torch.uint8)
    return resnetzoo.ImageSet(pixels.view(shape), torch.tensor(labels or (0,) * shape[0]), classes)


def pair(train: resnetzoo.ImageSet, test: resnetzoo.ImageSet) -> resnetzoo.Data:
    return resnetzoo.Data("mine", train, test, official=False, source="a test")


def same_bytes() -> dict[str, resnetzoo.Data]:
    """Data that version 1 cannot tell from the first."""
    one = images(1, 3, 4, 4)
    return {
        "plain": pair(one, one),
        "label 256": pair(images(1, 3, 4, 4, labels=(256,)), images(1, 3, 4, 4, labels=(256,))),
        "another shape": pair(images(1, 3, 8, 2), images(1, 3, 8, 2)),
        "another name": pair(*[images(1, 3, 4, 4, classes=("a", *NAMES[1:]))] * 2),
        "another order": pair(*[images(1, 3, 4, 4, classes=(*NAMES[::-1],))] * 2),
    }


def test_version_2_tells_apart_what_version_1_does_not() -> None:
    found = same_bytes()
    assert len({data.fingerprint_v1 for data in found.values()}) == 1
    assert len({data.fingerprint for data in found.values()}) == len(found)
    assert not found["plain"].has_fingerprint(found["label 256"].fingerprint)


def test_the_border_between_the_sets_counts() -> None:
    """Without labels, as zero, bytes of images and labels cannot tell where the training set ends."""
    zeros = [
        resnetzoo.ImageSet(torch.zeros(n, 1, 1, 1, dtype=torch.uint8), torch.zeros(n).long(), ("a",)) for n in (1, 2)
    ]
    one, other = pair(zeros[0], zeros[1]), pair(zeros[1], zeros[0])
    assert one.fingerprint_v1 == other.fingerprint_v1
    assert one.fingerprint != other.fingerprint


TENSORS = [(part, field) for part in ("train", "test") for field in ("images", "labels")]


@pytest.mark.parametrize(("part", "field"), TENSORS, ids=lambda word: str(word))
def test_data_changed_in_place_are_other_data(tiny_data: resnetzoo.Data, part: str, field: str) -> None:
    data = replace(tiny_data, official=True)
    before, cut = data.to_dict(), data.first(30)
    assert before["official"]
    getattr(getattr(data, part), field).zero_()
    for changed in (data, cut, data.first(20)):
        anew = replace(changed)  # hashes for the first time
        assert changed.fingerprint == anew.fingerprint
        assert changed.fingerprint_v1 == anew.fingerprint_v1
        assert changed.official is False
    assert not data.has_fingerprint(before["fingerprint"])
    assert not data.has_fingerprint(before["fingerprint_v1"])


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, lambda one: pickle.loads(pickle.dumps(one))])
def test_copies_say_what_is_true_of_their_own_images(tiny_data: resnetzoo.Data, copied: Callable[[Any], Any]) -> None:
    tiny_data.train.images.add_(1)
    data = replace(tiny_data, official=True)
    twin = copied(data)
    assert twin.official is True
    assert twin.fingerprint == data.fingerprint
    twin.test.labels.zero_()
    assert (twin.official, copied(twin).official) == (False, False)
    assert twin.fingerprint == replace(twin).fingerprint
    if twin.test is not data.test:
        assert data.official is True
        assert data.fingerprint != twin.fingerprint


def test_new_test_images_changed_in_place_are_not_official() -> None:
    found = resnetzoo.NewTestImages(**vars(images(2, 3, 4, 4)), title="new", official=True, source="")
    assert (found.official, found.select(slice(1)).official) == (True, True)
    found.images.zero_()
    assert (found.official, found.select(slice(1)).official) == (False, False)


def test_pixels_are_hashed_once(tiny_data: resnetzoo.Data, monkeypatch: pytest.MonkeyPatch) -> None:
    with torch.inference_mode():  # where torch does not count changes
        labels = torch.zeros(1, dtype=torch.int64)
        uncounted = pair(*[resnetzoo.ImageSet(torch.zeros(1, 3, 4, 4, dtype=torch.uint8), labels, ("a",))] * 2)
    read: list[int] = []

    def hashed(train: resnetzoo.ImageSet, test: resnetzoo.ImageSet) -> str:
        read.append(len(train))
        return fingerprint_v1(train, test)

    monkeypatch.setattr("resnetzoo.data.pair.fingerprint_v1", hashed)
    for _ in range(2):
        assert tiny_data.fingerprint != tiny_data.fingerprint_v1
        tiny_data.to_dict()
    assert read == [48]
    uncounted.to_dict()
    assert read == [48, 1]


def test_a_run_on_changed_data_is_another_run(tiny_data: resnetzoo.Data, tmp_path: Path) -> None:
    data = replace(tiny_data, official=True)
    first = resnetzoo.fit(small_network(0), data, TINY_RECIPE, device="cpu", out=tmp_path / "one", progress=False)
    data.train.images.zero_()
    with pytest.raises(CheckpointMismatchError, match=r"data\.fingerprint is"):
        resnetzoo.fit(small_network(0), data, TINY_RECIPE, device="cpu", out=tmp_path / "one", progress=False)
    second = resnetzoo.fit(small_network(0), data, TINY_RECIPE, device="cpu", out=tmp_path / "two", progress=False)
    assert second.data["fingerprint"] != first.data["fingerprint"]
    assert (first.data["official"], second.data["official"]) == (True, False)


def test_a_run_that_stored_version_1_goes_on(tiny_data: resnetzoo.Data, tmp_path: Path) -> None:
    run = resnetzoo.fit(small_network(0), tiny_data, TINY_RECIPE, device="cpu", out=tmp_path, progress=False)
    checkpoint, _ = find_latest(tmp_path)
    assert checkpoint is not None
    current = checkpoint.identity
    stored = {**current, "data": {"name": tiny_data.name, "fingerprint": tiny_data.fingerprint_v1}}
    check_identity(stored, current, tmp_path, ("", ""))
    other = replace(tiny_data, train=tiny_data.train.select(slice(47))).to_dict()
    with pytest.raises(CheckpointMismatchError, match=r"data\.fingerprint is"):
        check_identity(stored, {**current, "data": {"name": tiny_data.name, **other}}, tmp_path, ("", ""))
    record = replace(run, data={**run.data, "fingerprint": tiny_data.fingerprint_v1})
    assert resnetzoo.rerunning.rerun(record, tiny_data, device="cpu", progress=False)


def test_a_report_planned_with_version_1_is_taken_up(tiny_data: resnetzoo.Data, tmp_path: Path) -> None:
    prepare_folder(tmp_path, "figure6", "smoke", tiny_data)
    plan = read_checksummed(tmp_path / "plan.json")
    plan["data"]["fingerprint"] = tiny_data.fingerprint_v1
    write_checksummed(tmp_path / "plan.json", plan)
    prepare_folder(tmp_path, "figure6", "smoke", tiny_data)
    assert read_checksummed(tmp_path / "plan.json") == plan
    with pytest.raises(ResultsError, match="choose another folder with out="):
        prepare_folder(tmp_path, "figure6", "smoke", tiny_data.first(20))


@pytest.mark.parametrize(
    ("test", "message"),
    [
        (images(1, 3, 5, 4), r"are 3 x 4 x 4 and test images are 3 x 5 x 4"),
        (images(1, 1, 4, 4), r"and test images are 1 x 4 x 4 .*: test\.with_channels\(3\)"),
        (images(1, 3, 4, 4, classes=NAMES[::-1]), r"in the order c0, .*in the order c599, .*test\.with_classes"),
        (images(1, 3, 4, 4, classes=NAMES[:9]), r"9 classes, but the training set has 600: test\.with_classes"),
        (images(1, 3, 4, 4, classes=(*NAMES, "x")), "601 classes, but the training set has 600, without x"),
    ],
)
def test_train_and_test_must_agree(test: resnetzoo.ImageSet, message: str) -> None:
    with pytest.raises(DataError, match=message):
        pair(images(1, 3, 4, 4), test)


def test_grey_images_become_those_of_a_colour_network() -> None:
    grey = images(2, 1, 4, 4)
    colour = grey.with_channels(3)
    assert colour.images.shape == (2, 3, 4, 4)
    assert all(torch.equal(colour.images[:, [channel]], grey.images) for channel in range(3))
    assert torch.equal(colour.labels, grey.labels)
    assert grey.with_channels(1) is grey
    pair(images(1, 3, 4, 4), images(1, 1, 4, 4).with_channels(3))
    with pytest.raises(DataError, match="images of 3 channels cannot become images of 1: only grey ones are repeated"):
        colour.with_channels(1)


def test_labels_counted_by_another_order() -> None:
    few = images(3, 3, 4, 4, labels=(0, 1, 0), classes=("cat", "dog"))
    assert few.with_classes(["ant", "dog", "cat"]).labels.tolist() == [2, 1, 2]
    for classes, message in (
        (("dog",), r"not among the 1 classes \(dog\): cat"),
        (("cat", "dog", "cat"), "several classes are called cat"),
    ):
        with pytest.raises(DataError, match=message):
            few.with_classes(classes)


@pytest.fixture
def known() -> resnetzoo.CifarNet:
    model = small_network(0)
    model.classes = resnetzoo.classes_of("synthetic")
    return model


@pytest.mark.parametrize("few", [False, True], ids=["all", "some"])
def test_the_same_names_in_another_order_give_the_same_error(
    tiny_data: resnetzoo.Data, known: resnetzoo.CifarNet, few: bool
) -> None:
    chosen = tiny_data.test.select(tiny_data.test.labels >= 6) if few else tiny_data.test
    names = known.classes[:5:-1] if few else known.classes[::-1]  # type: ignore[index]
    turned = resnetzoo.ImageSet(chosen.images, 9 - chosen.labels, names)
    expected = resnetzoo.evaluate(known, chosen)
    for wrapped in (known, torch.nn.DataParallel(known)):
        with pytest.warns(UserWarning, match="in another order than the network"):
            assert resnetzoo.evaluate(wrapped, turned) == expected
    with pytest.warns(UserWarning, match="in another order"):
        found = resnetzoo.analysis.gradient_norms(known, turned).values
    assert (found == resnetzoo.analysis.gradient_norms(known, chosen).values).all()


def test_a_training_in_another_order_of_classes_is_said(tiny_data: resnetzoo.Data, known: resnetzoo.CifarNet) -> None:
    names = tiny_data.classes[::-1]
    turned = replace(
        tiny_data,
        train=resnetzoo.ImageSet(tiny_data.train.images, 9 - tiny_data.train.labels, names),
        test=resnetzoo.ImageSet(tiny_data.test.images, 9 - tiny_data.test.labels, names),
    )
    with pytest.warns(UserWarning, match="each logit begins as another class"):
        resnetzoo.fit(known, turned, TINY_RECIPE, device="cpu", progress=False)
    assert known.classes == names


def test_other_names_are_said(tiny_data: resnetzoo.Data) -> None:
    with pytest.warns(UserWarning, match="distinguishes airplane, .*, but the images show disc"):
        resnetzoo.evaluate(resnetzoo.load_model("resnet20"), tiny_data.test.select(slice(2)))


def measures() -> dict[str, Callable[[resnetzoo.CifarNet, resnetzoo.ImageSet], object]]:
    return {
        "evaluate": resnetzoo.evaluate,
        "agreement": lambda model, images: resnetzoo.agreement(model, model, images),
        "fit": lambda model, images: resnetzoo.fit(model, pair(images, images), TINY_RECIPE, progress=False),
        "gradients": resnetzoo.analysis.gradient_norms,
        "reproduce": lambda model, images: resnetzoo.reproduce.reproduce(
            "figure6", pair(images, images), out="report", budget="smoke"
        ),
    }


@pytest.mark.parametrize("name", measures())
@pytest.mark.parametrize("channels", [1, 4])
def test_other_channels_are_refused_before_anything_is_computed(
    tiny_data: resnetzoo.Data, known: resnetzoo.CifarNet, name: str, channels: int
) -> None:
    """One channel was spread over the three means of the network."""
    known.normalization = tiny_data.train.normalization("channel")
    known.register_forward_pre_hook(lambda module, args: pytest.fail("computed"))
    wrong = replace(tiny_data.test, images=tiny_data.test.images[:, :1].repeat(1, channels, 1, 1))
    with pytest.raises(UsageError, match=rf"(3|3,) .*channels.*{channels}|\(N, 3, H, W\)"):
        measures()[name](known, wrong)
    assert not Path("report").exists()


def other_kinds(data: resnetzoo.Data) -> dict[str, object]:
    rows = [(image, int(label)) for image, label in zip(data.test.images, data.test.labels, strict=True)]
    tensors = TensorDataset(data.test.images, data.test.labels)
    return {
        "DataLoader": DataLoader(tensors),
        "TensorDataset": tensors,
        "list": rows,
        "str": "photos",
        "PosixPath": Path("photos"),
        "dict": {"train": rows, "test": rows},
        "Tensor": data.test.images,
    }


@pytest.mark.parametrize("name", [name for name in measures() if name != "gradients"])
def test_other_kinds_of_data_are_told_their_conversion(tiny_data: resnetzoo.Data, name: str) -> None:
    takes_data = name in ("fit", "reproduce")
    calls: dict[str, Callable[[object], object]] = {
        "fit": lambda found: resnetzoo.fit(small_network(0), found, progress=False),  # type: ignore[arg-type]
        "reproduce": lambda found: resnetzoo.reproduce.reproduce("figure6", found, out="report"),  # type: ignore[arg-type]
        "evaluate": lambda found: resnetzoo.evaluate(small_network(0), found),  # type: ignore[arg-type]
        "agreement": lambda found: resnetzoo.agreement(small_network(0), small_network(1), found),  # type: ignore[arg-type]
    }
    others = other_kinds(tiny_data) | {"none": None, "pair": tiny_data.test if takes_data else tiny_data}
    for kind, found in others.items():
        with pytest.raises(
            UsageError, match=r"must be .*, not (an? \w+|None): .*(from_dataset|load_data|ImageSet|Data|data\.test)"
        ):
            calls[name](found)
        if kind not in ("none", "pair"):
            with pytest.raises(UsageError, match=f"not a {kind}: "):
                calls[name](found)
