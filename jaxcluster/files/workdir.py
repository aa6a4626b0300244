"""The folder of a run: its identity, and its results as text."""

import contextlib
import csv
import io
import json
import math
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from jaxcluster.files import environment, lock, manifest, reading, storage
from jaxcluster.files.reading import Rule, finite, settings, whole
from jaxcluster.files.records import Metrics
from jaxcluster.files.storage import WorkdirError

__all__ = [
    "Metrics",
    "WorkdirError",
    "claim",
    "differences",
    "read_finished",
    "read_identity",
    "read_summary",
    "take",
    "write_csv",
    "write_json",
    "write_table",
]

LARGEST_SAMPLE = 2**28  # values
_SHAPE = Rule(
    lambda x: (
        isinstance(x, list)
        and 0 < len(x) <= 4
        and all(whole(1).holds(size) for size in x)
        and math.prod(x) <= LARGEST_SAMPLE
    ),
    f"a list of 1 to 4 sizes with at most {LARGEST_SAMPLE} values",
)
_OFFSET = Rule(lambda x: finite(x) or (isinstance(x, list) and all(map(finite, x))), "finite")
_SCALE = Rule(
    lambda x: all(finite(part) and part > 0 for part in (x if isinstance(x, list) else [x])), "finite and above 0"
)
_OBJECT = Rule(lambda x: isinstance(x, dict), "an object")
_SETTINGS = Rule(settings, "an object of finite numbers, text and lists of these")
_TEXT = Rule(lambda x: isinstance(x, str) and len(x) <= 1000, "text")
_COUNTS = Rule(lambda x: isinstance(x, list) and all(whole(0).holds(size) for size in x), "a list of sizes")
_NUMBERS = Rule(lambda x: isinstance(x, dict) and all(map(finite, x.values())), "an object of finite numbers")
_SHARE = Rule(lambda x: finite(x) and 0 <= x <= 1, "a number from 0 to 1")
_FIGURE = Rule(lambda x: x is None or finite(x), "a finite number or null")
_IDENTITY = {
    "config": _SETTINGS,
    "data": {
        "samples": whole(1),
        "shape": _SHAPE,
        "dtype": _TEXT,
        "checksum": whole(0, 2**64),
        "offset": _OFFSET,
        "scale": _SCALE,
        "transform?": Rule(lambda x: settings({"transform": x}), "settings"),
    },
    "environment?": _SETTINGS,
}
_CONFIG = {
    "algorithm": _TEXT,
    "seed": whole(0, 2**64),
    "n_clusters?": Rule(lambda x: x is None or whole(0, 10**6).holds(x), "a whole number from 0 to 1000000"),
}
_SUMMARY = {
    "config": _SETTINGS,
    "data": _OBJECT,
    "results": {
        "cluster_sizes": _COUNTS,
        "scoring?": _NUMBERS,
        "generated?": {"diversity?": _FIGURE, "variety?": _FIGURE},  # variety: its name until 0.2.0
        "confident?": {"min_confidence": _SHARE, "share": _SHARE, "scoring?": _NUMBERS},
    },
}


def take(
    workdir: Path,
    identity: dict[str, Any],
    held: contextlib.ExitStack,
    *,
    complete: Callable[[dict[str, Any]], dict[str, Any]],
    report: Callable[[str], None],
) -> bool:
    """Take the folder for this run, until `held` is closed: see `lock.hold`, `claim` and `read_finished`.

    Returns:
        Whether the run is complete: its results are there, and its pictures are not still to be drawn.

    Raises:
        WorkdirError: another process holds the folder, or it cannot take this run.
    """
    held.enter_context(lock.hold(workdir, say=report))
    claim(workdir, identity, complete=complete, report=report)
    summary = read_finished(workdir, report=report)
    return bool(summary) and "pictures" not in summary


def claim(
    workdir: Path,
    identity: dict[str, Any],
    *,
    complete: Callable[[dict[str, Any]], dict[str, Any]] = lambda old: old,
    report: Callable[[str], None] = lambda sentence: None,
) -> None:
    """Make the folder this run's own, or check that it is.

    Args:
        workdir: made if absent; nobody else writes there, see `lock.hold`.
        identity: JSON data that decides the results: the config, and a fingerprint of the data.
        complete: identity of an earlier run -> the same with the fields that there were not yet when it began.
        report: told if the run was begun in another environment that it can be gone on with in.

    Raises:
        WorkdirError: the folder cannot be written, holds something else, or belongs to a run with another identity or
            an environment that it cannot be gone on with in; the message names the fields that differ.
    """
    try:
        storage.check_writable(workdir)
    except storage.StorageError as error:
        raise WorkdirError(f"--workdir {error}") from error
    for left in [file for file in reading.plain_entries(workdir) if storage.is_partial(file.name)]:
        left.unlink(missing_ok=True)  # by a kill
    file, here = workdir / "config.json", environment.describe()
    if storage.read_text(file) is None:
        manifest.verify(workdir, "config.json")  # it was there
        if not storage.is_empty(workdir, besides=lambda name: name == lock.FILE or storage.is_partial(name)):
            raise WorkdirError(
                f"--workdir {workdir} holds files that are not a run of jaxcluster; name an empty folder"
            )
        write_json(file, identity | {"environment": here})
    else:
        found = read_identity(workdir)
        begun = found.pop("environment", {})
        _check_same(workdir, complete(found), identity)
        refusal, remark = environment.differences(begun, here)
        if refusal:
            raise WorkdirError(f"--workdir {workdir} belongs to a run in another environment: {refusal}")
        if remark:
            report(f"this run was begun in another environment: {remark}")
    if not manifest.verify(workdir, "config.json"):  # a kill has come before it was entered
        manifest.enter(workdir, [file])


