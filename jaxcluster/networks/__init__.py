"""Networks as pure `init` / `apply` functions."""

from jaxcluster.networks.autoencoder import Autoencoder, autoencoder
from jaxcluster.networks.classifier import Classifier, classifier
from jaxcluster.networks.families import adversarial_networks, summary
from jaxcluster.networks.interface import Clusterer, Context, Discriminator, Generator, Networks, Scores, Variables

__all__ = [
    "Autoencoder",
    "Classifier",
    "Clusterer",
    "Context",
    "Discriminator",
    "Generator",
    "Networks",
    "Scores",
    "Variables",
    "adversarial_networks",
    "autoencoder",
    "classifier",
    "summary",
]
