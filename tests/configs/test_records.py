"""The tables of the records: which run stands where, and which runs are marked as made by older code."""

import json

import pytest

from configs.records import aspc, aspc_figures, reading, sentences, tables, viewgraph


@pytest.fixture
def record(tmp_path, monkeypatch):
    monkeypatch.setattr(reading, "FOLDER", tmp_path)

    def write(name, acc, *, augment=(True, True), self_paced=True, epochs=100, turn=10.0, shift=0.1, hidden=(), **more):
        config = {
            "seed": int(name.rpartition("-seed")[2]),
            "init_from": "",
            "pretrain": {"augment": augment[0]},
            "finetune": {"augment": augment[1], "self_paced": self_paced, "epochs": epochs},
            "augment": {"rotation": turn, "shift": shift},
            "network": {"hidden": hidden},
        }
        summary = {
            "config": config,
            "results": {"scoring": {"acc": acc, "nmi": 0.5}},
            "seconds": {"a": 90.0, "b": 30.0},
        }
        summary |= {"commit": "0123456789ab", "date": "2026-01-01", "versions": {"jax": "1"}}
        summary |= {"device": {"platform": "cpu", "kind": "cpu", "cores": 1, "machine": "x"}} | more
        (tmp_path / f"{name}.json").write_text(json.dumps(summary))

    return write


@pytest.mark.parametrize(
    ("name", "title"),
    [
        ("aspc_usps", ""),
        ("aspc_usps-variant_wide", ""),
        ("clustergan_usps_balanced-variant_views+no_spl", ""),
        ("aspc_usps-table5_true_false_true", "table5"),
        ("aspc_usps-variant_wide-shift_0.1", "shift"),
    ],
)
def test_runs_of_a_grid_are_told_from_those_of_a_config(name, title):
    assert reading.title_of(name) == title


def test_seeds_stand_in_the_order_of_their_numbers_and_grids_apart(record):
    for seed in (10, 2, 0):
        record(f"aspc_usps-seed{seed}", 0.9)
    record("aspc_usps-table5_true_true_false-seed0", 0.9)
    assert {name: [run["config"]["seed"] for run in found] for name, found in reading.runs().items()} == {
        "aspc_usps": [0, 2, 10]
    }
    assert list(reading.runs(title="table5")) == ["aspc_usps-table5_true_true_false"]


def test_the_ablation_puts_each_run_in_the_row_of_its_own_settings(record):
    assert aspc.ablation_table() == ""
    for seed, acc in enumerate((0.7, 0.9)):
        # The name says otherwise: the config counts.
        record(f"aspc_usps-table5_x-seed{seed}", acc, augment=(True, False), self_paced=False)
    record("aspc_fashion-table5_x-seed0", 0.55, augment=(False, True), commit=None)
    rows = [line.split(" | ") for line in aspc.ablation_table().splitlines()]
    assert len(rows) == 2 + 8
    row = next(row for row in rows if row[:3] == ["| yes", "no", "no"])
    assert row[3:7] == [".800 ± .141 (.700 .900)", ".953", ".500 ± .000", ".896"]
    assert row[7:] == ["–", ".592", "–", ".650 |"]
    older = next(row for row in rows if row[:3] == ["| no", "yes", "yes"])
    assert older[3:] == ["–", ".552", "–", ".711", ".550 †", ".533", ".500", ".608 |"]


def test_a_sweep_shows_the_setting_beside_the_paper(record):
    assert aspc.sweep_table() == ""
    record("aspc_mnist-figure8_250-seed1", 0.988, epochs=250)
    assert aspc.sweep_table().splitlines()[2:] == [
        "| `aspc_mnist` | `finetune.epochs=250` | 1 | .988 | .500 | .988 / – |"
    ]