def _brief(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:50]} ..."


def _check_same(workdir: Path, old: dict[str, Any], new: dict[str, Any]) -> None:
    old, new = (json.loads(json.dumps(data)) for data in (old, new))
    found = differences(old, new)
    if found:
        changes = "; ".join(f"{name} was {_brief(old)}, now {_brief(new)}" for name, old, new in found[:10])
        changes += f"; and {len(found) - 10} more" if len(found) > 10 else ""
        raise WorkdirError(
            f"--workdir {workdir} belongs to a run with other settings: {changes}. "
            "Name another --workdir, or give the settings of that run"
        )


def read_identity(workdir: Path) -> dict[str, Any]:
    """Read what `claim` wrote, and see that the folder holds nothing that leads out of it.

    Raises:
        WorkdirError: there is no run in the folder, its config.json is damaged, or a link lies in the folder.
    """
    for _ in reading.plain_entries(workdir):
        pass
    manifest.verify(workdir, "config.json")
    file = workdir / "config.json"
    identity = reading.read_json(file, _IDENTITY)
    if identity is None:
        raise WorkdirError(f"{workdir} holds no run (there is no config.json in it)")
    try:
        reading.check(identity["config"], _CONFIG, "config")
    except ValueError as error:
        raise WorkdirError(f"{file} is damaged: {error}") from error
    return identity


def read_finished(workdir: Path, *, report: Callable[[str], None]) -> dict[str, Any] | None:
    """The summary of a complete run, after a look at all its files.

    Args:
        workdir: of a run that `claim` has accepted.
        report: told of each damaged file.

    Returns:
        The summary; None if the run is not complete, or if results are damaged: the last checkpoint gives them again,
        as they were. A damaged model costs no result, and is refused when it is asked for.

    Raises:
        WorkdirError: the summary is not one.
    """
    models, again = f"{workdir / 'model'}/", False
    for damage in manifest.damages(workdir):
        anew = not damage.startswith(models)
        report(f"{damage}; the results are written again from the last checkpoint" if anew else damage)
        again |= anew
    _report_predictions(workdir / "predictions", report)
    return None if again else read_summary(workdir)


def _report_predictions(folder: Path, report: Callable[[str], None]) -> None:
    """Report the damaged files of earlier predictions, which nothing else depends on."""
    for prediction in sorted(folder.iterdir()) if storage.is_folder(folder) else ():
        try:
            found = manifest.damages(prediction)
        except WorkdirError as error:
            found = [str(error)]
        for damage in found:
            report(damage)


def read_summary(workdir: Path) -> dict[str, Any] | None:
    """Read the summary of a complete run; None if there is none yet.

    Raises:
        WorkdirError: it is damaged.
    """
    manifest.verify(workdir, "summary.json")
    return reading.read_json(workdir / "summary.json", _SUMMARY)


def differences(old: Any, new: Any, name: str = "") -> list[tuple[str, Any, Any]]:
    """Where two pieces of JSON data differ: (dotted name, old value, new value)."""
    if isinstance(old, dict) and isinstance(new, dict):
        found = []
        for key in sorted(old.keys() | new.keys()):
            found += differences(old.get(key), new.get(key), f"{name}.{key}" if name else key)
        return found
    same = old == new or (isinstance(old, float) and isinstance(new, float) and math.isclose(old, new, rel_tol=0))
    return [] if same else [(name, old, new)]


def write_json(file: Path, data: Any) -> None:
    """Write JSON in one piece: a reader sees the old file or the new one."""
    storage.write_text(file, json.dumps(data, indent=2, allow_nan=False) + "\n")


def write_csv(
    file: Path, labels: np.ndarray, confidence: np.ndarray, names: tuple[str, ...] | None, heading: str = "file"
) -> None:
    """Write clusters.csv: index, cluster, confidence, and the samples' names, under a heading, where they have some.

    A name that a spreadsheet would take for a formula, because it begins with = + - @ a tab or a carriage return, has
    an apostrophe put before it.
    """
    rows = (
        [i, label, f"{sure:.6f}", *([names[i]] if names else [])]
        for i, (label, sure) in enumerate(zip(labels.tolist(), confidence.tolist(), strict=True))
    )
    write_table(file, ["index", "cluster", "confidence", *([heading] if names else [])], rows)


def write_table(file: Path, header: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Write a CSV file; texts that a spreadsheet would take for formulas are neutralized, see `write_csv`."""
    table = io.StringIO(newline="")
    writer = csv.writer(table)
    writer.writerow(header)
    for row in rows:
        writer.writerow([_no_formula(cell) if isinstance(cell, str) else cell for cell in row])
    storage.write_text(file, table.getvalue())


def _no_formula(name: str) -> str:
    return f"'{name}" if name.startswith(("=", "+", "-", "@", "\t", "\r")) else name
