"""The page: facts and drawings put into the template."""

import importlib.resources
from typing import Any

import numpy as np

from jaxcluster.plots import canvas, curves, embedding
from jaxcluster.plots.page import drawings, facts, words
from jaxcluster.plots.page.contents import Contents, checked, clean, has_pictures
from jaxcluster.plots.page.scoring import scoring_section
from jaxcluster.plots.page.thumbnails import data_uri, thumbnails

__all__ = ["render"]

TABLE_ROWS = 500  # clusters in tables, the largest ones
CARDS = 100  # clusters with samples, the largest ones
MANY_CARDS = 50  # beyond it each shows fewer samples
BORDERS, PER_BORDER = 12, 8
FEATURES = 8
THUMBNAIL_BYTES = 6_000_000  # of all data URIs of samples
FIGURE_BYTES = 1_500_000  # of all figures that are handed in
FINDINGS = 100  # sentences


def render(contents: Contents) -> str:
    """Write a finished run as one HTML page that needs no other file, no script and no network.

    Args:
      contents: the run; see `Contents`.

    Returns:
      The text of the page, to be written as UTF-8; below 10 MB whatever the number of samples and clusters.

    Raises:
      ValueError: a shape is not as stated.

    Ties and limits: the 100 largest clusters are shown with samples, the 500 largest in tables, the map with 2,000
    samples; the page says where it leaves something out. Names are escaped, shortened to 160 characters and freed of
    control characters.
    """
    import jinja2
    from markupsafe import Markup

    contents = checked(contents)
    folder = importlib.resources.files(__package__)
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined)
    template = environment.from_string((folder / "page.html").read_text("utf-8"))
    css = (folder / "page.css").read_text("utf-8")
    return template.render(css=Markup(css), **_values(contents))


def _values(contents: Contents) -> dict[str, Any]:
    """Everything that the template names."""
    from markupsafe import Markup

    k = len(contents.centers)
    sizes = np.bincount(contents.labels[contents.labels >= 0], minlength=k)
    largest = np.argsort(-sizes, kind="stable")
    shown, carded = (np.sort(largest[:count]).tolist() for count in (TABLE_ROWS, CARDS))
    carded = [cluster for cluster in carded if sizes[cluster]]
    nearest = facts.nearest_clusters(contents.centers, sizes)
    overview = [_row(contents, sizes, nearest, cluster) for cluster in shown]
    cards, borders = _samples(contents, sizes, nearest, carded)
    drawn, caption = _map(contents, k)
    charts = _charts(contents)
    figures, left_out = _figures(contents)
    scoring = scoring_section(contents, shown)
    sections = [("summary", "Summary"), ("clusters", "Clusters"), ("map", "Map")]
    sections += [("borders", "Between clusters")] if borders else []
    sections += [("training", "Training")] if charts else []
    sections += [("scoring", "Scores")] if scoring else []
    sections += [("pictures", "Pictures")] if figures or left_out else []
    made = bool(contents.command or contents.settings or contents.seconds or contents.versions or contents.device)
    finite = contents.confidence[np.isfinite(contents.confidence)]
    margin = "probability" if contents.probabilities is not None else "distance to the two centers"
    return {
        "title": clean(contents.title),
        "sections": [*sections, *([("made", "How it was made")] if made else [])],
        "made": made,
        "colors": Markup(_colors(k)),
        "figures": [
            ("Samples", f"{len(contents.labels):,}"),
            ("Clusters in use", f"{np.count_nonzero(sizes):,} of {k:,}"),
            ("Mean confidence", f"{finite.mean():.2f}" if len(finite) else "–"),
            ("Largest cluster", words.share(int(sizes.max(initial=0)), len(contents.labels))),
        ],
        "summary": words.summary(contents, sizes),
        "findings": None if contents.findings is None else _sentences(contents.findings),
        "warnings": _sentences(contents.warnings),
        "overview": overview,
        "overview_note": f" (the {TABLE_ROWS} largest of {k:,})" if k > TABLE_ROWS else "",
        "cards": cards,
        "cards_note": f"The {CARDS} largest clusters are shown with samples."
        if np.count_nonzero(sizes) > CARDS
        else "",
        "linked": set(carded),
        "pictures": has_pictures(contents.samples),
        "side": 56 if max(contents.samples.shape[1:3]) <= 40 else 88,
        "named": contents.names is not None,
        "map": Markup(drawn),
        "map_caption": caption,
        "borders": borders,
        "borders_text": f"Samples that two clusters compete for, by {margin}: the pairs of clusters with the "
        f"most of them ({len(borders)} shown), the closest decisions first. Each sample stands with its confidence.",
        "charts": [{"title": title, "svg": Markup(svg)} for title, svg in charts],
        "pictures_given": figures,
        "left_out": left_out,
        "scoring": scoring,
        "command": _line(contents.command),
        "settings": [(clean(name), clean(value)) for name, value in words.flat_settings(contents.settings)][:1000],
        "seconds": [(clean(name), words.number(value)) for name, value in contents.seconds.items()],
        "versions": [(clean(name), clean(value)) for name, value in contents.versions.items()],
        "device": [(clean(name), clean(value)) for name, value in contents.device.items()],
    }


