"""Run every combination of configs, settings and seeds, several runs at a time; end in one table and one picture.

    python launch/grid.py --config=aspc_usps --seeds=0,1,2 --set finetune.self_paced=true,false --out=runs/ablation

Each combination is a run of `python -m jaxcluster.main` in OUT/NAME, where NAME is the config, the settings that vary
and the seed. The same command skips the runs that are complete and goes on with those that were interrupted. A run that
fails is named and does not end the others. OUT/logs holds a log of each run, OUT/table.md and OUT/grid.png the results.

A value may hold commas inside brackets: --set "network.hidden=(500,500,2000),(250,500,2000)". Further options
--config.FIELD=VALUE hold for all runs; what stands behind -- goes to jaxcluster.main as it is: -- --nopictures.

Runs share the pretrainings that an earlier grid has left where --init_from names them; "{config}", "{seed}" and
"{FIELD}" in it stand for the run's own:

    python launch/grid.py --config=aspc_usps --seeds=0,1,2 --out=runs/pretrained
        --set pretrain.augment=true,false --config.finetune.epochs=0
    python launch/grid.py --config=aspc_usps --seeds=0,1,2 --out=runs/table5 --records=configs/records --title=table5
        --set pretrain.augment=true,false --set finetune.augment=true,false --set finetune.self_paced=true,false
        --init_from="runs/pretrained/{config}-pretrain.augment={pretrain.augment}-seed{seed}"

Exit codes: 0 done; 1 a run failed; 2 invalid arguments; 124 --minutes are over, 130 Ctrl-C, 143 SIGTERM: the runs were
asked to save, and the same command goes on. PYTHON names the interpreter of the runs (default: that of this program).
"""

import argparse
import itertools
import json
import os
import re
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

import grid_results

__all__ = ["Run", "main", "plan"]

CONFIGS = Path(__file__).resolve().parents[1] / "configs"
GRACE_SECONDS = 60  # to save, before a run that was asked to end is killed
COLLAPSED = 3  # jaxcluster.main: done, but the clustering has collapsed


class Run(NamedTuple):
    """One run of the grid."""

    name: str
    """Of its folder and log."""
    label: str
    """Of its config: the file's name, with "-VARIANT" if there is one."""
    settings: dict[str, str]
    """What varies: field -> value."""
    seed: str
    words: tuple[str, ...]
    """Arguments of jaxcluster.main, without the workdir."""


class Ended(Exception):
    """Why no further run is started: the exit code."""


def main(arguments: list[str]) -> int:
    """Plan, run, report; returns the exit code."""
    given, rest = _parse(arguments)
    try:
        runs = plan(given.config, given.seeds, given.set, rest, init_from=given.init_from)
        behind = arguments[arguments.index("--") + 1 :] if "--" in arguments else []
        if given.dry_run:
            print(*(f"+ {shlex.join(_command(run, given.out, behind))}" for run in runs), sep="\n")
            return 0
        _claim(given.out, runs)
    except ValueError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return Grid(given, runs, behind).run()


def plan(
    configs: list[str], seeds: str, settings: list[str], common: list[str], *, init_from: str | None = None
) -> list[Run]:
    """All combinations, the seeds of one setting beside each other.

    Args:
        configs: names or files, with ":VARIANT" if wanted.
        seeds: with commas between.
        settings: FIELD=VALUE,VALUE,... each.
        common: --config.FIELD=VALUE of all runs.
        init_from: the run whose pretraining is taken, with "{config}", "{seed}" or "{FIELD}" in it.

    Raises:
        ValueError: one sentence that names the option, what it got and what is allowed.
    """
    if not re.fullmatch(r"\d+(,\d+)*", seeds):
        raise ValueError(f"--seeds must be numbers with commas between, got {seeds!r}")
    fields = [_values(text) for text in settings]
    runs = []
    for config in configs:
        label = _label(config)
        for values in itertools.product(*(values for _, values in fields)):
            chosen = dict(zip((field for field, _ in fields), values))
            for seed in seeds.split(","):
                words = [f"--config={config}", f"--config.seed={seed}", *common]
                words += [f"--config.{field}={value}" for field, value in chosen.items()]
                if init_from:
                    words.append(f"--config.init_from={_fill(init_from, {'config': label, 'seed': seed} | chosen)}")
                middle = "+".join(f"{field}={value}" for field, value in chosen.items())
                name = "-".join(part for part in (label, middle, f"seed{seed}") if part)
                runs.append(Run(re.sub(r"[^\w.=+,()-]", "_", name), label, chosen, seed, tuple(words)))
    twice = next((run.name for run in runs if sum(run.name == other.name for other in runs) > 1), None)
    if twice:
        raise ValueError(f"two runs would have the name {twice}; give each config, field, value and seed once")
    return runs


