"""What is measured on images: against numpy, once for each set, and anew where the images were changed."""

import copy
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from cases import TINY_RECIPE, small_network
from PIL import Image
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

import resnetzoo
from resnetzoo.analysis.inputs import chunks_of_inputs
from resnetzoo.data import device_loader, image_set, normalization
from resnetzoo.data.constants import NormalizationKind
from resnetzoo.data.normalization import Normalization, measure_normalization

KINDS: tuple[NormalizationKind, ...] = ("channel", "per_pixel_mean")


def same(one: Normalization, two: Normalization) -> bool:
    return torch.equal(one.mean, two.mean) and torch.equal(one.std, two.std) and one.size == two.size


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, str]]:
    """The number of images and the kind of each measurement that sets of images ask for."""
    asked: list[tuple[int, str]] = []

    def measure(images: Tensor, kind: NormalizationKind) -> Normalization:
        asked.append((len(images), kind))
        return measure_normalization(images, kind)

    monkeypatch.setattr(image_set, "measure_normalization", measure)
    return asked


def test_normalization_is_measured_as_numpy_would(tiny_data: resnetzoo.Data) -> None:
    pixels = tiny_data.train.images.numpy() / 255
    channel = measure_normalization(tiny_data.train.images, "channel")
    np.testing.assert_allclose(channel.mean.flatten(), pixels.mean(axis=(0, 2, 3)), rtol=1e-5)
    np.testing.assert_allclose(channel.std.flatten(), pixels.std(axis=(0, 2, 3)), rtol=1e-5)
    per_pixel = measure_normalization(tiny_data.train.images, "per_pixel_mean")
    np.testing.assert_allclose(per_pixel.mean, pixels.mean(axis=0), rtol=1e-5)
    assert (per_pixel.std == 1).all()


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_chunks_that_share_memory_add_up_as_ever(layout: torch.memory_format) -> None:
    """To the bit what the plain sums give, chunk by chunk, the last one smaller: files hold such values."""
    images = torch.randint(256, (12_345, 3, 5, 4), dtype=torch.uint8).contiguous(memory_format=layout)
    total = torch.zeros(3, 5, 4, dtype=torch.float64)
    squares = torch.zeros_like(total)
    for chunk in torch.split(images, 5_000):
        pixels = chunk.double() / 255
        total += pixels.sum(dim=0)
        squares += pixels.square().sum(dim=0)
    mean = total / len(images)
    assert torch.equal(measure_normalization(images, "per_pixel_mean").mean, mean.float())
    channel = measure_normalization(images, "channel")
    channel_mean = mean.mean(dim=(1, 2), keepdim=True)
    assert torch.equal(channel.mean, channel_mean.float())
    variance = (squares / len(images)).mean(dim=(1, 2), keepdim=True) - channel_mean.square()
    assert torch.equal(channel.std, variance.sqrt().float())


class _BytesMade(TorchDispatchMode):
    """Counts the bytes of the largest tensor that any operation makes."""

    largest = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        made = func(*args, **(kwargs or {}))
        for tensor in tree_leaves(made):
            if isinstance(tensor, Tensor):
                self.largest = max(self.largest, tensor.nbytes)
        return made


def test_memory_goes_by_bytes_and_not_by_images(monkeypatch: pytest.MonkeyPatch) -> None:
    """As 600 images of 224 pixels under the limit of 128 MiB, which took 1.4 GiB: here 600 of 32, and 1 MiB."""
    monkeypatch.setattr(normalization, "_CHUNK_BYTES", 1 << 20)
    monkeypatch.setattr(device_loader, "_CHUNK_BYTES", 1 << 20)
    images = torch.randint(256, (600, 3, 32, 32), dtype=torch.uint8)
    with _BytesMade() as made:
        found = measure_normalization(images, "channel")
    assert images.nbytes < 2 * made.largest <= 2 << 20 or made.largest == images.nbytes
    train = resnetzoo.ImageSet(images, torch.zeros(600, dtype=torch.int64), ("a",))
    with _BytesMade() as made:
        loader = device_loader._normalized_pixels(train.images, found, torch.device("cpu"))
    assert made.largest == loader.nbytes
    np.testing.assert_allclose(found.mean.flatten(), (images.numpy() / 255).mean(axis=(0, 2, 3)), rtol=1e-6)


@pytest.mark.parametrize(
    ("size", "length"), [(32, 5_000), (28, 5_000), (64, 1_365), (224, 111), (4_096, 1)], ids=lambda value: str(value)
)
def test_lengths_of_chunks(size: int, length: int) -> None:
    """CIFAR's is the one of before, on which the last digits of the sums depend."""
    assert normalization.chunk_length(3 * size * size * 8, normalization._CHUNK_BYTES, normalization._CHUNK) == length


