"""The words of the command line: absl flags, the config by name or path, and overrides of its fields."""

import contextlib
import difflib
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from absl import flags
from ml_collections import ConfigDict

import jaxcluster
from jaxcluster import algorithms
from jaxcluster.algorithms.settings import modernize
from jaxcluster.files import storage
from jaxcluster.files.workdir import read_identity
from jaxcluster.workflow import configs
from jaxcluster.workflow.overrides import override
from jaxcluster.workflow.settings import UsageError, method_of, settings_of

__all__ = ["Command", "help_text", "list_text", "of_workdir", "one_line", "parse"]

DEFAULT_CONFIG = "default"


class Command(NamedTuple):
    """A command line, read."""

    flags: flags.FlagValues
    config: ConfigDict
    name: str
    """What the user calls the config, for example "aspc_usps:wide"."""
    given: bool
    """Whether --config was given; without it the config is the default one."""
    changed: bool
    """Whether a field of the config was given."""


def parse(argv: list[str], flag_values: flags.FlagValues) -> Command:
    """Read a command line.

    Args:
        argv: without the name of the program.
        flag_values: the flags that there are beside --config.

    Raises:
        UsageError: one sentence that says what is wrong.
    """
    name, given, overrides, others = _sort(argv)
    config = configs.load(name)
    method = method_of(config)
    for field, text in overrides:
        override(config, field, text, renamed=method.renamed)
    config = ConfigDict(modernize(config.to_dict(), method))  # a config file of an older version has its names
    flag_values.unparse_flags()
    for flag in flag_values:
        flag_values[flag].unparse()
    try:
        rest = flag_values(["jaxcluster", *others])
    except flags.UnrecognizedFlagError as error:
        fields = {name.rpartition(".")[2]: f"config.{name}" for name in reversed([*_fields(config)])}
        known = {name: name for name in [*flag_values, "config", "help", "list", "version"]}
        near = difflib.get_close_matches(error.flagname, [*known, *fields], n=1)
        hint = f" Did you mean --{(fields | known)[near[0]]}?" if near else ""
        raise UsageError(f"there is no option --{error.flagname}.{hint} See --help") from error
    except flags.Error as error:
        raise UsageError(str(error)) from error
    if len(rest) > 1:
        raise UsageError(f"unexpected argument {rest[1]!r}; options are written --name=value")
    return Command(flag_values, config, name, given, bool(overrides))


def _fields(config: ConfigDict, path: str = "") -> Iterator[str]:
    """Names of all fields, as they stand behind `--config.`."""
    for name, value in config.items():
        yield from _fields(value, f"{path}{name}.") if isinstance(value, ConfigDict) else [path + name]


def of_workdir(command: Command, workdir: Path, say: Callable[[str], None]) -> ConfigDict:
    """The settings to run: of the command line, or, if it has none at all, of the run in the workdir that it names.

    Raises:
        UsageError: there is none.
        WorkdirError: the folder holds a run that cannot be read.
    """
    named = command.flags.workdir and not command.given and not command.changed
    if not named:
        return command.config
    if not storage.exists(workdir / "config.json"):
        raise UsageError(f"--workdir {workdir}: there is no run; to begin one, give --config or --config.data.path")
    say("neither --config nor a field of it is given: the settings are those of the run in --workdir")
    return settings_of(read_identity(workdir)["config"])


def _sort(argv: list[str]) -> tuple[str, bool, list[tuple[str, str]], list[str]]:
    """Tell the config and its overrides from the other words."""
    name, given, overrides, others = DEFAULT_CONFIG, False, [], []
    words = iter(argv)
    for word in words:
        field = re.fullmatch(r"--?(no)?config\.([\w.]+)(=(.*))?", word, re.DOTALL)
        if field and field[1]:
            overrides.append((field[2], "false"))
        elif field:
            overrides.append((field[2], field[4] if field[3] else _next(words, word, default="true")))
        elif re.match(r"--?config(=|$)", word):
            name, given = word.partition("=")[2] if "=" in word else _next(words, word), True
        else:
            others.append(word)
    return name, given, overrides, others


def _next(words, word: str, default: str | None = None) -> str:
    """The value that stands behind an option, as in `--config aspc_usps`."""
    value = next(words, None) if default is None else default
    if value is None:
        raise UsageError(f"{word} needs a value: {word}=VALUE")
    return value


def list_text() -> str:
    """What there is: algorithms with their variants, and configs, a line each."""
    lines = ["Algorithms (config.algorithm):"]
    for name in algorithms.names():
        try:
            method = algorithms.get(name)
        except ValueError as error:  # of somebody else's package; the others are there
            lines.append(f"  {name:<12} not usable: {error}")
            continue
        lines.append(f"  {name:<12} {method.summary}")
        lines += [f"    :{variant:<15} {line}" for variant, line in method.variants.items()]
    lines += ["", "Configs (--config=NAME, or NAME:VARIANT):"]
    lines += [f"  {name:<24} {configs.summary(name)}" for name in configs.names()]
    return "\n".join(lines)


def help_text(flag_values: flags.FlagValues, config: ConfigDict, name: str) -> str:
    """How to use the command, its options, and the fields of the given config."""
    lines = [
        "jaxcluster: deep clustering of images and feature vectors.",
        "",
        "  jaxcluster --config=NAME [--workdir=FOLDER] [--config.FIELD=VALUE ...]",
        "  jaxcluster --config.data.path=FOLDER_OR_FILE --config.n_clusters=K      (the default algorithm)",
        "  jaxcluster --predict=FILE --workdir=FOLDER",
        "  jaxcluster --workdir=FOLDER [--export=folders | --min_confidence=0.8 | --merge=3,7 | --split=2]",
        "  jaxcluster --list | --version | --help [--config=NAME]",
        "",
        "Options:",
    ]
    for flag in sorted(set(flag_values)):
        lines.append(f"  --{flag}: {flag_values[flag].help}")
    lines += ["", f"Fields of --config={name}:"]
    method = method_of(config)
    lines += _field_lines(config, method.docs)
    lines += ["", f"jaxcluster {jaxcluster.__version__}; exit codes: 0 done, 1 training failed, 2 invalid arguments,"]
    lines += ["3 done but the clustering has collapsed, 130 Ctrl-C, 143 SIGTERM (both: the same command continues)"]
    return "\n".join(lines)


def _field_lines(config: ConfigDict, docs, path: str = "") -> list[str]:
    lines = []
    for field, value in config.items():
        if isinstance(value, ConfigDict):
            lines += _field_lines(value, docs, f"{path}{field}.")
        else:
            doc = docs.get(f"{path}{field}", "")
            lines.append(f"  {f'--config.{path}{field}={value}':<46} {doc}".rstrip())
    return lines


def one_line(error: Exception) -> str:
    """What an error says, without line breaks."""
    text = str(error.args[0]) if isinstance(error, KeyError) and error.args else str(error)
    return " ".join(text.split())


def print_error(sentence: str) -> None:
    """Tell an error; a stderr that cannot be written does not hide the exit code."""
    with contextlib.suppress(OSError):
        print(sentence, file=sys.stderr, flush=True)
