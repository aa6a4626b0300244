"""Config files and overrides: those that are shipped work, and every mistake gets one clear sentence."""

import pytest

from jaxcluster import commandline, main
from jaxcluster.workflow import configs
from jaxcluster.workflow.settings import check_settings
from tests.main.commands import CONFIG, ROOT, refused


@pytest.mark.parametrize("name", configs.names())
def test_every_shipped_config_is_one_that_works(name):
    config = configs.load(name)
    assert config.to_dict() == configs.load(str(ROOT / "configs" / f"{name}.py")).to_dict()
    check_settings(config, 1797)
    assert bool(config.data.name) != bool(config.data.path) or name == "default"
    assert configs.summary(name)


def test_a_missing_config():
    assert "data.name, data.path: neither is given" in refused()
    said = refused("--config=no.py")
    assert said.startswith("--config=no.py: no such file, and no config of this name; there are aspc_digits, ")
    assert refused("--config=aspc_dgits").endswith("see --list); did you mean aspc_digits?")
    assert "--config=: no such file" in refused("--config=")
    assert refused("--config") == "--config needs a value: --config=VALUE"


def test_the_last_of_repeated_overrides_counts_and_old_names_are_understood(tmp_path):
    words = ("network.hidden=(16,)", "network.hidden=(7,8)", "initial.restarts=3")
    words = ["--config=aspc_usps:wide", *(f"--config.{word}" for word in words), "--noconfig.finetune.self_paced"]
    config = commandline.parse(words, main.FLAGS).config
    assert config.network.hidden == (7, 8)
    assert config.initial.n_init == 3
    assert config.augment.shear == 0.15
    assert config.finetune.self_paced is False


def test_a_config_in_a_folder_with_a_colon(tmp_path):
    folder = tmp_path / "a:b"
    folder.mkdir()
    (folder / "mine.py").write_text((ROOT / "configs" / "aspc_usps.py").read_text())
    assert configs.load(f"{folder}/mine.py").augment.shear == 0
    assert configs.load(f"{folder}/mine.py:wide").augment.shear == 0.15