def test_images_of_one_colour_do_not_divide_by_zero() -> None:
    flat = torch.full((4, 3, 8, 8), 77, dtype=torch.uint8)
    assert measure_normalization(flat, "channel")(flat).abs().max() < 1e-4


def test_a_set_is_measured_once_for_each_kind(tiny_data: resnetzoo.Data, measured: list[tuple[int, str]]) -> None:
    for kind in (*KINDS, *KINDS):
        assert same(tiny_data.train.normalization(kind), measure_normalization(tiny_data.train.images, kind))
    assert measured == [(48, "channel"), (48, "per_pixel_mean")]


def test_who_writes_into_what_was_measured_changes_it_for_nobody_else(tiny_data: resnetzoo.Data) -> None:
    mine = tiny_data.train.normalization("channel")
    mine.mean.zero_()
    mine.std.fill_(3)
    assert same(tiny_data.train.normalization("channel"), measure_normalization(tiny_data.train.images, "channel"))


@pytest.mark.parametrize("change", [torch.zero_, lambda images: images[3:5].add_(1)])
def test_images_changed_in_place_are_measured_anew(
    tiny_data: resnetzoo.Data, change: Callable[[Tensor], object]
) -> None:
    before = tiny_data.train.normalization("per_pixel_mean")
    change(tiny_data.train.images)
    after = tiny_data.train.normalization("per_pixel_mean")
    assert same(after, measure_normalization(tiny_data.train.images, "per_pixel_mean"))
    assert not same(before, after)


def test_the_part_of_a_set_sees_what_happens_to_the_whole(tiny_data: resnetzoo.Data) -> None:
    first = tiny_data.first(30).train  # a view
    first.normalization("channel")
    tiny_data.train.images.fill_(9)
    assert same(first.normalization("channel"), measure_normalization(first.images, "channel"))


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, lambda one: pickle.loads(pickle.dumps(one))])
def test_a_copy_is_measured_on_its_own_images(tiny_data: resnetzoo.Data, copied: Callable[[Any], Any]) -> None:
    """A copied tensor counts its changes from zero, so that a count alone would take it for the old one."""
    train = tiny_data.train
    train.images.add_(1)
    train.normalization("channel")
    twin = copied(train)
    if twin.images is not train.images:
        twin.images.zero_()
    assert same(twin.normalization("channel"), measure_normalization(twin.images, "channel"))
    assert same(train.normalization("channel"), measure_normalization(train.images, "channel"))


def test_images_of_inference_mode_can_be_measured(measured: list[tuple[int, str]]) -> None:
    with torch.inference_mode():
        images = torch.randint(256, (4, 3, 2, 2), dtype=torch.uint8)
    train = resnetzoo.ImageSet(images, torch.zeros(4, dtype=torch.int64), ("a",))
    for _ in range(2):
        assert same(train.normalization("channel"), measure_normalization(images, "channel"))
    assert len(measured) == 2  # their changes are not counted


def test_every_use_of_a_set_shares_one_measurement(tiny_data: resnetzoo.Data, measured: list[tuple[int, str]]) -> None:
    """Training, side by side or not, evaluation, comparison, timing and analysis."""
    for seed in range(2):
        resnetzoo.fit(small_network(seed), tiny_data, TINY_RECIPE, device="cpu", progress=False)
    jobs = [resnetzoo.Job(small_network(seed), TINY_RECIPE, seed) for seed in range(2)]
    resnetzoo.fit_many(jobs, tiny_data, device="cpu", progress=False)
    assert measured == [(48, "channel")]
    untrained = small_network(0)
    for _ in range(2):
        resnetzoo.evaluate(untrained, tiny_data.test)
        resnetzoo.agreement(untrained, untrained, tiny_data.test)
        list(chunks_of_inputs(untrained, tiny_data.test, 10))
        resnetzoo.analysis.response_std(untrained, tiny_data.test)
        resnetzoo.analysis.gradient_norms(untrained, tiny_data.test)
        resnetzoo.bench.batches(tiny_data.test, batch_size=10, environment=resnetzoo.bench.Environment.find("cpu"))
    assert measured == [(48, "channel"), (20, "channel")]


