"""Distance to the k-th neighbor against every distance sorted."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxcluster import losses
from tests.oracles import losses as oracle


@pytest.mark.parametrize(("chunk", "queries"), [(15, None), (100, [8, 0, 8, 3, 49])])
def test_distances_are_those_of_the_brute_force(chunk, queries):
    points = np.random.default_rng(0).normal(size=(50, 3)).astype(np.float32) + 1000  # far from the origin
    points[3] = points[5]  # copies are neighbors of each other at distance 0
    asked = range(50) if queries is None else queries
    queries = None if queries is None else np.array(queries)
    find = jax.jit(lambda x, k: losses.neighbor_distance(x, k, queries=queries, chunk=chunk), static_argnums=1)
    for neighbor in (1, 4):
        expected = oracle.neighbor_distance(points, neighbor, asked)
        np.testing.assert_allclose(find(points, neighbor), expected, rtol=1e-5, atol=0)


def test_bad_arguments_are_named():
    points = jnp.zeros((5, 2))
    with pytest.raises(ValueError, match=r"points must be \[n, d\], got \(5,\)"):
        losses.neighbor_distance(jnp.zeros(5))
    with pytest.raises(ValueError, match=r"neighbor must lie in 1..n-1 = 4, got 5"):
        losses.neighbor_distance(points, 5)
    with pytest.raises(ValueError, match="chunk must be at least 1, got 0"):
        losses.neighbor_distance(points, 1, chunk=0)
    with pytest.raises(ValueError, match=r"queries must be \[q\], got \(\)"):
        losses.neighbor_distance(points, 1, queries=jnp.asarray(3))
