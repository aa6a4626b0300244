"""DEC (Xie et al., ICML 2016) and IDEC (Guo et al., IJCAI 2017), with data augmentation as an option.

`pretrain`: an autoencoder learns to reconstruct images. `finetune`: k-means gives first centers, and encoder and
centers are trained towards a sharpened version of their own soft assignments. IDEC keeps the reconstruction loss
beside it, DEC does not: the two methods differ in that weight and in the optimizer.

Differs from the papers in: the target is computed anew after a number of epochs, which are steps there; batches are
shuffled; IDEC's sum L_r + γ L_c is divided by γ = 0.1, so that a learning rate of SGD is γ times the printed one.
"""

import math
from functools import partial

import jax.numpy as jnp

from jaxcluster import networks
from jaxcluster.algorithms import groups, settings
from jaxcluster.algorithms.dec.assignment import log_assignment
from jaxcluster.algorithms.dec.finetune import finetune_phase
from jaxcluster.algorithms.inputs import flat_inputs
from jaxcluster.algorithms.pretraining import optimizer, pretrain_phase
from jaxcluster.algorithms.settings import Field, boolean, changed, number, one_of, whole
from jaxcluster.protocol import Algorithm, Method, Outputs

__all__ = ["DEC", "IDEC", "METHOD", "VARIANTS", "apply_variant", "build"]

VARIANTS = {
    "paper": "no augmentation, which is the default",
    "da": "images are rotated and shifted, in both phases; targets come from clean ones",
    "wide": "the same, and images are stretched and sheared",
}


def apply_variant(config, name: str):
    """Change the defaults to those of a variant; ValueError if there is none of this name."""
    if name not in VARIANTS:
        raise ValueError(f"the variant must be one of {', '.join(VARIANTS)}, got {name!r}")
    config.pretrain.augment = config.finetune.augment = name != "paper"
    if name == "wide":
        config.augment.stretch = config.augment.shear = 0.15
    return config


def build(config, *, num_samples: int, sample_shape: tuple[int, ...], offset: float, scale: float) -> Algorithm:
    """Build DEC or IDEC for one data set; see `protocol.Method.build`."""
    inputs = flat_inputs(config.augment, sample_shape, offset, scale)
    network = networks.autoencoder(
        math.prod(sample_shape),
        hidden=tuple(config.network.hidden),
        embedding=config.network.embedding,
        dtype=jnp.zeros(()).dtype,  # float64 where jax_enable_x64 is on
    )
    return Algorithm(
        name=config.algorithm,
        phases=(
            pretrain_phase(config.pretrain, network, inputs, optimizer(config.pretrain)),
            finetune_phase(config, network, inputs, optimizer(config.finetune), num_samples),
        ),
        outputs=_outputs,
        start_phase="finetune",
        start_outputs=_outputs,
        stop_change=config.finetune.tolerance or None,
    )


def _outputs(model: dict, features: dict) -> Outputs:
    q = jnp.exp(log_assignment(features["embedding"], model["centers"]))
    return Outputs(
        labels=jnp.argmax(q, axis=1).astype(jnp.int32),
        confidence=jnp.max(q, axis=1),
        embedding=features["embedding"],
        centers=model["centers"],
        probabilities=q,
    )


def _method(name: str, summary: str, **finetune) -> Method:
    fields = {
        "algorithm": Field(name, one_of(name), "which method"),
        **groups.RUN,
        "network": groups.AUTOENCODER,
        "augment": groups.AUGMENT,
        "pretrain": changed(groups.PRETRAIN, epochs=300, augment=False),
        "initial": changed(groups.KMEANS, inertia_tolerance=0.0),
        "finetune": changed(
            {
                **groups.OPTIMIZER,
                "reconstruction": Field(0.0, number(0, groups.LARGE), "weight of the reconstruction loss"),
                "tolerance": Field(1e-3, number(0, 1, below=True), "stop when fewer labels change; 0: never"),
                "target_epochs": Field(
                    1,
                    whole(1, 1_000_000),
                    "epochs from one target to the next; labels that changed between the two count for the tolerance",
                ),
                "augment": Field(False, boolean(), "train on augmented images, towards targets of clean ones"),
            },
            epochs=500,
            **finetune,
        ),
    }

    def check(config, num_samples: int) -> None:
        settings.check(config, fields)
        groups.check_clusters(config, num_samples)

    def remarks(config, sample_shape: tuple[int, ...]) -> list[str]:
        used = config.pretrain.augment or config.finetune.augment
        return groups.augment_remarks(config.augment, sample_shape, used=used) if used else []

    return Method(
        name=name,
        summary=summary,
        defaults=partial(settings.defaults, fields),
        check=check,
        remarks=remarks,
        build=build,
        variants=VARIANTS,
        apply_variant=apply_variant,
        shared_phase="pretrain",
        docs=settings.docs(fields),
    )


DEC = METHOD = _method(
    "dec", "DEC: soft assignments sharpen themselves (ICML 2016)", optimizer="sgd", learning_rate=0.01
)
IDEC = _method("idec", "IDEC: DEC that goes on reconstructing (IJCAI 2017)", reconstruction=10.0)
