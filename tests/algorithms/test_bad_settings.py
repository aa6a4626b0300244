"""Every field of every method refuses what it cannot be, in one sentence that names it.

What a field can be is told here a second time and in another way: by its kind, and for each kind by a list of those
of the values below that are good. Whatever is not listed must be refused.
"""

import math
import re

import numpy as np
import pytest

from jaxcluster import algorithms
from jaxcluster.workflow.settings import UsageError, check_settings, settings_of

VALUES = {
    "-1": -1, "-1.5": -1.5, "-1e-9": -1e-9, "0": 0, "0.0": 0.0, "1e-9": 1e-9, "1/2": 0.5, "1": 1, "1.0": 1.0,
    "1.5": 1.5, "13": 13, "13.0": 13.0, "nan": math.nan, "inf": math.inf, "-inf": -math.inf, "10^12": 10**12,
    "1e12": 1e12, "-10^12": -(10**12), "10^30": 10**30, "1e30": 1e30, "10^400": 10**400, "10^5000": 10**5000,
    "True": True, "False": False, "None": None, "''": "", "'x'": "x", "'1'": "1", "'auto '": "auto ", "NUL": "a\0b",
    "long": "x" * 10**5, "bytes": b"1", "1j": 1j, "int64": np.int64(1), "array": np.ones(2), "class": int,
    "()": (), "[]": [], "{}": {}, "{'a': 1}": {"a": 1}, "{1}": {1},
    "(1,)": (1,), "(1, 1)": (1, 1), "(1, 1, 1)": (1, 1, 1), "(0,)": (0,), "(-1,)": (-1,), "(1.5,)": (1.5,),
    "(nan,)": (math.nan,), "(True,)": (True,), "(None,)": (None,), "('1',)": ("1",), "((1,),)": ((1,),),
    "(10^12,)": (10**12,), "(1, 0)": (1, 0),
}  # fmt: skip
GOOD = {
    "whole number": {"0", "1", "13"},
    "whole number, -1 too": {"-1", "0", "1", "13"},
    "whole number above 0": {"1", "13"},
    "whole number above 1": {"13"},
    "whole number from 100 on": set(),
    "number of views": {"1", "13"},
    "number": {"0", "0.0", "1e-9", "1/2", "1", "1.0", "1.5", "13", "13.0"},
    "number above 0": {"1e-9", "1/2", "1", "1.0", "1.5", "13", "13.0"},
    "share": {"0", "0.0", "1e-9", "1/2", "1", "1.0"},
    "share above 0": {"1e-9", "1/2", "1", "1.0"},
    "share below 1": {"0", "0.0", "1e-9", "1/2"},
    "widths": {"(1,)", "(1, 1)", "(1, 1, 1)"},
    "widths or none": {"()", "[]", "(1,)", "(1, 1)", "(1, 1, 1)"},
    "factors": {"(1,)", "(1, 1)", "(1, 1, 1)", "(1.5,)"},
    "height and width or none": {"()", "[]", "(1, 1)"},
    "flag": {"True", "False"},
    "text": {"''", "'x'", "'1'", "'auto '"},
    "choice": set(),
}
KINDS = {  # the name's last parts -> kind; a longer name goes before a shorter one
    "whole number": """seed prior.style consistency.translate pace.reference pretrain.epochs finetune.epochs
        finetune.age_epochs train.epochs train.batch_size viewgraph.n_clusters""",
    "whole number, -1 too": "aspc.finetune.epochs",
    "whole number above 0": """n_clusters ensemble n_neighbors n_vector_neighbors n_init max_iterations embedding
        batch_size adversarial.epochs finetune.target_epochs""",
    "whole number above 1": "m partition.most_clusters adversarial.batch_size",
    "whole number from 100 on": "graph.anchors",
    "number of views": "graph.views",
    "number": """checkpoint_seconds rotation noise clusterer_noise image_noise hidden_noise code_noise width width_end
        weights.joint weights.image weights.code weights.cycle weights.cycle_generator weights.consistency
        weights.entropy weights.pseudo_labels weights.diversity consistency.virtual initial.tolerance cluster.tolerance
        inertia_tolerance finetune.reconstruction""",
    "number above 0": "learning_rate learning_rate_end pace.rho",
    "share": """shift stretch shear augment.step relabel_after relabel_vectors_after least_cut most_moved noise_end
        warm_up.adversarial warm_up.cycle warm_up.consistency warm_up.entropy pseudo_labels_until""",
    "share above 0": "pace.start pace.full_at train.selected",
    "share below 1": "augment.masked momentum beta1 beta2 average finetune.tolerance",
    "widths": "hidden",
    "widths or none": "viewgraph.network.hidden clusterer_hidden generator_hidden discriminator_hidden",
    "factors": "initial.dimensions",
    "height and width or none": "data.size",
    "flag": "strict augment dropout self_paced flip",
    "text": """init_from data.name data.path data.split data.labels_path data.data_dir data.id_column
        data.label_column""",
    "choice": """algorithm data.fit data.ground data.scaling network.family network.convolution network.output
        network.head representation center optimizer method weights_on mean_over prior.noise prior.proportions scope
        schedule form confident""",
}
KIND_OF = {name: kind for kind, names in KINDS.items() for name in names.split()}


