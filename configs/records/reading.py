"""Reading the records in this folder, and writing figures as README's tables have them."""

import json
import pathlib
import re
import statistics

FOLDER = pathlib.Path(__file__).parent


def runs(pattern: str = "aspc_*-seed*.json", *, title: str = "") -> dict[str, list[dict]]:
    """Summaries by config, in the order of their seeds.

    Args:
        pattern: of the files' names.
        title: "": runs of a config or of a variant; else those of the grid with this title, CONFIG-TITLE_VALUES-seedN.
    """
    found: dict[str, list[tuple[int, dict]]] = {}
    for file in sorted(FOLDER.glob(pattern)):
        name, _, seed = file.stem.rpartition("-seed")
        if title_of(name) == title:
            found.setdefault(name, []).append((int(seed), json.loads(file.read_text())))
    return {name: [summary for _, summary in sorted(each, key=lambda pair: pair[0])] for name, each in found.items()}


def title_of(name: str) -> str:
    """The title of the grid that a record belongs to, or "" for one of a config or a variant."""
    part = re.search(r"-(?!variant_)([a-z0-9]+)_", name)
    return part[1] if part else ""


def three(value: float) -> str:
    """.982 for 0.982."""
    text = f"{value:.3f}"
    return text[1:] if text.startswith("0") else text


def spread(values: list[float]) -> str:
    """Mean and sample standard deviation, then every value."""
    each = " ".join(three(value) for value in values)
    if len(values) == 1:
        return three(values[0])
    return f"{three(statistics.mean(values))} ± {three(statistics.stdev(values))} ({each})"


def mark(summaries: list[dict]) -> str:
    """A dagger if the code of any of these runs is not known, see `provenance`."""
    return " †" if any(not known(summary) for summary in summaries) else ""


def known(summary: dict) -> bool:
    """Whether a run says which commit, unchanged, it was made by, when, and with which versions."""
    commit = summary.get("commit") or ""
    return bool(re.fullmatch("[0-9a-f]{7,40}", commit)) and bool(summary.get("date")) and bool(summary.get("versions"))


def provenance() -> str:
    """How many runs do not say which code made them: the sentence that explains the dagger; "" if all do."""
    files = [*FOLDER.glob("*-seed*.json"), *FOLDER.glob("retrieval_*-run*.json")]
    older = sum(not known(json.loads(file.read_text())) for file in files)
    if not older:
        return ""
    return f"† made by older code, before a run recorded its commit: {older} of the {len(files)} runs."
