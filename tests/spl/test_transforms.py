"""Every function under jit and vmap, without recompiling, and across devices."""

import functools
import logging

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.sharding import Mesh, PartitionSpec

from jaxcluster import spl

N, G = 96, 4
RNG = np.random.default_rng(7)
GROUPS = RNG.integers(0, G, N).astype(np.int32)
LOSSES = RNG.gamma(2, 1, N) + 0.3 * GROUPS
LOSSES[::3] = np.round(LOSSES[::3], 1)
LOSSES[[5, 50]] = np.nan, np.inf
LOSSES[60:72] = 1.5
MASK = RNG.random(N) < 0.9

# name -> f(losses, groups, mask, parameter, **options)
CALLS = {
    "hard": lambda x, g, m, p, **o: spl.hard_weights(x, age=p, mask=m, **o),
    "linear": lambda x, g, m, p, **o: spl.linear_weights(x, age=p, mask=m, **o),
    "logarithmic": lambda x, g, m, p, **o: spl.logarithmic_weights(x, age=p / 4, mask=m, **o),
    "mixture": lambda x, g, m, p, **o: spl.mixture_weights(x, age=p, gamma=p / 2, mask=m, **o),
    "balanced": lambda x, g, m, p, **o: spl.balanced_weights(x, g, age=p, gamma=p / 50, num_groups=G, mask=m, **o),
    "diversity": lambda x, g, m, p, **o: spl.diversity_weights(x, g, age=p, gamma=p, num_groups=G, mask=m, **o),
    "adaptive_age": lambda x, g, m, p, **o: spl.adaptive_age(x, progress=p, mask=m, **o),
    "hard_age": lambda x, g, m, p, **o: spl.age_for_fraction(x, p / 4, mask=m, **o),
    "balanced_age": lambda x, g, m, p, **o: spl.age_for_fraction(
        x, p / 4, groups=g, gamma=p / 50, num_groups=G, mask=m, **o
    ),
    "gamma": lambda x, g, m, p, **o: spl.gamma_for_quota(x, num_groups=G, rho=p, mask=m, **o),
}
WITH_INFO = {"hard", "linear", "logarithmic", "mixture", "balanced", "diversity", "hard_age", "balanced_age"}


def is_age(name):
    return name.endswith("age") or name == "gamma"


@functools.cache
def whole(name, dtype=np.float32, parameter=1.5):
    """What one device makes of the whole array, with the Info where there is one."""
    return call(name)(LOSSES.astype(dtype), GROUPS, MASK, parameter)


def call(name):
    return functools.partial(CALLS[name], **({"return_info": True} if name in WITH_INFO else {}))


def close(dtype):
    return {"rtol": 1e-5, "atol": 1e-5} if dtype == np.float32 else {"rtol": 1e-12, "atol": 1e-12}


@pytest.mark.parametrize(
    ("name", "dtype"),
    [
        *((name, np.float32) for name in CALLS),
        pytest.param("balanced_age", np.float64, marks=pytest.mark.long),
    ],
)
def test_eager_jit_and_vmap_agree(name, dtype):
    with jax.enable_x64(dtype == np.float64):
        losses, parameters = LOSSES.astype(dtype), np.asarray([0.5, 1.5, 2.5], dtype)
        eager = jax.tree.map(lambda *x: np.stack(x), *(whole(name, dtype, float(p)) for p in parameters))
        assert jax.tree.leaves(eager)[0].dtype == dtype
        # Each function is jitted inside; here the arguments are tracers, too.
        sweep = jax.jit(jax.vmap(call(name), in_axes=(None, None, None, 0)))(losses, GROUPS, MASK, parameters)
        assert jax.tree.leaves(sweep)[0].dtype == dtype
        if name == "balanced_age":
            eager, sweep = (eager[0], eager[1].mass), (sweep[0], sweep[1].mass)
        jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, **close(dtype)), sweep, eager)


@pytest.mark.parametrize("name", CALLS)
def test_another_parameter_compiles_nothing_new(name, caplog):
    losses, function = LOSSES.astype(np.float32), call(name)
    for parameter in (0.5, 1, np.float32(0.5), jnp.float32(0.7)):  # the ways to write a number
        function(losses, GROUPS, MASK, parameter)
    with jax.log_compiles(True), caplog.at_level(logging.WARNING):
        for parameter in (0.9, 2, np.float32(0.75), jnp.float32(1.7)):
            function(losses, GROUPS, MASK, parameter)
    assert "Compiling" not in caplog.text


