"""The block model: worked cases, sums over pairs of nodes and a plain loop as oracles, laws, edges."""

import numpy as np
import pytest
from scipy import sparse, stats

from jaxcluster import clusterers
from jaxcluster.clusterers import refinement


def likelihood_by_pairs(graph, labels):
    """The definition, as a sum over pairs of nodes."""
    total, degrees, value = graph.sum(), graph.sum(axis=1), 0.0
    for i, j in zip(*np.nonzero(graph), strict=True):
        between = graph[np.ix_(labels == labels[i], labels == labels[j])].sum()
        ends = degrees[labels == labels[i]].sum() * degrees[labels == labels[j]].sum()
        value += graph[i, j] / total * np.log(between * total / ends)
    return value


def refined_by_a_plain_loop(graph, labels, n_clusters):
    """The documented sweeps with every gain as a difference of two likelihoods."""
    labels = labels.copy()

    def gains(i):
        values = []
        for part in range(n_clusters):
            moved = labels.copy()
            moved[i] = part
            values.append(clusterers.block_likelihood(graph, moved, n_clusters=n_clusters))
        return np.array(values) - values[labels[i]]

    moves = []
    while not moves or moves[-1]:
        best = np.array([gains(i).max() for i in range(len(labels))])
        moves.append(0)
        for i in sorted(np.flatnonzero(best > refinement.TOLERANCE), key=lambda i: -best[i]):
            change = gains(i)
            if change.max() > refinement.TOLERANCE:
                labels[i] = change.argmax()
                moves[-1] += 1
    return labels, tuple(moves)


def planted(sizes, inside, outside, seed=0, loops=False):
    """A graph with weights from 0 to 1 on edges that are likelier within parts, (dense matrix, parts)."""
    rng = np.random.default_rng(seed)
    parts = rng.permutation(np.repeat(np.arange(len(sizes)), sizes))
    chance = np.where(parts[:, None] == parts[None, :], inside, outside)
    upper = np.triu((rng.random(chance.shape) < chance) * rng.random(chance.shape), 0 if loops else 1)
    return upper + np.triu(upper, 1).T, parts


def same_partition(a, b):
    return len(set(zip(a, b, strict=True))) == len(set(a)) == len(set(b))


def test_two_pairs_and_a_bridge_by_hand():
    """Edges 0-1 and 2-3 of weight 2, 1-2 of weight 1: p = [[.4, .1], [.1, .4]], volumes one half each."""
    graph = sparse.csr_matrix(([2.0, 1.0, 2.0], ([0, 1, 2], [1, 2, 3])), (4, 4))
    graph = graph + graph.T
    labels = np.array([0, 0, 1, 1])
    expected = 0.8 * np.log(0.4 / 0.25) + 0.2 * np.log(0.1 / 0.25)
    assert clusterers.block_likelihood(graph, labels) == pytest.approx(expected)
    assert clusterers.modularity(graph, labels) == pytest.approx(0.8 - 2 * 0.25)
    # Edges that weigh 5, three block weights, four nodes with two parts to name.
    edges = 5
    length = -edges * expected + 4 * np.log(2) + 3 * np.log(edges)
    assert clusterers.description_length(graph, labels) == pytest.approx(length)
    one = clusterers.description_length(graph, np.zeros(4, int))
    assert one == pytest.approx(np.log(edges))


def test_the_likelihood_is_the_poisson_model_s_up_to_a_constant():
    """Differences between partitions, times the number of edges, are differences of maximized log-probabilities."""
    rng = np.random.default_rng(1)
    graph = np.triu(rng.poisson(0.6, (12, 12)), 1)
    graph = (graph + graph.T).astype(float)

    def log_probability(labels):
        degrees, parts = graph.sum(1), np.eye(3)[labels]
        blocks = parts.T @ graph @ parts
        theta = degrees / (parts @ (parts.T @ degrees))
        mean = theta[:, None] * theta[None, :] * blocks[np.ix_(labels, labels)]
        upper = np.triu_indices(12, 1)
        # Pairs i = j, which the model also draws, hold no edge here; the paper counts half an edge's mean for them.
        return stats.poisson.logpmf(graph[upper], mean[upper]).sum() - np.trace(mean) / 2

    a, b = rng.integers(0, 3, 12), rng.integers(0, 3, 12)
    difference = clusterers.block_likelihood(graph, a) - clusterers.block_likelihood(graph, b)
    assert log_probability(a) - log_probability(b) == pytest.approx(graph.sum() / 2 * difference)


