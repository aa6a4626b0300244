"""The picture of how many clusters: the curves are the ones given, the suggestion and its rivals are marked."""

import numpy as np
import pytest

from jaxcluster.plots import n_clusters
from tests.plots.pictures import assert_png

COUNTS = np.arange(2, 7)
GAINS, LENGTHS, STRENGTHS = [0.5, 0.3, 0.2, 0.02, 0.01], [90.0, 40, 10, 12, 20], [0.9, 0.6, 0.95, 0.5, 0.4]


def test_three_panels_over_one_axis(tmp_path):
    fig = n_clusters.n_clusters(
        COUNTS, GAINS, LENGTHS, STRENGTHS, tmp_path / "k.png", chosen=4, resolutions=(2,), sentence="Try 4. " * 30
    )
    assert_png(tmp_path / "k.png", fig)
    gains, lengths, strengths = fig.axes
    np.testing.assert_allclose([bar.get_height() for bar in gains.patches], GAINS)
    colors = {bar.get_facecolor() for bar in gains.patches[:3]}
    assert len(colors) == 1
    assert gains.patches[3].get_facecolor() not in colors
    np.testing.assert_allclose(lengths.lines[0].get_ydata(), [80, 30, 0, 2, 10])
    np.testing.assert_allclose(strengths.lines[0].get_xydata(), np.stack([COUNTS, STRENGTHS], axis=1))
    drawn = {line.get_label(): line for line in strengths.lines}
    np.testing.assert_allclose(drawn["other valid resolutions"].get_xydata(), [[2, 0.9]])
    for axes in fig.axes:
        assert [list(line.get_xdata()) for line in axes.lines if line.get_label() == "suggested: 4"] == [[4, 4]]
    assert "\n" in fig.get_suptitle()


def test_without_a_suggestion_and_with_an_unknown_gain():
    fig = n_clusters.n_clusters(COUNTS, [np.nan, *GAINS[1:]], LENGTHS, STRENGTHS)
    assert fig.axes[0].patches[0].get_height() == 0
    assert {line.get_label() for line in fig.axes[2].lines if not line.get_label().startswith("_")} == {
        "stable from 0.75"
    }


def test_nothing_tried_and_curves_of_other_lengths():
    assert n_clusters.n_clusters([], [], [], []) is None
    with pytest.raises(ValueError, match=r"gains must have shape \[5\], got \[4\]"):
        n_clusters.n_clusters(COUNTS, GAINS[1:], LENGTHS, STRENGTHS)
