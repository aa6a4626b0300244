"""Networks as pure `init` / `apply` functions."""

from jaxcluster.networks.autoencoder import Autoencoder, autoencoder
from jaxcluster.networks.classifier import Classifier, classifier
from jaxcluster.networks.interface import Clusterer, Context, Discriminator, Generator, Players, Scores, Variables
from jaxcluster.networks.players import players, summary

__all__ = [
    "Autoencoder",
    "Classifier",
    "Clusterer",
    "Context",
    "Discriminator",
    "Generator",
    "Players",
    "Scores",
    "Variables",
    "autoencoder",
    "classifier",
    "players",
    "summary",
]
