"""Compare plain and residual networks, epoch by epoch.

    python examples/cifar_compare.py                       # plainnet20 against resnet20, 20 epochs of CIFAR-10
    python examples/cifar_compare.py --models plainnet56 resnet56 --seeds 0 1 2
    python examples/cifar_compare.py --dataset synthetic   # two minutes, no download: shapes drawn by a program

If CIFAR-10 is not available, the first command also uses the synthetic dataset, and says so. Its size and recipe are
chosen so that the difference shows in two minutes on two CPU cores. That is a demonstration, not a result on CIFAR-10.

If the script is stopped, the same command resumes where it stopped.
"""

import signal

signal.signal(signal.SIGINT, signal.SIG_DFL)  # while the packages are imported, Ctrl-C ends this without a traceback


import argparse
import sys
from pathlib import Path

import resnetzoo
from resnetzoo import plots, recipes, report
from resnetzoo.errors import CheckpointMismatchError
from resnetzoo.reproduce import SOURCE_ACCURACIES

# The report that this comparison repeats trained a sequential and a residual network on CIFAR-10 for 20 epochs and
# gives their top-1 test accuracy (percent) after each epoch; their depth and recipe are not known.
SOURCE = {
    f"source, {family}": dict(enumerate(SOURCE_ACCURACIES[name], start=1))
    for name, family in {"plainnet20": "sequential", "resnet20": "residual"}.items()
}
# On the synthetic dataset: two minutes on two CPU cores, after which the residual network has learned most of the
# shapes and the plain one has hardly begun. With much longer training both learn them, since 20 layers are not too deep
# for this task.
SYNTHETIC_TRAIN_IMAGES = 2_000  # of its 10,000
SYNTHETIC_EPOCHS = 6
SYNTHETIC_RECIPE = recipes.QUICK20.with_batch_size(32).with_settings(lr=0.1)  # small batches: more steps per image
ABOUT_SYNTHETIC = """\
This is a demonstration. The images were drawn by a program, and their number, the epochs and the recipe were chosen so
that the difference between plain and residual networks shows within two minutes. The results below say nothing about
CIFAR-10, and with longer training both networks learn these images. The real comparison takes about forty minutes on
two CPU cores: --dataset cifar10 downloads CIFAR-10, and --data-dir FOLDER reads it from a folder."""


def main() -> None:
    args = parse_args()
    recipe = recipes.QUICK20 if args.epochs is None else recipes.QUICK20.with_epochs(args.epochs)
    for name in args.models:
        resnetzoo.get_spec(name)  # a misspelt name is reported before anything is fetched or trained
    data = load_data(args)
    if data.name == "synthetic":
        recipe = SYNTHETIC_RECIPE.with_epochs(SYNTHETIC_EPOCHS if args.epochs is None else args.epochs)
    out = args.out or Path("runs") / f"compare-{data.name}"
    try:
        runs = train(args, data, recipe, out)
    except CheckpointMismatchError as error:
        raise resnetzoo.UsageError(f"{out} holds runs with other settings: choose another folder with --out") from error
    show(runs, out)


def train(args: argparse.Namespace, data: resnetzoo.Data, recipe: resnetzoo.Recipe, out: Path) -> list[resnetzoo.Run]:
    """Each network with each seed; finished runs in the folder are read, and interrupted ones resumed."""
    runs = []
    for seed in args.seeds:
        for name in args.models:
            model = resnetzoo.create(name, num_classes=len(data.classes), seed=seed)
            runs.append(
                resnetzoo.fit(
                    model,
                    data,
                    recipe,
                    seed=seed,
                    device=args.device,
                    precision=args.precision,
                    out=out / f"{name}-seed{seed}",
                )
            )
    return runs


def load_data(args: argparse.Namespace) -> resnetzoo.Data:
    data = resnetzoo.load_data(args.dataset, args.data_dir)
    wanted = args.max_train_images
    if wanted is None and data.name == "synthetic":
        wanted = SYNTHETIC_TRAIN_IMAGES
    if wanted is not None:
        data = data.first(wanted)
    print(f"data: {data.title}: {len(data.train):,} training and {len(data.test):,} test images from {data.source}")
    print(f"      fingerprint {data.fingerprint}")
    if data.name == "synthetic":
        print(f"\n{ABOUT_SYNTHETIC}\n")
    return data


def show(runs: list[resnetzoo.Run], out: Path) -> None:
    source_errors = {}
    if runs[0].data["official"]:
        source_errors = {title: {epoch: 100 - right for epoch, right in by.items()} for title, by in SOURCE.items()}
    report.save_results(runs, out, source_accuracy=SOURCE)
    plots.save_comparison(runs, out / "comparison.png", title="Plain against residual", source=source_errors)
    print(f"\ntop-1 test accuracy (%) on {report.measured_on(runs)}; the source's columns are {about_source(runs)}\n")
    print(report.accuracy_table(runs, SOURCE))
    print(f"\n{report.provenance_line(runs)}")
    if runs[0].data["name"] == "synthetic" and len({run.seed for run in runs}) == 1:
        print("\nA single seed of each network shows no spread: --seeds 0 1 2 3 4 trains five.")
    print(f"\nwritten: {out / 'results.json'}, {out / 'epochs.csv'}, {out / 'comparison.png'}")


def about_source(runs: list[resnetzoo.Run]) -> str:
    epochs = len(runs[0].epochs)
    here = "" if epochs == 20 else f", against {epochs} here"
    return f"20 epochs of CIFAR-10 with an unknown recipe{here}"


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--data-dir", type=Path, help="folder with CIFAR-10; by default $RESNETZOO_DATA, the cache or a download"
    )
    parser.add_argument(
        "--dataset",
        choices=["auto", "cifar10", "synthetic"],
        default="auto",
        help="auto: CIFAR-10, or the synthetic dataset if CIFAR-10 is not available",
    )
    parser.add_argument("--models", nargs="+", default=["plainnet20", "resnet20"], metavar="NAME")
    parser.add_argument("--epochs", type=int, help=f"by default 20, or {SYNTHETIC_EPOCHS} on the synthetic dataset")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0], metavar="SEED")
    parser.add_argument(
        "--max-train-images",
        "--train-images",
        type=int,
        metavar="N",
        help=f"use only the first N; by default all, or {SYNTHETIC_TRAIN_IMAGES:,} of the synthetic dataset",
    )
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda, cuda:N or mps")
    parser.add_argument("--precision", choices=["auto", "fp32", "bf16"], default="auto")
    parser.add_argument("--out", type=Path, help="folder for the results; by default runs/compare-DATASET")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(resnetzoo.run_main(main))
