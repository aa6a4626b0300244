"""Accuracy, NMI, ARI: by hand, by definition, against scikit-learn, by laws, at the edges."""

import subprocess
import sys
import tracemalloc

import numpy as np
import pytest
import sklearn.metrics

from jaxcluster import metrics
from jaxcluster.metrics import clustering
from tests.oracles import clustering as oracle

SCORES = [metrics.accuracy, metrics.nmi, metrics.ari]


def two_partitions(seed, n=60, classes=4, clusters=5):
    rng = np.random.default_rng(seed)
    true = rng.integers(classes, size=n)
    return true, np.where(rng.random(n) < 0.6, true, rng.integers(clusters, size=n))


# --- by hand


def test_by_hand():
    true, pred = [0, 0, 1, 1], [7, 7, 7, -1]
    assert metrics.accuracy(true, pred) == 0.75
    assert metrics.match(true, pred) == {-1: 1, 7: 0}
    table, classes, clusters = metrics.contingency(true, pred)
    np.testing.assert_array_equal(table, [[0, 2], [1, 1]])
    assert classes.tolist() == [0, 1]
    assert clusters.tolist() == [-1, 7]
    # I = 1/2 log(4/3) + 1/4 log(2/3) + 1/4 log 2; H = log 2 and (3/4) log(4/3) + (1/4) log 4
    information = 0.5 * np.log(4 / 3) + 0.25 * np.log(2 / 3) + 0.25 * np.log(2)
    spread = 0.75 * np.log(4 / 3) + 0.25 * np.log(4)
    np.testing.assert_allclose(metrics.nmi(true, pred), 2 * information / (np.log(2) + spread))
    assert metrics.ari(true, pred) == 0.0  # S = 1, A = 2, B = 3, T = 6: S = A B / T


@pytest.mark.parametrize("shape", [(4, 5), (9, 2), (1, 6), (30, 30)])
def test_a_table_too_large_to_hold_is_assigned_as_well(shape, monkeypatch):
    rng = np.random.default_rng(0)
    for _ in range(20):
        true, pred = (rng.integers(groups, size=50) for groups in shape)
        held = metrics.accuracy(true, pred)
        matched = metrics.match(true, pred)
        monkeypatch.setattr(clustering, "DENSE_CELLS", 0)
        assert metrics.accuracy(true, pred) == held
        assert np.mean([metrics.match(true, pred).get(k) == j for j, k in zip(true, pred)]) == held
        monkeypatch.undo()
        assert np.mean([matched.get(k) == j for j, k in zip(true, pred)]) == held


def test_memory_follows_the_samples_and_not_the_groups():
    true, pred = np.random.default_rng(0).integers(0, 50_000, (2, 50_000))
    tracemalloc.start()
    found = metrics.nmi(true, pred), metrics.ari(true, pred)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 100 * 2**20
    expected = (sklearn.metrics.normalized_mutual_info_score, sklearn.metrics.adjusted_rand_score)
    np.testing.assert_allclose(found, [score(true, pred) for score in expected], atol=1e-9)


def test_more_clusters_than_classes_and_fewer():
    assert metrics.accuracy([0, 0, 0, 1], [0, 1, 1, 2]) == 0.75
    assert metrics.match([0, 0, 0, 1], [0, 1, 1, 2]) == {1: 0, 2: 1}
    assert metrics.accuracy([0, 1, 2, 2], [5, 5, 5, 5]) == 0.5
    assert metrics.match([0, 1, 2, 2], [5, 5, 5, 5]) == {5: 2}


def test_matched_table_has_the_matches_on_its_diagonal():
    true, pred = two_partitions(3, n=200)
    table, classes, clusters = metrics.matched_table(true, pred)
    assert np.trace(table[:4, :4]) / 200 == metrics.accuracy(true, pred)
    plain, names, groups = metrics.contingency(true, pred)
    for j, name in enumerate(classes):
        for k, group in enumerate(clusters):
            assert table[j, k] == plain[names.searchsorted(name), groups.searchsorted(group)]
    assert metrics.match(true, pred) == dict(sorted(zip(clusters.tolist(), classes.tolist())))


