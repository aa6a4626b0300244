"""A workdir from somebody else, or a damaged one: it is read in a sentence, and leads nowhere."""

import copy
import json
import os

import numpy as np
import pytest

from jaxcluster.files import checkpoint, manifest, reading, storage, workdir
from jaxcluster.files.storage import WorkdirError

DATA = {"samples": 5, "shape": [4, 5, 1], "dtype": "uint8", "checksum": 1, "offset": 0.0, "scale": 0.5}
IDENTITY = {"config": {"algorithm": "toy", "seed": 0, "n_clusters": 3, "net": {"hidden": [3, 4]}}, "data": DATA}
SUMMARY = IDENTITY | {"results": {"cluster_sizes": [2, 3], "scoring": {"acc": 0.5}, "generated": {"diversity": None}}}


def changed(data, name, value):
    data = copy.deepcopy(data)
    *path, last = name.split(".")
    inner = data
    for part in path:
        inner = inner[part]
    if value is ...:
        del inner[last]
    else:
        inner[last] = value
    return data


DEEP = "[" * 100_000
BAD = [
    ("config.json", "data.scale", float("nan"), "NaN is no number"),
    ("config.json", "data.scale", 0, "data.scale must be finite and above 0, got 0"),
    ("config.json", "data.scale", [1.0, -1.0], "data.scale must be finite and above 0"),
    ("config.json", "data.offset", "0", 'data.offset must be finite, got "0"'),
    ("config.json", "data.offset", ..., "data.offset is missing"),
    ("config.json", "data.shape", [], "data.shape must be a list of 1 to 4 sizes"),
    ("config.json", "data.shape", [10**9, 10**9], "data.shape must be a list of 1 to 4 sizes with at most 268435456"),
    ("config.json", "data.shape", [True], "data.shape must be a list"),
    ("config.json", "data.samples", -1, "data.samples must be a whole number from 1"),
    ("config.json", "data.samples", 1.5, "data.samples must be a whole number from 1"),
    ("config.json", "data", None, "data must be an object, got null"),
    ("config.json", "config", [], "config must be an object"),
    ("config.json", "config.n_clusters", -5, "config.n_clusters must be a whole number from 0 to 1000000, got -5"),
    ("config.json", "config.n_clusters", 10**9, "config.n_clusters must be a whole number"),
    ("config.json", "config.n_clusters", True, "config.n_clusters must be a whole number"),
    ("config.json", "config.algorithm", 3, "config.algorithm must be text, got 3"),
    ("config.json", "config.algorithm", ..., "config.algorithm is missing"),
    ("config.json", "config.seed", "\x1b[2J", r'config.seed must be a whole number .*, got "\\u001b\[2J"'),
    ("config.json", "config.net.hidden", [float("inf")], "Infinity is no number"),
    ("summary.json", "results", ..., "results is missing"),
    ("summary.json", "results.cluster_sizes", [2, -1], "results.cluster_sizes must be a list of sizes"),
    ("summary.json", "results.scoring", {"acc": "high"}, "results.scoring must be an object of finite numbers"),
    ("summary.json", "results.generated.diversity", "much", "results.generated.diversity must be a finite number"),
]  # fmt: skip


def read(name, folder):
    return workdir.read_identity(folder) if name == "config.json" else workdir.read_summary(folder)


