"""The table of settings: what each rule takes and refuses, what follows from a table, and the names of old."""

import json
import math
import pathlib

import numpy as np
import pytest

from jaxcluster import algorithms, commandline
from jaxcluster.algorithms import settings
from jaxcluster.algorithms.settings import Field, boolean, number, one_of, share, text, tuple_of, whole

RECORDS = pathlib.Path(__file__).parents[2] / "configs" / "records"
NAN, INF = math.nan, math.inf


@pytest.mark.parametrize(
    ("rule", "holds", "refuses"),
    [
        (whole(1, 9), [1, 9], [0, 10, 2.0, True, "2", None, np.float32(2)]),
        (number(0, 2), [0, 2, 0.5, 1], [-1e-9, 2.1, NAN, INF, -INF, True, False, "1", None, (1,), 10**400]),
        (number(0, 1, above=True), [1e-300, 1], [0, 0.0]),
        (number(0, 1, below=True), [0, 1 - 1e-9], [1, 1.0]),
        (share(), [0, 1, 0.5], [1.01, NAN]),
        (one_of("a", "b"), ["a", "b"], ["c", "", None, 1]),
        (text(), ["", "a", 4096 * "a"], [None, 1, "a\0", 4097 * "a"]),
        (boolean(), [True, False], [0, 1, "true", None]),
        (tuple_of(whole(1, 9), "sizes"), [(1,), (1, 2), [3]], [(), (0,), (True,), 3, "1", None]),
        (tuple_of(whole(1, 9), "sizes", empty=True), [(), (1,)], [(10,)]),
    ],
)
def test_what_a_rule_takes(rule, holds, refuses):
    assert [value for value in holds if not rule.holds(value)] == []
    assert [value for value in refuses if rule.holds(value)] == []


TABLE = {
    "k": Field(3, whole(2, 1_000), "clusters"),
    "net": {"rate": Field(0.5, number(0, 1, above=True), "of learning"), "kind": Field("a", one_of("a", "b"), "which")},
}


def test_a_table_makes_defaults_and_docs():
    assert settings.defaults(TABLE).to_dict() == {"k": 3, "net": {"rate": 0.5, "kind": "a"}}
    assert settings.docs(TABLE) == {
        "k": "clusters [a whole number between 2 and 1,000]",
        "net.rate": "of learning [a number between 0 and 1, 0 excluded]",
        "net.kind": "which ['a' or 'b']",
    }
    other = settings.changed(TABLE["net"], rate=0.25)
    assert settings.defaults(other).rate == 0.25
    assert TABLE["net"]["rate"].default == 0.5


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"k": 1, "net": {"rate": 0.5, "kind": "a"}}, "config.k must be a whole number between 2 and 1,000, got 1"),
        ({"k": 3, "net": {"rate": NAN, "kind": "a"}}, "config.net.rate must be a number between 0 and 1, 0 excluded"),
        ({"k": 3, "net": {"rate": 0.5, "kind": "c"}}, "config.net.kind must be 'a' or 'b', got 'c'"),
        ({"k": 3, "net": {"rate": 0.5}}, "config.net.kind is missing"),
        ({"k": 3, "net": {"rat": 0.5}}, "config.net.rat is no field; config.net has kind, rate"),
        ({"k": 3, "nets": {}}, "config.nets is no field; config has k, net"),
        ({"k": 3, "net": 1}, r"config.net must be a group of fields \(kind, rate\), got 1"),
        ({"k": {"a": 1}, "net": {}}, "config.k must be a whole number between 2 and 1,000, got {'a': 1}"),
    ],
)
def test_the_check_names_the_field(config, message):
    with pytest.raises(ValueError, match=message):
        settings.check(config, TABLE)


@pytest.mark.parametrize("name", algorithms.names())
def test_every_method_keeps_its_own_rules(name):
    method = algorithms.get(name)
    config = method.defaults()
    assert config.algorithm == method.name == name
    method.check(config, 1000)
    assert method.docs.keys() == dict(leaves(config.to_dict())).keys()
    for variant in method.variants:
        method.check(method.apply_variant(method.defaults(), variant), 1000)
    with pytest.raises(ValueError, match="wdie"):
        method.apply_variant(method.defaults(), "wdie")


OLD = [
    ("aspc", "initial.restarts", "initial.n_init", 7),
    ("aspc", "initial.slack", "initial.inertia_tolerance", 0.5),
    ("clustergan", "cluster.restarts", "cluster.n_init", 7),
    ("clustergan", "initial.neighbours", "initial.n_neighbors", 7),
    ("clustergan", "initial.trusted", "initial.confident", "surest"),
    ("clustergan", "initial.lasts", "initial.pseudo_labels_until", 0.5),
    ("clustergan", "weights.guide", "weights.pseudo_labels", 2.0),
]


