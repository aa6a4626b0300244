"""Second phase of ASPC-DA: the encoder is trained towards fixed cluster centers ([P2] sections 3.1.2 to 3.4).

Differences from the printed Algorithm 1, all as in the authors' code, which the paper's figures come from:

* The first epoch trains on the initial clustering's own labels with all weights 1. Printed, line 4 would reproduce
  those labels at once and the stopping rule would end the run before any training.
* Assignments, then weights, are computed after each epoch and used in the next; the age parameter after epoch t
  (counted from 0) has progress t/T, so that the first weights use λ = mean and the last a progress of (T−2)/T.
* Weights come from the losses of clean images (option `weights_on="augmented"` for the printed Eq. 16).
* The batch loss is divided by the number of selected samples (option `mean_over="all"` for the printed Eq. 17).
* T epochs are trained; the printed t = 0, ..., T are T + 1.

Differences from that code: an epoch is one permutation of the samples, where four processes with a shuffle each were
interleaved, so that an epoch left out about a third of the samples and showed others twice; images turn about the
middle of the pixel grid (`augment.center="keras"` for one pixel beyond it); the stopping rule (Eq. 18) needs no
labels. The curve `feature_loss` (Eq. 21) is drawn from the losses that the weights come from, which are those of
clean images unless `weights_on="augmented"`.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax

from jaxcluster import losses, spl
from jaxcluster.algorithms.initial import initial_clustering
from jaxcluster.algorithms.outputs import empty_clusters, empty_clusters_warning
from jaxcluster.algorithms.pretraining import gradient_step
from jaxcluster.clusterers import nearest
from jaxcluster.protocol import Batch, Phase

__all__ = ["FinetuneState", "finetune_phase"]

Array = jax.Array
_BEGINNINGS = {
    "kmeans": "k-means of the embeddings, {n_init} restarts",
    "spectral": "spectral clustering of the embeddings",
    "block_model": "the likeliest partition of the graph of the embeddings' nearest neighbors",
    "ward": "agglomerative clustering of the embeddings (Ward)",
    "mixture": "a Gaussian mixture of the embeddings",
    "rcc": "robust continuous clustering of the embeddings, which finds their number",
}


class FinetuneState(NamedTuple):
    """Training state of the encoder, and the clustering it is trained towards."""

    encoder: dict[str, Any]
    opt_state: optax.OptState
    centers: Array  # [k, d], fixed through the phase
    labels: Array  # [n] int32, current assignment
    weights: Array  # [n], self-paced weights of the current epoch


def finetune_phase(config, network, inputs, optimizer: optax.GradientTransformation, num_samples: int) -> Phase:
    """Build the phase; see `jaxcluster.protocol.Phase` for its parts."""
    settings = config.finetune
    finds_number = config.initial.method == "rcc"
    age_epochs = settings.age_epochs or (settings.epochs if settings.epochs > 0 else 100)

    def init(encoder: dict, centers: Array, labels: Array, weights: Array) -> FinetuneState:
        return FinetuneState(encoder, optimizer.init(encoder), centers, labels, weights)

    def begin(model, features, images, key: Array, poll) -> FinetuneState:
        del images
        initial = initial_clustering(config.initial, key, features["embedding"], config.n_clusters, poll)
        return jax.jit(init)(model["encoder"], *initial)

    def step(state: FinetuneState, batch: Batch, key: Array, *, axis_name: str | None = None):
        """Move the selected samples of a batch towards their centers ([P2] Eq. 17)."""
        x = inputs.augmented(key, batch.images, batch.position) if settings.augment else inputs.clean(batch.images)
        targets = state.centers[state.labels[batch.index]]
        weights = state.weights[batch.index]

        def loss_of(encoder):
            errors = losses.cluster_center(network.encode(encoder, x), targets)
            return losses.weighted_mean(
                errors, weights, valid=batch.valid, over=settings.mean_over, axis_name=axis_name
            )

        encoder, opt_state, info = gradient_step(optimizer, state.encoder, state.opt_state, loss_of, axis_name)
        return state._replace(encoder=encoder, opt_state=opt_state), info

    def observe(model: dict, images: Array, key: Array, index: Array) -> dict[str, Array]:
        features = {"embedding": network.encode(model["encoder"], inputs.clean(images))}
        if settings.augment and settings.weights_on == "augmented":
            features["augmented"] = network.encode(model["encoder"], inputs.augmented(key, images, index))
        return features

    def update(state: FinetuneState, features: dict, epoch: Array) -> tuple[FinetuneState, dict[str, Array]]:
        """Assign clean images to their nearest centers, then solve their weights ([P2] Eq. 15, 10 and 16)."""
        dimensions = state.centers.shape[1]
        labels, distances = nearest(features["embedding"], state.centers)
        clean = distances / dimensions
        paced = clean
        if "augmented" in features:
            paced = losses.cluster_center(features["augmented"], state.centers[labels])
        age = spl.adaptive_age(paced, progress=jnp.minimum(epoch / age_epochs, 1).astype(paced.dtype))
        weights = jnp.ones_like(state.weights)
        if settings.self_paced:
            weights = spl.hard_weights(paced, age=age).astype(weights.dtype)
        info = {
            "cluster_loss": jnp.mean(clean),  # [P2] Eq. 22, over d
            "feature_loss": jnp.mean(weights * paced - age * weights),  # [P2] Eq. 21, over d
            "age": age,
            "selected": jnp.mean(weights),
            "change": jnp.mean((labels != state.labels).astype(paced.dtype)),  # [P2] Eq. 18
            "empty_clusters": empty_clusters(labels, len(state.centers)),
        }
        if finds_number:
            info["n_clusters"] = jnp.asarray(len(state.centers), paced.dtype)
        return state._replace(labels=labels, weights=weights), info

    def fault(info: dict[str, float]) -> str:
        if info["selected"] == 0:
            return (
                f"the self-paced weights select no sample (age {info['age']:.3g}, mean loss "
                f"{info['cluster_loss']:.3g}): all losses are equal; the embedding has collapsed"
            )
        return ""

    def warning(info: dict[str, float]) -> str:
        if info.get("n_clusters") == 1:
            return "robust continuous clustering has found one cluster only; train the autoencoder longer, or choose K"
        return empty_clusters_warning(info, None if finds_number else config.n_clusters)

    def done(info: dict[str, float]) -> str:
        if info["change"] < settings.tolerance:
            return f"label change {info['change']:.4%} is below finetune.tolerance {settings.tolerance:.4%}"
        return ""

    def template(n_clusters: int = config.n_clusters) -> FinetuneState:
        encoder = jax.eval_shape(network.init, jax.random.key(0))["encoder"]
        centers = jax.ShapeDtypeStruct((n_clusters, config.network.embedding), jnp.zeros(()).dtype)
        labels = jax.ShapeDtypeStruct((num_samples,), jnp.int32)
        return jax.eval_shape(init, encoder, centers, labels, jax.ShapeDtypeStruct((num_samples,), centers.dtype))

    return Phase(
        name="finetune",
        epochs=None if settings.epochs < 0 else settings.epochs,
        batch_size=settings.batch_size,
        begin=begin,
        step=step,
        model=lambda state: {"encoder": state.encoder, "centers": state.centers},
        observe=observe,
        template=template,
        update=update,
        labels=lambda state: state.labels,
        fault=fault,
        warning=warning,
        done=done,
        beginning=_BEGINNINGS[config.initial.method].format(n_init=config.initial.n_init),
        shown=("loss", "selected", "change"),
        n_clusters=(lambda state: len(state.centers)) if finds_number else None,
    )
