"""Laws that every family of networks keeps: padding, devices, order of samples, evaluation, gradients."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxcluster import networks
from jaxcluster.networks import Context, adversarial_networks

UNITS, INPUTS, ROWS = 3, 5, 4
SMALL = {
    "mlp": {
        "sample_shape": (2, 3, 1),
        "clusterer_hidden": (6, 5),
        "generator_hidden": (6,),
        "discriminator_hidden": (6,),
        "clusterer_noise": 0.1,
        "head": "normalized",
    },
    "mnist": {
        "sample_shape": (4, 4, 1),
        "clusterer_hidden": (2, 3, 2, 3, 4),
        "generator_hidden": (5,),
        "discriminator_hidden": (5,),
        "scores": ("joint",),  # the others are those of "mlp"
    },
    "cifar": {
        "sample_shape": (4, 4, 2),
        "clusterer_hidden": (3, 4, 2, 3),
        "generator_hidden": (4, 3),
        "discriminator_hidden": (3, 4),
        "hidden_noise": 0.1,
        "output": "tanh",
    },
}


def drawn(*nets):
    """Positive variables away from the initial ones, where gains of 1 and offsets of 0 would hide a term left out."""
    draw = np.random.default_rng(7)
    return jax.tree.map(
        lambda leaf: (0.2 + 0.5 * np.abs(draw.normal(size=leaf.shape))).astype(np.float32),
        jax.eval_shape(lambda key: tuple(net.init(key) for net in nets), jax.random.key(0)),
    )


@functools.cache
def small(family):
    """Networks, their variables, and one compiled function of all that is looked at."""
    nets = adversarial_networks(family, units=UNITS, inputs=INPUTS, code_noise=0.3, code_hidden=(4,), **SMALL[family])
    variables = drawn(*nets)

    def outputs(variables, x, z, context):
        c, g, d = variables
        logits, features, c_stats = nets.clusterer.apply(c, x, context)
        images, g_stats = nets.generator.apply(g, z, context)
        scores = nets.discriminator.apply(d, z[:, :UNITS], x, context)
        rows = {"logits": logits, "features": features, "images": images, **scores._asdict()}
        return rows, {"clusterer": c_stats, "generator": g_stats}

    def evaluate(variables, x, z):
        return outputs(variables, x, z, None)

    def one_device(variables, x, z, position, valid):
        context = Context(jax.random.key(1), position, valid, "devices")

        def loss(params):
            new = [v | {"params": p} for v, p in zip(variables, params)]
            rows, stats = outputs(new, x, z, context)
            # cubes: with a linear loss the gradient through a batch statistic would vanish
            total = sum(jnp.sum(jnp.where(valid.reshape(-1, *[1] * (r.ndim - 1)), r**3, 0)) for r in rows.values())
            return total, (rows, stats)

        gradient, (rows, stats) = jax.grad(loss, has_aux=True)([v["params"] for v in variables])
        return rows, stats, jax.lax.psum(gradient, "devices")

    mapped = jax.jit(jax.vmap(one_device, in_axes=(None, 0, 0, 0, 0), axis_name="devices"))

    def train(variables, x, z, position, valid, seats=None):
        """Rows in the order given, whatever device and place (`seats`) they sit at; the other places hold NaN.

        Without seats all sit on the first device, and the second has nothing but padding.
        """
        seats = np.arange(ROWS) if seats is None else seats

        def seated(array, fill):
            places = np.full((2 * ROWS, *array.shape[1:]), fill, array.dtype)
            places[seats] = array
            return places.reshape(2, ROWS, *array.shape[1:])

        rows, stats, gradient = mapped(
            variables, seated(x, np.nan), seated(z, np.nan), seated(position, -1), seated(valid, False)
        )
        rows = {name: np.asarray(r).reshape(2 * ROWS, *r.shape[2:])[seats] for name, r in rows.items()}
        first, second = (jax.tree.map(lambda leaf, i=i: np.asarray(leaf)[i], (stats, gradient)) for i in (0, 1))
        jax.tree.map(np.testing.assert_array_equal, first, second)  # every device must hold the same state
        return rows, *first

    return nets, variables, jax.jit(evaluate), train


def batch(family, rows=ROWS):
    shape = SMALL[family]["sample_shape"]
    draw = np.random.default_rng(5)
    x, z = draw.normal(size=(rows, *shape)), draw.uniform(size=(rows, INPUTS))
    return x.astype(np.float32), z.astype(np.float32)


def close(a, b, **tolerance):
    tolerance = {"rtol": 1e-4, "atol": 1e-5} | tolerance
    jax.tree.map(lambda one, other: np.testing.assert_allclose(one, other, **tolerance), a, b)


def given(family):
    return SMALL[family].get("scores", ("joint", "image", "code"))


families = pytest.mark.parametrize("family", list(SMALL))
ALL = np.ones(ROWS, bool)
PLACES = np.arange(ROWS, dtype=np.int32)


# The convolutional ones are slow to compile; those of "mnist" are among those of "cifar".
@pytest.mark.parametrize("family", ["mlp", pytest.param("mnist", marks=pytest.mark.long), "cifar"])
def test_nothing_of_the_padding_counts(family):
    _, variables, _, train = small(family)
    x, z = batch(family)
    valid = np.array([True, True, False, True])
    x_nan, z_nan = x.copy(), z.copy()
    x_nan[2], z_nan[2] = np.nan, np.nan
    rows, stats, gradient = train(variables, x, z, PLACES, valid)
    rows_nan, stats_nan, gradient_nan = train(variables, x_nan, z_nan, PLACES, valid)
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves((rows_nan, stats_nan, gradient_nan)))
    close([r[valid] for r in rows.values()], [r[valid] for r in rows_nan.values()])
    close((stats, gradient), (stats_nan, gradient_nan))


@families
def test_two_devices_with_unequal_counts_are_one(family):
    _, variables, _, train = small(family)
    x, z = batch(family)
    rows, stats, gradient = train(variables, x, z, PLACES, ALL)
    rows2, stats2, gradient2 = train(variables, x, z, PLACES, ALL, seats=np.array([0, 2, 3, 5]))
    close(rows2, rows)
    close((stats2, gradient2), (stats, gradient), rtol=1e-3, atol=1e-4)


@families
def test_draws_belong_to_the_position(family):
    _, variables, _, train = small(family)
    x, z = batch(family)
    rows, stats, gradient = train(variables, x, z, PLACES, ALL)
    order = np.array([2, 0, 3, 1])
    rows2, stats2, gradient2 = train(variables, x[order], z[order], PLACES[order], ALL)
    close([r[order] for r in rows.values()], list(rows2.values()))
    close((stats, gradient), (stats2, gradient2), rtol=1e-3, atol=1e-4)
    elsewhere, _, _ = train(variables, x, z, PLACES + 9, ALL)
    assert all(np.abs(elsewhere[name] - rows[name]).min() > 1e-6 for name in ("logits", *given(family)))


@families
def test_evaluation_knows_no_other_sample(family):
    _, variables, evaluate, _ = small(family)
    x, z = batch(family)
    rows, stats = evaluate(variables, x, z)
    x_other, z_other = x.copy(), z.copy()
    x_other[1:], z_other[1:] = 7, np.nan
    rows2, _ = evaluate(variables, x_other, z_other)
    close([r[0] for r in rows.values()], [r[0] for r in rows2.values()])
    close(stats, {"clusterer": variables[0]["stats"], "generator": variables[1]["stats"]}, rtol=0, atol=0)


@families
def test_each_score_sees_what_it_is_named_after(family):
    _, variables, evaluate, _ = small(family)
    x, z = batch(family)
    rows, _ = evaluate(variables, x, z)
    other_x, _ = evaluate(variables, x + 1, z)
    other_z, _ = evaluate(variables, x, z + 1)
    for name in given(family):
        sees_x, sees_z = name != "code", name != "image"
        assert (np.abs(other_x[name] - rows[name]).max() > 1e-4) == sees_x
        assert (np.abs(other_z[name] - rows[name]).max() > 1e-4) == sees_z


@families
def test_running_statistics_converge_to_the_batchs(family):
    _, variables, _, train = small(family)
    x, z = batch(family)
    _, once, _ = train(variables, x, z, PLACES, ALL)
    old = {"clusterer": variables[0]["stats"], "generator": variables[1]["stats"]}
    moved = tuple(v | {"stats": once[name]} for v, name in zip(variables, ("clusterer", "generator")))
    _, twice, _ = train((*moved, variables[2]), x, z, PLACES, ALL)
    # new = 0.9 old + 0.1 batch, and the batch's do not depend on the running ones
    close(jax.tree.map(lambda a, b, c: (a - b) - 0.9 * (b - c), twice, once, old), jax.tree.map(np.zeros_like, old))
    assert all(np.abs(a - b).max() > 1e-6 for a, b in zip(jax.tree.leaves(once), jax.tree.leaves(old)))


@families
def test_images_lie_in_the_range_of_the_output(family):
    _, variables, evaluate, _ = small(family)
    x, z = batch(family)
    images = np.stack([evaluate(variables, x, z * far)[0]["images"] for far in (-100, 0.1, 100)])
    low = -1 if SMALL[family].get("output") == "tanh" else 0
    assert images.shape[1:] == x.shape
    np.testing.assert_allclose([images.min(), images.max()], [low, 1], atol=0.05)
    assert low <= images.min() < images.max() <= 1


def test_the_normalized_head_starts_with_gain_one_and_offset_minus_two():
    nets = adversarial_networks("mlp", **SMALL["mlp"], units=UNITS, inputs=INPUTS)
    x = np.random.default_rng(0).normal(size=(64, 2, 3, 1)).astype(np.float32)
    context = Context(jax.random.key(1), np.arange(64, dtype=np.int32), np.ones(64, bool))
    logits, _, stats = jax.jit(lambda key: nets.clusterer.apply(nets.clusterer.init(key), x, context))(context.key)
    logits = np.asarray(logits)
    np.testing.assert_allclose(logits.mean(0), -2, atol=1e-4)
    var = (stats["head"]["var"] - 0.9) / 0.1  # of the batch
    np.testing.assert_allclose(logits.std(0), np.sqrt(var / (var + 1e-4)), rtol=1e-3)
    assert logits.std(0).min() > 0.9


def test_the_normalized_heads_gain_and_offset_are_those_of_all_units():
    _, variables, evaluate, _ = small("mlp")
    head = variables[0]["params"]["head"]
    other = variables[0]["params"] | {"head": head | {"gain": 2 * head["gain"], "offset": head["offset"] - 5}}
    before = np.asarray(evaluate(variables, *batch("mlp"))[0]["logits"]) - head["offset"]
    after = evaluate((variables[0] | {"params": other}, *variables[1:]), *batch("mlp"))[0]["logits"]
    np.testing.assert_allclose(after, 2 * before + head["offset"] - 5, rtol=1e-5, atol=1e-5)


def test_weight_normalized_layers_know_only_the_direction():
    for family in ("mlp", "cifar"):
        _, variables, evaluate, _ = small(family)
        x, z = batch(family)

        def longer(path, leaf):
            layer = path[1].key
            normed = layer == "pixels" or layer.startswith(("joint", "image", "code"))
            return leaf * 3 if normed and path[2].key == "kernel" else leaf

        c, g, d = variables
        g, d = (v | jax.tree_util.tree_map_with_path(longer, {"params": v["params"]}) for v in (g, d))
        close(evaluate((c, g, d), x, z)[0], evaluate(variables, x, z)[0], rtol=1e-3, atol=1e-4)


def test_absent_scores_are_zero_and_cost_nothing():
    nets = adversarial_networks("mlp", **SMALL["mlp"], units=UNITS, inputs=INPUTS, scores=("image",))
    variables = jax.eval_shape(nets.discriminator.init, jax.random.key(0))
    assert all(layer.startswith("image") for layer in variables["params"])
    x, z = batch("mlp")
    scores = jax.jit(nets.discriminator.apply)(*drawn(nets.discriminator), z[:, :UNITS], x)
    assert np.abs(np.asarray(scores.image)).min() > 0
    np.testing.assert_array_equal([scores.joint, scores.code], 0)


@pytest.mark.parametrize("family", ["mlp", pytest.param("cifar", marks=pytest.mark.long)])
def test_the_contexts_factor_shrinks_the_noise_on_images_and_hidden_layers_alone(family):
    """As if those two had been built that much smaller; the code's noise stays."""

    sizes = {name: value for name, value in SMALL[family].items() if name != "hidden_noise"}
    loud, soft = (
        adversarial_networks(
            family, **sizes, units=UNITS, inputs=INPUTS, code_noise=0.3, image_noise=4 * sd, hidden_noise=2 * sd
        ).discriminator
        for sd in (0.2, 0.05)
    )
    x, z = batch(family)

    def scores_at(net, variables, factor):
        context = Context(jax.random.key(1), PLACES, ALL, noise=factor)
        return net.apply(variables, z[:, :UNITS], x, context)

    @jax.jit
    def scores(variables, factors):
        at_factors = jax.vmap(functools.partial(scores_at, loud, variables))(factors)
        return at_factors, scores_at(soft, variables, 1.0)

    at_factors, expected = scores(*drawn(loud), np.float32([0.25, 1]))
    (shrunk, whole) = (jax.tree.map(lambda leaf, i=i: np.asarray(leaf)[i], at_factors) for i in (0, 1))
    for one, other in zip(shrunk, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5)
    assert np.abs(whole.joint - shrunk.joint).max() > 1e-3
    assert np.abs(whole.image - shrunk.image).max() > 1e-3
    np.testing.assert_array_equal(whole.code, shrunk.code)