@pytest.mark.parametrize(("name", "old", "new", "value"), OLD)
def test_old_names_of_fields(name, old, new, value):
    method = algorithms.get(name)
    assert settings.modern_name(old, method.renamed) == new
    assert settings.modern_name(new, method.renamed) == new
    (group, was), (_, now) = old.split("."), new.split(".")
    assert settings.modernize({group: {was: value}}, method) == {group: {now: value}}
    config = method.defaults()  # an old config file sets the old name beside today's default
    config[group][was] = value
    modern = settings.modernize(config, method)
    assert modern[group][now] == value
    assert was not in modern[group]
    config[group][now] = type(value)("balanced" if isinstance(value, str) else 3)
    if config[group][now] != method.defaults()[group][now]:
        with pytest.raises(ValueError, match=f"config.{old} is the old name of config.{new}"):
            settings.modernize(config, method)


def test_old_names_of_values():
    method = algorithms.get("clustergan")
    for value in ("normalised", "normalized"):
        assert settings.modernize({"network": {"head": value}}, method) == {"network": {"head": "normalized"}}


def leaves(tree, path=""):
    for name, value in tree.items():
        if isinstance(value, dict):
            yield from leaves(value, f"{path}{name}.")
        else:
            yield path + name, value


def test_every_record_still_means_its_settings():
    """Each value of a recorded run comes back under today's name, and today's rules allow it."""
    found = 0
    for file in sorted(RECORDS.glob("*.json")):
        record = json.loads(file.read_text())
        if not isinstance(record, dict) or "algorithm" not in record.get("config", {}):
            continue
        method = algorithms.get(record["config"]["algorithm"])
        modern = settings.modernize(record["config"], method)
        assert len(dict(leaves(modern))) == len(dict(leaves(record["config"]))), file
        config = method.defaults()
        config.update(modern)
        method.check(config, 1_000_000)
        found += 1
    assert found > 50


def test_the_registry_says_what_there_is():
    assert {"aspc", "clustergan", "dec", "idec"} <= set(algorithms.names())
    for name in ("kmeans", None, ["aspc"]):
        with pytest.raises(ValueError, match=r"config\.algorithm must be one of .*aspc, clustergan, .*got "):
            algorithms.get(name)


def test_a_program_registers_a_method(monkeypatch):
    monkeypatch.setattr(algorithms, "_registered", {})
    method = algorithms.get("aspc")._replace(name="mine")
    algorithms.register(method)
    algorithms.register(changed := method._replace(summary="a cell of a notebook, run again"))
    assert algorithms.get("mine") is changed
    assert "mine" in algorithms.names()
    for taken in (method._replace(build=lambda config: None), method._replace(name="aspc")):
        with pytest.raises(ValueError, match=f"a method of the name '{taken.name}' already"):
            algorithms.register(taken)


def test_another_package_brings_a_method(tmp_path, monkeypatch):
    """A distribution as pip leaves it: metadata with an entry point, and a module."""
    info = tmp_path / "theirs-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: theirs\nVersion: 1.0\n")
    points = "theirs = theirs:METHOD\nwrong = theirs:OTHER\nbroken = nowhere:METHOD\n"
    (info / "entry_points.txt").write_text(f"[jaxcluster.algorithms]\n{points}")
    (tmp_path / "theirs.py").write_text(
        "from jaxcluster import algorithms\nOTHER = algorithms.get('aspc')\n"
        "METHOD = OTHER._replace(name='theirs')\nalgorithms.register(METHOD)\n"
    )
    monkeypatch.setattr(algorithms, "_registered", {})
    monkeypatch.syspath_prepend(tmp_path)
    assert {"theirs", "wrong", "broken"} < set(algorithms.names())
    assert algorithms.get("theirs").name == "theirs"
    with pytest.raises(ValueError, match=r"wrong = theirs:OTHER must be .* of that name, got a method named 'aspc'"):
        algorithms.get("wrong")
    with pytest.raises(ValueError, match="broken = nowhere:METHOD cannot be loaded: ModuleNotFoundError: No module"):
        algorithms.get("broken")
    listed = commandline.list_text().splitlines()  # names what is broken, and lists the rest
    assert [line.split(":")[0].split() for line in listed if "not usable" in line] == [
        ["broken", "not", "usable"],
        ["wrong", "not", "usable"],
    ]
    assert any(line.split()[:1] == ["theirs"] for line in listed)
