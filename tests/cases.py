"""What the tests share: expected figures, a network of each kind, small data."""

import os
import pickle
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from typing import cast

import numpy as np
import torch
from torch import Tensor, nn

import resnetzoo
from resnetzoo.data import load
from resnetzoo.data.cifar_files import ArchiveFormat, DatasetInfo
from resnetzoo.data.robustness_files import CORRUPTIONS, SEVERITIES, CorruptedInfo, NewTestInfo

ROOT = Path(__file__).resolve().parent.parent
REAL_DATA = os.environ.get("RESNETZOO_DATA", "")
TINY_RECIPE = resnetzoo.Recipe(
    name="TINY",
    steps=6,
    epochs=None,
    batch_size=16,
    lr=0.05,
    schedule=resnetzoo.recipes.StepDecay(milestones=(3, 5)),
)
Call = Callable[..., tuple[int, str]]

# Parameters, pinned: arXiv:1512.03385, table 6 (0.27M to 19.4M), and the exact counts of two other implementations.
PARAMS = {
    "plainnet20": 269_722,
    "plainnet32": 464_154,
    "plainnet44": 658_586,
    "plainnet56": 853_018,
    "plainnet110": 1_727_962,
    "resnet20": 269_722,
    "resnet32": 464_154,
    "resnet44": 658_586,
    "resnet56": 853_018,
    "resnet110": 1_727_962,
    "resnet164": 1_704_154,
    "resnet1202": 19_421_274,
    "preresnet20": 269_722,
    "preresnet32": 464_154,
    "preresnet44": 658_586,
    "preresnet56": 853_018,
    "preresnet110": 1_727_962,
    "preresnet164": 1_703_258,
    "preresnet1001": 10_327_706,
    "resnet8": 78_042,  # the distillation benchmarks', of which github.com/HobbitLong/RepDistiller is the source
    "resnet8x4": 1_210_410,
    "resnet14": 175_258,
    "resnet32x4": 7_410_730,
    "resnet18": 11_173_962,
    "resnet34": 21_282_122,
    "resnet50": 23_520_842,
    "preresnet18": 11_172_170,
    "wrn16_2": 691_674,
    "wrn16_4": 2_748_890,
    "wrn28_10": 36_479_194,
    "wrn34_10": 46_160_474,
    "wrn40_2": 2_243_546,
    "wrn40_4": 8_949_210,
    "resnext29_8x64d": 34_426_698,
    "resnext29_16x64d": 68_155_210,
    "resnext29_32x4d": 4_775_754,
}

# The same with 100 classes, of two other implementations.
PARAMS_100 = {
    "resnet18": 11_220_132,
    "resnet34": 21_328_292,
    "resnet50": 23_705_252,
    "wrn16_4": 2_772_020,
    "wrn28_10": 36_536_884,
    "wrn40_2": 2_255_156,
    "wrn40_4": 8_972_340,
    "resnext29_8x64d": 34_518_948,
    "resnext29_16x64d": 68_247_460,
    "resnext29_32x4d": 4_868_004,
}

COMMANDS = ["list", "info", "data", "train", "eval", "predict", "export", "reproduce", "rerun", "bench"]

# The same with projection shortcuts.
PROJECTION_PARAMS = {"resnet20": 272_474, "resnet56": 855_770, "resnet110": 1_730_714}

# The depths of the 6n+2 and 9n+2 series, in their order.
DEPTHS = {
    "plainnet": [20, 32, 44, 56, 110],
    "resnet": [20, 32, 44, 56, 110, 164, 1202],
    "preresnet": [20, 32, 44, 56, 110, 164, 1001],
}

ALL = resnetzoo.list_models()

DEEPEST = ["resnet1202", "preresnet1001"]  # minutes to script, export or train: their blocks are those of the others

# From 4 to 68 million parameters: gigabytes and seconds for a step of training. Names, shapes and costs are checked of
# each, values once, and the rest of their thin twins, THIN.
WIDE = [name for name in ALL if name not in DEEPEST and PARAMS[name] > 4_000_000]

USUAL = [name for name in ALL if name not in DEEPEST + WIDE]

