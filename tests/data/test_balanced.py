"""The class-balanced subset: equal classes, nothing twice, nothing overwritten."""

import numpy as np
import pytest

from jaxcluster.data import balanced


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


def test_the_command_writes_the_images_as_they_were(tmp_path, capsys):
    x, y = np.arange(12 * 4, dtype=np.float32).reshape(12, 2, 2) / 48, np.arange(12) % 3
    np.savez(tmp_path / "all.npz", x=x, y=y)
    np.save(tmp_path / "bare.npy", x)
    out = tmp_path / "some.npz"
    command = ["--data", str(tmp_path / "all.npz"), "--per-class", "2", "--out", str(out)]
    assert balanced.main(command) == 0
    drawn = np.load(out)
    assert np.bincount(drawn["y"]).tolist() == [2, 2, 2]
    for image, label in zip(drawn["x"], drawn["y"], strict=True):
        (i,) = np.flatnonzero((x == image.reshape(2, 2)).all((1, 2)))
        assert y[i] == label
    assert balanced.main(command) == 2
    assert "some.npz exists; nothing is overwritten" in capsys.readouterr().err
    bare = ["--data", str(tmp_path / "bare.npy"), "--per-class", "2", "--out", str(tmp_path / "b.npz")]
    assert balanced.main(bare) == 2
    assert "bare.npy has no labels to draw by" in capsys.readouterr().err
    missing = ["--data", str(tmp_path / "no.npz"), "--per-class", "2", "--out", str(tmp_path / "b.npz")]
    assert balanced.main(missing) == 2
    assert "no.npz'" in capsys.readouterr().err
