"""Labels of -1 below a confidence."""

import numpy as np
import pytest

from jaxcluster.protocol import Outputs
from jaxcluster.workflow import confident
from jaxcluster.workflow.settings import UsageError
from jaxcluster.workflow.summary import confident_figures

LABELS = np.array([0, 1, 1, 0, 1], np.int32)
CONFIDENCE = np.array([0.9, 0.8, np.nan, 0.1, 0.79], np.float32)
OUTPUTS = Outputs(LABELS, CONFIDENCE, np.zeros((5, 2)), np.zeros((2, 2)), others={"assignment": LABELS})


def test_the_threshold_itself_is_sure_enough_and_nan_is_not():
    kept = confident.keep_confident(OUTPUTS, float(np.float32(0.8)))
    assert kept.labels.tolist() == [0, 1, -1, -1, -1]
    assert kept.labels.dtype == np.int32
    np.testing.assert_array_equal(kept.others["all_labels"], LABELS)
    assert kept.others.keys() == {"all_labels", "assignment"}


def test_a_second_threshold_starts_from_all_labels():
    once = confident.keep_confident(OUTPUTS, 0.85)
    np.testing.assert_array_equal(
        confident.keep_confident(once, 0.1).labels, confident.keep_confident(OUTPUTS, 0.1).labels
    )
    back = confident.keep_confident(once, 0.0)
    np.testing.assert_array_equal(back.labels, LABELS)
    assert back.others.keys() == {"assignment"}


def test_figures_say_on_which_share_scores_are_computed():
    classes = np.array([1, 0, 0, 0, 1])
    found = confident_figures(confident.keep_confident(OUTPUTS, 0.5), 0.5, classes)["confident"]
    assert (found["samples"], found["share"]) == (3, 0.6)
    assert found["scoring"]["acc"] == pytest.approx(2 / 3)  # 0 -> 1, 1 -> 0; the last is wrong
    assert "scoring" not in confident_figures(confident.keep_confident(OUTPUTS, 0.5), 0.5, None)["confident"]
    nobody = confident_figures(confident.keep_confident(OUTPUTS, 1.0), 1.0, classes)["confident"]
    assert nobody == {"min_confidence": 1.0, "samples": 0, "share": 0.0}
    assert confident_figures(OUTPUTS, 0.0, classes) == {}


@pytest.mark.parametrize("value", [-0.1, 1.1, float("nan"), True, "0.5", None])
def test_a_threshold_that_is_none(value):
    with pytest.raises(UsageError, match="min_confidence must be a number between 0 and 1, got"):
        confident.check_min_confidence(value)
