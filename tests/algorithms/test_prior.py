"""The prior: blocks by hand, laws of the draws, and a table of what the noise does to the cosines."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from jaxcluster.algorithms.clustergan import prior

KEY = jax.random.key(0)
block_means = jax.jit(prior.block_means, static_argnums=1)


def test_sizes_by_hand():
    assert prior.block_sizes(10, 100) == (10,) * 10
    assert prior.block_sizes(10, 32) == (4, 4) + (3,) * 8
    assert prior.block_sizes(10, 64) == (7,) * 4 + (6,) * 6
    assert prior.block_sizes(3, 3) == (1, 1, 1)
    assert prior.block_sizes(1, 5) == (5,)


@pytest.mark.parametrize(("clusters", "units"), [(3, 7), (4, 4), (1, 3)])
def test_codes_are_disjoint_cover_all_units_and_are_found_again(clusters, units):
    codes = np.asarray(prior.block_codes(clusters, units))
    np.testing.assert_array_equal(codes.sum(axis=0), 1)
    np.testing.assert_array_equal(codes @ codes.T, np.diag(prior.block_sizes(clusters, units)))
    np.testing.assert_array_equal(block_means(codes, clusters), np.eye(clusters))


def test_means_of_uneven_blocks_by_hand():
    outputs = np.array([[1, 2, 6, 3, 5, 7, 9], [0, 0, 0, 1, 1, np.nan, 1]], np.float32)  # blocks of 3, 2 and 2
    np.testing.assert_array_equal(block_means(outputs, 3), [[3, 4, 8], [0, 1, np.nan]])


def test_clusters_are_drawn_in_their_proportions_each_by_its_position():
    n = 4000
    draw = jax.jit(prior.sample_blocks)
    for weights in ([1.0, 1.0, 1.0, 1.0], [0.0, 3.0, 1.0, 0.0]):  # need not add up to one
        drawn = np.asarray(draw(KEY, np.arange(n), np.float32(weights)))
        assert drawn.dtype == np.int32
        counts, expected = np.bincount(drawn, minlength=4), n * np.array(weights) / sum(weights)
        assert not counts[expected == 0].any()
        some = expected > 0
        assert stats.chisquare(counts[some], expected[some]).pvalue > 0.01  # fixed key: passes or fails for good
    shifted = np.asarray(draw(KEY, np.arange(n) + 7, np.float32(weights)))
    np.testing.assert_array_equal(shifted[:-7], drawn[7:])


def test_kinds_are_made_of_one_uniform_draw():
    codes = np.asarray(prior.block_codes(2, 4))[np.arange(500) % 2]

    @jax.jit
    def noisy(width):
        kinds, part = ("add", "clip", "inward", "none"), np.arange(20, 24)
        all_of_them = [prior.noisy_codes(KEY, codes, np.arange(500), width=width, kind=r) for r in kinds]
        return *all_of_them, prior.noisy_codes(KEY, codes[part], part, width=width, kind="add")

    added, clipped, inward, clean, part = (np.asarray(a) for a in noisy(0.5))
    noise = added - codes
    assert stats.kstest(noise.ravel(), stats.uniform(0, 0.5).cdf).pvalue > 0.01
    assert abs(np.corrcoef(noise.T) - np.eye(4)).max() < 4 / np.sqrt(500)  # each unit has its own
    np.testing.assert_array_equal(clean, codes)
    np.testing.assert_array_equal(clipped, np.where(codes == 1, 1, added))
    np.testing.assert_allclose(inward, np.where(codes == 1, 2 - added, added), atol=1e-6)
    np.testing.assert_array_equal(inward > 0.5, codes == 1)  # width 0.5 is what rounding still bears
    np.testing.assert_allclose(part, added[20:24], atol=1e-6)  # a draw belongs to its position


# Mean cosine between codes of different clusters, with 100 units: (clusters, width, add, clip, inward), known to 0.005.
BETWEEN = [
    (10, 0.5, 0.48, 0.57, 0.66),
    (10, 0.1, 0.11, 0.12, 0.12),
    (20, 0.5, 0.55, 0.63, 0.69),
    (20, 0.1, 0.13, 0.14, 0.15),
]
WITHIN = {0.5: (0.91, 0.89, 0.85), 0.1: (0.99, 0.99, 0.99)}  # of the same cluster, 10 clusters


def test_what_the_noise_does_to_the_cosines():
    n, kinds = 2000, ("add", "clip", "inward")

    @jax.jit
    def noisy(codes, width):
        return [prior.noisy_codes(KEY, codes, jnp.arange(n), width=width, kind=r) for r in kinds]

    def cosines(x, y):
        return (x * y).sum(1) / np.linalg.norm(x, axis=1) / np.linalg.norm(y, axis=1)

    def check(values, expected):
        error = 4 * values.std() / np.sqrt(len(values))
        assert abs(values.mean() - expected) < 0.0051 + error, (values.mean(), expected)

    for clusters, width, *table in BETWEEN:
        codes = np.asarray(prior.block_codes(clusters, 100))
        for vectors, between, within in zip(noisy(codes[np.arange(n) % clusters], width), table, WITHIN[width]):
            vectors = np.asarray(vectors, np.float64)
            by_cluster = vectors.reshape(n // clusters, clusters, 100)
            # Independent pairs: each vector is in one pair only.
            check(cosines(by_cluster[:, ::2].reshape(-1, 100), by_cluster[:, 1::2].reshape(-1, 100)), between)
            if clusters == 10:
                check(cosines(by_cluster[::2].reshape(-1, 100), by_cluster[1::2].reshape(-1, 100)), within)


def test_the_dtype_is_that_of_the_codes():
    with jax.enable_x64(True):
        codes = prior.block_codes(2, 4, jnp.float64)
        noisy = jax.eval_shape(lambda c: prior.noisy_codes(KEY, c, np.arange(2), width=np.float32(0.1)), codes)
        assert noisy.dtype == codes.dtype == jnp.float64
        assert jax.eval_shape(lambda c: prior.block_means(c, 2), codes).dtype == jnp.float64


def test_the_width_shrinks_linearly():
    np.testing.assert_allclose([prior.noise_width(p) for p in (0, 0.5, 1)], [0.5, 0.3, 0.1])
    assert prior.noise_width(0.25, start=1, end=0) == 0.75


def test_bad_arguments_are_named():
    with pytest.raises(ValueError, match=r"n_clusters must lie in 1\.\.units = 4, got 5"):
        prior.block_sizes(5, 4)
    with pytest.raises(ValueError, match=r"outputs must be \[n, m\], got \(4,\)"):
        prior.block_means(jnp.zeros(4), 2)
    with pytest.raises(ValueError, match=r"position must be \[b\], got \(\)"):
        prior.sample_blocks(KEY, jnp.asarray(0), jnp.ones(2))
    with pytest.raises(ValueError, match=r"proportions must be \[c\], got \(1, 2\)"):
        prior.sample_blocks(KEY, jnp.arange(2), jnp.ones((1, 2)))
    with pytest.raises(ValueError, match="kind must be one of add, clip, inward, none, got 'outward'"):
        prior.noisy_codes(KEY, jnp.ones((2, 4)), jnp.arange(2), width=0.1, kind="outward")
    with pytest.raises(ValueError, match=r"codes must be \[b, m\], got \(4,\)"):
        prior.noisy_codes(KEY, jnp.ones(4), jnp.arange(4), width=0.1)
