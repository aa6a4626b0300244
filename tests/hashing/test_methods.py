"""Shallow hash functions: each method by its own laws."""

import numpy as np
import pytest

from jaxcluster import hashing
from jaxcluster.hashing import kmeans, spherical
from jaxcluster.hashing.projection import principal_axes
from tests.hashing.samples import fitted, vectors

# --- projections


def test_principal_axes_are_those_of_scikit_learn():
    from sklearn.decomposition import PCA

    X = vectors(n=500)
    mean, axes, variances = principal_axes(X, 5)
    reference = PCA(5, svd_solver="full").fit(X)
    np.testing.assert_allclose(mean, reference.mean_)
    np.testing.assert_allclose(np.abs(axes.T @ reference.components_.T), np.eye(5), atol=1e-8)
    np.testing.assert_allclose(variances, reference.explained_variance_ * 499 / 500)


def test_lsh_distance_is_the_angle():
    X = vectors(n=40, d=20)
    bits = 4000
    codes = fitted("LSH", X, bits)
    centered = X - X.mean(0)
    unit = centered / np.linalg.norm(centered, axis=1, keepdims=True)
    angle = np.arccos(np.clip(unit @ unit.T, -1, 1)) / np.pi
    distance = (codes[:, None] != codes).mean(-1)
    # Means of 4,000 independent bits: standard deviation at most 0.5 / sqrt(4000); 780 pairs: 5.5 of them.
    assert np.abs(distance - angle).max() < 5.5 * 0.5 / np.sqrt(bits)


def test_pcah_takes_the_signs_of_principal_components():
    from sklearn.decomposition import PCA

    X = vectors()
    expected = PCA(6, svd_solver="full").fit_transform(X) > 0
    agreement = (fitted("PCAH", X, 6) == expected).mean(0)
    np.testing.assert_array_equal(np.maximum(agreement, 1 - agreement), 1.0)  # up to the sign of an axis


def test_itq_loses_less_with_every_iteration():
    X = vectors()
    losses = []
    for iterations in (0, 1, 2, 5, 50):
        params = hashing.itq.fit(1, X, 6, iterations=iterations)
        np.testing.assert_allclose(params.directions.T @ params.directions, np.eye(6), atol=1e-10)
        V = (X - params.mean) @ params.directions
        losses.append(np.sum((np.where(V >= 0, 1, -1) - V) ** 2))
    assert losses == sorted(losses, reverse=True)
    assert losses[-1] < losses[0]


def test_itq_finds_the_corners_of_a_turned_cube():
    rng = np.random.default_rng(0)
    corners = np.array(np.meshgrid(*[[-1.0, 1.0]] * 3)).reshape(3, -1).T[rng.integers(8, size=400)]
    turn, _ = np.linalg.qr(rng.normal(size=(3, 3)))
    codes = fitted("ITQ", (corners + 0.1 * rng.normal(size=corners.shape)) @ turn, 3)
    match = (codes[:, :, None] == (corners > 0)[:, None]).mean(0)
    best = np.maximum(match, 1 - match)
    np.testing.assert_array_equal(np.sort(best, axis=1)[:, -1], 1.0)  # each bit is one coordinate's sign


# --- spectral


def test_spectral_by_hand():
    X = np.linspace(0, 1, 101)[:, None]
    codes = hashing.spectral.encode(hashing.spectral.fit(0, X, 2), X)
    x = X[:, 0]
    clear = (np.abs(x - 0.5) > 1e-9) & (np.abs(x - 0.25) > 1e-9) & (np.abs(x - 0.75) > 1e-9)
    np.testing.assert_array_equal(codes[clear, 0], x[clear] < 0.5)  # half a wave over the interval
    np.testing.assert_array_equal(codes[clear, 1], (x[clear] < 0.25) | (x[clear] > 0.75))  # a whole one


def test_spectral_takes_the_slowest_waves():
    X = np.random.default_rng(0).random((400, 3)) * [8.0, 4.1, 1.0]
    params = hashing.spectral.fit(0, X, 12)
    V = (X - params.mean) @ params.axes
    extent = V.max(0) - V.min(0)
    every = sorted((k * np.pi / extent[i], i) for i in range(3) for k in range(1, 40))[:12]
    np.testing.assert_allclose(params.frequency, [frequency for frequency, _ in every])
    np.testing.assert_array_equal(params.component, [component for _, component in every])


# --- spherical


def test_spherical_balls_hold_half_and_share_a_quarter():
    X = vectors(n=1000, d=30)
    params = hashing.spherical.fit(0, X, 16)
    codes = hashing.spherical.encode(params, X)
    np.testing.assert_allclose(codes.mean(0), 0.5, atol=0.002)
    shared = (codes.T.astype(float) @ codes)[np.triu_indices(16, 1)] / 250
    assert params.iterations < 100
    np.testing.assert_allclose(np.abs(shared - 1).mean(), params.overlap_mean, atol=0.01)
    assert params.overlap_mean <= 0.1
    assert params.overlap_std <= 0.15


