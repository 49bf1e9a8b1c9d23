"""Augmentation and normalization against a slow reference, image by image."""

from typing import Any

import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.utils._python_dispatch import TorchDispatchMode
from torchvision.transforms.v2 import functional as peer

import resnetzoo
from resnetzoo.data.constants import NormalizationKind, PaddingMode
from resnetzoo.data.cutout import draw_centres
from resnetzoo.data.device_loader import DeviceLoader, draw_augmentation
from resnetzoo.data.normalization import measure_normalization

CPU = torch.device("cpu")


def loader_of(
    train: resnetzoo.ImageSet,
    kind: NormalizationKind,
    padding: int = 4,
    flip: bool = True,
    padding_mode: PaddingMode = "zeros",
    cutout: int = 0,
) -> DeviceLoader:
    normalization = measure_normalization(train.images, kind)
    return DeviceLoader(
        train, normalization, padding=padding, padding_mode=padding_mode, flip=flip, cutout=cutout, device=CPU
    )


def random_set(count: int, channels: int, height: int, width: int) -> resnetzoo.ImageSet:
    generator = torch.Generator().manual_seed(count)
    images = torch.randint(256, (count, channels, height, width), generator=generator, dtype=torch.uint8)
    return resnetzoo.ImageSet(images, torch.arange(count) % 10, tuple("abcdefghij"))