@pytest.mark.parametrize("family", ["mlp", "cifar"])
def test_float64_throughout(family):
    with jax.enable_x64(True):
        nets = adversarial_networks(family, **SMALL[family], units=UNITS, inputs=INPUTS, dtype=jnp.float64)
        variables = [jax.eval_shape(net.init, jax.random.key(0)) for net in nets]
        x, z = (jax.ShapeDtypeStruct(a.shape, a.dtype) for a in batch(family))
        context = Context(jax.random.key(0), PLACES, ALL)
        outputs = [
            jax.eval_shape(lambda v, x: nets.clusterer.apply(v, x, context), variables[0], x),
            jax.eval_shape(lambda v, z: nets.generator.apply(v, z, context), variables[1], z),
            jax.eval_shape(lambda v, z, x: nets.discriminator.apply(v, z[:, :UNITS], x, context), variables[2], z, x),
        ]
    assert {leaf.dtype for leaf in jax.tree.leaves((variables, outputs))} == {np.dtype(np.float64)}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"family": "vgg"}, "family must be among mlp, mnist, cifar, got 'vgg'"),
        ({"output": "linear"}, "output must be among sigmoid, tanh"),
        ({"head": "deep"}, "head must be among plain, normalized"),
        ({"scores": ("joint", "z")}, "scores must be among joint, image, code, got 'z'"),
        ({"convolution": "fft"}, "convolution must be among auto, native, products"),
        ({"units": 0}, "units must be positive, got 0"),
        ({"inputs": -1}, "inputs must be positive, got -1"),
        ({"family": "mnist", "sample_shape": (64,)}, r"must be \(h, w, c\) for the family 'mnist', got \(64,\)"),
        ({"family": "mnist", "sample_shape": (3, 8, 1)}, "at least 4 x 4"),
        ({"family": "mnist", "clusterer_hidden": (3, 4)}, "must be five widths"),
        ({"family": "cifar", "sample_shape": (30, 30, 3)}, "multiples of 4, got"),
        ({"family": "cifar", "clusterer_hidden": (3, 4, 5)}, "at least four widths"),
        ({"family": "cifar", "discriminator_hidden": (3, 4, 5)}, "pairs of widths"),
    ],
)
def test_wrong_options_are_named(change, message):
    with pytest.raises(ValueError, match=message):
        adversarial_networks(**({"family": "mlp", "sample_shape": (32, 32, 3), "units": 3, "inputs": 3} | change))


def test_an_input_of_another_shape_is_named():
    nets = adversarial_networks("mlp", sample_shape=(6,), units=3, inputs=4)
    with pytest.raises(ValueError, match=r"expected an input \[b, 4\], got \(2, 3\)"):
        jax.eval_shape(lambda key: nets.generator.apply(nets.generator.init(key), jnp.zeros((2, 3))), jax.random.key(0))


def test_the_players_are_offered_by_the_package():
    assert {"Context", "Networks", "Scores", "adversarial_networks", "summary"} <= set(networks.__all__)
