"""What the settings of the steps do: warm-ups, the form of Eq. 2, the running mean, the prior's noise."""

import functools

import jax
import numpy as np

from jaxcluster.algorithms.clustergan.clusterer import clusterer_step
from jaxcluster.algorithms.clustergan.generator import generator_step
from jaxcluster.algorithms.clustergan.training import ForwardPass, draw_step_inputs
from jaxcluster.protocol import Batch
from tests.algorithms.small_game import KEY, SHAPE, SILENT, N, first_batch, settings, setup_of

NOISE_ONLY = {"consistency__rotation": 0.0, "consistency__shift": 0.0, "consistency__virtual": 0.0,
              "consistency__noise": 0.1}  # fmt: skip


def at(state, steps):
    return state._replace(steps=np.int32(steps))


def moved(before, after):
    """By descent at rate 1: the gradient, as one vector."""
    pairs = zip(jax.tree.leaves(before.variables["params"]), jax.tree.leaves(after.variables["params"]), strict=True)
    return np.concatenate([np.ravel(np.asarray(a, np.float64) - np.asarray(b)) for a, b in pairs])


@functools.cache
def warming_up():
    """A first state, and the compiled step of the clusterer for a setting of the running mean."""
    setup, state = setup_of(
        settings(
            warm_up__adversarial=0.25, warm_up__consistency=0.5, warm_up__entropy=1.0, weights__cycle=0.0, **NOISE_ONLY
        )
    )

    @jax.jit
    def step(state, average):
        own = setup._replace(average=average)
        return clusterer_step(own, state, draw_step_inputs(own, state, first_batch(), KEY, None))

    return state._replace(weights=np.ones(N, np.float32)), step


def test_each_term_warms_up_over_its_own_share_of_training():
    """Of twelve steps the adversarial terms take three, consistency six, and the entropy all."""
    (state, step), gradients = warming_up(), {}
    for steps, (played, same, entropy) in {
        0: (0, 0, 0),
        1: (1 / 3, 1 / 6, 1 / 12),
        2: (2 / 3, 1 / 3, 1 / 6),
        3: (1, 1 / 2, 1 / 4),
        6: (1, 1, 1 / 2),
        12: (1, 1, 1),
        20: (1, 1, 1),
    }.items():
        after, told = step(at(state, steps), 0.0)
        jax.tree.map(np.testing.assert_array_equal, after.average, after.clusterer.variables)  # no running mean
        assert min(told[f"{name}_loss"] for name in ("joint", "code", "consistency", "entropy")) > 1e-3
        expected = played * (2 * told["joint_loss"] + 4 * told["code_loss"])  # the weights are the defaults
        expected += same * 10 * told["consistency_loss"] + entropy * told["entropy_loss"]
        np.testing.assert_allclose(told["loss"], expected, rtol=1e-5)
        gradients[steps] = moved(state.clusterer, after.clusterer)
    np.testing.assert_array_equal(gradients[0], 0)
    size = np.abs(gradients[3]).max()
    assert size > 1e-3
    np.testing.assert_allclose(gradients[1] * 3, gradients[3], atol=1e-4 * size)  # all three grow in a straight line
    np.testing.assert_allclose(gradients[2] * 3, gradients[3] * 2, atol=1e-4 * size)
    # from 3 to 6 consistency grows by half of itself and the entropy by a quarter, from 6 to 12 the entropy by half
    assert np.abs(gradients[6] - gradients[3]).max() > 1e-3 * size
    assert np.abs(gradients[12] - gradients[6]).max() > 1e-5 * size
    np.testing.assert_array_equal(gradients[20], gradients[12])


def test_the_cycle_warms_up_for_both_who_descend_it():
    """Six steps of twelve; the clusterer has no other term here, the generator has its score beside it."""
    off = dict.fromkeys((f"weights__{name}" for name in ("joint", "code", "entropy", "consistency")), 0.0)
    setup, state = setup_of(settings(warm_up__cycle=0.5, **off, **NOISE_ONLY))

    @jax.jit
    def step(state):
        inputs = draw_step_inputs(setup, state, first_batch(), KEY, None)
        return generator_step(setup, state, inputs)[0], clusterer_step(setup, state, inputs)[0]

    generator, clusterer = {}, {}
    for steps in (0, 1, 4, 6, 9):
        drawn, clustered = step(at(state, steps))
        generator[steps] = moved(state.generator, drawn.generator)
        clusterer[steps] = moved(state.clusterer, clustered.clusterer)
    played = generator.pop(0)
    assert np.abs(played).max() > 1e-3
    np.testing.assert_array_equal(clusterer.pop(0), 0)
    for both in (clusterer, {steps: gradient - played for steps, gradient in generator.items()}):
        size = np.abs(both[6]).max()
        assert size > 1e-3
        np.testing.assert_allclose(6 * both[1], both[6], atol=1e-3 * size)
        np.testing.assert_allclose(6 * both[4], 4 * both[6], atol=1e-3 * size)
        np.testing.assert_array_equal(both[9], both[6])


