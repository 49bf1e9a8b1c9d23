"""What plots show."""

from collections.abc import Callable

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.contour import ContourSet
from matplotlib.figure import Figure

from resnetzoo import analysis


@pytest.fixture
def axes() -> Axes:
    return Figure().subplots()


@pytest.mark.parametrize(
    ("plot", "scale"),
    [
        (analysis.plot_response_std, "linear"),
        (analysis.plot_gradient_norms, "log"),
        (analysis.plot_shortcut_share, "linear"),
    ],
)
def test_lines_show_their_values(plot: Callable[..., None], scale: str, axes: Axes) -> None:
    one = analysis.LayerValues(("a", "b", "c"), np.array([0.1, 0.3, 0.2]))
    plot(axes, {"one": one, "other": one.sorted()})
    axes.figure.draw_without_rendering()  # type: ignore[union-attr]
    drawn = {str(line.get_label()): line for line in axes.lines}
    assert list(drawn) == ["one", "other"] == [text.get_text() for text in axes.get_legend().get_texts()]
    np.testing.assert_array_equal(drawn["one"].get_xydata(), [[1, 0.1], [2, 0.3], [3, 0.2]])
    np.testing.assert_array_equal(drawn["other"].get_ydata(), [0.3, 0.2, 0.1])
    assert axes.get_yscale() == scale
    assert axes.get_xlabel()
    assert axes.get_ylabel()


@pytest.mark.parametrize(("rows", "step"), [(3, 1), (13, 2), (60, 5)])
def test_the_picture_of_similarities(rows: int, step: int, axes: Axes) -> None:
    names = tuple(f"row{place}" for place in range(rows))
    values = np.random.default_rng(0).random((rows, 2))
    picture = analysis.plot_cka(axes, analysis.Similarity(names, ("left", "right"), values))
    np.testing.assert_array_equal(picture.get_array(), values)
    assert picture.get_clim() == (0, 1)
    assert [text.get_text() for text in axes.get_yticklabels()] == list(names[::step])
    assert [text.get_text() for text in axes.get_xticklabels()] == ["left", "right"]
    assert axes.get_yticks().tolist() == list(range(0, rows, step))
    assert axes.get_ylim() == (-0.5, rows - 0.5)


def test_contours_run_where_the_losses_are(axes: Axes) -> None:
    steps = np.linspace(-1, 1, 21)
    losses = 1 + 99 * (0.5 + steps[:, None] / 2) + 0 * steps  # 1 to 100 along the first direction
    losses[0, 0] = np.nan
    analysis.plot_loss_surface(axes, analysis.Surface(steps, steps, losses))
    axes.figure.draw_without_rendering()  # type: ignore[union-attr]
    (contours,) = (child for child in axes.get_children() if isinstance(child, ContourSet))
    assert contours.levels[0] == pytest.approx(1)
    assert contours.levels[-1] == pytest.approx(100)
    for level, path in zip(contours.levels[1:-1], contours.get_paths()[1:-1], strict=True):
        np.testing.assert_allclose(path.vertices[:, 0], 2 * (level - 1) / 99 - 1, atol=1e-6)
    assert len(axes.texts) > 5


@pytest.mark.parametrize("loss", [2.3, 0.0, np.nan, np.inf])
def test_a_surface_without_contours(loss: float, axes: Axes) -> None:
    steps = np.linspace(-1, 1, 3)
    analysis.plot_loss_surface(axes, analysis.Surface(steps, steps, np.full((3, 3), loss)))
    axes.figure.draw_without_rendering()  # type: ignore[union-attr]
    assert not any(isinstance(child, ContourSet) for child in axes.get_children())
