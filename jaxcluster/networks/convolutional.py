"""Convolutional networks: Triple-GAN's MNIST clusterer, and its networks for color images (CIFAR-10, SVHN).

Images are [b, h, w, c]. Small images get zero padding where the usual sizes (28, 16; 32, 96) have none, so that
something is left of them.
"""

from collections.abc import Sequence

import jax

from jaxcluster.networks.convolution import convolve, deconvolve, max_pool, of_constant
from jaxcluster.networks.layers import Pass, constant, normal, unit_norm
from jaxcluster.networks.mlp import activation, beside, head

__all__ = ["cifar_clusterer", "cifar_generator", "cifar_score", "cifar_widths", "mnist_clusterer"]

Array = jax.Array

LEAK = 0.2  # slope of the leaky ReLU below zero
_init = normal(0.05)


def mnist_clusterer(
    net: Pass, x: Array, *, units: int, hidden: Sequence[int], noise: float, head_kind: str, form: str
) -> tuple[Array, Array]:
    """Five convolutions with batch normalization and ReLU, the mean over places, and a head.

    Widths (32, 64, 64, 128, 128): 5 × 5 valid, pool, dropout 0.5; 3 × 3 same; 3 × 3 valid, pool, dropout 0.5; twice
    3 × 3 same. 28 -> 24 -> 12 -> 12 -> 10 -> 5 -> 5 -> 5. Below 16 pixels all are same.
    """
    same = min(x.shape[1:3]) < 16
    x = net.noise("input", x, noise)
    plan = zip(hidden, (5, 3, 3, 3, 3), (same, True, same, True, True), (True, False, True, False, False), strict=True)
    for i, (width, size, padded, pooled) in enumerate(plan):
        x = conv(net, f"conv_{i}", x, width, size=size, same=padded, form=form)
        x = net.batch_norm(f"norm_{i}", x)
        if pooled:  # before ReLU, which changes no order: a quarter of the work
            x = max_pool(x)
        x = net.dropout(f"dropout_{i}", jax.nn.relu(x), 0.5 if pooled else 0.0)
    features = x.mean(axis=(1, 2))
    return head(net, features, units=units, kind=head_kind), features


def cifar_widths(side: int) -> dict[str, tuple[int, ...]]:
    """Usual widths for square color images; with sides of 64 pixels and more each network has one stage more."""
    if side >= 64:
        return {
            "clusterer": (128, 256, 256, 512, 256, 128),
            "generator": (512, 256, 128, 64),
            "discriminator": (32, 32, 64, 64, 128, 128, 256, 256),
        }
    generator = (512, 256, 128) if side >= 32 else (512, 256)
    return {
        "clusterer": (128, 256, 512, 256, 128),
        "generator": generator,
        "discriminator": (32, 32, 64, 64, 128, 128),
    }


def cifar_clusterer(
    net: Pass, x: Array, *, units: int, hidden: Sequence[int], noise: float, head_kind: str, form: str
) -> tuple[Array, Array]:
    """Stages of three convolutions, then one 3 × 3 and two 1 × 1, the mean over places, and a head.

    The last three widths are those of the end, the others one per stage: three 3 × 3 same of that width, pool, dropout
    0.5. Batch normalization and leaky ReLU after each convolution; dropout 0.2 on the image. With two stages these
    are nine hidden layers: 32 -> 16 -> 8 -> 6.
    """
    x = net.dropout("input_dropout", net.noise("input", x, noise), 0.2)
    *stages, last, second, third = hidden

    def block(name, x, width, size, same=True):
        x = conv(net, f"conv_{name}", x, width, size=size, same=same, form=form)
        return net.batch_norm(f"norm_{name}", x)

    for i, width in enumerate(stages):
        for j in range(3):
            x = block(f"{i}_{j}", x, width, 3)
            x = leaky(max_pool(x) if j == 2 else x)
        x = net.dropout(f"dropout_{i}", x, 0.5)
    x = leaky(block("last", x, last, 3, same=min(x.shape[1:3]) < 6))
    x = leaky(block("second", x, second, 1))
    features = leaky(block("third", x, third, 1)).mean(axis=(1, 2))
    return head(net, features, units=units, kind=head_kind), features