def test_figures_of_the_paper_have_a_cell_for_each_setting(record):
    assert aspc_figures.augment_table("aspc_digits") == aspc_figures.widths_table("aspc_digits") == ""
    for seed, acc in enumerate((0.5, 0.75)):
        record(f"aspc_digits-figure6_a-seed{seed}", acc, turn=20.0, shift=0.0)
        record(f"aspc_digits-figure7_a-seed{seed}", acc, hidden=(128, 64, 512))
    record("aspc_digits-figure6_b-seed0", 0.25, turn=0.0, shift=0.1429)
    record("aspc_digits-figure7_b-seed0", 0.25, hidden=(128, 128, 512))
    assert aspc_figures.augment_table("aspc_digits").splitlines() == [
        "| `aspc_digits`, rotation | shift 0 | shift 0.1429 |",
        "|---|---|---|",
        "| 0° | – | .250 |",
        "| 20° | .625 ± .177 | – |",
    ]
    assert aspc_figures.widths_table("aspc_digits").splitlines()[2:] == [
        "| 64 | – | .625 ± .177 | – |",
        "| 128 | .250 | .250 | – |",
        "| 512 | – | – | .250 |",
    ]
    record("aspc_mnist_test-figure7_a-seed0", 0.5, hidden=(500, 125, 2000))
    for seed in (0, 1):  # the config itself was run outside of the grid
        record(f"aspc_mnist_test-seed{seed}", 0.75 + seed / 8, hidden=(500, 500, 2000))
    assert aspc_figures.widths_table("aspc_mnist_test").splitlines()[2:] == [
        "| 125 | – | .500 | – |",
        "| 500 | .750 | .750 | – |",
        "| 2000 | – | – | .750 |",
    ]


def test_the_view_graph_is_shown_beside_the_partition_that_it_began_with(record):
    def run(name, acc, before):
        scoring = {"scoring": {"acc": before, "nmi": 0.75}}
        record(name, acc, results={"scoring": {"acc": acc, "nmi": acc - 0.25}, "initial": {"assignment": scoring}})

    for config in ("viewgraph_usps", "viewgraph_mnist_test"):
        for seed, acc in enumerate((0.75, 0.875, 0.625, 0.25)):
            run(f"{config}-seed{seed}", acc, acc + 0.0625)
        for suffix in list(viewgraph.PARTS)[1:]:
            for seed in range(3):
                run(f"{config}{suffix}-seed{seed}", 0.5 + seed / 8, 0.5)
    assert viewgraph.results_table().splitlines()[2:] == [
        f"| {name} | 4 | .688 / .750 | .625 ± .270 (.750 .875 .625 .250) | .250 | .375 ± .270 |"
        for name in ("USPS, 9,298", "MNIST test, 10,000")
    ]
    alone, default, voting = viewgraph.parts_table().splitlines()[2:5]
    # The first three seeds only: as many as the other variants have.
    assert alone.endswith("| .812 ± .125 / .750 ± .000 | .812 ± .125 / .750 ± .000 |")
    assert default == "| default | .750 ± .125 / .500 ± .125 | .750 ± .125 / .500 ± .125 |"
    assert voting.endswith("| .625 ± .125 / .375 ± .125 | .625 ± .125 / .375 ± .125 |")
    assert sentences.ensemble().startswith("Five networks that vote reach .625 / .375 on USPS and .625 / .375 on MNIST")


def test_times_are_told_by_hardware(record):
    record("aspc_usps-seed0", 0.9)
    record("aspc_usps-seed1", 0.9, device={"platform": "gpu", "kind": "GPU 1", "count": 1}, seconds={"a": 10.0})
    assert aspc.time_table().splitlines()[2:] == [
        "| USPS | 1 CPU core (x) | 1 | 120 | 92 |",
        "| USPS | GPU 1 | 1 | 10 | 92 |",
    ]


@pytest.mark.parametrize(
    ("lacks", "known"),
    [({}, True), ({"commit": None}, False), ({"commit": "0123456789ab+"}, False), ({"date": ""}, False)],
)
def test_a_run_of_unknown_code_is_marked(record, lacks, known):
    record("aspc_usps-seed0", 0.9, **lacks)
    assert (tables.provenance() == "") == known
    (summaries,) = reading.runs().values()
    assert reading.mark(summaries) == ("" if known else " †")


def test_a_page_takes_the_tables_with_its_heads():
    page = "text\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n| c |\n|---|\n| 3 |\n"
    made, missing = tables.put(["| a | b |\n|---|---|\n| 4 \\1 | 5 |\n| 6 | 7 |", "| d |\n|---|", "text"], page)
    assert made == page.replace("| 1 | 2 |", "| 4 \\1 | 5 |\n| 6 | 7 |")
    assert missing == ["| d |\n|---|"]
