"""Self-paced learning: which samples count, and how much, given their losses.

Weights from losses: `hard_weights`, `balanced_weights` (equal care for groups), `diversity_weights`, and the
soft schemes `linear_weights`, `logarithmic_weights`, `mixture_weights`. The age (the papers' lambda) from the
data: `adaptive_age`, `age_for_fraction`; from progress: `linear_fraction`, `linear_age`. The balance:
`gamma_for_quota`.

Arrays in, weights out; everything works under jit, vmap and, with `axis_name`, across devices. README.md
beside this file explains the schemes in five minutes.
"""

from jaxcluster.spl.adaptive import adaptive_age
from jaxcluster.spl.balanced import BalancedInfo, balanced_weights
from jaxcluster.spl.balanced_sorted import balanced_weights_sorted
from jaxcluster.spl.diversity import diversity_weights
from jaxcluster.spl.hard import WeightsInfo, hard_weights
from jaxcluster.spl.pace import PaceInfo, age_for_fraction
from jaxcluster.spl.quota import gamma_for_quota
from jaxcluster.spl.schedule import linear_age, linear_fraction
from jaxcluster.spl.soft import linear_weights, logarithmic_weights, mixture_weights

__all__ = [
    "BalancedInfo",
    "PaceInfo",
    "WeightsInfo",
    "adaptive_age",
    "age_for_fraction",
    "balanced_weights",
    "balanced_weights_sorted",
    "diversity_weights",
    "gamma_for_quota",
    "hard_weights",
    "linear_age",
    "linear_fraction",
    "linear_weights",
    "logarithmic_weights",
    "mixture_weights",
]
