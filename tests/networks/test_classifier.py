"""The small classifiers: shapes, first weights, dropout, and what is refused."""

import jax
import numpy as np
import pytest
from scipy import special

from jaxcluster.networks import Context, classifier

KEY = jax.random.key(0)


@pytest.mark.parametrize(("family", "shape"), [("convolutional", (13, 12, 2)), ("mlp", (5, 4, 1)), ("mlp", (7,))])
def test_any_number_of_classes_and_nearly_equal_probabilities_at_first(family, shape):
    network = classifier(family, sample_shape=shape, hidden=(9, 6))
    x = np.random.default_rng(0).uniform(-1, 1, (3, *shape)).astype(np.float32)
    for n_classes in (5,) if family == "convolutional" else (2, 5):

        @jax.jit
        def at_first(key, x, n_classes=n_classes):
            params = network.init(key, n_classes)
            return params["head"]["kernel"], *network.apply(params, x)

        kernel, logits, features = map(np.asarray, at_first(KEY, x))
        assert logits.shape == (3, n_classes)
        assert features.shape == (3, network.features) == (3, 6)
        assert np.ptp(special.softmax(logits)) < 0.3
        bound = 0.1 * np.sqrt(6 / 6)
        assert 0.5 * bound < np.abs(kernel).max() <= bound


def test_the_forms_of_a_convolution_agree():
    x = np.random.default_rng(0).uniform(size=(2, 12, 12, 1)).astype(np.float32)
    native, products = (
        classifier("convolutional", sample_shape=(12, 12, 1), hidden=(4,), convolution=form)
        for form in ("native", "products")
    )
    params = jax.jit(native.init, static_argnums=1)(KEY, 3)
    (one, _), (other, _) = jax.jit(lambda *both: (native.apply(*both), products.apply(*both)))(params, x)
    np.testing.assert_allclose(one, other, atol=1e-5)
    assert params["dense_0"]["kernel"].shape == (2 * 2 * 64, 4)  # 12 -> 6 -> 3 -> 2


def test_dropout_is_drawn_in_training_only_and_by_position():
    network = classifier("mlp", sample_shape=(7,), hidden=(50,), dropout=0.5)
    x = np.ones((2, 7), np.float32)

    @jax.jit
    def logits(key, position):
        params = network.init(key, 3)
        context = Context(key, position, np.ones(2, bool))
        return network.apply(params, x)[0], network.apply(params, x, context=context)[0]

    clean, _ = logits(KEY, np.arange(2))
    np.testing.assert_array_equal(clean[0], clean[1])

    def trained(position):
        return np.asarray(logits(KEY, np.array(position))[1])

    assert (trained([0, 1])[0] != trained([0, 1])[1]).all()
    np.testing.assert_array_equal(trained([0, 1])[::-1], trained([1, 0]))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"family": "resnet"}, "family must be one of convolutional, mlp, got 'resnet'"),
        ({"hidden": ()}, "hidden must hold at least one width, got none"),
        ({"family": "convolutional"}, r"sample_shape must be \(h, w, c\) .*, got \(7,\)"),
        ({"convolution": "fft"}, "convolution must be one of auto, native, products, got 'fft'"),
    ],
)
def test_what_is_refused(options, message):
    with pytest.raises(ValueError, match=message):
        classifier(**{"family": "mlp", "sample_shape": (7,), "hidden": (4,), **options})
