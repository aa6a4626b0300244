"""The page's code runs as it stands, and does what the page says."""

import json

import numpy as np

from tests.spl.draw import PAGE, code_blocks


def run(code):
    names = {}
    exec(compile(code, str(PAGE), "exec"), names)
    return names


def test_the_training_loop_finds_the_truth_among_broken_labels():
    code = code_blocks()[0]
    loop = code[code.index("def losses") :]
    assert sum(bool(line.strip()) for line in loop.splitlines()) <= 15
    names = run(code)
    assert np.max(np.abs(names["params"] - names["truth"])) < 1e-3
    # Plain least squares on the same data is far off: the weights are what helps.
    plain = np.linalg.lstsq(np.asarray(names["x"]), np.asarray(names["y"]), rcond=None)[0]
    assert np.max(np.abs(plain - names["truth"])) > 0.5


def test_balanced_groups_grow_side_by_side_until_a_small_one_is_used_up(capsys):
    names = run(code_blocks()[1])
    first, middle, last = (json.loads(line) for line in capsys.readouterr().out.splitlines())
    sizes = np.bincount(names["groups"])
    assert max(first) < 1.3 * min(first)
    assert all(a <= b <= c for a, b, c in zip(first, middle, last, strict=True))
    np.testing.assert_allclose([sum(first), sum(last)], [0.05 * 600, 0.7 * 600], rtol=1e-3)
    assert last[2] == sizes[2] < last[1] < last[0]


def test_the_sweep_draws_its_picture(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = run(code_blocks()[2])
    assert (tmp_path / "sweep.png").stat().st_size > 10_000
    assert names["sweep"].shape == (3, 100, 3)
    assert np.all(np.diff(names["sweep"], axis=1) >= -1e-3)


def test_the_table_is_the_record():
    record = json.loads((PAGE.parents[2] / "configs" / "records" / "spl_bench.json").read_text())
    page = PAGE.read_text()
    assert record["command"] in page
    for row in record["rows"]:
        for value in (row["balanced_weights"], row["np.lexsort"], row["lax.sort"], row["ratio"]):
            assert f"{value:.2g}" in page, value