# --- by definition


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize(("classes", "clusters"), [(2, 2), (3, 3), (4, 3), (3, 5), (5, 5), (1, 3), (3, 1)])
def test_equal_to_their_definitions(seed, classes, clusters):
    rng = np.random.default_rng(seed)
    true, pred = rng.integers(classes, size=15).tolist(), rng.integers(clusters, size=15).tolist()
    np.testing.assert_allclose(metrics.accuracy(true, pred), oracle.accuracy(true, pred))
    if len(set(true)) + len(set(pred)) > 2:
        np.testing.assert_allclose(metrics.ari(true, pred), oracle.ari(true, pred), atol=1e-12)
        mean = (oracle.entropy(true) + oracle.entropy(pred)) / 2
        expected = oracle.mutual_information(true, pred) / mean
        np.testing.assert_allclose(metrics.nmi(true, pred), expected, atol=1e-12)


# --- against scikit-learn


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("clusters", [2, 4, 23])
def test_equal_to_scikit_learn(seed, clusters):
    true, pred = two_partitions(seed, n=500, clusters=clusters)
    for average in ("arithmetic", "geometric", "max", "min"):
        np.testing.assert_allclose(
            metrics.nmi(true, pred, average=average),
            sklearn.metrics.normalized_mutual_info_score(true, pred, average_method=average),
        )
    np.testing.assert_allclose(metrics.ari(true, pred), sklearn.metrics.adjusted_rand_score(true, pred))
    table, _, _ = metrics.contingency(true, pred)
    np.testing.assert_array_equal(table, sklearn.metrics.cluster.contingency_matrix(true, pred))


def test_ari_is_exact_where_products_of_pair_counts_pass_64_bits():
    rng = np.random.default_rng(0)
    true = rng.integers(3, size=200_000)
    pred = np.where(rng.random(200_000) < 0.5, true, rng.integers(3, size=200_000))
    np.testing.assert_allclose(metrics.ari(true, pred), sklearn.metrics.adjusted_rand_score(true, pred))


# --- laws


@pytest.mark.parametrize("score", SCORES)
def test_names_and_order_of_samples_do_not_matter(score):
    true, pred = two_partitions(0)
    rng = np.random.default_rng(1)
    names = rng.choice(np.arange(-50, 50), size=5, replace=False)
    order = rng.permutation(len(true))
    expected = score(true, pred)
    np.testing.assert_allclose(score(true, names[pred]), expected)
    np.testing.assert_allclose(score(true[order], pred[order]), expected)
    np.testing.assert_allclose(score(np.array(list("dcba"))[true], names[pred].astype(np.int8)), expected)


@pytest.mark.parametrize("score", SCORES)
def test_symmetric(score):
    true, pred = two_partitions(2)
    np.testing.assert_allclose(score(true, pred), score(pred, true))


@pytest.mark.parametrize("score", SCORES)
def test_one_exactly_if_equal_and_a_python_float(score):
    true, pred = two_partitions(4)
    assert score(true, (true * 3 + 1) % 11) == 1.0
    assert type(score(true, pred)) is float
    assert score(true, pred) < 1


def test_means_of_the_entropies_are_ordered():
    true, pred = two_partitions(5, clusters=30)
    ordered = [metrics.nmi(true, pred, average=a) for a in ("max", "arithmetic", "geometric", "min")]
    assert ordered == sorted(ordered)


def test_ari_of_random_partitions_is_zero_on_average():
    # Under the null the standard error over 200 draws of n = 200, K = 4 is below 7e-4: five of them.
    rng = np.random.default_rng(0)
    values = [metrics.ari(rng.integers(4, size=200), rng.integers(4, size=200)) for _ in range(200)]
    assert abs(np.mean(values)) < 5 * np.std(values) / np.sqrt(200)


def test_accuracy_is_at_least_that_of_the_largest_pair():
    true, pred = two_partitions(6)
    table, _, _ = metrics.contingency(true, pred)
    assert metrics.accuracy(true, pred) >= table.max() / table.sum()


# --- edges


@pytest.mark.parametrize("score", SCORES)
def test_one_sample_and_one_group(score):
    assert score([3], [-1]) == 1.0
    assert score([3, 3, 3], ["a", "a", "a"]) == 1.0