def test_the_discriminators_noise_falls_when_the_partition_is_made():
    """Three of twelve steps at full noise, then in a straight line; for every pass of a step the same."""
    setup, state = setup_of(settings(network__noise_end=0.4, **NOISE_ONLY))

    @jax.jit
    def noise(state):
        inputs = draw_step_inputs(setup, state, first_batch(), KEY, None)
        passes = (ForwardPass.D_REAL, ForwardPass.C_DISCRIMINATOR)
        return inputs.noise, *(inputs.context(each).noise for each in passes)

    for steps, factor in ((0, 1), (3, 1), (6, 0.8), (9, 0.6), (12, 0.4), (20, 0.4)):
        np.testing.assert_allclose(noise(at(state, steps)), factor, rtol=1e-6)
    setup, state = setup_of(settings(**NOISE_ONLY))
    assert setup.noise(at(state, 12)) == 1


def test_both_forms_of_the_game_by_their_formulas():
    """Against what the discriminator, not a step old, says of seven pairs of each player; the eighth are padding."""
    off = dict.fromkeys((f"weights__{name}" for name in ("cycle", "cycle_generator", "entropy", "consistency")), 0.0)
    forms = ("minimax", "nonsaturating")
    setups = [setup_of(settings(**off, **SILENT, **NOISE_ONLY, adversarial__form=form))[0] for form in forms]
    _, state = setup_of(settings(**NOISE_ONLY))

    @jax.jit
    def ask_and_tell(state):
        inputs = draw_step_inputs(setups[0], state, first_batch(), KEY, None)
        context, networks = inputs.context(99), setups[0].networks
        logits, _, _ = networks.clusterer.apply(state.clusterer.variables, inputs.images, context)
        drawn, _ = networks.generator.apply(state.generator.variables, inputs.latent, context)
        ask = functools.partial(networks.discriminator.apply, state.discriminator.variables)
        pairs = ask(jax.nn.sigmoid(logits), inputs.images), ask(inputs.codes, drawn)
        return pairs, [generator_step(s, state, inputs)[1] | clusterer_step(s, state, inputs)[1] for s in setups]

    pairs, (minimax, nonsaturating) = ask_and_tell(state)
    odds = [np.asarray(scores, np.float64)[:, :7] for scores in pairs]
    (real_joint, _, real_code), (fake_joint, fake_image, _) = [1 / (1 + np.exp(-each)) for each in odds]
    for found, expected in (
        (minimax, {  # Eq. 2 as it is printed
            "joint_loss": np.log(real_joint).mean(),
            "code_loss": np.log(real_code).mean(),
            "generator_loss": (np.log(1 - fake_joint) + np.log(1 - fake_image)).mean() / 2,
        }),
        (nonsaturating, {  # of each, the chance that the discriminator is wrong
            "joint_loss": -np.log(1 - real_joint).mean(),
            "code_loss": -np.log(1 - real_code).mean(),
            "generator_loss": -(np.log(fake_joint) + np.log(fake_image)).mean() / 2,
        }),
    ):  # fmt: skip
        for name, value in expected.items():
            np.testing.assert_allclose(found[name], value, rtol=1e-4)


def test_the_running_mean_of_three_steps_by_hand():
    """A tenth of the old at the first step, 2/11 at the second, then 3/12, but never more than the setting, 0.2."""
    assert setup_of(settings(adversarial__average=0.2, **NOISE_ONLY))[0].average == 0.2
    state, step = warming_up()
    states = [state]
    for taken in range(3):
        states.append(step(at(states[-1], taken), 0.2)[0])
    assert np.abs(moved(states[1].clusterer, states[2].clusterer)).max() > 1e-3
    ways = zip(*(jax.tree.leaves(each.clusterer.variables) for each in states), strict=True)
    for mean, (start, *new) in zip(jax.tree.leaves(states[-1].average), ways, strict=True):
        expected = np.asarray(start)
        for keep, each in zip((1 / 10, 2 / 11, 0.2), new, strict=True):
            expected = keep * expected + (1 - keep) * np.asarray(each)
        np.testing.assert_allclose(mean, expected, rtol=1e-5, atol=1e-6)