def _label(config: str) -> str:
    file, _, variant = config.partition(":") if ":" in Path(config).name else (config, "", "")
    if not Path(file).is_file() and ("/" in file or not (CONFIGS / f"{file}.py").is_file()):
        raise ValueError(f"--config={config}: there is no such file, and no config of this name")
    return f"{Path(file).stem}-{variant}" if variant else Path(file).stem


def _values(text: str) -> tuple[str, list[str]]:
    """Split FIELD=VALUE,VALUE at the commas that stand outside brackets."""
    field, equals, values = text.partition("=")
    if not re.fullmatch(r"[A-Za-z]\w*(\.\w+)*", field) or not equals or not values:
        raise ValueError(f"--set must be FIELD=VALUE,VALUE,... without 'config.' before the field, got {text!r}")
    if field in ("seed", "init_from"):
        raise ValueError(f"--set {field}: give it by --{'seeds' if field == 'seed' else 'init_from'}")
    return field, re.findall(r"(?:[^,(\[]|\([^)]*\)|\[[^\]]*\])+", values)


def _fill(template: str, known: dict[str, str]) -> str:
    def value(found: re.Match) -> str:
        if found[1] not in known:
            raise ValueError(f"--init_from: {{{found[1]}}} must be one of {', '.join(known)}")
        return known[found[1]]

    return re.sub(r"\{([^{}]*)\}", value, template)


def _parse(arguments: list[str]) -> tuple[argparse.Namespace, list[str]]:
    form = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=form, allow_abbrev=False)
    parser.add_argument("--config", action="append", required=True, help="name or file, :VARIANT if wanted; repeatable")
    parser.add_argument("--seeds", default="0", help="numbers with commas between (default: 0)")
    parser.add_argument("--set", action="append", default=[], metavar="FIELD=VALUE,...", help="repeatable")
    parser.add_argument("--out", type=Path, required=True, help="folder of all runs")
    parser.add_argument("--init_from", metavar="TEMPLATE", help="the run whose pretraining a run takes")
    parser.add_argument(
        "--jobs", type=_positive, default=_cores(), help="runs at a time (default: the cores, %(default)s)"
    )
    parser.add_argument("--minutes", type=float, help="after these, runs are asked to save, and the grid ends")
    parser.add_argument("--records", type=Path, help="folder that the summaries are copied to, named as records are")
    parser.add_argument("--title", default="set", help="what the settings are called in the records' names")
    parser.add_argument("--dry-run", action="store_true", help="print the commands and run nothing")
    own = arguments[: arguments.index("--")] if "--" in arguments else arguments
    given, rest = parser.parse_known_args(own)
    for word in rest:
        if not re.match(r"--config\.[\w.]+=", word):
            parser.error(f"unexpected {word!r}; options of all runs are written --config.FIELD=VALUE")
    if not re.fullmatch(r"[a-z0-9]+", given.title):
        parser.error(f"--title must be of a-z and 0-9, got {given.title!r}")
    return given, rest


def _positive(text: str) -> int:
    if int(text) < 1:
        raise ValueError(text)
    return int(text)


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _command(run: Run, out: Path, behind: list[str]) -> list[str]:
    python = os.environ.get("PYTHON", sys.executable)
    return [python, "-m", "jaxcluster.main", *run.words, f"--workdir={out / run.name}", *behind]


def _claim(out: Path, runs: list[Run]) -> None:
    """Note what each run is; refuse a folder where a run of the same name was another."""
    (out / "logs").mkdir(parents=True, exist_ok=True)
    for run in runs:
        file = out / "logs" / f"{run.name}.json"
        if file.exists() and sorted(json.loads(file.read_text())) != sorted(run.words):
            before = shlex.join(set(json.loads(file.read_text())) ^ set(run.words))
            raise ValueError(f"--out={out}: {run.name} was another run there, with differences in {before}")
        file.write_text(json.dumps(run.words))


