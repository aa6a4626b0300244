"""Layers of the adversarial networks, as steps of one pass through a network.

A network is a function `forward(net, *inputs)` that calls the layers of a `Pass` by name. The same function declares
the parameters (traced once by shape, nothing is computed) and runs with them. Every random draw is made from the
layer's name and the sample's position in the global batch; every batch statistic counts valid rows only, over all
devices.
"""

import math
import zlib
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp

from jaxcluster.draws import draw_by_position
from jaxcluster.networks.interface import Context, Variables

__all__ = ["MOMENTUM", "Pass", "constant", "glorot_uniform", "network", "normal", "unit_norm"]

Array = jax.Array
Initializer = Callable[[Array, tuple[int, ...], Any], Array]

MOMENTUM = 0.9  # of the running statistics: new = 0.9 old + 0.1 batch


def normal(sd: float) -> Initializer:
    """Initialize with N(0, sd²)."""
    return lambda key, shape, dtype: sd * jax.random.normal(key, shape, dtype)


def constant(value: float) -> Initializer:
    """Initialize with one value."""
    return lambda key, shape, dtype: jnp.full(shape, value, dtype)


def glorot_uniform(key: Array, shape: tuple[int, ...], dtype: Any) -> Array:
    """Initialize an [in, out] kernel uniformly in ±√(6 / (in + out))."""
    bound = math.sqrt(6 / (shape[0] + shape[1]))
    return jax.random.uniform(key, shape, dtype, -bound, bound)


def unit_norm(kernel: Array, *, axes: Sequence[int]) -> Array:
    """Scale a kernel to unit Euclidean norm over `axes`, w = v / √(Σ v² + 10⁻⁶): weight normalization's direction."""
    return kernel * jax.lax.rsqrt(jnp.sum(jnp.square(kernel), axis=tuple(axes), keepdims=True) + 1e-6)


class Pass:
    """One pass through a network: hands each layer its parameters, its draws and its statistics."""

    def __init__(self, variables: Variables, context: Context | None, declared: dict | None = None):
        self.context = context
        self.declared = declared  # None, or where declarations are collected: (kind, path, name) -> (shape, init)
        self.variables = variables
        self.new_stats = {}

    def array(self, kind: str, path: str, name: str, shape: tuple[int, ...], initializer: Initializer, dtype) -> Array:
        """The array `variables[kind][path][name]`, declared when it is first asked for."""
        if self.declared is not None:
            self.declared[kind, path, name] = (shape, initializer)
            return jnp.zeros(shape, dtype)
        return self.variables[kind][path][name]

    def draw(self, path: str, sampler: Callable, shape: tuple[int, ...], dtype) -> Array:
        """One draw per sample, [b, *shape], that belongs to the layer and to the sample's position."""
        key = jax.random.fold_in(self.context.key, zlib.crc32(path.encode()))
        return draw_by_position(sampler, key, self.context.position, shape, dtype)

    def noise(self, path: str, x: Array, sd: float, *, shrinks: bool = False) -> Array:
        """Add normal noise in training mode; noise that `shrinks` by the factor that the context gives."""
        if self.context is None or sd == 0:
            return x
        sd = sd * self.context.noise if shrinks else sd
        return x + sd * self.draw(path, jax.random.normal, x.shape[1:], x.dtype)

    def dropout(self, path: str, x: Array, rate: float) -> Array:
        """Zero each number with probability `rate` in training mode and scale the rest by 1 / (1 − rate)."""
        if self.context is None or rate == 0:
            return x
        keep = self.draw(path, lambda key, shape, _: jax.random.bernoulli(key, 1 - rate, shape), x.shape[1:], bool)
        return jnp.where(keep, x / (1 - rate), 0)

    def dense(
        self,
        path: str,
        x: Array,
        width: int,
        *,
        init: Initializer,
        bias: bool = True,
        weight_norm: bool = False,
        gain: bool = False,
    ) -> Array:
        """Affine layer; `weight_norm` scales its columns to unit norm, `gain` then to a trainable one."""
        kernel = self.array("params", path, "kernel", (x.shape[-1], width), init, x.dtype)
        if weight_norm:
            kernel = unit_norm(kernel, axes=(0,))
        if gain:
            kernel = kernel * self.array("params", path, "gain", (width,), constant(1), x.dtype)[None]
        x = x @ kernel
        return self.offset(path, x) if bias else x

    def offset(self, path: str, x: Array) -> Array:
        """Add a trainable number per channel, 0 at the start."""
        return x + _over(self.array("params", path, "bias", (x.shape[-1],), constant(0), x.dtype), x)

    def batch_norm(
        self, path: str, x: Array, *, epsilon: float = 1e-4, gain: bool = True, offset: bool = True
    ) -> Array:
        """Batch normalization over all axes but the last, with the variance divided by the count.

            y = γ (x − mean) / √(var + ε) + β

        Mean and variance are those of the valid rows of the global batch in training mode, and running ones without
        a context. A batch without a valid row leaves the running ones as they are.
        """
        channels = (x.shape[-1],)
        old = {
            "mean": self.array("stats", path, "mean", channels, constant(0), x.dtype),
            "var": self.array("stats", path, "var", channels, constant(1), x.dtype),
        }
        if self.context is None:
            mean, var = old["mean"], old["var"]
        else:
            mean, var, count = self._statistics(x)
            share = jnp.where(count > 0, 1 - MOMENTUM, 0).astype(x.dtype)
            self.new_stats[path] = jax.lax.stop_gradient(
                {"mean": old["mean"] + share * (mean - old["mean"]), "var": old["var"] + share * (var - old["var"])}
            )
        scale = jax.lax.rsqrt(var + epsilon)
        if gain:
            scale = scale * self.array("params", path, "scale", channels, constant(1), x.dtype)
        y = (x - _over(mean, x)) * _over(scale, x)
        return self.offset(path, y) if offset else y

    def _statistics(self, x: Array) -> tuple[Array, Array, Array]:
        """Mean and variance of each channel over valid rows of the whole axis, and how many rows these are."""
        valid = self.context.valid.reshape(-1, *[1] * (x.ndim - 1))
        places = math.prod(x.shape[1:-1])
        axes = tuple(range(x.ndim - 1))

        def total(values):
            return values if self.context.axis_name is None else jax.lax.psum(values, self.context.axis_name)

        rows = jnp.sum(self.context.valid.astype(x.dtype))
        # where() and not a product: what padding holds may be NaN.
        rows, sums = total((rows, jnp.sum(jnp.where(valid, x, 0), axis=axes)))
        count = jnp.maximum(rows, 1) * places
        mean = sums / count
        deviation = jnp.where(valid, x - _over(mean, x), 0)
        return mean, total(jnp.sum(jnp.square(deviation), axis=axes)) / count, rows


