"""Fine-tune a trained network on a folder of images, one folder a class inside it.

    python examples/finetune_folder.py pets/ --epochs 10

pets/cat/1.jpg, pets/cat/2.png, pets/dog/1.jpg, ...: a fifth of the images is held out to measure on.
"""

import argparse
from itertools import count
from pathlib import Path

import torch
from PIL import Image
from torchvision.datasets import ImageFolder
from torchvision.transforms import v2

import resnetzoo


def main() -> None:
    args = parse_args()
    data = read(args.folder)
    data = data.validation_split(args.held_out or max(1, len(data.train) // 5))
    model = resnetzoo.create("resnet20", weights=True, num_classes=len(data.classes), seed=0)
    recipe = resnetzoo.recipes.MODERN.with_epochs(args.epochs)
    out = args.out or unused(Path("runs") / f"finetuned-{args.folder.resolve().name}")
    run = resnetzoo.fit(model, data, recipe, device=args.device, out=out)
    print(f"error on {len(data.test)} held-out images: {run.epochs[-1].test_error:.1f} %; kept in {out}")


def unused(folder: Path) -> Path:
    """`folder`, or the first of `folder-2`, `folder-3`, ... that is not there."""
    names = (folder if number == 1 else folder.with_name(f"{folder.name}-{number}") for number in count(1))
    return next(name for name in names if not name.exists())


def read(folder: Path) -> resnetzoo.Data:
    """The images as uint8 (N, 3, 32, 32)."""
    shrink = v2.Compose([v2.PILToTensor(), v2.Resize(32, antialias=True), v2.CenterCrop(32)])
    found = ImageFolder(str(folder), transform=shrink, loader=rgb)
    images = torch.stack([image for image, _ in found])
    everything = resnetzoo.ImageSet(images, torch.tensor(found.targets), classes=tuple(found.classes))
    return resnetzoo.Data(folder.name, everything, everything, official=False, source=str(folder))


def rgb(path: str) -> Image.Image:
    """As `predict` reads files: upright, white where they are transparent, and 16 bits brought to 8."""
    return resnetzoo.data.read_image(path, "RGB")


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--held-out", type=int, metavar="N", help="images to measure on; a fifth if left out")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--out", type=Path, help="a new folder if left out; given again, the run in it goes on")
    return parser.parse_args()


if __name__ == "__main__":
    main()
