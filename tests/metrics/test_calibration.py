"""The reliability curve: by hand, and on samples whose confidence is right by construction."""

import numpy as np
import pytest

from jaxcluster import metrics


def test_by_hand():
    true, clusters = ["a", "a", "a", "b", "b"], [1, 1, 0, 0, 0]  # cluster 1 is a, 0 is b: the third is wrong
    found = metrics.reliability(true, clusters, [0.5, 0.9, 0.9, 1.0, 0.1], num_bins=2)
    np.testing.assert_array_equal(found.counts, [1, 4])  # 0.5 is in the bin above
    np.testing.assert_allclose(found.confidence, [0.1, 0.825])
    np.testing.assert_allclose(found.accuracy, [1.0, 0.75])
    np.testing.assert_allclose(found.ece, (1 * 0.9 + 4 * 0.075) / 5)


def test_a_confidence_that_is_right_has_no_error_and_one_that_is_too_sure_has():
    rng = np.random.default_rng(0)
    true = rng.integers(0, 4, 40_000)
    confidence = rng.uniform(0.4, 1, len(true))
    clusters = np.where(rng.random(len(true)) < confidence, true, (true + rng.integers(1, 4, len(true))) % 4)
    assert metrics.reliability(true, clusters, confidence).ece < 0.01
    np.testing.assert_allclose(metrics.reliability(true, clusters, np.ones(len(true))).ece, 0.3, atol=0.01)


def test_a_cluster_without_a_class_is_wrong():
    found = metrics.reliability([0, 0, 0, 1], [0, 0, 2, 1], [1.0, 1.0, 1.0, 1.0])
    assert found.ece == 0.25
    assert np.isnan(found.accuracy[:-1]).all()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([0, 1], [0, 1], [0.5]), r"of one shape \[n\], not empty, got \(2,\), \(2,\) and \(1,\)"),
        (([], [], []), "not empty"),
        (([0, 1], [0, 1], [0.5, 1.5]), "confidence must lie between 0 and 1"),
        (([0, 1], [0, 1], [0.5, np.nan]), "confidence must lie between 0 and 1"),
    ],
)
def test_what_cannot_be_compared_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        metrics.reliability(*arguments)
