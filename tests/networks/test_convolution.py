"""The two forms of convolution against each other, against SciPy, and against a transposed convolution by hand."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import signal

from jaxcluster.networks import convolution
from jaxcluster.networks.convolution import convolve, deconvolve, max_pool, of_constant
from jaxcluster.networks.winograd import winograd


def draw(*shape, seed=0, dtype=np.float32):
    return np.random.default_rng(seed).normal(size=shape).astype(dtype)


def scipy_convolution(x, kernel, stride, padding):
    x = np.pad(x, ((0, 0), (padding, padding), (padding, padding), (0, 0)))
    each = [
        [sum(signal.correlate2d(image[..., i], kernel[..., i, o], "valid") for i in range(image.shape[-1]))
         for o in range(kernel.shape[-1])]
        for image in x
    ]  # fmt: skip
    return np.moveaxis(np.array(each), 1, -1)[:, ::stride, ::stride]


# size, channels before and after, stride, padding; 16 channels are enough for Winograd's form
CASES = [(5, 1, 3, 1, 0), (3, 9, 2, 1, 1), (3, 2, 3, 2, 1), (1, 3, 2, 1, 0), (3, 16, 2, 1, 2), (3, 16, 2, 2, 1)]


def inputs(case):
    if case == "deconvolve":
        return draw(2, 3, 4, 5), draw(5, 5, 5, 3, seed=1)
    size, before, after, *_ = case
    return draw(2, 7, 6, before), draw(size, size, before, after, seed=1)


@functools.cache
def both_forms(case):
    """(value, gradients of its sum of squares) of each form, compiled once."""
    layer = deconvolve if case == "deconvolve" else functools.partial(convolve, stride=case[3], padding=case[4])

    def one(form, x, kernel):
        y, back = jax.vjp(functools.partial(layer, form=form), x, kernel)
        return y, back(2 * y)

    return jax.jit(lambda *both: {form: one(form, *both) for form in ("native", "products")})(*inputs(case))


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("form", ["native", "products"])
def test_convolve_is_scipys(case, form):
    expected = scipy_convolution(*inputs(case), *case[3:])
    np.testing.assert_allclose(both_forms(case)[form][0], expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("case", [*CASES, "deconvolve"])
def test_forms_agree_in_value_and_gradient(case):
    forms = both_forms(case)
    same = functools.partial(np.testing.assert_allclose, rtol=1e-3, atol=1e-3)
    jax.tree.map(same, forms["native"], forms["products"])


@pytest.mark.parametrize(("height", "width", "padding"), [(4, 4, 0), (7, 6, 1), (3, 5, 0), (1, 2, 1), (1, 1, 2)])
def test_winograd_is_exact_on_whole_numbers(height, width, padding):
    # Its only division is by 2: on small whole numbers every sum and product is exact in float32.
    whole = np.random.default_rng(height).integers
    x, kernel = (whole(-9, 10, size=shape).astype(np.float32) for shape in ((2, height, width, 4), (3, 3, 4, 3)))
    found = jax.jit(functools.partial(winograd, padding=padding))(x, kernel)
    np.testing.assert_array_equal(found, scipy_convolution(x, kernel, 1, padding))


def test_products_need_no_convolution_also_not_for_the_gradient():
    def layers(x, kernel, other):
        return jnp.sum(deconvolve(convolve(x, kernel, stride=2, padding=1, form="products"), other, form="products"))

    arguments = draw(1, 6, 6, 9), draw(3, 3, 9, 2), draw(5, 5, 2, 3)
    assert "conv_general" not in str(jax.make_jaxpr(jax.grad(layers, (0, 1, 2)))(*arguments))


def test_deconvolve_spreads_each_pixel_over_its_kernel():
    x = np.zeros((1, 3, 3, 1), np.float32)
    x[0, 1, 1, 0] = 2.0
    kernel = np.arange(25, dtype=np.float32).reshape(5, 5, 1, 1)
    # Pixel (1, 1) stands at (2, 2) of the doubled image; kernel[u] is what it adds to the place 2 - u away.
    expected = np.zeros((6, 6))
    expected[:5, :5] = 2 * kernel[::-1, ::-1, 0, 0]
    for y in jax.jit(lambda *both: [deconvolve(*both, form=form) for form in ("native", "products")])(x, kernel):
        np.testing.assert_allclose(y[0, :, :, 0], expected)


def test_deconvolve_is_the_transpose_of_a_convolution_of_stride_2():
    image = draw(2, 6, 8, 3, seed=2)
    x, kernel = inputs("deconvolve")
    turned = kernel[::-1, ::-1].swapaxes(2, 3)
    across = np.vdot(scipy_convolution(image, turned, 2, 2), x)
    np.testing.assert_allclose(np.vdot(image, both_forms("deconvolve")["products"][0]), across, rtol=1e-4)


def test_deconvolve_names_a_wrong_kernel():
    with pytest.raises(ValueError, match=r"must be \[5, 5, in, out\], got \(3, 3, 1, 1\)"):
        deconvolve(draw(1, 2, 2, 1), draw(3, 3, 1, 1))


def test_maps_of_a_constant_need_not_be_made():
    vectors = draw(2, 4)
    maps = np.ascontiguousarray(np.broadcast_to(vectors[:, None, None], (2, 6, 5, 4)))
    layers = [
        (functools.partial(layer, form=form, **options), draw(size, size, 4, 3, seed=1))
        for form in ("native", "products")
        for size, layer, options in (
            (3, convolve, {"padding": 1}),
            (3, convolve, {"stride": 2, "padding": 1}),
            (3, convolve, {}),
            (5, deconvolve, {}),
        )
    ]

    @jax.jit
    def pairs(vectors, maps):
        return [
            (of_constant(layer, vectors, kernel, height=6, width=5), layer(maps, kernel)) for layer, kernel in layers
        ]

    for without, with_maps in pairs(vectors, maps):
        np.testing.assert_allclose(without, with_maps, rtol=1e-4, atol=1e-5)


def test_max_pool_by_hand():
    x = np.array([[1, 5, 9], [2, 3, 9], [9, 9, 9]], np.float32)[None, :, :, None]
    y, slope = jax.jit(jax.value_and_grad(lambda x: 2 * max_pool(x).sum()))(x)
    assert y == 2 * 5  # the odd row and column have no part in it
    expected = np.zeros((1, 3, 3, 1))
    expected[0, 0, 1] = 2
    np.testing.assert_array_equal(slope, expected)


def test_the_gradient_of_max_pool_divides_nothing():
    # A maximum that XLA rounds differently from its arguments equals none of them: 0 / 0 if equals were counted.
    gradient, x = jax.jit(jax.grad(lambda x: max_pool(x).sum())), np.zeros((1, 4, 4, 1), np.float32)
    assert " div " not in str(jax.make_jaxpr(gradient)(x))
    np.testing.assert_array_equal(np.sum(gradient(x)), 4)  # all equal: one of each four


@pytest.mark.parametrize(("backend", "form"), [("cpu", "products"), ("tpu", "native"), ("gpu", "native")])
def test_auto_takes_products_on_cpu_only(monkeypatch, backend, form):
    monkeypatch.setattr(jax, "default_backend", lambda: backend)
    assert convolution._resolved("auto") == form
