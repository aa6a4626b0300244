"""Curves over the epochs of a run, read from its list of records: losses, scores, label change, selection.

Records number the epochs from 0 on; the pictures count those that are over, so that 0 is where training began.
"""

import math

from jaxcluster.plots import canvas

__all__ = ["losses", "scores", "series_of"]

_TEXT = {
    "loss": "loss",
    "feature_loss": "feature loss (Eq. 21)",
    "cluster_loss": "clustering loss (Eq. 22)",
    "acc": "ACC",
    "nmi": "NMI",
    "ari": "ARI",
}
_STYLES = ("-", "--", "-.", ":")


def losses(history, path=None, *, title: str = ""):
    """Draw the training losses over the epochs, one panel for each phase.

    Args:
      history: records (dicts) in the order of writing, each with 'phase', 'epoch' and any of: 'loss', other
        keys that contain 'loss' (for example 'feature_loss', 'cluster_loss'). Other keys are ignored; any may
        be absent. A later record of the same phase and epoch replaces an earlier one, as after a resume.
      path: where to write the PNG, or None.
      title: above all panels.

    Returns:
      The Figure, or None if no record has a loss. A panel has a logarithmic scale if all its values are
      positive (Eq. 21 may be negative). Values that are not finite leave gaps.

    Reference: ASPC-DA (TKDE 2019), Fig. 4, Eqs. 21 and 22.
    """
    phases = {}
    for phase, series in series_of(history).items():
        kept = {key: points for key, points in series.items() if "loss" in key}
        if kept:
            phases[phase] = kept
    if not phases:
        return None
    columns = min(3, len(phases))
    rows = math.ceil(len(phases) / columns)
    fig = canvas.figure(4.6 * columns, 3.4 * rows)
    if title:
        fig.suptitle(canvas.plain(title, limit=90), fontsize=11)
    for position, (phase, series) in enumerate(phases.items()):
        axes = fig.add_subplot(rows, columns, position + 1)
        _lines(axes, series)
        if all(value > 0 for points in series.values() for value in points.values() if math.isfinite(value)):
            _logarithmic(axes)
        canvas.tidy(axes, xlabel="epoch", ylabel="training loss", title=canvas.plain(phase))
    return canvas.finish(fig, path)


def scores(
    history,
    path=None,
    *,
    initial: dict[str, float] | None = None,
    stop_change: float | None = None,
    title: str = "",
):
    """Draw scores, label change, selected share and age parameter over the epochs, a panel each.

    Args:
      history: records as for `losses`, with any of: 'acc', 'nmi', 'ari' (against given labels, scoring only),
        'change' (share of samples that changed cluster), 'selected' (share of samples with weight), 'age'
        (the loss up to which samples are selected). Phases with any of them follow each other on one axis,
        divided by dotted lines.
      path: where to write the PNG, or None.
      initial: any of 'acc', 'nmi', 'ari' of the clustering that training began with; each is drawn one epoch before the
        first record of its key, and left out if there is none.
      stop_change: the threshold of the stopping rule, drawn into the panel of label change.
      title: above all panels.

    Returns:
      The Figure, or None if no record has any of these keys.

    Reference: ASPC-DA (TKDE 2019), Figs. 5f and 8, Eqs. 10 and 18.
    """
    wanted = ("acc", "nmi", "ari", "change", "selected", "age")
    joined: dict[str, dict[float, float]] = {}
    offset, cuts = 0.0, []
    for series in series_of(history).values():
        kept = {key: points for key, points in series.items() if key in wanted}
        if not kept:
            continue
        if joined:
            cuts.append(offset)
        for key, points in kept.items():
            joined.setdefault(key, {}).update({offset + epoch: value for epoch, value in points.items()})
        offset = max(epoch for points in joined.values() for epoch in points)
    for key, value in (initial or {}).items():
        if key in joined:
            joined[key][min(joined[key]) - 1] = value
    panels = [
        ("agreement with given labels (scoring only)", "score", ("acc", "nmi", "ari")),
        ("label change", "share of samples", ("change",)),
        ("selected samples", "share of samples", ("selected",)),
        ("age parameter", "loss", ("age",)),
    ]
    panels = [panel for panel in panels if any(key in joined for key in panel[2])]
    if not panels:
        return None
    columns = len(panels) if len(panels) <= 3 else 2
    rows = math.ceil(len(panels) / columns)
    fig = canvas.figure(4.6 * columns, 3.0 * rows)
    if title:
        fig.suptitle(canvas.plain(title, limit=90), fontsize=11)
    for position, (name, ylabel, keys) in enumerate(panels):
        axes = fig.add_subplot(rows, columns, position + 1)
        series = {key: joined[key] for key in keys if key in joined}
        _lines(axes, series, last=keys[0] == "acc", legend=keys[0] == "acc")
        if keys[0] == "change":
            _change_scale(axes, list(series["change"].values()), stop_change)
        if keys[0] == "selected":
            axes.set_ylim(-0.02, 1.02)
        for cut in cuts:
            axes.axvline(cut, color="0.4", linestyle=":", linewidth=0.9)
        canvas.tidy(axes, xlabel="epoch", ylabel=ylabel, title=name)
    return canvas.finish(fig, path)


