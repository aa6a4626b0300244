"""Draw the pictures of jaxcluster/spl/README.md: `python -m tests.spl.draw`."""

import pathlib
import re

import matplotlib.pyplot as plt
import numpy as np

from jaxcluster import spl

PAGE = pathlib.Path(__file__).parents[2] / "jaxcluster" / "spl" / "README.md"
EASY, MIDDLE, HARD = "#0072b2", "#c77c00", "#a3497e"


def code_blocks():
    """The Python blocks of the page, in order."""
    return re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)


def schemes():
    """One set of losses, what every scheme makes of it."""
    figure, (curves, choice) = plt.subplots(1, 2, figsize=(11, 4.2), layout="constrained")

    loss = np.linspace(0, 1.2, 481).astype(np.float32)
    lines = {
        "hard": spl.hard_weights(loss, age=0.7),
        "linear": spl.linear_weights(loss, age=0.7),
        "logarithmic": spl.logarithmic_weights(loss, age=0.7),
        "mixture (gamma 0.5)": spl.mixture_weights(loss, age=0.7**0.5, gamma=0.5),
    }
    for (name, weights), style in zip(lines.items(), ("-", "--", "-.", ":"), strict=True):
        curves.plot(loss, weights, style, lw=2, label=name)
    curves.axvline(0.7, color="0.8", zorder=0)
    curves.set(xlabel="loss", ylabel="weight", title="Each sample for itself: weights that end at loss 0.7")
    curves.legend(frameon=False, loc="upper right")

    rng = np.random.default_rng(4)
    groups = np.repeat(np.arange(3), 20)
    losses = (rng.gamma(4, 0.25, 60) + 0.8 * groups).astype(np.float32)
    gamma = spl.gamma_for_quota(losses, num_groups=3, fraction=0.3, rho=1.0)
    options = {"groups": groups, "num_groups": 3}
    age = spl.age_for_fraction(losses, 0.3, gamma=gamma, **options)
    rows = {
        "hard": spl.hard_weights(losses, age=spl.age_for_fraction(losses, 0.3)),
        "diversity": spl.diversity_weights(losses, age=0.86, gamma=1.5, **options),
        "balanced": spl.balanced_weights(losses, age=age, gamma=gamma, **options),
    }
    for row, weights in enumerate(rows.values()):
        for k, color in enumerate((EASY, MIDDLE, HARD)):
            y = -row + 0.22 - 0.22 * k
            mine, w = losses[groups == k], np.asarray(weights)[groups == k]
            choice.scatter(mine, np.full(20, y), s=34, facecolors="none", edgecolors=color, lw=0.7, alpha=0.6)
            choice.scatter(mine, np.full(20, y), s=34, color=color, alpha=w, lw=0)
            choice.text(4.15, y, f"{w.sum():.1f}".rstrip("0").rstrip("."), color=color, va="center", ha="right")
    choice.text(4.15, 0.42, "selected", va="center", ha="right", fontsize=9)
    choice.set_yticks([0, -1, -2], rows)
    choice.set(xlabel="loss", xlim=(0, 4.3), ylim=(-2.45, 0.55))
    choice.set_title("Three groups of 20, easy to hard, 18 samples to select")
    figure.savefig(PAGE.parent / "schemes.png", dpi=130)
    plt.close(figure)
    return {name: np.asarray(weights) for name, weights in rows.items()}


def main():
    """Both pictures; the second is what the page's own code draws."""
    for name, weights in schemes().items():
        print(name, "selects", weights.sum())
    code = code_blocks()[2].replace('"sweep.png"', repr(str(PAGE.parent / "sweep.png")))
    exec(compile(code, str(PAGE), "exec"), {})


if __name__ == "__main__":
    main()
