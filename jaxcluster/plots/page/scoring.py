"""The section about given labels: scores, classes against clusters, curves of scores."""

from typing import Any

import numpy as np

from jaxcluster.plots import curves
from jaxcluster.plots.page import drawings, words
from jaxcluster.plots.page.contents import Contents, clean

__all__ = ["scoring_section"]

IN_TABLE = 30  # classes, and clusters
_SCORES = {"acc": "ACC", "nmi": "NMI", "ari": "ARI"}


def scoring_section(contents: Contents, shown: list[int]) -> dict[str, Any] | None:
    """What the template needs for the section; None if no labels were given.

    Args:
      contents: checked ones.
      shown: clusters that are in tables.
    """
    from markupsafe import Markup

    if contents.classes is None and not contents.scores:
        return None
    scores = contents.scores or {}
    columns = list(dict.fromkeys(name for values in scores.values() for name in values))
    section: dict[str, Any] = {
        "score_names": [_SCORES.get(name, clean(name)) for name in columns],
        "scores": [
            (clean(name), [words.number(values.get(column)) for column in columns]) for name, values in scores.items()
        ],
        "charts": [{"title": title, "svg": Markup(svg)} for title, svg in _charts(contents)],
        "table": [],
        "columns": [],
        "largest": [],
    }
    if contents.classes is not None:
        section |= _tables(contents, shown)
    return section


def _charts(contents: Contents) -> list[tuple[str, str]]:
    charts = []
    for phase, curve in list(curves.series_of(contents.history).items())[:8]:
        scores = {key: curve[key] for key in _SCORES if key in curve}
        title = f"Scores: {clean(phase)}"
        charts.append((title, drawings.chart(scores, names=_SCORES, alt=f"Curve. {title}, by epoch")))
    return [(title, svg) for title, svg in charts if svg]


def _tables(contents: Contents, shown: list[int]) -> dict[str, Any]:
    known = (contents.classes >= 0) & (contents.labels >= 0)
    classes, rows = np.unique(contents.classes[known], return_inverse=True)
    clusters, columns = np.unique(contents.labels[known], return_inverse=True)
    if not len(classes):
        return {}
    names = [_name(contents, int(j)) for j in classes]
    if len(classes) > IN_TABLE or len(clusters) > IN_TABLE:
        return {"largest": _largest(contents, shown)}
    table = np.zeros((len(classes), len(clusters)), np.int64)
    np.add.at(table, (rows.ravel(), columns.ravel()), 1)
    order = np.argsort(table.argmax(0), kind="stable")  # clusters below their most frequent class
    share = table / table.sum(1, keepdims=True)
    cells = [
        {
            "name": name,
            "cells": [
                {"count": f"{table[j, k]:,}" if table[j, k] else "", "share": f"{share[j, k]:.2f}"} for k in order
            ],
        }
        for j, name in enumerate(names)
    ]
    return {"table": cells, "columns": clusters[order].tolist()}


def _largest(contents: Contents, shown: list[int]) -> list[dict[str, Any]]:
    found = []
    for k in shown:
        here = contents.classes[(contents.labels == k) & (contents.classes >= 0)]
        if len(here):
            names, counts = np.unique(here, return_counts=True)
            best = int(counts.argmax())
            label = {"name": _name(contents, int(names[best])), "share": words.share(int(counts[best]), len(here))}
            found.append({"number": k} | label)
    return found


def _name(contents: Contents, label: int) -> str:
    names = contents.class_names
    return clean(names[label]) if names is not None and label < len(names) else str(label)
