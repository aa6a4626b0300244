"""The two forms of convolution against each other, against SciPy, and against a transposed convolution by hand."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import signal

from jaxcluster.networks import convolution
from jaxcluster.networks.convolution import convolve, deconvolve, max_pool, of_constant


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


CASES = [(5, 1, 3, 1, 0), (3, 9, 2, 1, 1), (3, 2, 3, 2, 1), (1, 3, 2, 1, 0), (3, 9, 2, 2, 0)]


@pytest.mark.parametrize(("size", "before", "after", "stride", "padding"), CASES)
@pytest.mark.parametrize("form", ["native", "patches"])
def test_convolve_is_scipys(size, before, after, stride, padding, form):
    x, kernel = draw(2, 7, 6, before), draw(size, size, before, after, seed=1)
    y = convolve(x, kernel, stride=stride, padding=padding, form=form)
    np.testing.assert_allclose(y, scipy_convolution(x, kernel, stride, padding), rtol=1e-4, atol=1e-4)


def value_and_gradients(layer, x, kernel):
    # the sum of squares makes the gradient depend on the value
    return jax.value_and_grad(lambda x, kernel: jnp.sum(jnp.square(layer(x, kernel))), (0, 1))(x, kernel)


@pytest.mark.parametrize("case", [*CASES, "deconvolve"])
def test_forms_agree_in_value_and_gradient(case):
    if case == "deconvolve":
        x, kernel, layer = draw(2, 3, 4, 5), draw(5, 5, 5, 3, seed=1), deconvolve
    else:
        size, before, after, stride, padding = case
        x, kernel = draw(2, 7, 6, before), draw(size, size, before, after, seed=1)
        layer = functools.partial(convolve, stride=stride, padding=padding)

    @jax.jit
    def both(x, kernel):
        return [value_and_gradients(functools.partial(layer, form=form), x, kernel) for form in ("native", "patches")]

    native, patches = both(x, kernel)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-3, atol=1e-3), native, patches)


def test_patches_need_no_convolution_also_not_for_the_gradient():
    def layers(x, kernel, other):
        return jnp.sum(deconvolve(convolve(x, kernel, stride=2, padding=1, form="patches"), other, form="patches"))

    arguments = draw(1, 6, 6, 9), draw(3, 3, 9, 2), draw(5, 5, 2, 3)
    assert "conv_general" not in str(jax.make_jaxpr(jax.grad(layers, (0, 1, 2)))(*arguments))


@pytest.mark.parametrize("form", ["native", "patches"])
def test_deconvolve_spreads_each_pixel_over_its_kernel(form):
    x = np.zeros((1, 3, 3, 1), np.float32)
    x[0, 1, 1, 0] = 2.0
    kernel = np.arange(25, dtype=np.float32).reshape(5, 5, 1, 1)
    y = np.asarray(deconvolve(x, kernel, form=form))[0, :, :, 0]
    # Pixel (1, 1) stands at (2, 2) of the doubled image; kernel[u] is what it adds to the place 2 - u away.
    expected = np.zeros((6, 6))
    expected[:5, :5] = 2 * kernel[::-1, ::-1, 0, 0]
    np.testing.assert_allclose(y, expected)


def test_deconvolve_is_the_transpose_of_a_convolution_of_stride_2():
    x, image, kernel = draw(2, 4, 3, 5), draw(2, 8, 6, 3, seed=1), draw(5, 5, 5, 3, seed=2)
    turned = kernel[::-1, ::-1].swapaxes(2, 3)
    across = np.vdot(convolve(image, turned, stride=2, padding=2, form="patches"), x)
    np.testing.assert_allclose(np.vdot(image, deconvolve(x, kernel, form="patches")), across, rtol=1e-4)


def test_deconvolve_names_a_wrong_kernel():
    with pytest.raises(ValueError, match=r"must be \[5, 5, in, out\], got \(3, 3, 1, 1\)"):
        deconvolve(draw(1, 2, 2, 1), draw(3, 3, 1, 1))


@pytest.mark.parametrize(
    "layer",
    [
        functools.partial(convolve, padding=1),
        functools.partial(convolve, stride=2, padding=1),
        functools.partial(convolve),
        deconvolve,
    ],
    ids=["same", "stride", "valid", "double"],
)
@pytest.mark.parametrize("form", ["native", "patches"])
def test_maps_of_a_constant_need_not_be_made(layer, form):
    size = 5 if layer is deconvolve else 3
    vectors, kernel = draw(2, 4), draw(size, size, 4, 3, seed=1)
    layer = functools.partial(layer, form=form)
    maps = np.broadcast_to(vectors[:, None, None], (2, 6, 5, 4))
    np.testing.assert_allclose(
        of_constant(layer, vectors, kernel, height=6, width=5), layer(maps, kernel), rtol=1e-4, atol=1e-5
    )


def test_max_pool_by_hand():
    x = np.array([[1, 5, 9], [2, 3, 9], [9, 9, 9]], np.float32)[None, :, :, None]
    np.testing.assert_array_equal(max_pool(x), [[[[5]]]])


@pytest.mark.parametrize(("backend", "form"), [("cpu", "patches"), ("tpu", "native"), ("gpu", "native")])
def test_auto_takes_patches_on_cpu_only(monkeypatch, backend, form):
    monkeypatch.setattr(jax, "default_backend", lambda: backend)
    assert convolution._resolved("auto") == form