# A network of each kind of block and shortcut, for what depends on the code and not on the depth.
SHORTCUTS = ["identity", "projection", "projection_all"]

KINDS = [
    resnetzoo.ModelSpec("plain", 14),
    *(resnetzoo.ModelSpec("residual", 14, shortcut=shortcut) for shortcut in SHORTCUTS),
    *(resnetzoo.ModelSpec("preactivation", 14, shortcut=shortcut) for shortcut in SHORTCUTS),
    *(resnetzoo.ModelSpec("residual", 20, block="bottleneck", shortcut=shortcut) for shortcut in SHORTCUTS),
    *(resnetzoo.ModelSpec("preactivation", 20, block="bottleneck", shortcut=shortcut) for shortcut in SHORTCUTS),
]

# What wider names are made of, with few channels and blocks.
THIN = {
    "four stages": resnetzoo.ModelSpec("residual", 10, shortcut="projection", widths=(4, 8, 12, 16)),
    "unequal stages": resnetzoo.ModelSpec(
        "residual", 17, block="bottleneck", shortcut="projection", widths=(4, 4, 8, 8), layers=(1, 2, 1, 1)
    ),
    "preactivation": resnetzoo.ModelSpec("preactivation", 10, shortcut="projection", widths=(4, 8, 12, 16)),
    "wide": resnetzoo.ModelSpec(
        *("preactivation", 10), shortcut="projection", widths=(8, 16, 32), stem_width=4, layers=(1, 1, 1), drop_rate=0.3
    ),
    "grouped": resnetzoo.ModelSpec(
        "residual", 11, block="bottleneck", shortcut="projection", widths=(8, 16, 32), groups=2, width_per_group=16
    ),
    "dropout": resnetzoo.ModelSpec("plain", 8, widths=(4, 8, 16), drop_rate=0.5),
    "group norm": resnetzoo.ModelSpec("residual", 8, shortcut="projection", widths=(4, 8, 48), norm="group"),
    "group norm first": resnetzoo.ModelSpec("preactivation", 8, widths=(4, 8, 16), norm="group"),
    "other order": resnetzoo.ModelSpec(
        *("preactivation", 8, "basic", "projection"),
        widths=(4, 8, 16),
        last_norm=False,
        projection_input="raw",
        strided_conv=2,
    ),
}


