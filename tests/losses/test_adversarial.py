"""The adversarial game: worked by hand, its extremes, and the two lemmas on a table of discrete pairs."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.spatial.distance import jensenshannon

from jaxcluster import losses

FORMS = ("nonsaturating", "minimax")
loss = jax.jit(losses.adversarial_loss, static_argnames=("target", "form"))
game = jax.jit(jax.value_and_grad(lambda pair, valid: losses.discriminator(*pair, valid)))


def test_both_forms_by_hand():
    # D says .75 and .25: its logits are log 3 and -log 3.
    logits = np.float32([np.log(3), -np.log(3)])
    likely, rare = -np.log(0.75), -np.log(0.25)
    for target, form, expected in [
        (1.0, "nonsaturating", [likely, rare]),  # -log D
        (0.0, "nonsaturating", [rare, likely]),  # -log(1 - D)
        (1.0, "minimax", [-rare, -likely]),  # log(1 - D)
        (0.0, "minimax", [-likely, -rare]),  # log D
    ]:
        np.testing.assert_allclose(loss(logits, target=target, form=form), expected, rtol=1e-6)


@pytest.mark.parametrize("target", [1.0, 0.0])
def test_only_the_minimax_form_saturates_where_the_discriminator_wins(target):
    wrong = np.float32(1 - 2 * target)  # the sign of a logit that sees through the player
    logits = np.array([80, 1e4, -80, -1e4, 0.5], np.float32) * wrong

    @jax.jit
    def slopes_of(logits):
        back = {f: jax.vjp(partial(losses.adversarial_loss, target=target, form=f), logits) for f in FORMS}
        return {f: slope(jnp.ones_like(each))[0] for f, (each, slope) in back.items()}

    slopes = jax.tree.map(np.asarray, slopes_of(logits))
    np.testing.assert_allclose(slopes["nonsaturating"][:4] * wrong, [1, 1, 0, 0], atol=1e-30)
    np.testing.assert_allclose(slopes["minimax"][:4] * wrong, [0, 0, 1, 1], atol=1e-30)
    assert (slopes["nonsaturating"][4] * slopes["minimax"][4]) > 0  # both ways lead in the same direction


def test_the_discriminators_loss_by_hand_and_padding_may_hold_anything():
    real, fake = np.float32([np.log(3), 0, np.nan]), np.float32([np.log(3), 0, np.inf])
    valid = np.array([True, True, False])
    value, slopes = game((real, fake), valid)
    # -log .75 - log .25 and 2 log 2, over two pairs
    np.testing.assert_allclose(value, (np.log(4 / 3) + np.log(4) + 2 * np.log(2)) / 2, rtol=1e-6)
    np.testing.assert_allclose(slopes[0], [-0.125, -0.25, 0], atol=1e-7)  # (D - 1) / 2
    np.testing.assert_allclose(slopes[1], [0.375, 0.25, 0], atol=1e-7)  # D / 2
    each = loss(real, target=1.0, valid=valid)
    np.testing.assert_allclose(each, [np.log(4 / 3), np.log(2), np.log(2)], rtol=1e-6)


def test_shares_and_gradients_of_the_devices_add_up():
    rng = np.random.default_rng(0)
    real, fake = rng.normal(size=(2, 8)).astype(np.float32)
    valid = np.arange(8) < 5  # the second device has one sample only

    def share(pair, valid):
        return losses.discriminator(*pair, valid, axis_name="i")

    value, slope = game((real, fake), valid)
    spread = jax.jit(jax.vmap(jax.value_and_grad(share), axis_name="i"))
    shares, slopes = spread((real.reshape(2, 4), fake.reshape(2, 4)), valid.reshape(2, 4))
    np.testing.assert_allclose(shares.sum(), value, rtol=1e-6)
    for whole, parts in zip(slope, slopes, strict=True):
        np.testing.assert_allclose(np.ravel(parts), whole, atol=1e-7)


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
        losses.adversarial_loss(np.zeros(2), target=0.9)
    with pytest.raises(ValueError, match="form must be 'nonsaturating' or 'minimax', got 'hinge'"):
        losses.adversarial_loss(np.zeros(2), target=1.0, form="hinge")
    with pytest.raises(ValueError, match=r"logits must be \[b\], got \(2, 1\); drop"):
        losses.adversarial_loss(np.zeros((2, 1)), target=1.0)
    with pytest.raises(ValueError, match=r"real_logits must be \[b\], got \(2, 1\)"):
        losses.discriminator(np.zeros((2, 1)), np.zeros(2), np.ones(2, bool))
    with pytest.raises(ValueError, match=r"fake_logits must have the shape of real_logits \(2,\), got \(3,\)"):
        losses.discriminator(np.zeros(2), np.zeros(3), np.ones(2, bool))
