"""Fine-tune a trained network on a folder of images with one subfolder per class.

    python examples/finetune_folder.py pets/ --epochs 10

The images are pets/cat/1.jpg, pets/cat/2.png, pets/dog/1.jpg, ... A fifth of each class is held out for testing, unless
the folder contains pets/train and pets/test.
"""

import signal

signal.signal(signal.SIGINT, signal.SIG_DFL)  # while the packages are imported, Ctrl-C ends this without a traceback


import argparse
import sys
from itertools import count
from pathlib import Path

import resnetzoo


def main() -> None:
    args = parse_args()
    data = resnetzoo.load_data("folder", args.folder)  # raises if a file is not an image or a class is empty
    model = resnetzoo.create(
        "resnet20", weights=True, num_classes=len(data.classes), in_chans=data.train.images.shape[1], seed=0
    )
    recipe = resnetzoo.recipes.MODERN.with_epochs(args.epochs)
    out = args.out or unfinished(Path("runs") / f"finetuned-{args.folder.resolve().name}")
    run = resnetzoo.fit(model, data, recipe, device=args.device, out=out)
    print(f"error on {len(data.test)} held-out images: {run.epochs[-1].test_error:.1f} %; kept in {out}")


def unfinished(folder: Path) -> Path:
    """`folder`, or the first of `folder-2`, `folder-3`, ... without a finished run; an interrupted one is resumed."""
    names = (folder if number == 1 else folder.with_name(f"{folder.name}-{number}") for number in count(1))
    return next(name for name in names if not (name / "run.json").exists())


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--out", type=Path, help="by default a new folder, or that of an interrupted run")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(resnetzoo.run_main(main))