def kind_of(method, field):
    parts = [method, *field.split(".")]
    return next(KIND_OF[name] for i in range(len(parts)) if (name := ".".join(parts[i:])) in KIND_OF)


def with_value(config, field, value):
    """A copy of a nested dict, with another value of one field."""
    first, _, rest = field.partition(".")
    return config | {first: with_value(config[first], rest, value) if rest else value}


FIELDS = [(name, field) for name in algorithms.names() for field in algorithms.get(name).docs]


@pytest.mark.parametrize("name", algorithms.names())
def test_every_bad_value_of_every_field_is_refused_by_name(name):
    method = algorithms.get(name)
    usual, wrong = method.defaults().to_dict(), []
    for field in method.docs:
        bad = VALUES.keys() - GOOD[kind_of(name, field)]
        assert len(bad) >= 20
        for value in sorted(bad):
            try:
                method.check(with_value(usual, field, VALUES[value]), 1000)
                wrong.append(f"{field} = {value} is taken")
            except ValueError as error:
                sentence = str(error)
            if not sentence.startswith(f"config.{field} must be ") or not 20 < len(sentence) < 400 or "\n" in sentence:
                wrong.append(f"{field} = {value}: {sentence[:200]!r}")
    assert wrong == []


def test_good_values_are_taken():
    """Else a check that refuses everything would do; some are refused for another field's sake, and it says so."""
    usual, wrong = {name: algorithms.get(name).defaults().to_dict() for name in algorithms.names()}, []
    for name, field in FIELDS:
        for value in GOOD[kind_of(name, field)]:
            sentence = ""
            try:
                algorithms.get(name).check(with_value(usual[name], field, VALUES[value]), 10**9)
            except AttributeError:  # what ties two fields reads a ConfigDict, after all fields have been checked
                continue
            except ValueError as error:
                sentence = str(error)
            if re.match(rf"config\.{field} must be (?!at |above 0 when)", sentence):
                wrong.append(f"{name}: {field} = {value}: {sentence}")
    assert wrong == []


def test_a_bad_value_does_not_get_past_the_reading_of_settings():
    """As `fit` takes them from a program: nothing on the way repairs, drops or trips over a value."""
    values = sorted(VALUES)
    for number, (name, field) in enumerate(FIELDS):
        good, config = GOOD[kind_of(name, field)], algorithms.get(name).defaults().to_dict()
        value = values[7 * number % len(values)]
        if value not in good:
            with pytest.raises(UsageError, match=r"^config\.") as refused:
                check_settings(settings_of(with_value(config, field, VALUES[value])))
            assert f"config.{field} " in str(refused.value), value
