"""Train one network on two GPUs.

    torchrun --nproc-per-node=2 examples/two_gpus.py

The processes share each batch, and the results are those of one process up to rounding. Without torchrun, a single
process trains.
"""

import signal

signal.signal(signal.SIGINT, signal.SIG_DFL)  # while the packages are imported, Ctrl-C ends this without a traceback


import argparse
import sys
from pathlib import Path

import torch

import resnetzoo


def main() -> None:
    args = parse_args()
    data = resnetzoo.load_data(args.dataset, args.data_dir)
    if args.max_train_images is not None:
        data = data.first(args.max_train_images)
    model = resnetzoo.create(args.model, num_classes=len(data.classes), seed=0)  # the same weights in each process
    recipe = resnetzoo.recipes.get_recipe(args.recipe)
    recipe = recipe if args.epochs is None else recipe.with_epochs(args.epochs)
    run = resnetzoo.fit(model, data, recipe, device=args.device, out=args.out)
    if not torch.distributed.is_initialized() or torch.distributed.get_rank() == 0:
        print(f"{run.name}: {run.epochs[-1].test_error:.2f} % test error, {run.processes} processes")


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="resnet110")
    parser.add_argument("--recipe", default="HE2015")
    parser.add_argument("--epochs", type=int, help="by default the recipe's")
    parser.add_argument("--dataset", default="auto")
    parser.add_argument("--data-dir", type=Path)
    parser.add_argument("--max-train-images", "--train-images", type=int, help="use only the first N")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--out", type=Path, default=Path("runs/two-gpus"))
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(resnetzoo.run_main(main))
