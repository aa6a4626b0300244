"""The retrieval protocol and its command: queries drawn, the rest ranked, scores averaged and printed."""

import json
import re
import subprocess
import sys

import numpy as np
import pytest

from jaxcluster.metrics import retrieval
from jaxcluster.metrics.retrieval import __main__ as command
from tests.oracles import retrieval as oracle
from tests.oracles.retrieval import labeled_codes

# --- the protocol


def test_stable_order_is_the_ranking_item_by_item():
    codes, labels = labeled_codes(2)
    scores = retrieval.per_query(codes[:20], labels[:20], codes[20:], labels[20:], k=30, ties="stable")
    distance = oracle.hamming(codes[:20], codes[20:])
    for q in range(20):
        order = np.argsort(distance[q], kind="stable")
        expected = oracle.scores((labels[20:][order] == labels[q]).tolist(), 30)
        np.testing.assert_allclose([values[q] for values in scores], expected)


def test_expected_is_the_mean_of_stable_over_orders_of_the_gallery():
    codes, labels = labeled_codes(3, n=200, bits=6)
    query, rest = slice(0, 10), np.arange(10, 200)
    expected = retrieval.per_query(codes[query], labels[query], codes[rest], labels[rest], k=25)
    rng = np.random.default_rng(0)
    draws = []
    for _ in range(400):
        order = rng.permutation(rest)
        draws.append(retrieval.per_query(codes[query], labels[query], codes[order], labels[order], k=25, ties="stable"))
    draws = np.array(draws).mean(-1)
    error = draws.std(0) / np.sqrt(len(draws))
    assert (np.abs(draws.mean(0) - np.mean(expected, -1)) < 4.5 * error).all()


def test_order_of_the_gallery_does_not_matter():
    codes, labels = labeled_codes(4)
    order = np.random.default_rng(0).permutation(np.arange(20, 300))
    plain = retrieval.per_query(codes[:20], labels[:20], codes[20:], labels[20:], k=30)
    mixed = retrieval.per_query(codes[:20], labels[:20], codes[order], labels[order], k=30)
    np.testing.assert_allclose(plain, mixed)


def test_perfect_codes_score_one_and_constant_codes_the_share_of_the_class():
    labels = np.arange(400) % 4
    perfect = retrieval.evaluate(np.eye(4)[labels], labels, n_queries=40, k=50)
    np.testing.assert_allclose(perfect, 1.0)
    assert all(type(value) is float for value in perfect)
    nothing = retrieval.evaluate(np.zeros((400, 8)), labels, n_queries=40, stratified=True, k=50)
    np.testing.assert_allclose(nothing.precision_at_k, 90 / 360)


def test_split():
    labels = np.arange(100) % 5
    queries, gallery = retrieval.split(labels, 20, seed=1)
    np.testing.assert_array_equal(np.sort(np.concatenate([queries, gallery])), range(100))
    assert (np.diff(gallery) > 0).all()
    np.testing.assert_array_equal(queries, retrieval.split(labels, 20, seed=1)[0])
    assert (queries != retrieval.split(labels, 20, seed=2)[0]).any()
    queries, _ = retrieval.split(labels, 20, stratified=True)
    np.testing.assert_array_equal(np.bincount(labels[queries]), [4] * 5)


# --- the command


@pytest.fixture
def files(tmp_path):
    codes, labels = labeled_codes(5)
    np.save(tmp_path / "codes.npy", codes * 0.4 + 0.3)  # floats, as a clusterer's outputs are
    np.save(tmp_path / "labels.npy", labels)
    return codes, labels, ["--codes", str(tmp_path / "codes.npy"), "--labels", str(tmp_path / "labels.npy")]


def test_the_command_prints_the_scores(files, capsys):
    codes, labels, arguments = files
    assert command.main([*arguments, "--queries", "50", "--k", "20", "--seed", "3"]) == 0
    out = capsys.readouterr().out
    expected = retrieval.evaluate(codes, labels, n_queries=50, seed=3, k=20)
    lines = {line[:26].strip(): line[26:].strip() for line in out.splitlines()[1:]}
    assert lines == {
        "precision@20": f"{100 * expected.precision_at_k:.2f}",
        "mAP": f"{100 * expected.mean_ap:.2f}",
        "mAP@20 (by hits)": f"{100 * expected.mean_ap_at_k:.2f}",
        "mAP@20 (by min(R, k))": f"{100 * expected.mean_ap_at_k_min:.2f}",
    }
    assert "250 items of 12 bits" in out


