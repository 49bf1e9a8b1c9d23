"""Log a run to TensorBoard while it trains.

python -m pip install tensorboard
python examples/log_to_tensorboard.py --dataset synthetic
tensorboard --logdir runs/logged
"""

import signal

signal.signal(signal.SIGINT, signal.SIG_DFL)  # while the packages are imported, Ctrl-C ends this without a traceback


import argparse
import sys
from pathlib import Path

from torch.utils.tensorboard import SummaryWriter

import resnetzoo


class TensorBoard(resnetzoo.Callback):
    """Writes the loss every few steps and each epoch's results into the run's folder.

    If several processes share the run, the loss is that of the images of the first one.
    """

    def __init__(self, folder: Path, every: int) -> None:
        if every < 1:
            raise resnetzoo.UsageError(f"every must be a number of steps from 1, not {every}")
        self.folder = folder
        self.every = every
        self.writer: SummaryWriter | None = None  # only in the process that writes, if several share the run

    def on_fit_start(self, trainer: resnetzoo.TrainerState) -> None:
        if trainer.context.is_main:
            # Hides what was written after the step from which an interrupted run resumes.
            self.writer = SummaryWriter(str(self.folder), purge_step=trainer.step + 1)

    def on_step_end(self, trainer: resnetzoo.TrainerState) -> None:
        if self.writer and trainer.step % self.every == 0:  # not in each step: reading the loss waits for a GPU
            self.writer.add_scalar("train/mean_loss", trainer.metrics.mean_loss(), trainer.step)
            self.writer.add_scalar("train/lr", trainer.lr, trainer.step)

    def on_epoch_end(self, trainer: resnetzoo.TrainerState, row: resnetzoo.EpochRow) -> None:
        if self.writer:
            self.writer.add_scalar("test/error", row.test_error, row.step)
            self.writer.add_scalar("test/loss", row.test_loss, row.step)

    def on_fit_end(self, trainer: resnetzoo.TrainerState, run: resnetzoo.Run) -> None:
        if self.writer:
            self.writer.close()

    def on_exception(self, trainer: resnetzoo.TrainerState, error: BaseException) -> None:
        if self.writer:
            self.writer.close()


def main() -> None:
    args = parse_args()
    data = resnetzoo.load_data(args.dataset, args.data_dir)
    if args.max_train_images is not None:
        data = data.first(args.max_train_images)
    model = resnetzoo.create(args.model, num_classes=len(data.classes), seed=0)
    recipe = resnetzoo.recipes.get_recipe(args.recipe)
    recipe = recipe if args.epochs is None else recipe.with_epochs(args.epochs)
    logger = TensorBoard(args.out, every=args.every)
    run = resnetzoo.fit(model, data, recipe, device=args.device, out=args.out, callbacks=[logger])
    print(f"{run.name}: {run.epochs[-1].test_error:.2f} % test error; tensorboard --logdir {args.out}")


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="resnet20")
    parser.add_argument("--recipe", default="QUICK20")
    parser.add_argument("--epochs", type=int, help="by default the recipe's")
    parser.add_argument("--every", type=int, default=50, help="steps from one logged loss to the next")
    parser.add_argument("--dataset", default="auto")
    parser.add_argument("--data-dir", type=Path)
    parser.add_argument("--max-train-images", type=int, help="use only the first N")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--out", type=Path, default=Path("runs/logged"))
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(resnetzoo.run_main(main))
