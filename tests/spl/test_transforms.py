"""Every function under jit and vmap, without recompiling, and across devices."""

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


def close(dtype):
    return {"rtol": 1e-5, "atol": 1e-5} if dtype == np.float32 else {"rtol": 1e-12, "atol": 1e-12}


@pytest.mark.parametrize(
    ("name", "dtype"),
    [*((name, np.float32) for name in CALLS), ("balanced_age", np.float64)],
)
def test_eager_jit_and_vmap_agree(name, dtype):
    call = CALLS[name]
    with jax.enable_x64(dtype == np.float64):
        losses, parameters = LOSSES.astype(dtype), jnp.asarray([0.5, 1.5, 2.5], dtype)
        eager = np.stack([call(losses, GROUPS, MASK, float(p)) for p in parameters])
        assert eager.dtype == dtype
        jitted = jax.jit(call)
        np.testing.assert_allclose(
            np.stack([jitted(losses, GROUPS, MASK, p) for p in parameters]), eager, **close(dtype)
        )
        sweep = jax.vmap(call, in_axes=(None, None, None, 0))(losses, GROUPS, MASK, parameters)
        np.testing.assert_allclose(sweep, eager, **close(dtype))


@pytest.mark.parametrize("name", CALLS)
def test_another_parameter_compiles_nothing_new(name, caplog):
    losses = LOSSES.astype(np.float32)
    call = CALLS[name]
    for parameter in (0.5, 1, np.float32(0.5), jnp.float32(0.7)):  # the ways to write a number
        call(losses, GROUPS, MASK, parameter)
    with jax.log_compiles(True), caplog.at_level(logging.WARNING):
        for parameter in (0.9, 2, np.float32(0.75), jnp.float32(1.7)):
            call(losses, GROUPS, MASK, parameter)
    assert "Compiling" not in caplog.text


def on_shards(call, shards, way):
    """`call(losses, groups, mask, parameter, axis_name=...)` with samples spread over a mapped axis."""

    def one(x, g, m, p):
        return call(x, g, m, p, axis_name="shards")

    def split(x):
        return jnp.asarray(x).reshape(shards, -1)

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


RANKED = ["balanced", "balanced_age"]


@pytest.mark.parametrize(
    ("name", "way", "shards"),
    [
        *((name, "vmap", 8) for name in CALLS),
        *((name, "pmap", shards) for shards in (1, 2, 8) for name in RANKED),
        *((name, "pmap", 8) for name in ("hard", "adaptive_age")),
        *((name, "shard_map", 8) for name in RANKED),
    ],
)
def test_shards_get_what_the_whole_array_gives(name, way, shards):
    options = {"return_info": True} if name in WITH_INFO else {}
    call = CALLS[name]
    losses, parameter = LOSSES.astype(np.float32), jnp.float32(1.5)
    whole = call(losses, GROUPS, MASK, parameter, **options)
    run = on_shards(lambda *a, **o: call(*a, **o, **options), shards, way)
    parts = gathered(*run(losses, GROUPS, MASK, parameter))
    if name == "balanced_age":  # the number of steps may differ where a rounding decides
        whole, parts = (whole[0], whole[1]._replace(steps=0)), (parts[0], parts[1]._replace(steps=0))
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=2e-6, atol=2e-6), parts, whole)


def test_shards_in_float64_and_without_collectives():
    with jax.enable_x64(True):
        whole = CALLS["balanced"](LOSSES, GROUPS, MASK, 1.5)
        parts = gathered(*on_shards(CALLS["balanced"], 8, "pmap")(LOSSES, GROUPS, MASK, 1.5))
        np.testing.assert_allclose(parts, whole, rtol=0, atol=1e-13)
    # Without axis_name each shard is a problem of its own, also inside shard_map.
    mesh, spec = Mesh(np.array(jax.devices()[:2]), ("shards",)), PartitionSpec("shards")
    losses = LOSSES.astype(np.float32)

    def alone(x, g, m):
        age = CALLS["balanced_age"](x, g, m, 1.5)
        return spl.balanced_weights(x, g, age=age, gamma=0.03, num_groups=G, mask=m)

    both = jax.shard_map(alone, mesh=mesh, in_specs=(spec,) * 3, out_specs=spec)(losses, GROUPS, MASK)
    half = N // 2
    expected = [alone(losses[s], GROUPS[s], MASK[s]) for s in (slice(half), slice(half, N))]
    np.testing.assert_allclose(both, np.concatenate(expected), atol=1e-6)


def test_only_counts_per_group_travel():
    jaxpr = jax.make_jaxpr(
        lambda x, g: spl.balanced_weights(x, g, age=1.0, gamma=0.1, num_groups=G, axis_name="shards"),
        axis_env=[("shards", 2)],
    )(jnp.zeros(100_000), jnp.zeros(100_000, jnp.int32))
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