def network(forward: Callable, inputs: Sequence[tuple[int, ...]], dtype: Any) -> tuple[Callable, Callable]:
    """Make `init` and `apply` of a network from its forward function.

    Args:
        forward: (net, *inputs) -> outputs, any tree; calls layers of `net`, a `Pass`, by unique names.
        inputs: shapes of one sample of each input.
        dtype: of the parameters and the computation.

    Returns:
        (init, apply): key -> variables, and (variables, *inputs, context=None) -> (outputs, stats).
    """

    def declare() -> dict:
        declared = {}
        jax.eval_shape(
            lambda *rows: forward(Pass({}, None, declared), *rows),
            *(jax.ShapeDtypeStruct((1, *shape), dtype) for shape in inputs),
        )
        return declared

    def init(key: Array) -> Variables:
        variables = {"params": {}, "stats": {}}
        for (kind, path, name), (shape, initializer) in declare().items():
            own = jax.random.fold_in(key, zlib.crc32(f"{path}/{name}".encode()))
            variables[kind].setdefault(path, {})[name] = initializer(own, shape, dtype)
        return variables

    def apply(variables: Variables, *rows: Array, context: Context | None = None):
        for given, shape in zip(rows, inputs, strict=True):
            if given.shape[1:] != shape:
                raise ValueError(f"expected an input [b, {', '.join(map(str, shape))}], got {given.shape}")
        rows = [row.astype(dtype) for row in rows]
        if context is not None:  # whatever padding was filled with must not spread, also not through a gradient
            rows = [jnp.where(context.valid.reshape(-1, *[1] * (row.ndim - 1)), row, 0) for row in rows]
        net = Pass(variables, context)
        outputs = forward(net, *rows)
        return outputs, variables["stats"] if context is None else net.new_stats

    return init, apply


def _over(vector: Array, x: Array) -> Array:
    """The vector [c], shaped to act on the last axis of x."""
    return vector.reshape(*[1] * (x.ndim - 1), -1)
