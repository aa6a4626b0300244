"""scikit-learn's own checks over all estimators, with networks small enough for them."""

import pytest
from sklearn.utils import estimator_checks
from sklearn.utils.estimator_checks import parametrize_with_checks

from jaxcluster import ASPC, ClusterGAN, DeepClusterer, ViewGraph

pytestmark = [
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.SkipTestWarning"),
    # One epoch is too few to learn anything.
    pytest.mark.filterwarnings("ignore:labels_ are the clusters from before training"),
    pytest.mark.filterwarnings("ignore:the clustering has collapsed"),
]

SMALL = {"initial.n_init": 2, "initial.max_iterations": 20}
ASPC_SMALL = {**SMALL, "pretrain.batch_size": 64}
GAN_SMALL = {
    "initial.hidden": (8,),
    "initial.n_neighbors": 3,
    "initial.dimensions": (1.0,),
    "initial.n_init": 2,
    "cluster.n_init": 2,
    "network.clusterer_hidden": (8,),
    "network.generator_hidden": (8,),
    "network.discriminator_hidden": (8,),
}
TRAINED = [
    ASPC(2, pretrain_epochs=1, epochs=1, hidden=(8,), embedding_size=2, config=ASPC_SMALL),
    ViewGraph(2, epochs=1, config={"network.hidden": (8,), "partition.n_init": 1}),
    ClusterGAN(2, code_size=4, epochs=1, pretrain_epochs=1, config=GAN_SMALL),
    DeepClusterer("aspc", 2, config={**ASPC_SMALL, "pretrain.epochs": 1, "finetune.epochs": 1}),
]


def expected_failures(estimator):
    """At most two a class, each with its reason."""
    reasons = {
        "check_methods_subset_invariance": "float32 products of one row and of many differ by rounding",
    }
    return reasons


# The checks have a dozen shapes of data, for each of which training and k-means are compiled: here all else of `fit`.
PLAIN = {"pretrain_epochs": 0, "epochs": 0, "config": {**ASPC_SMALL, "initial.method": "ward"}}


@parametrize_with_checks([ASPC(**{**TRAINED[0].get_params(), **PLAIN})], expected_failed_checks=expected_failures)
def test_scikit_learns_checks(estimator, check):
    check(estimator)


@pytest.mark.long
@parametrize_with_checks(TRAINED, expected_failed_checks=expected_failures)
def test_scikit_learns_checks_with_training(estimator, check):
    check(estimator)


@pytest.mark.parametrize("estimator", TRAINED[1:])
def test_scikit_learns_checks_of_parameters(estimator):
    """Those that fit nothing, of the other estimators."""
    for name in ("parameters_default_constructible", "no_attributes_set_in_init", "estimator_cloneable", "mixin_order",
                 "get_params_invariance", "set_params", "estimators_unfitted", "estimator_repr"):  # fmt: skip
        getattr(estimator_checks, f"check_{name}")(type(estimator).__name__, estimator)
