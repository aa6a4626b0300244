"""Losses in plain NumPy, in float64, with loops: slow and easy to believe."""

import math

import numpy as np


def cosine(x, y):
    return float(np.dot(x, y) / (math.sqrt(np.dot(x, x)) * math.sqrt(np.dot(y, y))))


def entropy(a):
    return -(a * math.log(a) + (1 - a) * math.log(1 - a))


def pairwise_entropy(outputs, valid=None, reference=None):
    """Mean of H(cosine) over the other valid rows, or over those of a reference set."""
    outputs = np.asarray(outputs, np.float64)
    n = len(outputs)
    valid = np.ones(n, bool) if valid is None else valid
    losses = np.zeros(n)
    for i in np.flatnonzero(valid):
        others = [j for j in (range(n) if reference is None else reference) if valid[j] and j != i]
        values = [entropy(cosine(outputs[i], outputs[j])) for j in others]
        losses[i] = sum(values) / len(values) if values else 0
    return losses


def slope(function, x, step=1e-6):
    """Gradient by central differences, one number at a time."""
    result = np.zeros_like(x)
    for place in np.ndindex(*x.shape):
        up, down = x.copy(), x.copy()
        up[place] += step
        down[place] -= step
        result[place] = (function(up) - function(down)) / (2 * step)
    return result


def neighbor_distance(points, neighbor, queries):
    """Every distance, sorted; the point itself is left out by its number."""
    points = np.asarray(points, np.float64)
    found = []
    for i in queries:
        distances = sorted(math.dist(points[i], points[j]) for j in range(len(points)) if j != i)
        found.append(distances[neighbor - 1])
    return np.array(found)
