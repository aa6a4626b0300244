"""Curves: what is drawn is what the records say, whatever keys and phases they have."""

import math

import numpy as np
import pytest

from jaxcluster.plots import curves
from tests.plots.pictures import assert_png


def history(epochs=40):
    records = [{"phase": "pretrain", "epoch": e - 1, "loss": 0.1 / e, "seconds": 1.0} for e in range(1, epochs + 1)]
    for e in range(1, epochs + 1):
        records.append(
            {
                "phase": "finetune", "epoch": e - 1, "loss": 1 / e, "feature_loss": -1 / e, "cluster_loss": 2 / e,
                "age": 0.5 / e, "selected": 1 - 0.5 / e, "change": 0.1 / e,
                "acc": 1 - 0.2 / e, "nmi": 1 - 0.3 / e,
            }
        )  # fmt: skip
    return records


def drawn(axes):
    return {line.get_label(): line.get_xydata() for line in axes.lines}


def test_losses_one_panel_a_phase(tmp_path):
    fig = curves.losses(history(), tmp_path / "losses.png", title="a run")
    assert_png(tmp_path / "losses.png", fig)
    pretrain, finetune = fig.axes
    assert [pretrain.get_title(), finetune.get_title()] == ["pretrain", "finetune"]
    assert pretrain.get_yscale() == "log"
    assert finetune.get_yscale() == "linear"  # Eq. 21 is negative
    np.testing.assert_allclose(drawn(pretrain)["loss"], [[e, 0.1 / e] for e in range(1, 41)])
    assert set(drawn(finetune)) == {"loss", "feature loss (Eq. 21)", "clustering loss (Eq. 22)"}


@pytest.mark.parametrize("phases", [1, 4])
def test_losses_with_any_phases_and_keys(tmp_path, phases):
    records = [
        {"phase": f"phase ${p}_^{{", "epoch": e, "generator_loss": 1.0 + e, "D_loss_total": 2.0}
        for p in range(phases)
        for e in range(3)
    ]
    fig = curves.losses(records, tmp_path / "losses.png")
    assert_png(tmp_path / "losses.png", fig)
    assert len(fig.axes) == phases
    assert set(drawn(fig.axes[0])) == {"generator loss", "D loss total"}


def test_a_resumed_epoch_replaces_the_earlier_record_and_order_does_not_matter():
    records = [
        {"phase": "a", "epoch": 2, "loss": 3.0},
        {"phase": "a", "epoch": 0, "loss": 1.0},
        {"phase": "a", "epoch": 1, "loss": 99.0},
        {"phase": "a", "epoch": 1, "loss": 2.0},
    ]
    (axes,) = curves.losses(records).axes
    np.testing.assert_array_equal(axes.lines[0].get_xydata(), [[1, 1], [2, 2], [3, 3]])


def test_values_that_are_no_numbers_leave_gaps_and_do_not_stop_the_picture(tmp_path):
    records = [
        {"epoch": 0, "loss": 1.0, "note": "start", "ok": True},
        {"epoch": 1, "loss": math.nan},
        {"epoch": 2, "loss": math.inf},
        {"epoch": 3, "loss": None},
        {"epoch": 4, "loss": 0.5, "cluster_loss": 1},
        {"loss": 0.1},
        {"phase": "kmeans", "inertia": 5.0},
    ]
    fig = curves.losses(records, tmp_path / "losses.png")
    assert_png(tmp_path / "losses.png", fig)
    (axes,) = fig.axes
    assert axes.get_yscale() == "log"
    np.testing.assert_array_equal(drawn(axes)["loss"], [[1, 1], [2, math.nan], [3, math.nan], [5, 0.5]])


@pytest.mark.parametrize("value", [0.0, math.nan, 1e-30])
def test_one_record_is_enough(tmp_path, value):
    records = [{"phase": "a", "epoch": 1, "loss": value, "change": value, "acc": value, "selected": value}]
    assert_png(tmp_path / "a.png", curves.losses(records, tmp_path / "a.png"))
    assert_png(tmp_path / "b.png", curves.scores(records, tmp_path / "b.png", stop_change=0.001))