@settings(max_examples=150, deadline=None)
@given(
    count=st.integers(1, 12),
    shape=st.tuples(st.integers(1, 4), st.integers(1, 9), st.integers(1, 9)),
    kind=st.sampled_from(["channel", "per_pixel_mean"]),
    padding=st.integers(0, 5),
    mode=st.sampled_from(["zeros", "reflect"]),
    flip=st.booleans(),
    cutout=st.integers(0, 9),
    epoch=st.integers(0, 100),
    as_slice=st.booleans(),
    chosen=st.data(),
)
def test_each_image_is_normalized_padded_cropped_and_flipped_to_the_bit(
    count: int,
    shape: tuple[int, int, int],
    kind: NormalizationKind,
    padding: int,
    mode: PaddingMode,
    flip: bool,
    cutout: int,
    epoch: int,
    as_slice: bool,
    chosen: st.DataObject,
) -> None:
    train = random_set(count, *shape)
    padding = min(padding, min(shape[1:]) - 1) if mode == "reflect" else padding
    loader = loader_of(train, kind, padding, flip, mode, cutout)
    first = chosen.draw(st.integers(0, count - 1))
    last = chosen.draw(st.integers(first + 1, count))
    indices = slice(first, last) if as_slice else torch.arange(first, last)
    images, labels = loader.batch(loader.augmentation(seed=7, epoch=epoch), indices)
    assert images.is_contiguous(memory_format=torch.channels_last)
    assert (images.shape, labels.shape) == ((last - first, *shape), (last - first,))
    drawn = draw_augmentation(count, seed=7, epoch=epoch, padding=padding, flip=flip)
    centres = draw_centres(count, *shape[1:], seed=7, epoch=epoch)
    normalize = measure_normalization(train.images, kind)
    for place, index in enumerate(range(first, last)):
        expected = normalize(train.images[drawn.order[index]][None])[0]
        filled_by = "constant" if mode == "zeros" else mode  # zeros after normalization
        expected = peer.pad(expected, [padding], padding_mode=filled_by)
        expected = peer.crop(expected, int(drawn.top[index]), int(drawn.left[index]), *shape[1:])
        if drawn.flip[index]:
            expected = peer.horizontal_flip(expected)
        top, left = (int(centre) - cutout // 2 for centre in divmod(int(centres[index]), shape[2]))
        bottom, right = top + cutout, left + cutout
        top, left = max(top, 0), max(left, 0)  # what is outside of the image is cut off; slices do it at the far end
        expected = peer.erase(expected, top, left, max(bottom - top, 0), max(right - left, 0), torch.zeros(1))
        assert torch.equal(images[place], expected)
        assert labels[place] == train.labels[drawn.order[index]]


def test_without_padding_and_flip_images_stay_in_place(tiny_data: resnetzoo.Data) -> None:
    loader = loader_of(tiny_data.train, "channel", padding=0, flip=False)
    images, _ = loader.batch(loader.augmentation(seed=0, epoch=0), slice(0, 48))
    order = draw_augmentation(48, seed=0, epoch=0, padding=0, flip=False).order
    normalize = measure_normalization(tiny_data.train.images, "channel")
    assert torch.equal(images, normalize(tiny_data.train.images[order]))


def test_the_last_batch_holds_what_is_left(tiny_data: resnetzoo.Data) -> None:
    loader = loader_of(tiny_data.train, "channel")
    images, labels = loader.batch(loader.augmentation(seed=0, epoch=0), slice(40, 60))
    assert len(images) == len(labels) == 8


def test_images_beyond_the_first_chunk_have_values_of_their_own() -> None:
    """The training set is normalized some hundreds of images at a time."""
    train = random_set(1_203, 1, 2, 3)
    loader = loader_of(train, "per_pixel_mean", padding=0, flip=False)
    images, labels = loader.batch(loader.augmentation(seed=0, epoch=0), slice(None))
    order = draw_augmentation(len(train), seed=0, epoch=0, padding=0, flip=False).order
    assert torch.equal(images, loader.normalization(train.images)[order])
    assert torch.equal(labels, train.labels[order])


class Operations(TorchDispatchMode):
    """The names of the operations that compute something; a view of a tensor is free."""

    def __init__(self) -> None:
        super().__init__()
        self.names: list[str] = []

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if not any(result.alias_info for result in func._schema.returns):
            self.names.append(func.overloadpacket.__name__)
        return func(*args, **(kwargs or {}))


def test_a_batch_is_four_operations_none_of_which_waits_or_copies(tiny_data: resnetzoo.Data) -> None:
    """As a CUDA graph records it, with the indices in a tensor: its part of the epoch, windows, pixels, images."""
    loader = loader_of(tiny_data.train, "per_pixel_mean")
    augmentation = loader.augmentation(seed=0, epoch=0)
    for indices, expected in (
        (torch.arange(16), ["index", "index_select", "add", "index_select"]),
        (slice(0, 16), ["index_select", "add", "index_select"]),
    ):
        with Operations() as seen:
            loader.batch(augmentation, indices)
        assert seen.names == expected


def test_a_batch_reads_the_epoch_from_where_it_lies(tiny_data: resnetzoo.Data) -> None:
    """Written over in place, as a recorded step has it done, the tensor gives the batches of the other epoch."""
    loader = loader_of(tiny_data.train, "channel")
    kept, other = (loader.augmentation(seed=0, epoch=epoch) for epoch in (0, 1))
    expected = loader.batch(other, torch.arange(16))
    assert not torch.equal(loader.batch(kept, torch.arange(16))[0], expected[0])
    kept.copy_(other)
    assert all(torch.equal(*pair) for pair in zip(loader.batch(kept, torch.arange(16)), expected, strict=True))


def test_padding_takes_no_memory_of_its_own() -> None:
    """One pixel an image stands for all of its padding: CIFAR-10 takes 615 MB, and 960 MB were it padded."""
    held = {padding: _bytes_held(random_set(5, 3, 32, 32), padding) for padding in (0, 4)}
    assert held[0] == 5 * (32 * 32 + 1) * 3 * 4
    assert held[4] == held[0]


def _bytes_held(train: resnetzoo.ImageSet, padding: int) -> int:
    """Of floating-point tensors."""
    held = vars(loader_of(train, "channel", padding)).values()
    return sum(value.nbytes for value in held if isinstance(value, torch.Tensor) and value.is_floating_point())


@settings(max_examples=50)
@given(
    count=st.integers(1, 300), seed=st.integers(0, 2**63 - 1), epoch=st.integers(0, 10**6), padding=st.integers(0, 8)
)
def test_a_draw_depends_on_its_arguments_alone(count: int, seed: int, epoch: int, padding: int) -> None:
    torch.manual_seed(count)
    first = draw_augmentation(count, seed=seed, epoch=epoch, padding=padding, flip=True)
    torch.manual_seed(count + 1)
    again = draw_augmentation(count, seed=seed, epoch=epoch, padding=padding, flip=True)
    assert all(torch.equal(one, two) for one, two in zip(first, again, strict=True))
    assert sorted(first.order.tolist()) == list(range(count))
    for corner in (first.top, first.left):
        assert 0 <= int(corner.min()) <= int(corner.max()) <= 2 * padding


def test_holes_are_centred_anywhere_and_change_no_other_draw(tiny_data: resnetzoo.Data) -> None:
    counts = torch.bincount(draw_centres(10_000, 8, 8, seed=0, epoch=0), minlength=64)
    assert len(counts) == 64
    assert counts.min() > 100  # 156 expected at each pixel
    plain, holed = (
        loader_of(tiny_data.train, "channel", cutout=side).augmentation(seed=0, epoch=1) for side in (0, 16)
    )
    assert torch.equal(holed[:3], plain)
    assert not torch.equal(draw_centres(100, 8, 8, seed=0, epoch=0), draw_centres(100, 8, 8, seed=0, epoch=1))


def test_each_image_has_a_draw_of_its_own() -> None:
    augmentation = draw_augmentation(10_000, seed=0, epoch=0, padding=4, flip=True)
    counts = torch.bincount(augmentation.top * 9 + augmentation.left, minlength=81)
    assert len(counts) == 81
    assert counts.min() > 60  # 123 expected of each corner
    assert 4_700 < int(augmentation.flip.sum()) < 5_300
    other = draw_augmentation(10_000, seed=0, epoch=1, padding=4, flip=True)
    assert not torch.equal(augmentation.order, other.order)
    assert not draw_augmentation(100, seed=0, epoch=0, padding=4, flip=False).flip.any()
