"""README stays true: its figures are those of the records, its code runs, its links and commands exist."""

import pathlib
import re

from configs.records import tables
from jaxcluster.algorithms import aspc, clustergan

ROOT = pathlib.Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
PAGES = {
    file: file.read_text()
    for file in [ROOT / "README.md", *(ROOT / "jaxcluster").rglob("README.md")]
    if file != ROOT / "jaxcluster" / "algorithms" / "README.md"  # its code is run by a test of its own
}


def test_the_tables_are_those_the_records_give():
    for made in tables.everything():
        assert any(made in page for page in PAGES.values()), "run `python -m configs.records.tables --pages PAGES`"
    for file, page in PAGES.items():
        assert tables.put(tables.everything(), page)[0] == page, file


def test_readme_is_read_in_three_minutes():
    assert len(README.split()) <= 900
    assert len(README.splitlines()) <= 150


def test_every_record_is_a_whole_run_of_a_shipped_config():
    for config, summaries in tables.runs().items():
        name, _, arm = config.partition("-arm_")
        assert (ROOT / "configs" / f"{name}.py").exists()
        assert not arm or arm in aspc.VARIANTS
        seeds = [summary["config"]["seed"] for summary in summaries]
        assert len(set(seeds)) == len(seeds)
        for summary in summaries:
            assert not summary["config"]["init_from"]
            assert summary["results"]["epochs"]["pretrain"] == summary["config"]["pretrain"]["epochs"]


def test_every_clustergan_record_is_a_whole_run_of_a_shipped_config():
    found = tables.runs("clustergan_*-seed*.json")
    assert found
    for name, summaries in found.items():
        config, _, arm = name.partition("-arm_")
        assert (ROOT / "configs" / f"{config.removesuffix('_estimated')}.py").exists()
        clustergan.apply_variant(clustergan.get_config(), arm or "recipe")
        for summary in summaries:
            assert summary["results"]["epochs"]["adversarial"] == summary["config"]["adversarial"]["epochs"]
            # Only the pretraining, which is the same for the same seed, may come from another run.
            taken = summary["config"]["init_from"]
            assert not taken or taken.endswith(f"-seed{summary['config']['seed']}")


def test_python_blocks_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    assert blocks
    for block in blocks:
        exec(compile(block, "README.md", "exec"), {})


def test_links_pictures_and_configs_exist():
    for file, page in PAGES.items():
        for target in re.findall(r"\]\(([^)#]+)\)", page):
            assert "://" in target or (file.parent / target).exists(), (file, target)
        for config in re.findall(r"--config=(\S+\.py)", page):
            assert (ROOT / config).exists(), (file, config)
        for config in re.findall(r"--config=([a-z][a-z0-9_]+)(?=[\s:`])", page):
            assert (ROOT / "configs" / f"{config}.py").exists(), (file, config)


def test_ci_runs_the_test_command_that_readme_prints():
    between = README.split("<!-- test-command -->")[1].split("<!-- end -->")[0]
    assert between.count("```") == 2
    assert "pytest" in between
