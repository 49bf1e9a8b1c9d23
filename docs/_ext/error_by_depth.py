"""Draw the picture of the first screen, for light and for dark pages: `python docs/_ext/error_by_depth.py`."""

from pathlib import Path
from statistics import mean

from matplotlib.figure import Figure

import resnetzoo

DOCS = Path(__file__).resolve().parent.parent
# Ground, text, plain, residual; the two lines can be told apart by the colour-blind (Okabe and Ito).
THEMES = {
    "light": ("#ffffff", "#1f2328", "#d55e00", "#0072b2"),
    "dark": ("#0d1117", "#e6edf3", "#ff9e4a", "#56b4e9"),
}


def final_errors(family: str) -> dict[int, list[float]]:
    """By depth, each seed's test error in percent after the last epoch."""
    found: dict[int, list[float]] = {}
    for record in resnetzoo.read_records(DOCS / "results" / "figure6" / "results.json"):
        if record.spec.family == family:
            found.setdefault(record.spec.depth, []).append(record.epochs[-1].test_error)
    return dict(sorted(found.items()))


def draw(theme: str) -> Figure:
    """Error against depth, a line a family, each seed a point; large enough to be read on a phone."""
    ground, text, *colours = THEMES[theme]
    figure = Figure(figsize=(6, 4.2), layout="constrained", facecolor=ground)
    axes = figure.subplots()
    axes.set_facecolor(ground)
    for family, colour in zip(("plain", "residual"), colours, strict=True):
        errors = final_errors(family)
        depths, means = list(errors), [mean(values) for values in errors.values()]
        axes.plot(depths, means, color=colour, lw=3)
        for depth, values in errors.items():
            axes.plot([depth] * len(values), values, "o", color=colour, ms=6)
        axes.text(depths[-1] + 1.5, means[-1], f"{family}\n{means[-1]:.1f} %", color=colour, fontsize=15, va="center")
    axes.set_xticks(depths)
    axes.set_xlim(depths[0] - 2, depths[-1] + 14)
    axes.set_ylim(0, 30)
    axes.set_xlabel("layers", color=text, fontsize=15)
    axes.set_ylabel("test error (%)", color=text, fontsize=15)
    axes.set_title("CIFAR-10, 20 epochs, each seed a point", color=text, fontsize=15, loc="left")
    axes.tick_params(colors=text, labelsize=14)
    for side, spine in axes.spines.items():
        spine.set_visible(side in ("left", "bottom"))
        spine.set_color(text)
    return figure


if __name__ == "__main__":
    for theme in THEMES:
        draw(theme).savefig(DOCS / "_static" / f"error-by-depth-{theme}.png", dpi=200, metadata={"Software": None})
