"""The adversarial game: worked by hand, its extremes, and the two lemmas on a table of discrete pairs."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.spatial.distance import jensenshannon

from jaxcluster import losses


def test_both_forms_by_hand():
    # D says .75 and .25: its logits are log 3 and -log 3.
    logits = jnp.asarray([np.log(3), -np.log(3)], jnp.float32)
    likely, rare = -np.log(0.75), -np.log(0.25)
    for target, form, expected in [
        (1.0, "nonsaturating", [likely, rare]),  # -log D
        (0.0, "nonsaturating", [rare, likely]),  # -log(1 - D)
        (1.0, "minimax", [-rare, -likely]),  # log(1 - D)
        (0.0, "minimax", [-likely, -rare]),  # log D
    ]:
        np.testing.assert_allclose(losses.adversarial_loss(logits, target=target, form=form), expected, rtol=1e-6)


@pytest.mark.parametrize("target", [1.0, 0.0])
def test_only_the_minimax_form_saturates_where_the_discriminator_wins(target):
    wrong = np.float32(1 - 2 * target)  # the sign of a logit that sees through the player
    logits = np.array([80, 1e4, -80, -1e4, 0.5], np.float32) * wrong
    total = {
        form: lambda s, f=form: losses.adversarial_loss(s, target=target, form=f).sum()
        for form in ("nonsaturating", "minimax")
    }
    slopes = {form: np.asarray(jax.grad(total[form])(logits)) for form in total}
    np.testing.assert_allclose(slopes["nonsaturating"][:4] * wrong, [1, 1, 0, 0], atol=1e-30)
    np.testing.assert_allclose(slopes["minimax"][:4] * wrong, [0, 0, 1, 1], atol=1e-30)
    assert (slopes["nonsaturating"][4] * slopes["minimax"][4]) > 0  # both ways lead in the same direction


def test_the_discriminators_loss_by_hand_and_padding_may_hold_anything():
    real = jnp.asarray([np.log(3), 0.0, np.nan], jnp.float32)
    fake = jnp.asarray([np.log(3), 0.0, np.inf], jnp.float32)
    valid = jnp.asarray([True, True, False])
    value, slopes = jax.value_and_grad(lambda pair: losses.discriminator(*pair, valid))((real, fake))
    # -log .75 - log .25 and 2 log 2, over two pairs
    np.testing.assert_allclose(value, (np.log(4 / 3) + np.log(4) + 2 * np.log(2)) / 2, rtol=1e-6)
    np.testing.assert_allclose(slopes[0], [-0.125, -0.25, 0], atol=1e-7)  # (D - 1) / 2
    np.testing.assert_allclose(slopes[1], [0.375, 0.25, 0], atol=1e-7)  # D / 2
    each = losses.adversarial_loss(real, target=1.0, valid=valid)
    np.testing.assert_allclose(each, [np.log(4 / 3), np.log(2), np.log(2)], rtol=1e-6)


def test_shares_and_gradients_of_the_devices_add_up():
    rng = np.random.default_rng(0)
    real, fake = rng.normal(size=(2, 8)).astype(np.float32)
    valid = np.arange(8) < 5  # the second device has one sample only

    def share(pair, valid, axis_name=None):
        return losses.discriminator(*pair, valid, axis_name=axis_name)

    value, slope = jax.value_and_grad(share)((real, fake), valid)
    spread = jax.vmap(lambda p, v: jax.value_and_grad(share)(p, v, "i"), axis_name="i")
    shares, slopes = spread((real.reshape(2, 4), fake.reshape(2, 4)), valid.reshape(2, 4))
    np.testing.assert_allclose(shares.sum(), value, rtol=1e-6)
    for whole, parts in zip(slope, slopes, strict=True):
        np.testing.assert_allclose(parts.reshape(8), whole, atol=1e-7)


def test_the_best_discriminator_is_the_lemmas():
    # Joint tables of 3 codes and 4 images, as samples: cell (z, x) occurs as often as the table says.
    clusterer = np.array([[8, 1, 2, 1], [1, 6, 1, 2], [2, 1, 7, 8]])
    generator = np.array([[4, 5, 2, 2], [3, 4, 3, 3], [1, 3, 5, 5]])
    assert clusterer.sum() == generator.sum() == 40
    cells = [np.repeat(np.arange(12), table.ravel()) for table in (clusterer, generator)]
    valid = np.ones(40, bool)

    def objective(table):
        return losses.discriminator(table[cells[0]], table[cells[1]], valid)

    with jax.enable_x64(True):
        value_and_grad = jax.jit(jax.value_and_grad(objective))
        found = minimize(lambda t: [np.asarray(a) for a in value_and_grad(t)], np.zeros(12), jac=True, tol=1e-12)
    # Lemma 1: D* = P_C / (P_C + P_G), a logit of log(P_C / P_G). With the pairs swapped it would be the negative,
    # and the tables are far enough apart to see it.
    expected = np.log(clusterer / generator).ravel()
    np.testing.assert_allclose(found.x, expected, atol=1e-4)
    assert np.abs(expected).max() > 1.5
    # Lemma 2: the game's value there is the Jensen-Shannon divergence, up to constants.
    divergence = jensenshannon(clusterer.ravel(), generator.ravel()) ** 2
    np.testing.assert_allclose(found.fun, 2 * np.log(2) - 2 * divergence, rtol=1e-9)


def test_bad_arguments_are_named():
    with pytest.raises(ValueError, match=r"target must be 1\.0 or 0\.0, got 0\.9"):
        losses.adversarial_loss(jnp.zeros(2), target=0.9)
    with pytest.raises(ValueError, match="form must be 'nonsaturating' or 'minimax', got 'hinge'"):
        losses.adversarial_loss(jnp.zeros(2), target=1.0, form="hinge")
    with pytest.raises(ValueError, match=r"logits must be \[b\], got \(2, 1\); drop"):
        losses.adversarial_loss(jnp.zeros((2, 1)), target=1.0)
    with pytest.raises(ValueError, match=r"real_logits must be \[b\], got \(2, 1\)"):
        losses.discriminator(jnp.zeros((2, 1)), jnp.zeros(2), jnp.ones(2, bool))
    with pytest.raises(ValueError, match=r"fake_logits must have the shape of real_logits \(2,\), got \(3,\)"):
        losses.discriminator(jnp.zeros(2), jnp.zeros(3), jnp.ones(2, bool))