@pytest.mark.parametrize(("name", "field", "value", "message"), BAD)
def test_what_a_file_must_not_say_is_refused_in_one_sentence(tmp_path, name, field, value, message):
    whole = IDENTITY if name == "config.json" else SUMMARY
    (tmp_path / name).write_text(json.dumps(whole))
    assert read(name, tmp_path) == whole
    (tmp_path / name).write_text(json.dumps(changed(whole, field, value)))
    with pytest.raises(WorkdirError, match=message) as refused:
        read(name, tmp_path)
    assert str(refused.value).startswith(f"{tmp_path / name} is damaged: ")
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("name", ["config.json", "summary.json"])
@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"null", b"[]", b"3", b"\xff\xfe", DEEP.encode(), b'{"config": {"a": ' + b"9" * 5000 + b"}}",
     b'{"config": ' + b'{"a":' * 5000 + b"1" + b"}" * 5001],
    ids=["empty", "cut", "null", "list", "number", "bytes", "deep", "digits", "nested"],
)  # fmt: skip
def test_what_is_no_such_file_is_refused_in_one_sentence(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(WorkdirError, match=f"{name} is damaged: ") as refused:
        read(name, tmp_path)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("value", ["1e999", "-1e999", '{"a":' * 20 + "1" + "}" * 20, "[" * 20 + "]" * 20])
def test_settings_that_json_allows_and_no_run_has(tmp_path, value):
    """Too large for a float, which makes it infinite, and nested deeper than settings are."""
    text = json.dumps(IDENTITY).replace('"hidden": [3, 4]', f'"hidden": {value}')
    (tmp_path / "config.json").write_text(text)
    with pytest.raises(WorkdirError, match="damaged: config must be an object of finite numbers, text and lists"):
        workdir.read_identity(tmp_path)


def test_a_file_too_large_to_be_one_is_not_read(tmp_path, monkeypatch):
    with (tmp_path / "config.json").open("wb") as file:
        file.truncate(2**40)
    with pytest.raises(WorkdirError, match=r"config\.json is too large: 1099511627776 bytes"):
        workdir.read_identity(tmp_path)


NAMES = [
    "config.json", "manifest.json", "metrics.jsonl", "summary.json", "labels.npy", "clusters.csv",
    "anything", ".hidden",
    "model", "model/one", "model/one/d", "model/one/manifest.ocdbt", "checkpoints", "checkpoints/0", "checkpoints/0/x",
    "pictures", "pictures/pca.png", "predictions", "predictions/x", "predictions/x/labels.npy",
    ".0123456789abcdef.partial",
]  # fmt: skip
READERS = {
    "claim": lambda folder: workdir.claim(folder, IDENTITY),
    "identity": workdir.read_identity,
}


def everything(folder):
    return {file: file.read_bytes() for file in folder.rglob("*") if file.is_file()}


@pytest.mark.parametrize("target", ["file", "folder", "nothing", "pipe"])
@pytest.mark.parametrize("name", NAMES)
def test_nothing_below_a_workdir_leads_out_of_it(tmp_path, name, target):
    """A link at every level and under every name is refused before anything is written, deleted or read through it."""
    outside, folder = tmp_path / "outside", tmp_path / "run"
    (outside / "folder" / "one").mkdir(parents=True)
    (outside / "file").write_text("precious")
    (outside / "folder" / "one" / "d").write_text("precious")
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps(IDENTITY))
    before = everything(outside)
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    if target == "pipe":
        os.mkfifo(path)
    else:
        path.symlink_to(outside / target)
    kind = "neither a file nor a folder" if target == "pipe" else "a symbolic link"
    for reader in READERS.values():
        with pytest.raises(WorkdirError, match=f"{name} is {kind}; a workdir may hold files and folders only$"):
            reader(folder)
    if name.startswith("model"):
        with pytest.raises((WorkdirError, FileNotFoundError)):
            checkpoint.load_model(folder / "model" / "one")
    assert everything(outside) == before


def test_the_workdir_itself_may_be_a_link(tmp_path):
    (tmp_path / "scratch").mkdir()
    (tmp_path / "run").symlink_to(tmp_path / "scratch")
    workdir.claim(tmp_path / "run", IDENTITY)
    assert workdir.read_identity(tmp_path / "run")["data"] == DATA


def test_writing_a_file_replaces_a_link_and_follows_none(tmp_path):
    """Also one that appears after the folder was looked through."""
    (tmp_path / "target").write_text("precious")
    for name in ("labels.npy", "labels.partial", ".probe", "config.partial"):
        (tmp_path / name).symlink_to(tmp_path / "target")
    storage.check_writable(tmp_path)
    storage.write_array(tmp_path / "labels.npy", np.arange(3))
    assert (tmp_path / "target").read_text() == "precious"
    assert not (tmp_path / "labels.npy").is_symlink()


