"""Partition of a graph: planted parts, the choice among candidates, edges; the table of candidates."""

import jax
import numpy as np
import pytest
from scipy import sparse

from jaxcluster import clusterers
from jaxcluster.clusterers.partition import _starts

from .test_block_model import planted, same_partition

KEY = jax.random.key(0)


@pytest.fixture(scope="module")
def found():
    """Parts of unequal sizes; (graph, parts, partition, calls of report)."""
    graph, parts = planted((60, 40, 20), 0.4, 0.02)
    calls = []
    partition = clusterers.partition_graph(
        KEY, sparse.csr_matrix(graph), 3, n_init=2, n_balanced=1, n_refined=2, report=lambda *call: calls.append(call)
    )
    return graph, parts, partition, calls


def test_planted_parts_are_found(found):
    graph, parts, partition, _ = found
    assert same_partition(parts, partition.labels)
    assert partition.labels.dtype == np.int32
    assert partition.likelihood == pytest.approx(clusterers.block_likelihood(graph, parts))


def test_the_best_candidate_comes_first_and_the_result_is_no_worse(found):
    graph, _, partition, calls = found
    likelihoods = [candidate.likelihood for candidate in partition.candidates]
    assert likelihoods == sorted(likelihoods, reverse=True)
    assert partition.likelihood >= likelihoods[0]
    refined = [candidate.refined for candidate in partition.candidates if candidate.refined is not None]
    assert len(refined) == min(2, len({round(value, 9) for value in likelihoods}))
    assert partition.likelihood == pytest.approx(max(refined))
    for candidate in partition.candidates[:3]:
        assert candidate.likelihood == pytest.approx(clusterers.block_likelihood(graph, candidate.labels))
        assert candidate.modularity == pytest.approx(clusterers.modularity(graph, candidate.labels))
        assert candidate.normalized_cut == pytest.approx(clusterers.normalized_cut(graph, candidate.labels))
    # Of 3, 3.75, 4.5, 6 and 9 dimensions each two free starts and one balanced.
    assert calls == [(done, 15) for done in range(1, 16)]
    assert sorted((c.kind, c.dimensions, c.seed) for c in partition.candidates) == sorted(
        [("free", d, s) for d in (3, 4, 5, 6, 9) for s in (0, 1)] + [("balanced", d, 0) for d in (3, 4, 5, 6, 9)]
    )


def test_the_same_key_gives_the_same_partition(found):
    graph, _, partition, _ = found
    again = clusterers.partition_graph(KEY, graph, 3, n_init=2, n_balanced=1, n_refined=2)
    np.testing.assert_array_equal(again.labels, partition.labels)


def test_the_table_has_a_line_for_every_candidate(found):
    lines = clusterers.candidate_table(found[2]).splitlines()
    assert len(lines) == 16
    best = found[2].candidates[0]
    assert lines[1].split()[:4] == [best.kind, f"{best.dimensions}", f"{best.seed}", f"{best.likelihood:.4f}"]
    assert len(clusterers.candidate_table(found[2], limit=2).splitlines()) == 3


def test_components_are_the_parts_where_there_are_as_many():
    graph = sparse.block_diag([np.ones((size, size)) - np.eye(size) for size in (60, 40, 20)])
    partition = clusterers.partition_graph(KEY, graph, 3, dimensions=(1.0, 3.0), n_balanced=0)
    assert same_partition(np.repeat([0, 1, 2], (60, 40, 20)), partition.labels)
    assert partition.candidates[0].normalized_cut == pytest.approx(0)


def test_a_node_without_edges_disturbs_no_other(found):
    graph, parts = found[0].copy(), found[1]
    graph[0], graph[:, 0] = 0, 0
    partition = clusterers.partition_graph(KEY, graph, 3, n_balanced=0)
    assert same_partition(parts[1:], partition.labels[1:])
    assert partition.labels[0] in (0, 1, 2)


def test_edges():
    graph, _ = planted((8, 6), 0.9, 0.1)
    one = clusterers.partition_graph(KEY, graph, 1)
    assert (one.labels == 0).all()
    assert one.likelihood == pytest.approx(0)
    np.testing.assert_array_equal(clusterers.partition_graph(KEY, graph, 14).labels, np.arange(14))
    # More dimensions than there are eigenvectors.
    assert _starts(14, 13, (1.0, 3.0), 1, 0) == [("free", 13, 0)]


def test_what_partition_graph_refuses():
    graph, _ = planted((4, 4), 0.9, 0.3)
    with pytest.raises(ValueError, match=r"n_clusters must lie in 1..n = 8, got 9"):
        clusterers.partition_graph(KEY, graph, 9)
    with pytest.raises(ValueError, match=r"dimensions must be positive multiples of n_clusters, got \(\)"):
        clusterers.partition_graph(KEY, graph, 2, dimensions=())
    with pytest.raises(ValueError, match="there must be a start, got 0, 0, 8"):
        clusterers.partition_graph(KEY, graph, 2, n_init=0, n_balanced=0)
    with pytest.raises(ValueError, match="graph must be symmetric"):
        clusterers.partition_graph(KEY, np.triu(graph), 2)