def series_of(history) -> dict[str, dict[str, dict[float, float]]]:
    """{phase: {key: {epochs that are over: value}}} of all numbers, phases in the order of their first record."""
    phases: dict[str, dict[str, dict[float, float]]] = {}
    for record in history:
        series = phases.setdefault(str(record.get("phase", "training")), {})
        epoch = record.get("epoch")
        if not _is_number(epoch):
            continue
        for key, value in record.items():
            if key != "epoch" and _is_number(value):
                series.setdefault(key, {})[epoch + 1.0] = float(value)
    return phases


def _is_number(value) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _lines(axes, series, *, last: bool = False, legend: bool = True) -> None:
    from matplotlib.ticker import MaxNLocator

    colors = canvas.group_colors(len(series))
    for number, (key, points) in enumerate(series.items()):
        epochs = sorted(points)
        values = [points[epoch] if math.isfinite(points[epoch]) else math.nan for epoch in epochs]
        text = _TEXT.get(key, canvas.plain(key.replace("_", " ")))
        if last:
            text = f"{text} (last: {values[-1]:.3f})"
        axes.plot(
            epochs,
            values,
            label=text,
            color=colors[number],
            linestyle=_STYLES[number % len(_STYLES)],
            linewidth=1.6,
            marker="o" if len(epochs) <= 30 else None,
            markersize=3.5,
        )
    axes.xaxis.set_major_locator(MaxNLocator(nbins=7, integer=True, steps=[1, 2, 5, 10]))
    if legend and (len(series) > 1 or last):
        # Many names hide the lines they belong to: they go beside the panel.
        beside = {"loc": "upper left", "bbox_to_anchor": (1.01, 1.0)} if len(series) > 4 else {}
        axes.legend(fontsize=8, framealpha=0.9, **beside)


def _logarithmic(axes) -> None:
    """Set the scale; over less than two decades label 2, 3 and 5 too, so that there are numbers to read."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    axes.set_yscale("log")
    low, high = axes.get_ylim()
    few = high < 100 * low
    number = FuncFormatter(lambda value, _: f"{value:g}")
    axes.yaxis.set_minor_locator(LogLocator(subs=(2, 3, 5) if few else tuple(range(2, 10))))
    axes.yaxis.set_minor_formatter(number if few else NullFormatter())
    if few:
        axes.yaxis.set_major_formatter(number)


def _change_scale(axes, values, stop_change) -> None:
    """Logarithmic; where the change reaches 0, linear below the smallest positive value."""
    positive = [value for value in values if value > 0 and math.isfinite(value)]
    if stop_change is not None:
        axes.axhline(stop_change, color="0.25", linestyle="--", linewidth=1.0, label=f"stop below {stop_change:g}")
        axes.legend(fontsize=8, framealpha=0.9)
        positive.append(stop_change)
    positive = [value for value in positive if value > 0]
    if not positive:
        return
    if min(values) > 0:
        _logarithmic(axes)
    else:
        axes.set_yscale("symlog", linthresh=min(positive))
        axes.set_ylim(bottom=0)