def test_one_side_is_one_group():
    true = [0, 0, 1, 2]
    assert metrics.accuracy(true, [9, 9, 9, 9]) == 0.5
    assert metrics.nmi(true, [9, 9, 9, 9]) == 0.0
    assert metrics.nmi(true, [9, 9, 9, 9], average="min") == 0.0
    assert metrics.ari(true, [9, 9, 9, 9]) == 0.0


def test_every_sample_a_group():
    assert metrics.accuracy([0, 0, 1, 1], [0, 1, 2, 3]) == 0.5
    assert metrics.ari([0, 1, 2], [5, 6, 7]) == 1.0
    assert metrics.ari([0, 0, 1], [5, 6, 7]) == 0.0


def test_bool_and_whole_floats_are_names_too():
    assert metrics.accuracy(np.array([True, False]), np.array([1.0, 2.0], np.float32)) == 1.0


def test_evenness():
    assert metrics.evenness([4, 4, -1, -1]) == 1.0
    assert metrics.evenness([4, 4, 4]) == 1.0
    assert metrics.evenness([4, 4, 4], n_clusters=10) == 0.0
    np.testing.assert_allclose(metrics.evenness([0, 0, 1, 1], n_clusters=4), 0.5)
    assert 0 < metrics.evenness([0, 0, 0, 1]) < 1


@pytest.mark.parametrize("score", [*SCORES, metrics.contingency, metrics.match, metrics.matched_table])
def test_bad_input_names_the_argument(score):
    with pytest.raises(ValueError, match=r"labels_true and labels_pred .* got 3 and 2"):
        score([0, 1, 1], [0, 1])
    with pytest.raises(ValueError, match=r"labels_pred must have shape \[n\], got \(2, 1\)"):
        score([0, 1], [[0], [1]])
    with pytest.raises(ValueError, match="labels_true must not be empty"):
        score([], [])
    with pytest.raises(ValueError, match=r"labels_pred must hold names of groups, got nan"):
        score([0, 1], [0, np.nan])
    with pytest.raises(ValueError, match=r"labels_pred must hold names of groups, got 0\.5"):
        score([0, 1], [0, 0.5])
    with pytest.raises(ValueError, match="labels_true must hold integers or strings, got dtype complex128"):
        score([0, 1j], [0, 1])


def test_bad_options():
    with pytest.raises(ValueError, match="average must be one of arithmetic, geometric, max, min, got 'mean'"):
        metrics.nmi([0, 1], [0, 1], average="mean")
    with pytest.raises(ValueError, match="n_clusters must be at least the 2 clusters that occur, got 1"):
        metrics.evenness([0, 1], n_clusters=1)


def test_importing_metrics_brings_numpy_only():
    code = (
        "import sys; from jaxcluster import metrics; metrics.nmi([0, 1], [0, 1]); "
        "print([m for m in ('jax', 'scipy', 'sklearn', 'matplotlib', 'flax') if m in sys.modules])"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"


@pytest.mark.parametrize("kind", ["object", "text", "numbers"])
def test_labels_as_pandas_keeps_them(kind):
    names, truth = np.array(["x", "y", "x", "y", "z"]), [1, 0, 1, 1, 2]
    given = {
        "object": names.astype(object),
        "text": names.astype(np.dtypes.StringDType()),
        "numbers": np.array([5, 7, 5, 7, 9], object),
    }[kind]
    for score in (metrics.nmi, metrics.accuracy, metrics.ari):
        assert score(given, truth) == score(names, truth)


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (np.array(["x", 1, "x"], object), "labels_true must hold integers or strings, got objects of types int, str"),
        (
            np.array(["x", None, "x"], object),
            "labels_true must hold integers or strings, got objects of types NoneType",
        ),
        (np.ma.masked_array([0, 1, 9], mask=[0, 0, 1]), "labels_true must be known for all samples, got 1 masked ones"),
    ],
)
def test_labels_that_are_missing_or_mixed(labels, message):
    with pytest.raises(ValueError, match=message):
        metrics.nmi(labels, [0, 1, 0])
