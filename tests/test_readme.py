"""README and the pages stay true: figures are those of the records, code runs, links exist, commands can be read."""

import importlib.util
import pathlib
import re
import shlex

import pytest
import sklearn.datasets
import sklearn.utils

from configs.records import tables
from jaxcluster import main
from jaxcluster.algorithms import aspc, clustergan, viewgraph
from jaxcluster.algorithms.viewgraph import algorithm
from jaxcluster.commandline import parse
from jaxcluster.workflow import configs

ROOT = pathlib.Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
FILES = [ROOT / "README.md", ROOT / "configs/records/README.md", *sorted((ROOT / "jaxcluster").rglob("*.md"))]
PAGES = {file: file.read_text() for file in FILES}
# The code of these pages is run by tests of their own.
ELSEWHERE = [ROOT / "jaxcluster" / room / "README.md" for room in ("algorithms", "spl")]
WITH_CODE = [file for file, page in PAGES.items() if "```python" in page and file not in ELSEWHERE]


def test_the_tables_are_those_the_records_give():
    everything = tables.everything()
    for made in everything:
        there = any(made in page or made in " ".join(page.split()) for page in PAGES.values())
        assert there, f"run `python -m configs.records.tables --pages PAGES`; missing: {made}"
    for file, page in PAGES.items():
        assert tables.put(everything, page)[0] == page, file


def test_readme_is_read_in_three_minutes():
    assert len(README.split()) <= 900
    assert len(README.splitlines()) <= 150


def test_every_record_is_a_whole_run_of_a_shipped_config():
    for config, summaries in tables.runs().items():
        name, _, variant = config.partition("-variant_")
        assert (ROOT / "configs" / f"{name}.py").exists()
        assert not variant or variant in aspc.VARIANTS
        seeds = [summary["config"]["seed"] for summary in summaries]
        assert len(set(seeds)) == len(seeds)
        for summary in summaries:
            assert not summary["config"]["init_from"]
            assert summary["results"]["epochs"]["pretrain"] == summary["config"]["pretrain"]["epochs"]


def test_every_clustergan_record_is_a_whole_run_of_a_shipped_config():
    found = tables.runs("clustergan_*-seed*.json")
    assert found
    for name, summaries in found.items():
        config, _, variant = name.partition("-variant_")
        assert (ROOT / "configs" / f"{config}.py").exists()
        clustergan.apply_variant(clustergan.get_config(), variant or "recipe")
        for summary in summaries:
            assert summary["results"]["epochs"]["adversarial"] == summary["config"]["adversarial"]["epochs"]
            # Only the pretraining, which is the same for the same seed, may come from another run.
            taken = summary["config"]["init_from"]
            assert not taken or taken.endswith(f"-seed{summary['config']['seed']}")


def test_every_view_graph_record_has_the_one_setting_of_all_sets():
    def flat(config, path=""):
        for field, value in config.items():
            yield from flat(value, f"{path}{field}.") if isinstance(value, dict) else [(path + field, value)]

    found = tables.runs("viewgraph_*-seed*.json")
    assert found
    for name, summaries in found.items():
        config, _, variant = name.partition("-variant_")
        assert (ROOT / "configs" / f"{config}.py").exists()
        wanted = dict(flat(viewgraph.apply_variant(viewgraph.get_config(), variant or "default").to_dict()))
        for summary in summaries:
            assert summary["results"]["epochs"]
            for field, value in flat(summary["config"]):
                if not field.startswith("data.") and field not in ("seed", "algorithm"):
                    assert value == (list(wanted[field]) if isinstance(wanted[field], tuple) else wanted[field]), field


@pytest.mark.parametrize("file", WITH_CODE, ids=lambda file: str(file.relative_to(ROOT)))
def test_python_blocks_run(file, tmp_path, monkeypatch):
    """With a sixth of the digits and a tenth of the steps: they take half a minute to cluster."""
    X, y = sklearn.datasets.load_digits(return_X_y=True)
    few = sklearn.utils.Bunch(data=X[:300], images=X[:300].reshape(-1, 8, 8), target=y[:300])

    def load_few(return_X_y=False):
        return (few.data, few.target) if return_X_y else few

    monkeypatch.setattr(sklearn.datasets, "load_digits", load_few)
    monkeypatch.setattr(algorithm, "EPOCHS", 3)
    monkeypatch.setattr(algorithm, "LEAST_STEPS", 50)
    monkeypatch.chdir(tmp_path)
    for block in re.findall(r"```python\n(.*?)```", PAGES[file], re.DOTALL):
        exec(compile(block, str(file), "exec"), {})


def test_links_pictures_and_configs_exist():
    for file, page in PAGES.items():
        for target in re.findall(r"\]\(([^)#]+)\)", page):
            assert "://" in target or (file.parent / target).exists(), (file, target)
        for config in re.findall(r"\bconfigs/[a-z_0-9]+\.py", page):
            assert (ROOT / config).exists(), (file, config)
        for config in re.findall(r"--config=([a-z][a-z0-9_]+)(?=[\s:`])", page):
            assert (ROOT / "configs" / f"{config}.py").exists(), (file, config)


def commands(page):
    """The words of each command in the page's bash blocks; a command may be one of several in a line."""
    for block in re.findall(r"```bash\n(.*?)```", page, re.DOTALL):
        for line in block.replace("\\\n", " ").splitlines():
            words = shlex.split(line, comments=True)
            while words:
                end = words.index("&&") if "&&" in words else len(words)
                yield words[:end]
                words = words[end + 1 :]


def test_commands_on_pages_can_be_read():
    read = 0
    for file, page in PAGES.items():
        for program, *words in commands(page):
            if program == "launch/seeds.sh":
                configs.load(words[0])
            elif program.startswith("launch/"):
                assert (ROOT / program).exists(), (file, program)
            elif program.endswith("python") and words[0] == "-m" and words[1].startswith("jaxcluster"):
                assert importlib.util.find_spec(words[1]), (file, words[1])
            if program.endswith("jaxcluster") or words[:2] == ["-m", "jaxcluster.main"]:
                words = [word for word in words if word not in ("-m", "jaxcluster.main", "--list", "--help")]
                parse(words, main.FLAGS)  # raises at an unknown option, config, variant, field or value
                read += 1
    assert read > 15


def test_ci_runs_the_test_command_that_readme_prints():
    between = README.split("<!-- test-command -->")[1].split("<!-- end -->")[0]
    assert between.count("```") == 2
    assert "pytest" in between
