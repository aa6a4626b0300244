"""Preprocessing of feature vectors: against scikit-learn's scalers, the same for new data, chosen without labels."""

import json

import numpy as np
import pytest

from jaxcluster import data
from jaxcluster.data import choosing, features

RNG = np.random.default_rng(6)
X = RNG.normal(size=(50, 4)) * [1, 10, 0.1, 3] + [0, 5, 2, -7]
FAR = X + np.array([0, 0, 1e9, 0])


def given(x, scaling, **options):
    said = []
    return data.from_arrays(x, scaling=scaling, report=said.append, **options), said


@pytest.mark.parametrize("kind", [np.float64, np.float32, np.int16])
@pytest.mark.parametrize("scaling", ["feature", "row", "both", "none"])
def test_scalings_are_those_of_scikit_learn(scaling, kind):
    from sklearn.preprocessing import normalize, scale

    x = (X * 10).astype(kind)
    whole = x.astype(np.float64)
    expected = {
        "feature": lambda: scale(whole), "row": lambda: normalize(whole), "both": lambda: normalize(scale(whole)),
        "none": lambda: whole,
    }[scaling]()  # fmt: skip
    found, _ = given(x, scaling)
    assert found.images.dtype == np.float32
    np.testing.assert_allclose(found.images, expected, rtol=1e-5, atol=1e-6)
    inputs = (found.images - np.float64(found.offset)) * found.scale
    assert inputs.min() == pytest.approx(0, abs=1e-6)
    assert inputs.max() == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize("scaling", ["feature", "row", "both", "none"])
def test_new_data_are_preprocessed_alike_by_a_frame_that_went_through_json(scaling):
    whole, _ = given(FAR, scaling)
    frame = data.Frame(*json.loads(json.dumps(whole.frame)))
    part, _ = given(FAR[7:8], "auto", like=frame._replace(shape=tuple(frame.shape)))
    np.testing.assert_array_equal(part.images, whole.images[7:8])
    assert part.frame[1:3] == whole.frame[1:3]


def test_blocks_give_what_one_block_gives(monkeypatch):
    whole, _ = given(X, "both")
    monkeypatch.setattr(features, "BLOCK", 12)
    np.testing.assert_allclose(given(X, "both")[0].images, whole.images, rtol=1e-6)


def test_constant_columns_are_named_and_left_out():
    x = np.column_stack([X, np.full(50, 3.7), np.zeros(50)])
    found, said = given(x, "feature")
    assert found.images.shape == (50, 4)
    assert said == ["X: columns 4, 5 are constant; left out"]
    new, _ = given(x[:3] + 1, "auto", like=found)
    assert new.images.shape == (3, 4)
    with pytest.raises(data.DataError, match="all columns are constant; constant data has no clusters"):
        given(np.ones((9, 2)), "feature")


def test_columns_in_other_units_are_named_but_principal_components_are_not():
    mixed = X[:, [0, 0, 0]] + RNG.normal(size=(50, 3)) * 0.1
    mixed[:, 1] *= 1000
    for scaling in ("none", "row"):
        assert "columns differ in unit: the values of column 1 spread" in given(mixed, scaling)[1][0]
    assert given(mixed, "feature")[1] == []
    centered = RNG.normal(size=(300, 6)) * [100, 30, 3, 2, 1, 1]
    u, s, _ = np.linalg.svd(centered - centered.mean(0), full_matrices=False)
    assert not any("unit" in sentence for sentence in given(u * s, "none")[1])


def test_one_outlier_does_not_press_the_others_together():
    x = np.vstack([RNG.normal(size=(500, 2)), [[1e6, 0]]])
    found, said = given(x, "feature")
    assert "1 of 501 samples have a feature more than 10 standard deviations" in said[0]
    assert found.scale > 1 / 21


def test_zero_rows_stay_zero():
    x = X.copy()
    x[3] = 0
    assert (given(x, "row")[0].images[3] == 0).all()


def groups(n=240, d=6, k=3, seed=0):
    rng = np.random.default_rng(seed)
    y = np.arange(n) % k
    return rng.normal(size=(k, d))[y] * 2.5 + rng.normal(size=(n, d)), y


def test_auto_weighs_columns_in_other_units_alike():
    x, _ = groups()
    found, said = given(x * [1e3, 1, 1, 1, 1e-2, 1], "auto", n_clusters=3)
    assert found.transform["scaling"] in ("feature", "both")
    assert "data.scaling=auto chose" in said[0]


def test_data_without_structure_score_near_zero_and_groups_do_not():
    x, _ = groups()
    assert max(choosing.scores(RNG.normal(size=(240, 6)), 3).values()) < 0.5
    assert max(choosing.scores(x, 3).values()) > 1


def test_the_graph_and_the_cut_by_definition():
    x = RNG.normal(size=(40, 3))
    near = np.argsort(((x[:, None] - x) ** 2).sum(-1), axis=1)[:, :16]
    sets = [set(row.tolist()) for row in near]
    expected = np.zeros((40, 40))
    for i in range(40):
        for j in range(40):
            if i != j and (i in sets[j] or j in sets[i]):
                expected[i, j] = len(sets[i] & sets[j]) / len(sets[i] | sets[j])
    graph = choosing._graph(x)
    np.testing.assert_allclose(graph.toarray(), expected, atol=1e-12)
    labels = np.arange(40) % 3
    cuts = [expected[labels == k][:, labels != k].sum() / expected[labels == k].sum() for k in range(3)]
    assert choosing._conductance(graph, labels) == pytest.approx(np.mean(cuts))


def test_few_samples_are_standardized():
    found, said = given(X, "auto")
    assert found.transform["scaling"] == "feature"
    assert said == []


@pytest.mark.parametrize("scaling", ["", "std", None])
def test_unknown_scalings(scaling):
    with pytest.raises(data.DataError, match=r"^data.scaling=.*: expected one of auto, feature, row, both, none"):
        given(X, scaling)
