"""The picture of the reliability curve."""

import numpy as np
import pytest

from jaxcluster.plots import reliability
from tests.plots.pictures import assert_png


def test_the_curve_leaves_empty_bins_out_and_names_the_error(tmp_path):
    nan = np.nan
    fig = reliability.reliability([0.2, nan, 0.9], [0.4, nan, 0.8], [100, 0, 300], tmp_path / "r.png", title="a run")
    assert_png(tmp_path / "r.png", fig)
    axes = fig.axes[0]
    np.testing.assert_allclose(axes.lines[1].get_xydata(), [[0.2, 0.4], [0.9, 0.8]])
    assert axes.get_title() == "a run\nexpected calibration error 0.125 of 400 samples"


def test_what_cannot_be_drawn(tmp_path):
    assert reliability.reliability([np.nan], [np.nan], [0], tmp_path / "r.png") is None
    assert not (tmp_path / "r.png").exists()
    with pytest.raises(ValueError, match=r"of one shape \[bins\], got \(2,\), \(1,\) and \(1,\)"):
        reliability.reliability([0.1, 0.2], [0.1], [1])
