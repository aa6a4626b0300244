"""Scores of a clustering by their definitions: loops over samples, pairs and permutations."""

import itertools
import math


def accuracy(true, pred):
    """The best share over all one-to-one maps; the shorter side is padded with names that match nothing."""
    classes, clusters = sorted(set(true)), sorted(set(pred))
    padded = classes + [object() for _ in range(len(clusters) - len(classes))]
    best = 0
    for images in itertools.permutations(padded, len(clusters)):
        mapping = dict(zip(clusters, images))
        best = max(best, sum(mapping[s] == y for y, s in zip(true, pred)))
    return best / len(true)


def mutual_information(true, pred):
    n = len(true)
    value = 0.0
    for y in set(true):
        for s in set(pred):
            both = sum(a == y and b == s for a, b in zip(true, pred)) / n
            if both:
                value += both * math.log(both / (list(true).count(y) / n) / (list(pred).count(s) / n))
    return value


def entropy(labels):
    return -sum(p * math.log(p) for p in (list(labels).count(y) / len(labels) for y in set(labels)))


def ari(true, pred):
    """Count pairs together in both, in one, and the count expected when the sizes are fixed."""
    pairs = list(itertools.combinations(range(len(true)), 2))
    both = sum(true[i] == true[j] and pred[i] == pred[j] for i, j in pairs)
    first = sum(true[i] == true[j] for i, j in pairs)
    second = sum(pred[i] == pred[j] for i, j in pairs)
    expected = first * second / len(pairs)
    return (both - expected) / ((first + second) / 2 - expected)
