"""The search for neighbors against plain distances, and the weights of their graph by hand."""

import jax
import numpy as np
import pytest

from jaxcluster.clusterers import (
    Neighbors,
    graph_of_neighbors,
    jaccard_weights,
    nearest_neighbors,
    neighbors,
    self_tuned_weights,
)


def plain(queries, versions, offered, k):
    """All distances in double precision, sorted."""
    queries, versions = queries.astype(np.float64), versions.astype(np.float64)
    distances = ((queries[:, None, None] - versions[None]) ** 2).sum(-1).min(axis=1)  # [n, m]
    distances[offered[None] == np.arange(len(queries))[:, None]] = np.inf
    order = np.argsort(distances, axis=1, kind="stable")[:, :k]
    return offered[order], np.take_along_axis(distances, order, axis=1)


@pytest.mark.parametrize("block", [7, 32, 1000])
def test_the_search_is_exact_whatever_the_blocks(block):
    rng = np.random.default_rng(0)
    offered = np.sort(rng.choice(53, 40, replace=False)).astype(np.int32)
    queries = rng.standard_normal((53, 5)).astype(np.float32)
    versions = rng.standard_normal((3, 40, 5)).astype(np.float32)
    index, distances = nearest_neighbors(queries, lambda start, stop: versions[:, start:stop], offered, 6, block=block)
    wanted, wanted_distances = plain(queries, versions, offered, 6)
    np.testing.assert_array_equal(index, wanted)
    np.testing.assert_allclose(distances, wanted_distances, atol=1e-5)
    assert index.dtype == np.int32
    assert distances.dtype == np.float32


def test_a_block_smaller_than_the_number_of_neighbors():
    points = np.arange(6, dtype=np.float32)[:, None] ** 2 - 10
    index, _ = nearest_neighbors(points, lambda a, b: points[None, a:b], np.arange(6), 4, block=2)
    np.testing.assert_array_equal(index[0], [1, 2, 3, 4])
    np.testing.assert_array_equal(index[5], [4, 3, 2, 1])


def test_equal_samples_find_each_other_before_themselves():
    points = np.zeros((4, 2), np.float32)
    index, distances = nearest_neighbors(points, lambda a, b: points[None, a:b], np.arange(4), 2, block=3)
    np.testing.assert_array_equal(index, [[1, 2], [0, 2], [0, 1], [0, 1]])
    assert not distances.any()


def test_the_search_can_be_watched_and_interrupted():
    points = np.random.default_rng(0).standard_normal((9, 2)).astype(np.float32)
    arguments = points, lambda a, b: points[None, a:b], np.arange(9), 2
    told = []
    nearest_neighbors(*arguments, block=3, report=lambda done, calls: told.append((done, calls)))
    assert told == [(i, 9) for i in range(1, 10)]

    def poll():
        raise InterruptedError

    with pytest.raises(InterruptedError):
        nearest_neighbors(*arguments, poll=poll)


def test_too_few_samples_are_refused():
    points = np.zeros((3, 2), np.float32)
    with pytest.raises(ValueError, match=r"n_neighbors must lie in 1..2, below the 3 samples offered, got 3"):
        nearest_neighbors(points, lambda a, b: points[None, a:b], np.arange(3), 3)


def test_memory_of_a_call_is_bounded_by_the_block():
    block, versions, dimensions = 512, 13, 64
    kind = jax.ShapeDtypeStruct
    compiled = neighbors._improve.lower(
        kind((block, 10), np.float32),
        kind((block, 10), np.int32),
        kind((block, dimensions), np.float32),
        kind((versions, block, dimensions), np.float32),
        kind((block,), np.int32),
        kind((block,), np.int32),
    ).compile()
    assert compiled.memory_analysis().temp_size_in_bytes < 16 * block**2


def test_self_tuned_weights_by_hand():
    index = np.array([[1, 2], [0, 2], [1, 0]])
    squares = np.array([[1.0, 4.0], [1.0, 9.0], [9.0, 16.0]])
    weights = self_tuned_weights(index, squares, scale_at=2)  # scales 2, 3, 4
    wanted = np.exp(-np.array([[1 / 6, 4 / 8], [1 / 6, 9 / 12], [9 / 12, 16 / 8]]))
    np.testing.assert_allclose(weights, wanted, rtol=1e-6)
    same = self_tuned_weights(index, np.zeros((3, 2)), scale_at=1)
    np.testing.assert_array_equal(same, 1)
    with pytest.raises(ValueError, match=r"scale_at must lie in 1..2, the number of neighbors, got 3"):
        self_tuned_weights(index, squares, scale_at=3)


@pytest.mark.parametrize("block", [1, 3, 100])
def test_jaccard_weights_are_shares_of_common_neighbors(block):
    index = np.array([[1, 2], [0, 2], [3, 4], [4, 2], [3, 2]])
    weights = jaccard_weights(index, block=block)
    neighborhoods = [{i, *row} for i, row in enumerate(index.tolist())]
    for i, row in enumerate(index):
        for place, j in enumerate(row):
            mine, theirs = neighborhoods[i], neighborhoods[j]
            assert weights[i, place] == np.float32(len(mine & theirs) / len(mine | theirs))


def test_the_graph_joins_both_directions():
    index = np.array([[1], [2], [1]], np.int32)
    found = Neighbors(index, np.zeros((3, 1), np.float32), np.array([[0.5], [1.0], [0.25]], np.float32))
    mean = graph_of_neighbors(found).toarray()
    np.testing.assert_array_equal(mean, [[0, 0.25, 0], [0.25, 0, 0.625], [0, 0.625, 0]])
    larger = graph_of_neighbors(found, symmetric="larger").toarray()
    np.testing.assert_array_equal(larger, [[0, 0.5, 0], [0.5, 0, 1.0], [0, 1.0, 0]])
    with pytest.raises(ValueError, match=r"symmetric must be 'mean' or 'larger', got 'sum'"):
        graph_of_neighbors(found, symmetric="sum")
