"""How many clusters: gain of the likelihood, description length and prediction strength over K, in one picture."""

import numpy as np

from jaxcluster.plots import canvas

__all__ = ["n_clusters"]


def n_clusters(
    counts,
    gains,
    description_lengths,
    prediction_strengths,
    path=None,
    *,
    chosen: int | None = None,
    resolutions=(),
    stable: float = 0.75,
    sentence: str = "",
):
    """Draw the three curves that advise on the number of clusters, a panel each, over the same axis.

    Args:
      counts: [m] increasing integers, the numbers of clusters K that were tried.
      gains: [m] likelihood of the block model that the last part added; NaN where unknown.
      description_lengths: [m] nats; drawn as the difference to the smallest.
      prediction_strengths: [m] from 0 to 1.
      path: where to write the PNG, or None.
      chosen: the suggested K, a line through all panels.
      resolutions: other K that are valid, marked in the panel of the prediction strength.
      stable: prediction strength from which clusters count as stable, a dashed line.
      sentence: the advice, above all panels.

    Returns:
      The Figure, or None if no K was tried.

    Raises:
      ValueError: the curves are not as long as counts.
    """
    counts = np.asarray(counts)
    if not len(counts):
        return None
    curves = {"gains": gains, "description_lengths": description_lengths, "prediction_strengths": prediction_strengths}
    for name, values in curves.items():
        curves[name] = np.asarray(values, float)
        if curves[name].shape != counts.shape:
            raise ValueError(f"{name} must have shape {list(counts.shape)}, got {list(curves[name].shape)}")
    fig = canvas.figure(7.0, 7.4)
    if sentence:
        fig.suptitle(_wrapped(sentence), fontsize=10)
    blue, orange, red = canvas.group_colors(3)
    panels = fig.subplots(3, 1, sharex=True)
    _draw_gains(panels[0], counts, curves["gains"], chosen, blue)
    _draw_lengths(panels[1], counts, curves["description_lengths"], red)
    _draw_strengths(panels[2], counts, curves["prediction_strengths"], resolutions, stable, orange)
    for axes in panels:
        if chosen is not None:
            axes.axvline(chosen, color="0.25", linewidth=1.0, linestyle=":", label=f"suggested: {chosen}")
    panels[2].legend(fontsize=8, framealpha=0.9, loc="best")
    return canvas.finish(fig, path)


def _draw_gains(axes, counts, gains, chosen: int | None, color) -> None:
    # The first gains are many times the later ones, among which the drop is to be seen.
    colors = [color if chosen is None or count <= chosen else (0.6, 0.6, 0.6, 1.0) for count in counts]
    axes.bar(counts, np.nan_to_num(gains), color=colors, width=0.7)
    axes.set_ylim(bottom=min(0.0, float(np.nanmin(np.append(gains, 0)))))
    canvas.tidy(axes, ylabel="nats per edge weight", title="likelihood that one more cluster adds")


def _draw_lengths(axes, counts, lengths, color) -> None:
    axes.plot(counts, lengths - np.nanmin(lengths), color=color, marker="o", markersize=3.5, linewidth=1.6)
    canvas.tidy(axes, ylabel="nats above the shortest", title="description length of the graph")


def _draw_strengths(axes, counts, strengths, resolutions, stable: float, color) -> None:
    from matplotlib.ticker import MaxNLocator

    axes.plot(counts, strengths, color=color, marker="o", markersize=3.5, linewidth=1.6)
    axes.axhline(stable, color="0.25", linestyle="--", linewidth=1.0, label=f"stable from {stable:g}")
    marked = np.isin(counts, resolutions)
    if marked.any():
        label = "other valid resolutions"
        axes.plot(counts[marked], strengths[marked], "o", markersize=9, fillstyle="none", color="0.1", label=label)
    axes.set_ylim(0, 1.05)
    axes.xaxis.set_major_locator(MaxNLocator(nbins=12, integer=True, steps=[1, 2, 5, 10]))
    canvas.tidy(axes, xlabel="number of clusters K", ylabel="share of pairs", title="stability of the worst cluster")


def _wrapped(sentence: str) -> str:
    import textwrap

    return "\n".join(textwrap.wrap(canvas.plain(sentence, limit=400), 90))