@pytest.mark.parametrize("records", [[], [{}], [{"phase": "a", "epoch": 1, "seconds": 2.0}], [{"loss": 1.0}]])
def test_nothing_to_draw(tmp_path, records):
    assert curves.losses(records, tmp_path / "a.png") is None
    assert curves.scores(records, tmp_path / "b.png") is None
    assert not list(tmp_path.iterdir())


def test_scores_panels_and_threshold(tmp_path):
    fig = curves.scores(history(), tmp_path / "scores.png", stop_change=0.001, title="a run")
    assert_png(tmp_path / "scores.png", fig)
    score, change, selected, age = fig.axes
    assert set(drawn(score)) == {"ACC (last: 0.995)", "NMI (last: 0.993)"}
    assert "scoring only" in score.get_title()
    np.testing.assert_allclose(drawn(change)["stop below 0.001"][:, 1], 0.001)
    assert change.get_yscale() == "log"
    np.testing.assert_allclose(drawn(selected)["selected"][:, 1], [1 - 0.5 / e for e in range(1, 41)])
    np.testing.assert_allclose(drawn(age)["age"][:, 1], [0.5 / e for e in range(1, 41)])


def test_scores_without_labels_and_without_threshold(tmp_path):
    records = [{k: v for k, v in record.items() if k not in ("acc", "nmi")} for record in history()]
    fig = curves.scores(records, tmp_path / "scores.png")
    assert_png(tmp_path / "scores.png", fig)
    assert [axes.get_title() for axes in fig.axes] == ["label change", "selected samples", "age parameter"]


def test_change_of_zero_is_shown(tmp_path):
    records = [{"phase": "a", "epoch": e, "change": c} for e, c in enumerate([0.1, 0.01, 0.0, 0.0])]
    fig = curves.scores(records, tmp_path / "scores.png", stop_change=0.001)
    assert_png(tmp_path / "scores.png", fig)
    assert fig.axes[0].get_yscale() == "symlog"
    assert fig.axes[0].get_ylim()[0] == 0
    for change in ([0.0, 0.0], [math.nan, 0.1]):
        records = [{"phase": "a", "epoch": e, "change": c} for e, c in enumerate(change)]
        assert_png(tmp_path / "b.png", curves.scores(records, tmp_path / "b.png", stop_change=0.0))


def test_phases_follow_each_other_on_one_axis():
    records = [{"phase": p, "epoch": e, "acc": 0.5} for p in ("one", "two") for e in range(3)]
    (axes,) = curves.scores(records).axes
    np.testing.assert_array_equal(axes.lines[0].get_xdata(), [1, 2, 3, 4, 5, 6])
    assert axes.lines[1].get_xdata()[0] == 3  # the dotted line between them


def test_scores_begin_where_training_began(tmp_path):
    records = [{"phase": "pretrain", "epoch": e, "loss": 1.0} for e in range(5)]
    records += [{"phase": "finetune", "epoch": e, "acc": 0.8, "nmi": 0.7, "selected": 0.5} for e in range(3)]
    initial = {"acc": 0.6, "nmi": math.nan, "ari": 0.4}
    fig = curves.scores(records, tmp_path / "scores.png", initial=initial)
    assert_png(tmp_path / "scores.png", fig)
    score, selected = fig.axes
    assert drawn(score).keys() == {"ACC (last: 0.800)", "NMI (last: 0.700)"}
    np.testing.assert_array_equal(drawn(score)["ACC (last: 0.800)"], [[0, 0.6], [1, 0.8], [2, 0.8], [3, 0.8]])
    np.testing.assert_array_equal(drawn(selected)["selected"][:, 0], [1, 2, 3])
    assert curves.scores(records[:5], initial=initial) is None
    records = [{"phase": p, "epoch": 0, key: 0.5} for p, key in (("one", "change"), ("two", "acc"))]
    score, change = curves.scores(records, initial=initial).axes
    np.testing.assert_array_equal(drawn(score)["ACC (last: 0.500)"], [[1, 0.6], [2, 0.5]])
    assert change.lines[0].get_xdata()[0] == 1