def test_the_command_keeps_every_draw_in_a_file_that_it_never_overwrites(files, tmp_path, capsys):
    codes, labels, arguments = files
    arguments = [*arguments, "--queries", "50", "--k", "20", "--seeds", "2", "--out", str(tmp_path / "out.json")]
    assert command.main(arguments) == 0
    kept = json.loads((tmp_path / "out.json").read_text())
    assert (kept["bits"], kept["items"], kept["seeds"]) == (12, 250, [0, 1])
    expected = [100 * retrieval.evaluate(codes, labels, n_queries=50, seed=s, k=20).mean_ap for s in range(2)]
    np.testing.assert_allclose(kept["scores"]["mean_ap"], expected, atol=6e-4)
    assert command.main(arguments) == 2
    assert "out.json exists; nothing is overwritten" in capsys.readouterr().err


def test_the_command_over_several_seeds(files, capsys):
    codes, labels, arguments = files
    assert command.main([*arguments, "--queries", "50", "--k", "20", "--seeds", "3", "--ties", "stable"]) == 0
    values = [
        100 * retrieval.evaluate(codes, labels, n_queries=50, seed=s, k=20, ties="stable").mean_ap for s in range(3)
    ]
    assert f"{np.mean(values):.2f} +- {np.std(values, ddof=1):.2f}" in capsys.readouterr().out


def test_the_command_runs_as_a_module(files):
    line = [sys.executable, "-W", "error", "-m", "jaxcluster.metrics.retrieval", *files[2]]
    out = subprocess.run([*line, "--queries", "50", "--k", "20"], capture_output=True, text=True, check=True)
    assert "mAP" in out.stdout
    assert out.stderr == ""


def test_errors_of_the_command(files, tmp_path, capsys):
    _, labels, arguments = files
    (tmp_path / "empty.npy").write_bytes(b"")
    np.save(tmp_path / "nan.npy", np.where(labels == labels[0], np.nan, labels))
    for change, message in [
        (["--queries", "300"], "n_queries must lie between 1 and 299 for 300 samples, got 300"),
        (["--queries", "50"], "k must lie between 1 and the 250 items of the gallery, got 1000"),
        (["--codes", str(tmp_path / "none.npy")], "--codes: .*none.npy cannot be read as .npy"),
        (["--codes", arguments[3]], r"codes must have shape \[n, bits\] and not be empty, got \(300,\)"),
        (["--labels", arguments[1]], r"labels must have shape \[300\] like the codes, got \(300, 12\)"),
        (["--k", "10", "--queries", "51", "--stratified"], "n_queries must divide by the 4 classes, got 51"),
        (["--k", "10", "--queries", "296", "--stratified"], "takes 74 of each class, but one has only"),
        (["--codes", str(tmp_path / "empty.npy")], "--codes: .*empty.npy cannot be read as .npy"),
        (["--labels", str(tmp_path / "nan.npy")], "labels must be known for all samples, got NaN or infinity among"),
        (["--threshold", "nan"], "threshold must be a finite number, got nan"),
        (["--out", str(tmp_path / "no" / "out.json")], "--out .*out.json: there is no folder .*no"),
    ]:
        assert command.main([*arguments, *change]) == 2
        captured = capsys.readouterr()
        assert captured.out == ""
        assert re.search(message, captured.err), captured.err


def test_bad_input_names_the_argument():
    codes, labels = np.zeros((6, 4), bool), np.zeros(6, int)
    with pytest.raises(ValueError, match="ties must be 'expected' or 'stable', got 'first'"):
        retrieval.per_query(codes, labels, codes, labels, k=2, ties="first")
    with pytest.raises(ValueError, match=r"query_labels must have shape \[6\] like the codes, got \(5,\)"):
        retrieval.per_query(codes, labels[:5], codes, labels, k=2)
    with pytest.raises(ValueError, match="query_codes and gallery_codes must have the same bits, got 3 and 4"):
        retrieval.per_query(codes[:, :3], labels, codes, labels, k=2)