def cifar_generator(
    net: Pass,
    z: Array,
    *,
    sample_shape: tuple[int, int, int],
    hidden: Sequence[int],
    repeat_code: bool,
    output: str,
    form: str,
) -> Array:
    """An affine layer to a small image of many channels, and deconvolutions that each double its sides.

    Batch normalization without gain and ReLU after each but the last, which is weight-normalized. With widths
    (512, 256, 128): 4 x 4 x 512 -> 8 x 8 x 256 -> 16 x 16 x 128 -> 32 x 32. The code stands beside the channels of
    every layer's input.
    """
    height, width, channels = sample_shape
    height, width = height >> len(hidden), width >> len(hidden)
    x = net.dense("dense", z, height * width * hidden[0], init=_init, bias=False)
    x = jax.nn.relu(net.batch_norm("norm", x, epsilon=1e-6, gain=False)).reshape(-1, height, width, hidden[0])
    code = z if repeat_code else None
    for i, width in enumerate(hidden[1:]):
        x = conv(net, f"deconv_{i}", x, width, size=5, double=True, code=code, form=form)
        x = jax.nn.relu(net.batch_norm(f"norm_{i}", x, epsilon=1e-6, gain=False))
    x = conv(
        net, "pixels", x, channels, size=5, double=True, code=code, weight_norm=True, gain=True, bias=True, form=form
    )
    return activation(output)(x)


def cifar_score(
    net: Pass,
    name: str,
    x: Array,
    z: Array | None,
    *,
    hidden: Sequence[int],
    image_noise: float,
    hidden_noise: float,
    form: str,
) -> Array:
    """Weight-normalized convolutions with leaky ReLU in pairs: x [b, h, w, c] and maybe z [b, m] -> logit [b].

    The second of each pair has stride 2, but both of the last pair are valid ones of stride 1; dropout 0.2 before each
    pair; then the mean over places. 32 -> 16 -> 8 -> 6 -> 4. Maps of the code stand beside every layer's input.
    """
    x = net.noise(f"{name}_noise", x, image_noise, shrinks=True)
    for i, width in enumerate(hidden):
        ending = i >= len(hidden) - 2
        if i % 2 == 0:
            x = net.dropout(f"{name}_dropout_{i}", x, 0.2)
            same = not ending or min(x.shape[1:3]) < 8
        stride = 2 if i % 2 and not ending else 1
        x = conv(
            net, f"{name}_conv_{i}", x, width, size=3, stride=stride, same=same, code=z, weight_norm=True, bias=True,
            form=form,
        )  # fmt: skip
        x = net.noise(f"{name}_noise_{i}", leaky(x), hidden_noise, shrinks=True)
    x = beside(x.mean(axis=(1, 2)), z)
    return net.dense(f"{name}_logit", x, 1, init=_init, weight_norm=True, gain=True)[:, 0]


def conv(
    net: Pass,
    path: str,
    x: Array,
    width: int,
    *,
    size: int,
    form: str,
    stride: int = 1,
    same: bool = True,
    double: bool = False,
    code: Array | None = None,
    weight_norm: bool = False,
    gain: bool = False,
    bias: bool = False,
) -> Array:
    """A convolution, or (`double`) a deconvolution, of the images and of maps that hold the code [b, m] everywhere.

    `weight_norm` scales the kernel of each output channel to unit norm, `gain` then to a trainable one.
    """
    _, height, columns, channels = x.shape
    extra = 0 if code is None else code.shape[-1]
    kernel = net.array("params", path, "kernel", (size, size, channels + extra, width), _init, x.dtype)
    if weight_norm:
        kernel = unit_norm(kernel, axes=(0, 1, 2))
    if gain:
        kernel = kernel * net.array("params", path, "gain", (width,), constant(1), x.dtype).reshape(1, 1, 1, -1)

    def layer(x, kernel):
        if double:
            return deconvolve(x, kernel, form=form)
        return convolve(x, kernel, stride=stride, padding=size // 2 if same else 0, form=form)

    y = layer(x, kernel[:, :, :channels])
    if code is not None:
        y = y + of_constant(layer, code, kernel[:, :, channels:], height=height, width=columns)
    return net.offset(path, y) if bias else y


def leaky(x: Array) -> Array:
    """Leaky ReLU."""
    return jax.nn.leaky_relu(x, LEAK)
