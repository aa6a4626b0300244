"""What looks wrong with a finished clustering, and whether the initial one is kept instead; no labels are looked at."""

from typing import Any

import numpy as np

from jaxcluster import metrics
from jaxcluster.workflow.summary import Finished, Scaled, initial_labels

__all__ = ["judge"]

# Measured: noise of 64 and more dimensions up to .11, a Gaussian of 10 dimensions .27, a hundred USPS digits in ten
# clusters .35. So noise of few dimensions is not found: neighbors do stay together in its parts.
LEAST_TOLD = 0.2


def judge(finished: Finished) -> tuple[Finished, dict[str, Any]]:
    """Keep the better of the initial and the final clustering, and diagnose what is kept.

    The rule is `metrics.better_of`: the final clustering, unless it has collapsed or keeps nearest neighbors clearly
    less together than the initial one. Where the initial one is kept, `labels` of the outputs are its labels, and those
    of the trained network stand beside them as `network`. The confidence of a sample is then the network's if both put
    the sample into the same cluster, up to the numbering of the clusters, and 0 otherwise.

    Args:
        finished: the run.

    Returns:
        (finished, figures): the run with the outputs that are kept; "kept" ("final" or "initial"), "kept_because",
        "collapsed" and "findings" (sentences) for the summary.
    """
    outputs, images = finished.outputs, Scaled(finished.dataset)
    before, k = initial_labels(finished.initial), len(outputs.centers)
    choice = metrics.better_of(before, outputs.labels, images, n_clusters=k)
    if choice.keep == "initial":
        outputs = _with_initial(outputs, before)
    found = metrics.diagnose(
        outputs.labels, outputs.embedding, outputs.confidence, k, initial_labels=before, features=images
    )
    findings = [*found.sentences, *([choice.reason] if choice.keep == "initial" else [])]
    told = metrics.neighbor_information(outputs.labels, images)
    if told < LEAST_TOLD:
        findings.append(
            f"Nearest neighbors in the features hardly stay together: they tell {max(told, 0):.0%} of the clusters "
            f"(less than {LEAST_TOLD:.0%}). There may be no such groups in the data, or the features do not show them."
        )
    skipped = len(finished.dataset.skipped)
    if skipped:
        of = skipped + len(outputs.labels)
        findings.append(f"{skipped:,} of {of:,} files could not be read and are left out: skipped.csv lists them.")
    figures = {"kept": choice.keep, "kept_because": choice.reason, "collapsed": bool(found.collapsed) and k > 1}
    return finished._replace(outputs=outputs), figures | {"findings": findings}


def _with_initial(outputs: Any, before: np.ndarray) -> Any:
    same = metrics.match(before, outputs.labels)  # cluster of the network -> cluster of the initial clustering
    agree = np.asarray([same.get(int(label)) for label in outputs.labels], object) == before
    return outputs._replace(
        labels=before.astype(np.int32),
        confidence=np.where(agree.astype(bool), outputs.confidence, 0).astype(outputs.confidence.dtype),
        others={"network": outputs.labels} | (outputs.others or {}),
    )