@pytest.mark.parametrize(
    ("mean", "std", "message"),
    [
        ([0.5, 0.5, 0.5], [0.2, 0.2], "mean has 3 channels, but std has 2"),
        ([0.5], [0.0], "the std of a normalization must be above 0, at most 1, .* not from 0 to 0"),
        ([0.5], [-0.2], "the std of a normalization must be above 0"),
        ([0.5], [float("nan")], "the std of a normalization must be above 0"),
        ([float("inf")], [0.2], "the mean of a normalization must be from 0 to 1"),
        ([125.3], [63.0], "not from 125.3 to 125.3: divide values on the scale from 0 to 255 by 255"),
        (["a"], [0.2], "the mean of a normalization must have one number per channel, not"),
        ([], [], "takes mean"),
        (torch.zeros(3, 2, 2), torch.ones(3, 1, 1), "mean has shape"),
    ],
)
def test_values_that_cannot_be_meant_are_refused(mean: Any, std: Any, message: str) -> None:
    with pytest.raises(resnetzoo.UsageError, match=message):
        Normalization("channel", mean, std)


def test_what_a_network_is_given_is_checked() -> None:
    model = small_network(0)
    with pytest.raises(resnetzoo.UsageError, match=r"model\.normalization is a resnetzoo\.Normalization, .* not list"):
        model.normalization = [0.5, 0.5, 0.5]  # type: ignore[assignment]
    model.normalization = Normalization("channel", [0.5], [0.2])  # type: ignore[arg-type]
    Image.new("L", (4, 4)).save("a.png")
    for use in (
        lambda: model.preprocess(torch.zeros(1, 4, 4)),
        lambda: resnetzoo.WithPreprocessing(model),
        lambda: resnetzoo.predict(model, "a.png"),
    ):
        with pytest.raises(resnetzoo.UsageError, match="takes images of 3 channels, but its normalization has 1"):
            use()


@pytest.mark.parametrize(("field", "value"), [("kind", "pixel"), ("size", 0), ("size", "32")])
def test_kind_and_size_are_checked(field: str, value: Any) -> None:
    with pytest.raises(resnetzoo.UsageError, match=f"{field} of a normalization"):
        Normalization(**{"kind": "channel", "mean": [0.5], "std": [0.2], field: value})


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        (3, "shape of a normalization must be a height and a width, not 3"),
        ((1, 2, 3), r"must be a height and a width, not \(1, 2, 3\)"),
        ((0, 4), "height and width of a normalization must be a whole number from 1, not 0"),
        ((5, 7), r"is \(5, 7\), but its size, the shorter side, is 4"),
    ],
)
def test_shapes_that_cannot_be(shape: object, message: str) -> None:
    with pytest.raises(resnetzoo.UsageError, match=message):
        Normalization("channel", [0.5], [0.2], 4, shape)  # type: ignore[arg-type]
    assert Normalization("channel", [0.5], [0.2], 4, [4, 6]).shape == (4, 6)  # type: ignore[arg-type]


def test_lists_and_floats_give_what_tensors_and_pixels_give() -> None:
    pixels = torch.randint(256, (2, 3, 4, 4), dtype=torch.uint8)
    mean, std = torch.tensor([0.4, 0.5, 0.6]).view(3, 1, 1), torch.tensor([0.2, 0.3, 0.4]).view(3, 1, 1)
    listed = Normalization("channel", [0.4, 0.5, 0.6], [0.2, 0.3, 0.4])  # type: ignore[arg-type]
    expected = (pixels.float() / 255 - mean) / std
    assert torch.equal(listed(pixels), expected)
    assert torch.equal(listed(pixels.float() / 255), expected)
    assert torch.equal(listed(pixels[0]), expected[0])
    assert listed((pixels / 255).half()).dtype == torch.float16
    for wrong in (pixels.float(), pixels.long(), torch.full((1, 3, 2, 2), torch.nan)):
        with pytest.raises(resnetzoo.UsageError, match="from 0 to 1"):
            listed(wrong)


def test_tensors_stay_on_their_device() -> None:
    """As those on CUDA must, where a recorded test pass reads them."""
    normalize = Normalization("channel", torch.zeros(3, 1, 1, device="meta"), torch.ones(3, 1, 1, device="meta"))
    assert normalize.mean.is_meta
    assert normalize.std.is_meta
    with torch.device("meta"):
        assert Normalization("channel", [0.5], [0.2]).mean.device.type == "cpu"  # type: ignore[arg-type]


def test_other_channels_and_sizes_are_never_spread() -> None:
    three, one = (Normalization("channel", [0.5] * count, [0.2] * count) for count in (3, 1))  # type: ignore[arg-type]
    places = measure_normalization(torch.zeros(1, 3, 4, 4, dtype=torch.uint8), "per_pixel_mean")
    for normalize, shape in ((three, (2, 1, 4, 4)), (one, (2, 3, 4, 4)), (places, (2, 3, 1, 4)), (three, (4, 4))):
        with pytest.raises(resnetzoo.UsageError, match=r"normalization of|a mean for each"):
            normalize(torch.zeros(shape, dtype=torch.uint8))
