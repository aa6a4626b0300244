"""Stand-in for gcloud and kubectl: knows the published commands and flags, refuses all others, and writes calls down.

STANDIN_DIR holds its files: calls.jsonl (each call), answers.json (what to print, by command: a list is used up to its
last entry), and worker0, worker1, ... (homes of TPU workers; ssh and scp really act there).
"""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

TABLE = json.loads(Path(__file__).with_name("published.json").read_text())


class Refused(Exception):
    pass


def parse(program, arguments):
    """Split a call into command, words and flags, or refuse it.

    Args:
        program: "gcloud" or "kubectl".
        arguments: what was typed behind it.

    Returns:
        (command, words, flags) with flags by name, None for one without a value.

    Raises:
        Refused: not published, naming what is wrong.
    """
    table = TABLE[program]
    plain = [a for a in arguments if not a.startswith("-") or a == "-"]
    command = next((c for n in (4, 3, 2, 1) if (c := " ".join(plain[:n])) in table and c != "everywhere"), None)
    if command is None:
        raise Refused(f"no such command: {program} {' '.join(plain)}")
    about = table[command]
    known = table["everywhere"]["flags"] | about["flags"]
    flags = {}
    for argument in arguments:
        if argument.startswith("-") and argument != "-":
            name, equals, value = argument.partition("=")
            if name not in known:
                raise Refused(f"{command}: no such flag: {name}")
            if name in flags:
                raise Refused(f"{command}: {name} twice")
            pattern = known[name]
            if (pattern is None) == bool(equals):
                raise Refused(f"{command}: {name} takes {'no' if pattern is None else 'a'} value")
            if pattern is not None and not re.fullmatch(pattern, value):
                raise Refused(f"{command}: {name} cannot be {value!r}")
            flags[name] = value if equals else None
    words = plain[len(command.split()) :]
    wanted = about["words"]
    least = len(wanted) - (wanted[-1:] == ["..."])
    if len(words) < least or (len(words) > least and least == len(wanted)):
        raise Refused(f"{command}: takes {least} words, got {words}")
    for word, pattern in zip(words, wanted):
        if pattern != "..." and not re.fullmatch(pattern, word):
            raise Refused(f"{command}: cannot take {word!r}")
    for name in about.get("required", []):
        if name not in flags:
            raise Refused(f"{command}: {name} is missing")
    for group in about.get("one_of", []):
        if sum(name in flags for name in group) != 1:
            raise Refused(f"{command}: one of {group} must be given")
    return command, words, flags


def answer(folder, command):
    """Print the next answer to this command, if one was prepared."""
    file = folder / "answers.json"
    answers = json.loads(file.read_text()) if file.exists() else {}
    lines = answers.get(command, [])
    if lines:
        print(lines[0])
    if len(lines) > 1:
        answers[command] = lines[1:]
        file.write_text(json.dumps(answers))


def act(folder, command, words, flags):
    """Do on the workers' homes what ssh and scp would do on the workers; returns the exit code."""
    homes = sorted(folder.glob("worker[0-9]"))
    if flags.get("--worker") != "all":
        homes = homes[int(flags.get("--worker", "0")) :][:1]
    code = 0
    for home in homes:
        if command.endswith("ssh"):
            environment = os.environ | {"HOME": str(home), "PATH": f"{folder / 'bin'}:{os.environ['PATH']}"}
            code = subprocess.run(["bash", "-c", flags["--command"]], cwd=home, env=environment).returncode or code
        else:
            sources, target = [
                [home / w.partition(":")[2] if re.match(r"[a-z][-a-z0-9]*:", w) else Path(w) for w in part]
                for part in (words[:-1], words[-1:])
            ]
            for source in sources:
                into = target[0] / source.name if target[0].is_dir() else target[0]
                (shutil.copytree if source.is_dir() else shutil.copy)(source, into)
    return code


def main():
    program, arguments = Path(sys.argv[0]).name, sys.argv[1:]
    folder = Path(os.environ["STANDIN_DIR"])
    try:
        command, words, flags = parse(program, arguments)
    except Refused as refused:
        print(f"stand-in {program}: {refused}", file=sys.stderr)
        return 64
    call = {"program": program, "command": command, "words": words, "flags": flags}
    if command == "apply" and flags["--filename"] == "-":
        call["stdin"] = sys.stdin.read()
    with (folder / "calls.jsonl").open("a") as file:
        file.write(json.dumps(call) + "\n")
    answer(folder, command)
    return act(folder, command, words, flags) if command.startswith("compute tpus tpu-vm") else 0


if __name__ == "__main__":
    sys.exit(main())