def test_spherical_moves_are_the_sum_of_forces():
    X = vectors(n=200, d=6)
    before = hashing.spherical.fit(5, X, 4, max_iterations=0).centers
    after = hashing.spherical.fit(5, X, 4, max_iterations=1).centers
    radius = np.median(np.linalg.norm(X[:, None] - before, axis=-1), 0)
    inside = np.linalg.norm(X[:, None] - before, axis=-1) <= radius
    for k in range(4):
        force = np.zeros(6)
        for other in range(4):
            shared = np.sum(inside[:, k] & inside[:, other])
            force += 0.5 * (shared - 50) / 50 * (before[k] - before[other])
        np.testing.assert_allclose(after[k], before[k] + force / 4)


def test_spherical_with_one_bit_and_too_few_vectors():
    assert fitted("SphH", vectors(), 1).mean() == 0.5
    with pytest.raises(ValueError, match="X must have at least 5 rows, got 4"):
        spherical.fit(0, np.eye(4), 2)


# --- k-means hashing


def objective(V, codewords, s, weight=10.0):
    """Eq. as documented, by its definition."""
    n, total = len(V), 0.0
    for part in range(codewords.shape[0]):
        scale = np.abs(V[:, part, :s]).mean()
        distance = np.linalg.norm(V[:, part, None] - codewords[part], axis=-1)
        nearest = distance.argmin(1)
        total += (distance.min(1) ** 2).sum() / n
        count = np.bincount(nearest, minlength=1 << s)
        for i in range(1 << s):
            for j in range(1 << s):
                wanted = 2 * scale * np.sqrt(bin(i ^ j).count("1"))
                actual = np.linalg.norm(codewords[part, i] - codewords[part, j])
                total += weight * count[i] * count[j] / n**2 * (actual - wanted) ** 2
    return total


def test_kmeans_hashing_moves_lower_the_objective():
    V = vectors(n=400).reshape(400, 2, 6)
    V -= V.mean(0)
    codewords = [kmeans._learn(V, 3, iterations, 10.0) for iterations in (0, 1, 3, 30)]
    values = [objective(V, words, 3) for words in codewords]
    assert values[-1] < values[0]
    assert values[3] <= values[1] * (1 + 1e-9)


def test_a_moved_codeword_is_at_a_minimum():
    from scipy.optimize import minimize

    rng = np.random.default_rng(0)
    codewords, share = rng.normal(size=(1, 4, 3)), rng.dirichlet(np.ones(4))[None]
    pull, target = rng.normal(size=(1, 3)) * 0.2, np.array([[0.0, 1.0, 2.0, 1.5]])

    def cost(c):
        length = np.linalg.norm(c - np.delete(codewords[0], 0, 0), axis=1)
        gaps = (length - target[0, 1:]) ** 2
        return share[0, 0] * c @ c - 2 * pull[0] @ c + 2 * 10 * share[0, 0] * share[0, 1:] @ gaps

    path = [codewords[0, 0]] + [
        kmeans._moved(codewords, 0, share, pull, target, 10.0, steps=steps)[0] for steps in (1, 2, 5, 20, 500)
    ]
    costs = [cost(c) for c in path]
    assert costs == sorted(costs, reverse=True)
    np.testing.assert_allclose(costs[-1], minimize(cost, path[-1]).fun, rtol=1e-6)


def test_kmeans_hashing_codes_are_the_nearest_codewords():
    X = vectors()
    params = kmeans.fit(0, X, 8)
    assert params.codewords.shape == (2, 16, 6)
    V = ((X - params.mean) @ params.axes).reshape(-1, 2, 6)
    nearest = np.linalg.norm(V[:, :, None] - params.codewords, axis=-1).argmin(-1)
    numbers = kmeans.encode(params, X).reshape(-1, 2, 4) @ (1 << np.arange(4))
    np.testing.assert_array_equal(numbers, nearest)


def test_kmeans_hashing_shares_the_variance_among_the_subspaces():
    variances = np.geomspace(100, 0.1, 24)
    order = kmeans._allot(variances, 4, 6)
    np.testing.assert_array_equal(np.sort(order.ravel()), range(24))
    logs = np.log(variances)[order].sum(1)
    assert np.ptp(logs) < 0.1 * np.abs(np.log(variances)).sum()
    assert kmeans._allot(np.zeros(4), 2, 2).shape == (2, 2)


def test_kmeans_hashing_bits_of_a_subspace():
    with pytest.raises(ValueError, match="subspace_bits must lie between 1 and 8 and divide bits = 6, got 4"):
        kmeans.fit(0, vectors(), 6)
