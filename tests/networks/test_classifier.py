"""The small classifiers: shapes, first weights, dropout, and what is refused."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxcluster.networks import Context, classifier

KEY = jax.random.key(0)


@pytest.mark.parametrize(("family", "shape"), [("convolutional", (13, 12, 2)), ("mlp", (5, 4, 1)), ("mlp", (7,))])
def test_any_number_of_classes_and_nearly_equal_probabilities_at_first(family, shape):
    network = classifier(family, sample_shape=shape, hidden=(9, 6))
    x = jnp.asarray(np.random.default_rng(0).uniform(-1, 1, (3, *shape)), jnp.float32)
    for n_classes in (2, 5):
        params = network.init(KEY, n_classes)
        logits, features = network.apply(params, x)
        assert logits.shape == (3, n_classes)
        assert features.shape == (3, network.features) == (3, 6)
        assert np.ptp(jax.nn.softmax(logits)) < 0.3
        bound = 0.1 * np.sqrt(6 / 6)
        assert 0.5 * bound < np.abs(params["head"]["kernel"]).max() <= bound


def test_the_forms_of_a_convolution_agree():
    x = jnp.asarray(np.random.default_rng(0).uniform(size=(2, 12, 12, 1)), jnp.float32)
    native, products = (
        classifier("convolutional", sample_shape=(12, 12, 1), hidden=(4,), convolution=form)
        for form in ("native", "products")
    )
    params = native.init(KEY, 3)
    np.testing.assert_allclose(native.apply(params, x)[0], products.apply(params, x)[0], atol=1e-5)
    assert params["dense_0"]["kernel"].shape == (2 * 2 * 64, 4)  # 12 -> 6 -> 3 -> 2


def test_dropout_is_drawn_in_training_only_and_by_position():
    network = classifier("mlp", sample_shape=(7,), hidden=(50,), dropout=0.5)
    params, x = network.init(KEY, 3), jnp.ones((2, 7))
    clean, _ = network.apply(params, x)
    np.testing.assert_array_equal(clean[0], clean[1])

    def trained(position):
        return network.apply(params, x, context=Context(KEY, jnp.asarray(position), jnp.ones(2, bool)))[0]

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
