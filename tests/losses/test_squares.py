"""Squared errors: worked by hand."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxcluster import losses


def test_reconstruction_and_cluster_center_by_hand():
    x, y = jnp.asarray([[0.0, 0.0], [1.0, 2.0]]), jnp.asarray([[3.0, 4.0], [1.0, 0.0]])
    np.testing.assert_allclose(losses.reconstruction(x, y), [12.5, 2.0])  # (9 + 16)/2, 4/2
    np.testing.assert_allclose(losses.cluster_center(x, y), [12.5, 2.0])


def test_no_gradient_flows_into_the_centers():
    embedding, centers = jnp.ones((3, 2)), jnp.zeros((3, 2))
    gradient = jax.grad(lambda m: losses.cluster_center(embedding, m).sum())(centers)
    np.testing.assert_array_equal(gradient, 0)


def test_bad_arguments_are_named():
    with pytest.raises(ValueError, match=r"inputs and outputs must have one shape \[b, d\], got \(2, 3\) and \(2, 4\)"):
        losses.reconstruction(jnp.zeros((2, 3)), jnp.zeros((2, 4)))
    with pytest.raises(ValueError, match="embedding and targets"):
        losses.cluster_center(jnp.zeros(3), jnp.zeros(3))