def _line(command: str) -> str:
    """As `clean`, and longer: a command is of no use in part."""
    return "".join(c if c.isprintable() else " " for c in command[:4000])


def _sentences(given) -> list[str]:
    texts = [_line(str(sentence)) for sentence in given]
    return texts if len(texts) <= FINDINGS else [*texts[:FINDINGS], f"{len(texts) - FINDINGS:,} more sentences."]


def _colors(n_groups: int) -> str:
    """Style of each group: `--c`, lighter where it would be lost on a dark page."""
    colors = canvas.group_colors(n_groups)[:, :3] if n_groups > 1 else canvas.group_colors(2)[:1, :3]
    light, dark = [], []
    for group, color in enumerate(colors):
        light.append(f".g{group}{{--c:{_hex(color)}}}")
        if color @ (0.2126, 0.7152, 0.0722) < 0.3:
            dark.append(f".g{group}{{--c:{_hex(0.5 * color + 0.5)}}}")
    return "".join(light) + "@media screen and (prefers-color-scheme:dark){" + "".join(dark) + "}"


def _hex(color: np.ndarray) -> str:
    return "#" + "".join(f"{round(255 * part):02x}" for part in color.tolist())


def _row(contents: Contents, sizes: np.ndarray, nearest: list[int | None], cluster: int) -> dict[str, Any]:
    confidence = contents.confidence[contents.labels == cluster]
    finite = confidence[np.isfinite(confidence)]
    size = int(sizes[cluster])
    return {
        "number": cluster,
        "size": f"{size:,}" if size else "empty",
        "share": words.share(size, int(sizes.sum())),
        "width": f"{100 * size / max(int(sizes.max()), 1):.1f}",
        "confidence": f"{finite.mean():.2f}" if len(finite) else "–",
        "unsure": words.share(int((finite < 0.5).sum()), size) if len(finite) else "–",
        "nearest": nearest[cluster],
    }


def _samples(contents: Contents, sizes, nearest, carded: list[int]) -> tuple[list[dict], list[dict]]:
    """Cards of clusters and of borders; the pictures of both share one bound of bytes."""
    most, least = (16, 8) if len(carded) <= MANY_CARDS else (8, 4)
    chosen = {
        k: facts.exemplars(np.flatnonzero(contents.labels == k), contents.confidence, most=most, least=least)
        for k in carded
    }
    borders = facts.borders(
        contents.labels,
        contents.embedding,
        contents.centers,
        contents.probabilities,
        pairs=BORDERS,
        per_pair=PER_BORDER,
    )
    rows = [part for parts in chosen.values() for part in parts] + [border.rows for border in borders]
    uris: dict[int, str] = {}
    features: list[list[facts.Feature]] = [[] for _ in sizes]
    if has_pictures(contents.samples):
        if rows:
            uris = thumbnails(contents.samples, np.concatenate(rows), at_most=THUMBNAIL_BYTES)
    else:
        features = facts.distinguishing(contents.samples, contents.labels, len(sizes), count=FEATURES)

    def items(positions: np.ndarray) -> list[dict[str, str]]:
        return [
            {
                "name": _name(contents, int(row)),
                "confidence": _confidence(contents.confidence[row]),
                "uri": uris.get(int(row), ""),
            }
            for row in positions
        ]

    cards = [
        _row(contents, sizes, nearest, k)
        | {"most": items(chosen[k][0]), "least": items(chosen[k][1])}
        | {"features": [_feature(contents, feature) for feature in features[k]]}
        for k in carded
    ]
    sides = [
        {"first": border.first, "second": border.second, "count": f"{border.count:,}", "shown": items(border.rows)}
        for border in borders
    ]
    return cards, sides