@pytest.mark.parametrize("loops", [False, True])
def test_the_likelihood_is_the_sum_over_pairs_of_nodes(loops):
    graph, _ = planted((15, 10, 5), 0.5, 0.2, loops=loops)
    labels = np.random.default_rng(2).integers(0, 4, 30)
    assert clusterers.block_likelihood(graph, labels) == pytest.approx(likelihood_by_pairs(graph, labels))


@pytest.mark.parametrize(("inside", "outside", "seed"), [(0.4, 0.1, 0), (0.5, 0.3, 1), (0.05, 0.4, 2)])
def test_refinement_is_the_plain_loop(inside, outside, seed):
    """Also where parts are joined to each other rather than within, and with loops."""
    graph, _ = planted((8, 6, 4, 3), inside, outside, seed=seed, loops=True)
    start = np.random.default_rng(seed).integers(0, 4, 21)
    labels, moves = refined_by_a_plain_loop(graph, start, 4)
    found = clusterers.refine_partition(graph, start, n_clusters=4)
    np.testing.assert_array_equal(found.labels, labels)
    assert found.moves == moves
    assert found.converged


def test_all_gains_at_once_are_the_gains_of_one_node_at_a_time(monkeypatch):
    """The first sweep of nodes in several chunks chooses who moves; the visit computes each node's gains anew."""
    graph, _ = planted((16, 12, 8, 4), 0.4, 0.2, loops=True)
    start = np.random.default_rng(0).integers(0, 4, 40)
    whole = clusterers.refine_partition(graph, start)
    monkeypatch.setattr(refinement, "AT_ONCE", 28)
    np.testing.assert_array_equal(clusterers.refine_partition(graph, start).labels, whole.labels)


def test_more_sweeps_never_lower_the_likelihood():
    graph, _ = planted((60, 40, 20), 0.2, 0.1)
    start = np.random.default_rng(3).integers(0, 3, 120)
    values = [clusterers.block_likelihood(graph, start)]
    for sweeps in range(6):
        found = clusterers.refine_partition(graph, start, max_sweeps=sweeps)
        assert found.likelihood == pytest.approx(clusterers.block_likelihood(graph, found.labels))
        values.append(found.likelihood)
    assert np.all(np.diff(values) >= -1e-12)
    assert values[-1] > values[0]


def test_names_of_parts_order_of_nodes_and_scale_of_weights_do_not_matter():
    graph, _ = planted((30, 20, 10), 0.3, 0.1)
    rng = np.random.default_rng(4)
    start, order, names = rng.integers(0, 3, 60), rng.permutation(60), np.array([2, 0, 1])
    found = clusterers.refine_partition(graph, start)
    other = clusterers.refine_partition(1e6 * graph[np.ix_(order, order)], names[start][order])
    np.testing.assert_array_equal(other.labels, names[found.labels][order])
    assert other.likelihood == pytest.approx(found.likelihood)
    # The description length counts weights as edges: the unit of the weights does matter to it.
    length = clusterers.description_length(graph[np.ix_(order, order)], names[start][order])
    assert length == pytest.approx(clusterers.description_length(graph, start))


def test_a_planted_partition_is_recovered_from_a_third_of_wrong_labels():
    graph, parts = planted((150, 100, 50), 0.2, 0.02)
    rng = np.random.default_rng(5)
    start = np.where(rng.random(300) < 0.5, rng.integers(0, 3, 300), parts)
    np.testing.assert_array_equal(clusterers.refine_partition(graph, start).labels, parts)


def test_limits_of_the_likelihood():
    separate = sparse.block_diag([np.ones((4, 4))] * 5)
    parts = np.repeat(np.arange(5), 4)
    assert clusterers.block_likelihood(separate, parts) == pytest.approx(np.log(5))
    assert clusterers.block_likelihood(separate, np.zeros(20, int)) == pytest.approx(0)
    assert clusterers.modularity(separate, parts) == pytest.approx(1 - 1 / 5)
    # Merging parts never raises it, one node a part is the upper bound, an empty part changes nothing.
    graph, parts = planted((8, 6, 6), 0.5, 0.2)
    merged = np.minimum(parts, 1)
    values = [clusterers.block_likelihood(graph, z) for z in (merged, parts, np.arange(20))]
    assert values == sorted(values)
    assert clusterers.block_likelihood(graph, parts * 2) == pytest.approx(values[1])
    assert clusterers.description_length(graph, parts * 2) == pytest.approx(clusterers.description_length(graph, parts))