def on_shards(function, shards, way):
    """`function(losses, groups, mask, parameter, axis_name=...)` with samples spread over a mapped axis."""

    def one(x, g, m, p):
        return function(x, g, m, p, axis_name="shards")

    def split(x):
        return np.reshape(x, (shards, -1))

    def run(x, g, m, p):
        if way == "shard_map":
            mesh = Mesh(np.array(jax.devices()[:shards]), ("shards",))
            spec = PartitionSpec("shards")
            # Ages and Infos come out replicated, weights as shards.
            shapes = jax.eval_shape(
                lambda *a: jax.vmap(one, axis_name="shards", in_axes=(0, 0, 0, None))(*a),
                split(x), split(g), split(m), p,
            )  # fmt: skip
            out = jax.tree.map(lambda s: spec if s.shape[1:] == (N // shards,) else PartitionSpec(), shapes)
            mapped = jax.shard_map(one, mesh=mesh, in_specs=(spec, spec, spec, PartitionSpec()), out_specs=out)
            return jax.jit(mapped)(x, g, m, p), None
        mapper = jax.vmap if way == "vmap" else jax.pmap
        mapped = mapper(one, axis_name="shards", in_axes=(0, 0, 0, None))
        mapped = jax.jit(mapped) if way == "vmap" else mapped
        return mapped(split(x), split(g), split(m), p), shards

    return run


def gathered(tree, shards):
    """Shards joined to [n]; replicated values checked to agree on all shards and taken once."""

    def join(x):
        x = np.asarray(x)
        if shards is None:
            return x
        if x.shape[1:] == (N // shards,):
            return x.reshape(N)
        assert all(np.array_equal(x[0], other, equal_nan=True) for other in x)
        return x[0]

    return jax.tree.map(join, tree)


@pytest.mark.parametrize(
    ("name", "way", "shards"),
    [
        *((name, "vmap", 8) for name in CALLS),
        *((name, "pmap", 2) for name in ("adaptive_age", "balanced")),
        *(
            pytest.param(name, "pmap", shards, marks=pytest.mark.long)
            for name, shards in (("balanced", 1), ("balanced", 8), ("balanced_age", 2))
        ),
        *((name, "shard_map", 8) for name in ("balanced", "balanced_age", "gamma")),
    ],
)
def test_shards_get_what_the_whole_array_gives(name, way, shards):
    parts = gathered(*on_shards(call(name), shards, way)(LOSSES.astype(np.float32), GROUPS, MASK, np.float32(1.5)))
    expected = whole(name)
    if name == "balanced_age":  # the number of steps may differ where a rounding decides
        expected, parts = (expected[0], expected[1]._replace(steps=0)), (parts[0], parts[1]._replace(steps=0))
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=2e-6, atol=2e-6), parts, expected)


def test_shards_in_float64():
    with jax.enable_x64(True):
        parts = gathered(*on_shards(call("balanced"), 8, "pmap")(LOSSES, GROUPS, MASK, 1.5))
        jax.tree.map(
            lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-13, atol=1e-13), parts, whole("balanced", np.float64)
        )


def test_without_axis_name_each_shard_is_a_problem_of_its_own():
    mesh, spec = Mesh(np.array(jax.devices()[:2]), ("shards",)), PartitionSpec("shards")

    def alone(x, g, m):
        _, pace = call("balanced_age")(x, g, m, 1.5)
        weights, _ = call("balanced")(x, g, m, 1.5)
        return weights * pace.target

    order = np.random.default_rng(0).permutation(N)
    losses = LOSSES.astype(np.float32)
    halves = [(losses, GROUPS, MASK), (losses[order] + np.float32(0.5), GROUPS, MASK)]
    both = jax.jit(jax.shard_map(alone, mesh=mesh, in_specs=(spec,) * 3, out_specs=spec))(
        *map(np.concatenate, zip(*halves))
    )
    np.testing.assert_allclose(both, np.concatenate([alone(*half) for half in halves]), rtol=1e-6, atol=1e-6)


def test_only_counts_per_group_travel():
    jaxpr = jax.make_jaxpr(
        lambda x, g: spl.balanced_weights(x, g, age=1.0, gamma=0.1, num_groups=G, axis_name="shards"),
        axis_env=[("shards", 2)],
    )(np.zeros(100_000, np.float32), np.zeros(100_000, np.int32))
    text = str(jaxpr)
    sent = [line for line in text.splitlines() if "psum" in line and "=" in line]
    assert sent
    assert all(f"i32[{G},16]" in line or "i32[]" in line for line in sent)


def test_every_public_name_is_documented_in_the_house_order():
    order = ["Args:", "Returns:", "Ties and limits:", "Reference:", "Differs from the paper in:"]
    for name in spl.__all__:
        thing = getattr(spl, name)
        assert thing.__doc__, name
        if isinstance(thing, type):
            continue
        places = [thing.__doc__.find(part) for part in order]
        assert -1 not in places, name
        assert places == sorted(places), name
        assert "$$" in thing.__doc__[: places[0]], name