class Grid:
    """The runs under way, and what has become of the others."""

    def __init__(self, given: argparse.Namespace, runs: list[Run], behind: list[str]):
        self.out, self.jobs, self.behind = given.out, given.jobs, behind
        self.records, self.title, self.runs = given.records, given.title, runs
        self.end = None if given.minutes is None else time.monotonic() + 60 * given.minutes
        self.active: dict[str, subprocess.Popen] = {}  # by name
        self.failed: dict[str, str] = {}
        self.threads = max(1, _cores() // self.jobs)
        self.signal = 0

    def run(self) -> int:
        """All of them; returns the exit code."""
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._hear)
        waiting = [run for run in self.runs if grid_results.read(self.out / run.name) is None]
        if len(waiting) < len(self.runs):
            print(f"{len(self.runs) - len(waiting)} of {len(self.runs)} runs are complete", flush=True)
        code = 0
        try:
            while waiting or self.active:
                while waiting and len(self.active) < self.jobs:
                    self._check()
                    self._start(waiting.pop(0))
                self._check()
                self._collect()
                time.sleep(0.1)
        except Ended as ended:
            code = ended.args[0]
            self._end_all()
        self._report()
        return code or (1 if self.failed else 0)

    def _hear(self, number: int, frame) -> None:
        self.signal = number

    def _check(self) -> None:
        if self.signal:
            raise Ended(128 + self.signal)
        if self.end is not None and time.monotonic() >= self.end:
            raise Ended(124)

    def _start(self, run: Run) -> None:
        with (self.out / "logs" / f"{run.name}.log").open("ab") as log:
            # A group of its own: Ctrl-C reaches this program alone, which then asks the runs to save.
            self.active[run.name] = subprocess.Popen(
                _command(run, self.out, self.behind), stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                env=self._environment(), process_group=0,
            )  # fmt: skip

    def _environment(self) -> dict[str, str]:
        """Runs side by side share the cores evenly: threads that spin against each other cost more than they give."""
        if self.jobs == 1:
            return dict(os.environ)
        few = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NPROC"), str(self.threads))
        if self.threads == 1:
            few["XLA_FLAGS"] = f"{os.environ.get('XLA_FLAGS', '')} --xla_cpu_multi_thread_eigen=false".strip()
        return {"XLA_PYTHON_CLIENT_PREALLOCATE": "false"} | os.environ | few

    def _collect(self) -> None:
        """Tell what has ended."""
        for name, process in list(self.active.items()):
            code = process.poll()
            if code is None:
                continue
            del self.active[name]
            summary = grid_results.read(self.out / name)
            if code in (0, COLLAPSED) and summary is not None:
                told = grid_results.line(summary) + ("  collapsed" if code == COLLAPSED else "")
            else:
                told = self.failed[name] = f"FAILED (exit code {code}): {self._last_line(name)}"
            done = sum(grid_results.read(self.out / other.name) is not None for other in self.runs)
            print(f"[{done}/{len(self.runs)}] {name}  {told}", flush=True)

    def _last_line(self, name: str) -> str:
        lines = (self.out / "logs" / f"{name}.log").read_text(errors="replace").split("\n")
        return next((line.strip() for line in reversed(lines) if line.strip()), "its log is empty")

    def _end_all(self) -> None:
        """Ask the runs to save and to end."""
        for process in self.active.values():
            process.terminate()
        until = time.monotonic() + GRACE_SECONDS
        for name, process in self.active.items():
            try:
                process.wait(max(0.0, until - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()
            print(f"interrupted: {name}", flush=True)

    def _report(self) -> None:
        groups = grid_results.collect(self.out, self.runs)
        table = grid_results.table(groups)
        notes = [f"- `{name}`: {why}" for name, why in self.failed.items()]
        left = [run.name for run in self.runs if grid_results.read(self.out / run.name) is None]
        notes += [f"- `{name}`: not complete" for name in left if name not in self.failed]
        (self.out / "table.md").write_text("\n".join([table, "", *notes]).rstrip() + "\n")
        print(f"\n{table}\n", *notes, sep="\n")
        grid_results.picture(groups, self.out / "grid.png")
        if self.records is not None:
            grid_results.copy_records(self.out, self.runs, self.records, self.title)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