def test_the_noise_of_the_codes_shrinks_with_progress():
    """From 0.5 to 0.1 over the twelve steps; the same draws, so that only their width changes."""
    setup, state = setup_of(settings(prior__noise="add", **SILENT, **NOISE_ONLY))
    index = np.arange(200, dtype=np.int32)
    batch = Batch(np.zeros((200, *SHAPE), np.uint8), index, index, index < 200)

    @jax.jit
    def draw(state):
        inputs = draw_step_inputs(setup, state, batch, KEY, None)
        return inputs._replace(batch=None, axis_name=None, noise=None, key=None)

    all_inputs = {steps: jax.device_get(draw(at(state, steps))) for steps in (0, 6, 12, 100)}
    noise = {steps: inputs.noisy_codes - inputs.codes for steps, inputs in all_inputs.items()}
    assert 0 <= noise[0].min() < 0.01
    assert 0.49 < noise[0].max() <= 0.5  # of 1,200 draws
    for steps, share in ((6, 0.6), (12, 0.2), (100, 0.2)):
        np.testing.assert_allclose(noise[steps], share * noise[0], atol=1e-6)
    for inputs in all_inputs.values():
        np.testing.assert_array_equal(inputs.codes, all_inputs[0].codes)
        np.testing.assert_array_equal(
            inputs.latent[:, :6], inputs.noisy_codes
        )  # the generator sees what the discriminator sees
        np.testing.assert_array_equal(inputs.latent[:, 6:], all_inputs[0].latent[:, 6:])
    style = np.asarray(all_inputs[0].latent[:, 6:])
    assert style.shape == (200, 2)
    assert 0 <= style.min() < 0.05
    assert 0.95 < style.max() < 1
    assert {tuple(code) for code in np.asarray(all_inputs[0].codes)} == {
        tuple(code) for code in np.asarray(setup.codes)
    }


def test_diversity_by_hand():
    """(1 - v/w)²: NumPy's variances of the real images, where the clusterer puts them, and of the generated ones.

    The generator's gradient with the term is that without it plus the term's own, times the weight.
    """
    off = {**SILENT, **NOISE_ONLY, "weights__cycle_generator": 0.0}
    setups = {weight: setup_of(settings(weights__diversity=weight, **off))[0] for weight in (0.0, 1.0, 3.0)}
    _, state = setup_of(settings(**off))

    @jax.jit
    def steps(state):
        setup = setups[0.0]
        inputs = draw_step_inputs(setup, state, first_batch(), KEY, None)
        context = inputs.context(99)
        logits, _, _ = setup.networks.clusterer.apply(state.clusterer.variables, inputs.images, context)
        drawn, _ = setup.networks.generator.apply(state.generator.variables, inputs.latent, context)
        after = {weight: generator_step(own, state, inputs) for weight, own in setups.items()}
        return {weight: (each.generator, told) for weight, (each, told) in after.items()}, (
            inputs.images, inputs.codes, logits, drawn
        )  # fmt: skip

    after, (images, codes, logits, drawn) = steps(state)
    gradients = {weight: moved(state.generator, generator) for weight, (generator, _) in after.items()}
    assert [weight for weight, (_, told) in after.items() if "diversity_loss" in told] == [1, 3]
    real, code = (np.asarray(each)[:7].reshape(7, 3, 2).mean(2).argmax(1) for each in (logits, codes))

    def spread(x, clusters):
        parts = [np.asarray(x, np.float64)[:7][clusters == k] for k in range(3)]
        squares = sum(((part - part.mean(0)) ** 2).sum() for part in parts if len(part))
        return squares / sum(max(len(part) - 1, 0) for part in parts)

    expected = (1 - spread(drawn, code) / spread(images, real)) ** 2
    np.testing.assert_allclose(after[3.0][1]["diversity_loss"], expected, rtol=1e-4)
    size = np.abs(gradients[1.0] - gradients[0.0]).max()
    assert size > 1e-4
    np.testing.assert_allclose(gradients[3.0] - gradients[0.0], 3 * (gradients[1.0] - gradients[0.0]), atol=1e-3 * size)