def thin(spec: resnetzoo.ModelSpec) -> resnetzoo.ModelSpec:
    """The same structure with 4 channels in the first stage, and a block a stage, two in the first of the deepest."""
    blocks = [stage.blocks for stage in spec.stages]
    layers = [1] * len(blocks)
    layers[blocks.index(max(blocks))] = 2
    depth = sum(layers) * spec.layers_per_block + (1 + len(layers) if spec.is_wide else 2)
    widths = tuple(4 * width // spec.widths[0] for width in spec.widths)
    stem = None if spec.stem_width is None else 2
    groups, per_group = (1, 64) if spec.groups == 1 else (2, 32)
    return replace(
        spec,
        depth=depth,
        layers=tuple(layers),
        widths=widths,
        stem_width=stem,
        groups=groups,
        width_per_group=per_group,
    )


TWINS = {name: thin(resnetzoo.get_spec(name)) for name in ALL}  # of the 36 names 13 different ones

# Every structure of a name, and what a spec may say beside: other shortcuts, dropout, group norm.
EVERY_KIND = list(
    dict.fromkeys(
        [
            *TWINS.values(),
            *(
                replace(TWINS[name], shortcut=shortcut)
                for name in ("resnet20", "preresnet20", "resnet164", "preresnet164")
                for shortcut in SHORTCUTS
            ),
            *(THIN[kind] for kind in ("wide", "dropout", "group norm", "group norm first")),
        ]
    )
)


def small_network(seed: int) -> resnetzoo.CifarNet:
    """A residual network of 8 layers and 4 to 16 channels."""
    torch.manual_seed(seed)
    return resnetzoo.CifarNet(resnetzoo.ModelSpec("residual", 8, widths=(4, 8, 16)))


class Answers(nn.Module):
    """A network whose answer is made from its logits."""

    def __init__(self, answer: Callable[[Tensor], object], outputs: int = 10) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(3)
        self.fc = nn.Linear(3 * 32 * 32, outputs)
        self.answer = answer
        self.calls = 0

    def forward(self, images: Tensor) -> object:
        self.calls += 1
        return self.answer(self.fc(self.norm(images).flatten(1)))


def small_synthetic() -> resnetzoo.Data:
    """What tests let commands have in place of the synthetic dataset, whose 12,000 images take seconds to draw."""
    return resnetzoo.synthetic(train_images=200, test_images=200)


def draw_few_images() -> None:
    """Before a forked command: `small_synthetic` is the synthetic dataset."""
    load.synthetic = small_synthetic  # type: ignore[assignment]


def random_batch(info: DatasetInfo, count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Pixels (count, 3072) and labels (count,)."""
    random = np.random.default_rng(seed)
    return random.integers(0, 256, (count, 3072), np.uint8), np.arange(count) % len(info.classes)


def write_batch(path: Path, archive_format: ArchiveFormat, pixels: np.ndarray, labels: np.ndarray) -> None:
    if archive_format.kind == "binary":
        coarse = np.zeros((len(labels), archive_format.label_bytes - 1), np.uint8)
        records = np.concatenate([coarse, labels[:, None].astype(np.uint8), pixels], axis=1)
        path.write_bytes(records.astype(np.uint8).tobytes())
    else:
        path.write_bytes(pickle.dumps({"data": pixels, archive_format.label_key: labels.tolist()}, protocol=2))


def write_folder(root: Path, info: DatasetInfo, kind: str, count: int = 20) -> Path:
    """A small copy of a dataset, `count` images a file; both kinds hold the same images."""
    archive_format = next(archive_format for archive_format in info.formats if archive_format.kind == kind)
    folder = root / archive_format.folder
    folder.mkdir(parents=True)
    for seed, file in enumerate(archive_format.files):
        write_batch(folder / file.name, archive_format, *random_batch(info, count, seed))
    return folder


def assert_one_line(said: tuple[int, str], status: int, message: str) -> None:
    """What a person who made a mistake gets: its exit status, and one line."""
    exit_status, errors = said
    assert exit_status == status
    assert errors.startswith("error: ")
    assert errors.count("\n") == 1
    assert message in errors


def recompile_limit(count: int) -> AbstractContextManager[object]:
    """Inside, torch compiles one function anew at most so often; torch 2.6 has another name for it."""
    config = torch._dynamo.config
    name = "recompile_limit" if hasattr(config, "recompile_limit") else "cache_size_limit"
    return cast(AbstractContextManager[object], config.patch({name: count}))


def lived_in(spec: resnetzoo.ModelSpec) -> resnetzoo.CifarNet:
    """A network whose norms do something, as after training."""
    torch.manual_seed(0)
    model = resnetzoo.CifarNet(spec).eval()
    for module in model.modules():
        if isinstance(module, nn.GroupNorm | nn.BatchNorm2d):
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.normal_(module.bias, std=0.2)
        if isinstance(module, nn.BatchNorm2d):
            nn.init.normal_(module.running_mean, std=0.2)
            nn.init.uniform_(module.running_var, 0.5, 2.0)
    return model


def write_corrupted(root: Path, info: CorruptedInfo, count: int = 2) -> Path:
    """A small copy of CIFAR-10-C or CIFAR-100-C, `count` images of each corruption at each severity."""
    folder = root / info.folder
    folder.mkdir(parents=True)
    random = np.random.default_rng(0)
    labels = np.tile(np.arange(count) % len(info.classes), len(SEVERITIES)).astype(np.uint8)
    np.save(folder / "labels.npy", labels)
    for name in CORRUPTIONS:
        np.save(folder / f"{name}.npy", random.integers(0, 256, (len(labels), 32, 32, 3), np.uint8))
    return folder


def write_new_test(folder: Path, info: NewTestInfo, count: int = 5) -> None:
    """A small copy of CIFAR-10.1."""
    folder.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(0)
    np.save(folder / info.images.name, random.integers(0, 256, (count, 32, 32, 3), np.uint8))
    np.save(folder / info.labels.name, (np.arange(count) % len(info.classes)).astype(np.int32))