def _confidence(value: float) -> str:
    """Two digits, and near 1 as many as tell it from 1: a network may be that sure of nearly all samples."""
    if not np.isfinite(value):
        return "–"
    return f"{value:.{1 + min(int(-np.log10(1 - value)), 6) if 0.99 < value < 1 else 2}f}"


def _name(contents: Contents, row: int) -> str:
    return f"sample {row}" if contents.names is None else clean(contents.names[row]) or f"sample {row}"


def _breakable(name: str):
    """Escaped, with places for a line break in names such as those of columns."""
    from markupsafe import Markup, escape

    text = escape(name)
    for sign in ("_", "/", "."):
        text = text.replace(sign, Markup(f"{sign}<wbr>"))
    return text


def _feature(contents: Contents, feature: facts.Feature) -> dict[str, str]:
    names = contents.feature_names
    given = names is not None and feature.position < len(names)
    return {
        "name": _breakable(clean(names[feature.position])) if given else f"feature {feature.position}",
        "mean": words.number(feature.mean),
        "elsewhere": words.number(feature.elsewhere),
        "difference": f"{feature.difference:+.2f}",
    }


def _map(contents: Contents, k: int) -> tuple[str, str]:
    """(SVG or an empty string, what stands below it)."""
    n = len(contents.labels)
    given = contents.coordinates is not None
    points = contents.coordinates if given else contents.embedding
    known = np.flatnonzero(np.isfinite(points).all(1)) if given else np.arange(n)
    rows = known[embedding.subset(len(known))]
    if not len(rows) or not np.isfinite(points[rows]).all():
        return "", "There is no map: the embedding is not finite."
    places = points[rows, :2].astype(np.float64) if given else embedding.principal_coordinates(points[rows])
    how = "the coordinates that were given" if given else "the two leading principal components of the embedding"
    part = f"{len(rows):,} of {n:,} samples" if len(rows) < n else f"All {n:,} samples"
    caption = f"{part} in {how}, colored by cluster."
    if k <= drawings.NAMED:
        caption += " Each cluster's number stands at its middle."
    return drawings.scatter(places, contents.labels[rows], k, alt=f"Map: {caption}"), caption


def _charts(contents: Contents) -> list[tuple[str, str]]:
    """(title, SVG) of the losses of each phase, and of what training without labels is judged by."""
    series = curves.series_of(contents.history)
    charts = []
    for phase, curve in list(series.items())[:8]:
        losses = {key: points for key, points in curve.items() if "loss" in key}
        names = {key: clean(key.replace("_", " ")) for key in losses}
        title = f"Loss: {clean(phase)}"
        charts.append((title, drawings.chart(losses, names=names, alt=f"Curve. {title}, by epoch")))
        for key, title in (("change", "Label change"), ("selected", "Selected samples"), ("age", "Age parameter")):
            if key in curve:
                what = "share of samples" if key != "age" else "loss up to which samples are selected"
                charts.append((f"{title} ({what})", drawings.chart({key: curve[key]}, alt=f"Curve. {title}, by epoch")))
    return [(title, svg) for title, svg in charts if svg]


def _figures(contents: Contents) -> tuple[list[dict[str, str]], str]:
    """(figures that fit, names of those that do not)."""
    left, kept, dropped = FIGURE_BYTES, [], []
    for figure in contents.figures:
        uri = data_uri(figure.png)
        if len(uri) <= left:
            left -= len(uri)
            kept.append({"title": clean(figure.title), "alt": clean(figure.alt), "uri": uri})
        else:
            dropped.append(clean(figure.title))
    return kept, ", ".join(dropped)
