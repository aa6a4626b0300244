"""Data as people have them, through the command line: a table with names and labels, and new rows for its model."""

import numpy as np
import pytest

from tests.main.commands import command, run_on

RNG = np.random.default_rng(9)


def write(path, rows, kinds, columns):
    cells = {
        "a": rows[:, 0],
        "b": rows[:, 1],
        "c": rows[:, 2],
        "name": [f"s{i}" for i in range(len(rows))],
        "label": kinds,
    }
    lines = [",".join(columns)] + [",".join(str(cells[c][i]) for c in columns) for i in range(len(rows))]
    path.write_text("\n".join(lines))


@pytest.mark.long
def test_a_table_is_clustered_and_new_rows_find_their_clusters(tmp_path):
    kinds = np.arange(40) % 2
    rows = RNG.normal(size=(40, 3)) * [1, 50, 0.01] + kinds[:, None] * [8, 400, 0.08] + [0, 0, 1.7e9]
    write(tmp_path / "t.csv", rows, np.array(["cat", "dog"])[kinds], ["name", "a", "b", "c", "label"])
    said = run_on(tmp_path / "t.csv", tmp_path / "run", "--config.data.scaling=feature", "--config.pretrain.epochs=20")
    assert said.code == 0, said.text
    assert "column 'label' holds the labels" in said.text
    labels = np.load(tmp_path / "run" / "labels.npy")
    write(
        tmp_path / "new.csv", rows[:9], kinds, ["c", "label", "a", "name", "b"]
    )  # the same rows, columns in another order
    said = command(f"--workdir={tmp_path / 'run'}", f"--predict={tmp_path / 'new.csv'}")
    assert said.code == 0, said.text
    (found,) = (tmp_path / "run" / "predictions").rglob("labels.npy")
    np.testing.assert_array_equal(np.load(found), labels[:9])
