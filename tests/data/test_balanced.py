"""The class-balanced subset: equal classes, nothing twice, nothing overwritten, the same inputs and names."""

import numpy as np
import pytest

from jaxcluster import data
from jaxcluster.data import balanced

RNG = np.random.default_rng(4)


def test_every_class_is_drawn_equally_often_and_nothing_twice():
    labels = np.repeat([3, 5, 9], [10, 20, 7])
    chosen = balanced.draw(labels, 7, seed=0)
    assert len(set(chosen)) == 21
    assert (chosen == np.sort(chosen)).all()
    assert (np.unique(labels[chosen], return_counts=True)[1] == 7).all()
    assert set(chosen[-7:]) == set(range(30, 37))  # all there are
    assert (balanced.draw(labels, 5, 0) != balanced.draw(labels, 5, 1)).any()
    with pytest.raises(ValueError, match=r"per_class must lie in 1..7, the size of the smallest class, got 8"):
        balanced.draw(labels, 8, seed=0)


def inputs(dataset):
    return ((dataset.images - np.float64(dataset.offset)) * dataset.scale).reshape(len(dataset.images), -1)


@pytest.mark.parametrize("kind", ["uint8", "bool", "unit", "signed", "counts", "vectors"])
@pytest.mark.parametrize("named", [True, False])
def test_a_subset_has_the_inputs_and_names_of_the_whole(tmp_path, kind, named):
    base = RNG.random((40, 3, 4))
    base[0, 0, 0], base[1, 0, 0] = 0, 1
    x = {
        "uint8": (base * 255).astype(np.uint8), "bool": base > 0.5, "unit": base, "signed": base * 2 - 1,
        "counts": (base * 5000).astype(np.int64), "vectors": base.reshape(40, 12),
    }[kind]  # fmt: skip
    y = np.array(["dog", "ant", "cat"])[np.arange(40) % 3] if named else np.arange(40) % 3 + 9
    np.savez(tmp_path / "all.npz", x=x, y=y)
    out = tmp_path / "some.npz"
    assert balanced.main(["--data", str(tmp_path / "all.npz"), "--per-class", "9", "--out", str(out)]) == 0
    whole, part = (
        data.load(path=str(tmp_path / f), scaling="none", report=lambda sentence: None) for f in ("all.npz", "some.npz")
    )
    assert part.label_names == whole.label_names
    assert np.bincount(part.labels).tolist() == [9, 9, 9]
    for row, label in zip(inputs(part), part.labels, strict=True):
        (i,) = np.flatnonzero(np.abs(inputs(whole) - row).max(1) < 1e-6)
        assert whole.labels[i] == label


def test_nothing_is_overwritten_and_errors_are_one_sentence(tmp_path, capsys):
    np.savez(tmp_path / "all.npz", x=RNG.random((12, 2, 2)), y=np.arange(12) % 3)
    np.save(tmp_path / "bare.npy", RNG.random((12, 2, 2)))
    (tmp_path / "precious.npz").write_text("mine")
    (tmp_path / "link.npz").symlink_to(tmp_path / "elsewhere.npz")

    def refused(out, source="all.npz", *more):
        command = ["--data", str(tmp_path / source), "--per-class", "2", "--out", str(tmp_path / out), *more]
        assert balanced.main(command) == 2
        said = capsys.readouterr().err
        assert said.startswith("error: ")
        assert said.count("\n") == 1
        return said

    assert "precious.npz exists; nothing is overwritten" in refused("precious.npz")
    assert "expected a name that ends in .npz" in refused("precious")
    assert (tmp_path / "precious.npz").read_text() == "mine"
    assert "link.npz exists" in refused("link.npz")
    assert not (tmp_path / "elsewhere.npz").exists()
    assert "there is no folder" in refused("no/o.npz")
    assert "bare.npy has no labels to draw by" in refused("b.npz", "bare.npy")
    assert "no.npz'" in refused("b.npz", "no.npz")
    assert "--seed must be 0 or more" in refused("b.npz", "all.npz", "--seed", "-1")