def test_a_variant_that_there_is_not(tmp_path):
    plain = tmp_path / "plain.py"
    plain.write_text("from jaxcluster.algorithms import aspc\ndef get_config(): return aspc.get_config()")
    assert refused(f"--config={plain}:wide") == f"--config={plain}:wide: this config has no variants"
    file = ROOT / "configs" / "aspc_usps.py"
    message = r"cannot be loaded \(ValueError: the variant must be one of paper, wide, got"
    with pytest.raises(AssertionError, match=message):
        raise AssertionError(refused(f"--config={file}:wdie"))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("def get_config(:", r"cannot be loaded \(SyntaxError: invalid syntax"),
        ("import no_such_package", r"cannot be loaded \(ModuleNotFoundError: No module named 'no_such_package'\)"),
        ("x = 1", r"the file has no function get_config\(\)"),
        ("def get_config(): return 3", r"get_config\(\) must return a ConfigDict, got int"),
        (
            "from jaxcluster.algorithms import aspc\ndef get_config():\n"
            "    c = aspc.get_config()\n    c.pretrain.epoch = 3\n    return c",
            r"config.pretrain.epoch is no field; config.pretrain has augment, batch_size, epochs, ",
        ),
        (
            "from jaxcluster.algorithms import aspc\ndef get_config():\n"
            "    c = aspc.get_config()\n    del c.pretrain.epochs\n    return c",
            r"config.pretrain.epochs is missing; start from the algorithm's get_config\(\)",
        ),
        (
            "from jaxcluster.algorithms import aspc\ndef get_config():\n"
            "    c = aspc.get_config()\n    c.seed = 'x'\n    return c",
            r"cannot be loaded \(TypeError: ",
        ),
        (
            "from ml_collections import ConfigDict\ndef get_config(): return ConfigDict({'seed': 1})",
            r"config.algorithm must be one of viewgraph, aspc, clustergan, dec, idec, got None",
        ),
    ],
)
def test_a_config_file_that_cannot_work(tmp_path, text, message):
    (tmp_path / "c.py").write_text(text)
    with pytest.raises(AssertionError, match=message):
        raise AssertionError(refused(f"--config={tmp_path / 'c.py'}", f"--workdir={tmp_path / 'run'}"))
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            ["--config.pretrain.epoch=1"],
            "config.pretrain.epoch is no field; config.pretrain has augment, batch_size, epochs, learning_rate, "
            "momentum, optimizer; did you mean epochs?",
        ),
        (["--config.pretrain.epochs.x=1"], "config.pretrain.epochs.x is no field; config.pretrain.epochs is a whole"),
        (["--config.seed=abc"], "config.seed must be a whole number, got 'abc'"),
        (["--config.seed=1.5"], "config.seed must be a whole number, got '1.5'"),
        (["--config.pretrain.learning_rate=x"], "config.pretrain.learning_rate must be a number, got 'x'"),
        (["--config.pretrain.augment=maybe"], "config.pretrain.augment must be true or false, got 'maybe'"),
        (["--config.network.hidden=('a',)"], "config.network.hidden must be a tuple of"),
        (["--config.pretrain=3"], "config.pretrain must be a group of fields (augment, batch_size, epochs"),
        (
            ["--config.checkpoint_seconds=inf"],
            "config.checkpoint_seconds must be a number between 0 and 1e+09, got",
        ),
        (["--config.augment.noise=1e12"], "config.augment.noise must be a number between 0 and 1e+06, got 1000000000"),
        (["--config.pretrain.batch_size=1000000000000"], "config.pretrain.batch_size must be a whole number between 1"),
        (["--config.network.hidden=(True,)"], "config.network.hidden must be a tuple of positive widths, each a whole"),
        (["--config.network.hidden=" + 300 * "("], "config.network.hidden must be a tuple, for example '(500, 500"),
        (["--config.data.size=(28,)"], "config.data.size must be () or a height and a width, each a whole number"),
        (["--config.seed=" + 5000 * "9"], "config.seed must be a whole number, got '999999"),
        (["--config.data.name=" + 5000 * "x"], "config.data.name must be a text of at most 4,096 characters"),
        (
            ["--config.algorithm=kmeans"],
            "config.algorithm must be one of viewgraph, aspc, clustergan, dec, idec, got 'kmeans'",
        ),
        (["--config.n_clusters=-1"], "config.n_clusters must be a whole number between 1 and 1,000,000 (not 0"),
        (
            ["--config.n_clusters=1798"],
            "config.n_clusters must be at most the number of samples, got 1798 clusters for 1797 samples",
        ),
        (["--config.data.name=mnits"], "data.name='mnits' is unknown (near: mnist, "),
        (["--config.data.name=", "--config.data.path=no.npz"], "data.path='no.npz': no such file or folder"),
        (["--config.data.path=x.npz"], "data.name, data.path: both are given ('digits' and 'x.npz'); expected exactly"),
        (["stray"], "unexpected argument 'stray'; options are written --name=value"),
        (["--n_clusters=3"], "there is no option --n_clusters. Did you mean --config.n_clusters? See --help"),
        (["--confg=3"], "there is no option --confg. Did you mean --config? See --help"),
        (["--workdir="], "--workdir is empty; name a folder, or leave it out"),
        (
            ["--workdir=s3://b/run"],
            "--workdir s3://b/run: s3:// cannot be written to; name a local folder or gs://BUCKET/FOLDER",
        ),
        (["--workdir=gs:///run"], "--workdir gs:///run: no bucket is named; expected gs://BUCKET/FOLDER"),
        (["--config.init_from=file:///run"], "config.init_from=file:///run: file:// cannot be written to; name a"),
        (
            ["--devices=9"],
            "--devices must lie between 0 (all) and 8, the local cpu devices, got 9; JAX_NUM_CPU_DEVICES=9",
        ),
        (["--devices=-1"], "--devices must lie between 0 (all) and 8, the local cpu devices, got -1"),
    ],
)
def test_settings_that_cannot_work(options, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert message in refused(CONFIG, *options)
    assert list(tmp_path.iterdir()) == []