def test_a_link_of_a_name_that_was_foreseen_after_all_is_not_followed(tmp_path, monkeypatch):
    monkeypatch.setattr(storage, "_partial_name", lambda: ".0123456789abcdef.partial")
    (tmp_path / "target").write_text("precious")
    (tmp_path / storage._partial_name()).symlink_to(tmp_path / "target")
    for write in (lambda: storage.write_text(tmp_path / "a", "x"), lambda: storage.check_writable(tmp_path)):
        with pytest.raises(storage.StorageError, match="cannot be written: File exists"):
            write()
    assert (tmp_path / "target").read_text() == "precious"


def test_an_array_that_promises_more_than_it_holds_is_not_allocated(tmp_path, monkeypatch):
    file = tmp_path / "labels.npy"
    np.save(file, np.arange(1000))
    file.write_bytes(file.read_bytes().replace(b"(1000,)", b"(9" + b"0" * 10 + b",)", 1).replace(b" " * 6, b"", 1))
    monkeypatch.setattr(np, "load", lambda *rest, **options: pytest.fail("it was allocated"))
    with pytest.raises(storage.StorageError, match="its header does not fit its size"):
        storage.read_array(file)


def test_arrays_never_run_code(tmp_path):
    class Evil:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "it ran"),)

    np.save(tmp_path / "labels.npy", np.array([Evil()], dtype=object), allow_pickle=True)
    from jaxcluster.workflow import agreement

    with pytest.raises(ValueError, match=r"labels\.npy cannot be read"):
        agreement.rank([tmp_path, tmp_path])
    assert not (tmp_path / "it ran").exists()


def test_escapes_are_shown_and_not_obeyed():
    assert reading.printable("a\x1b[2J\x07\r\nb\x9b\u202e\udcff ä 漢") == r"a\x1b[2J\x07\r\nb\x9b\u202e\udcff ä 漢"


def test_cells_that_a_spreadsheet_would_compute_are_text(tmp_path):
    names = ("=1+1", "+a", "-b", "@c", "\td", "\re", "plain=1", "'=q", "")
    count = len(names)
    workdir.write_csv(tmp_path / "clusters.csv", np.zeros(count, int), np.zeros(count), names)
    import csv

    with (tmp_path / "clusters.csv").open(newline="") as file:
        cells = [row["file"] for row in csv.DictReader(file)]
    assert cells == ["'=1+1", "'+a", "'-b", "'@c", "'\td", "'\re", "plain=1", "'=q", ""]


def test_another_environment_is_refused_or_named_and_never_called_damage(tmp_path, monkeypatch):
    here = {"x64": False, "prng": "threefry2x32", "cores": 2, "jax": "1.0"}
    monkeypatch.setattr(workdir.environment, "describe", lambda: here)
    workdir.claim(tmp_path, IDENTITY, report=pytest.fail)
    workdir.claim(tmp_path, IDENTITY, report=pytest.fail)
    said = []
    here |= {"cores": 1, "jax": "1.1"}
    workdir.claim(tmp_path, IDENTITY, report=said.append)
    assert said == [
        "this run was begun in another environment: cores was 2, now 1; jax was '1.0', now '1.1': "
        "the results may differ from those of an unbroken run"
    ]
    here |= {"x64": True, "prng": "rbg"}
    with pytest.raises(WorkdirError, match=r"in another environment: jax_enable_x64 was False, now True; jax_default_"
                       r"prng_impl was .* Set JAX_ENABLE_X64 and JAX_DEFAULT_PRNG_IMPL as it was"):  # fmt: skip
        workdir.claim(tmp_path, IDENTITY)


def test_a_run_of_an_older_version_is_gone_on_with(tmp_path):
    """It has neither an environment nor checksums."""
    (tmp_path / "config.json").write_text(json.dumps(IDENTITY))
    workdir.claim(tmp_path, IDENTITY, report=pytest.fail)
    assert "environment" not in workdir.read_identity(tmp_path)
    assert manifest.verify(tmp_path, "config.json")


def test_a_flipped_bit_of_the_settings_is_damage_and_no_other_run(tmp_path):
    workdir.claim(tmp_path, IDENTITY)
    text = (tmp_path / "config.json").read_text()
    (tmp_path / "config.json").write_text(text.replace('"seed": 0', '"seed": 1'))
    for reader in READERS.values():
        with pytest.raises(WorkdirError, match=r"config\.json is damaged: its checksum does not match"):
            reader(tmp_path)
