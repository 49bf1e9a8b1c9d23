"""Draw the loss around the weights of a plain and a residual network.

    python examples/loss_surface.py surface.png

Both have the pretrained weights of the package; the directions are random and filter-normalized (arXiv:1712.09913).
"""

import signal

signal.signal(signal.SIGINT, signal.SIG_DFL)  # while the packages are imported, Ctrl-C ends this without a traceback


import argparse
import sys
from pathlib import Path

from matplotlib.figure import Figure

import resnetzoo
from resnetzoo import analysis, metrics, plots


def main() -> None:
    args = parse_args()
    out = metrics.check_figure_name(args.out)  # before minutes of computing
    data = resnetzoo.load_data(args.dataset, args.data_dir)
    batch = data.test.select(slice(args.images))
    with plots.styled():
        figure = Figure(figsize=(9, 4.8), layout="constrained")
        for axes, name in zip(figure.subplots(1, 2), ("plainnet20", "resnet20"), strict=True):
            model = resnetzoo.create(name, weights=True)
            analysis.plot_loss_surface(axes, analysis.loss_surface(model, batch, points=args.points))
            axes.set_title(name)
        figure.suptitle(f"Loss (nats) on {len(batch)} test images of {data.title}")
        out.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(out)
    print(f"written: {out}")


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path, help="the picture: .png, .svg or .pdf")
    parser.add_argument("--dataset", choices=["auto", "cifar10", "synthetic"], default="auto")
    parser.add_argument("--data-dir", type=Path)
    parser.add_argument("--images", type=int, default=200)
    parser.add_argument("--points", type=int, default=21, help="along each direction, an odd number")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(resnetzoo.run_main(main))
