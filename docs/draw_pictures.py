"""Draw the committed pictures again: those of the stored reports, and the one that the README shows.

    python docs/draw_pictures.py

Nothing is trained: everything stands in `docs/results`. Pages of the site draw their own when it is built.
"""

from pathlib import Path
from tempfile import TemporaryDirectory

from resnetzoo import plots

DOCS = Path(__file__).resolve().parent
FRONT = "error-by-depth"


def main() -> None:
    for results in sorted(DOCS.glob("results/*/results.json")):
        plots.redraw_report(results.parent)
        (results.parent / "report.html").unlink()  # the site has these pages itself
        print(f"drawn: {results.parent.relative_to(DOCS.parent)}")
    draw_front()


def draw_front() -> None:
    """The error by depth in a light and a dark version, each as SVG and PNG."""
    for name, theme in (("light", plots.LIGHT), ("dark", plots.DARK)):
        with TemporaryDirectory() as folder:
            results = DOCS / "results" / "figure6" / "results.json"
            (stem,) = plots.draw_stored(results, "depths", folder, theme=theme, suffixes=(".svg", ".png"))
            for suffix in (".svg", ".png"):
                picture = DOCS / "_static" / f"{FRONT}-{name}{suffix}"
                picture.write_bytes((Path(folder) / f"{stem}{suffix}").read_bytes())
                print(f"drawn: {picture.relative_to(DOCS.parent)}")


if __name__ == "__main__":
    main()