def test_the_description_length_is_least_at_the_planted_number_of_parts():
    graph, parts = planted((60, 60, 60, 60), 0.3, 0.02)
    halves = parts * 2 + np.random.default_rng(6).integers(0, 2, 240)
    lengths = [clusterers.description_length(graph, z) for z in (np.zeros(240, int), parts // 2, parts, halves)]
    assert int(np.argmin(lengths)) == 2


def test_edges_of_the_refinement():
    graph, parts = planted((8, 6, 6), 0.6, 0.1)
    # One part, and one part for each node: nothing to move, or nothing that pays.
    assert clusterers.refine_partition(graph, np.zeros(20, int)).moves == (0,)
    assert clusterers.refine_partition(graph, np.arange(20)).moves == (0,)
    # An empty part is filled, a part is never emptied.
    filled = clusterers.refine_partition(graph, np.minimum(parts, 1), n_clusters=3)
    assert len(np.unique(filled.labels)) == 3
    assert filled.likelihood > clusterers.block_likelihood(graph, np.minimum(parts, 1))
    # A node without edges keeps its part, a graph without edges all.
    alone = np.zeros((21, 21))
    alone[:20, :20] = graph
    assert clusterers.refine_partition(alone, np.append(parts, 2)).labels[-1] == 2
    nothing = clusterers.refine_partition(sparse.csr_matrix((3, 3)), np.array([0, 1, 1]))
    assert nothing.likelihood == 0
    np.testing.assert_array_equal(nothing.labels, [0, 1, 1])
    assert clusterers.description_length(sparse.csr_matrix((3, 3)), np.array([0, 1, 1])) == pytest.approx(3 * np.log(2))


def test_weights_far_apart_in_scale():
    """Degrees over four orders of magnitude in each part: the degree correction tells them apart from the parts."""
    graph, parts = planted((60, 60, 60), 0.6, 0.02)
    rng = np.random.default_rng(7)
    scale = 10 ** rng.uniform(-2, 2, 180)
    graph = graph * scale[:, None] * scale[None, :]
    start = np.where(rng.random(180) < 0.3, rng.integers(0, 3, 180), parts)
    found = clusterers.refine_partition(graph, start)
    assert found.converged
    assert np.mean(found.labels == parts) > 0.97
    # Parts that hold next to none of the weight count for next to nothing, but rounding makes no node cycle.
    faint = np.where(parts == 2, 1e-5, 1.0)
    graph = graph * faint[:, None] * faint[None, :]
    assert clusterers.refine_partition(graph, start).converged


def test_refinement_can_be_interrupted_between_sweeps():
    graph, _ = planted((20, 20), 0.3, 0.2)
    polls = []
    found = clusterers.refine_partition(graph, np.arange(40) % 2, poll=lambda: polls.append(1))
    assert len(polls) == len(found.moves)


def test_what_is_refused():
    graph, parts = planted((4, 4), 0.9, 0.3)
    one_sided = graph.copy()
    one_sided[0, 1] += 1
    for function in (clusterers.block_likelihood, clusterers.refine_partition, clusterers.modularity):
        with pytest.raises(ValueError, match=r"graph must be \[n, n\] with n > 0, got \(8, 4\)"):
            function(graph[:, :4], parts)
        with pytest.raises(ValueError, match="graph must be symmetric, got entries that differ by 1"):
            function(one_sided, parts)
        with pytest.raises(ValueError, match="finite weights that are not negative"):
            function(-graph, parts)
        with pytest.raises(ValueError, match=r"labels must be \[8\] integers, got float64 \(8,\)"):
            function(graph, parts * 1.0)
        with pytest.raises(ValueError, match=r"labels must lie in 0..1, got -1..1"):
            function(graph, np.append(parts[:-1] * 0 + 1, -1))
    with pytest.raises(ValueError, match=r"labels must lie in 0..1, got 0..2"):
        clusterers.block_likelihood(graph, parts + (np.arange(8) == np.argmax(parts)), n_clusters=2)
    with pytest.raises(ValueError, match="max_sweeps must not be negative, got -1"):
        clusterers.refine_partition(graph, parts, max_sweeps=-1)
