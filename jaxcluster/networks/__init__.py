"""Networks as pure `init` / `apply` functions (flax.linen behind them)."""

from jaxcluster.networks.autoencoder import Autoencoder, autoencoder

__all__ = ["Autoencoder", "autoencoder"]
