"""The command line: flags, and exit codes.

jaxcluster --config=aspc_digits [--workdir=FOLDER] [--config.FIELD=VALUE ...]
jaxcluster --config.data.path=FOLDER_OR_FILE --config.n_clusters=12
jaxcluster --suggest=n_clusters.png --config.data.path=FOLDER_OR_FILE
jaxcluster --predict=FILE --workdir=FOLDER
jaxcluster --workdir=FOLDER [--export=folders | --min_confidence=0.8 | --merge=3,7 | --split=2]

`python -m jaxcluster.main` and `python -m jaxcluster` are the same command.
"""

import contextlib
import io
import re
import sys
import traceback
from functools import partial
from pathlib import Path

from absl import flags, logging

import jaxcluster
from jaxcluster import data
from jaxcluster.commandline import Command, help_text, list_text, of_workdir, one_line, parse, print_error
from jaxcluster.files import storage
from jaxcluster.files.reading import printable
from jaxcluster.files.workdir import WorkdirError
from jaxcluster.runtime import compilation, devices, hosts
from jaxcluster.runtime.feed import PLACES
from jaxcluster.runtime.progress import Reporter, guard_streams
from jaxcluster.runtime.signals import Interrupted, bounded_exit
from jaxcluster.runtime.trainer import TrainingError
from jaxcluster.workflow import corrections, fit
from jaxcluster.workflow.events import Events
from jaxcluster.workflow.export import WAYS, check_exportable, export_folders
from jaxcluster.workflow.job import Devices, choose_devices, path_of
from jaxcluster.workflow.predictions import cluster_file
from jaxcluster.workflow.settings import UsageError
from jaxcluster.workflow.suggest import suggest_for

__all__ = ["main", "run"]

FLAGS = flags.FlagValues()


def _define() -> None:
    text, number, boolean = (
        lambda name, doc: flags.DEFINE_string(name, None, doc, flag_values=FLAGS),
        lambda name, default, doc: flags.DEFINE_integer(name, default, doc, flag_values=FLAGS),
        lambda name, default, doc: flags.DEFINE_boolean(name, default, doc, flag_values=FLAGS),
    )
    text("workdir", "Folder of the run; empty, or of the same run, which then continues. Default: runs/CONFIG-seedN.")
    text("suggest", "A new PNG file: suggest a number of clusters for the data, draw the curves, and train nothing.")
    text("predict", "A file or folder of new samples, to be clustered by the run in --workdir.")
    flags.DEFINE_enum(
        "export",
        None,
        WAYS,
        "Put the images into a folder for each cluster, the most certain first: 'folders' links the files where it can "
        "(no room is taken), 'copies' copies them. Also for a finished run, and with --predict.",
        flag_values=FLAGS,
    )
    flags.DEFINE_float(
        "min_confidence",
        None,
        "Samples whose confidence is below it get the label -1; all_labels.npy has all labels. Default: 0, no sample.",
        flag_values=FLAGS,
    )
    text("merge", "Make one cluster of several in the finished run in --workdir: --merge=3,7. Nothing is overwritten.")
    number("split", None, "Split a cluster of the finished run in --workdir in two: --split=2. Nothing is overwritten.")
    boolean("pictures", True, "Whether pictures of the result are drawn.")
    boolean("tensorboard", False, "Write the curves to WORKDIR/tensorboard too (package tensorboardX).")
    boolean("quiet", False, "Show no progress, only errors.")
    number("devices", 0, "How many devices of each process train together; 0: all accelerators, or one CPU.")
    flags.DEFINE_enum(
        "engine",
        "auto",
        devices.ENGINES,
        "What runs a step on devices; auto: jit on one, else pmap.",
        flag_values=FLAGS,
    )
    flags.DEFINE_enum(
        "images_on",
        "auto",
        PLACES,
        "Where the images lie; auto: on each device if they take at most half of its memory.",
        flag_values=FLAGS,
    )
    boolean("distributed", False, "Train with the other hosts of this Cloud TPU slice, Slurm job or Kubernetes job.")
    text("coordinator", "HOST:PORT of the first of several processes that train together.")
    number("processes", None, "How many processes train together, for --coordinator.")
    number("process", None, "Number of this process, from 0 on, for --coordinator.")


_define()


def run() -> None:
    """Run the command line of this process; it ends 25 s after a signal at the latest."""
    guard_streams()
    with bounded_exit():
        main(sys.argv[1:])


def main(argv: list[str]) -> None:
    """Parse, run, and end with an exit code; whatever is wrong is told in one sentence.

    Exit codes: 0 done; 1 training failed; 2 invalid arguments, config, data or workdir; 3 done, but the clustering has
    collapsed; 130 Ctrl-C and 143 SIGTERM, after which the same command continues.
    """
    logging.set_verbosity(logging.FATAL)  # orbax narrates every save, and prints what it raises as well
    try:
        if _asked_only(argv):
            return
        command = parse(argv, FLAGS)
        reporter = Reporter.quiet() if FLAGS.quiet else Reporter()
        compilation.enable_compilation_cache(reporter.say)
        _refuse_together(("suggest", "predict", "merge", "split"))
        if FLAGS.predict is not None:
            _refuse_together(("predict", "tensorboard"))
            _predict(command, reporter)
        elif FLAGS.suggest is not None:
            _suggest(command, reporter)
        elif FLAGS.merge is not None or FLAGS.split is not None:
            _correct(command, reporter)
        else:
            workdir = _workdir(command)
            _join()
            choose_devices(FLAGS.devices, FLAGS.engine)  # before anything else asks JAX for its devices
            with hosts.broken_is_told():
                _train(command, workdir, reporter if hosts.is_primary() else Reporter(io.StringIO()))
    except (UsageError, data.DataError, WorkdirError) as error:
        _stop(f"error: {printable(one_line(error))}", 2)
    except (TrainingError, hosts.HostError, OSError) as error:
        _stop(f"error: {printable(one_line(error))}", 1)
    except Interrupted as interrupted:
        _stop(f"{interrupted.args[0]}: saved. The same command goes on from here.", interrupted.exit_code)
    except KeyboardInterrupt:
        _stop("interrupted. The same command goes on from the last checkpoint.", 130)
    except Exception as error:
        if _is_out_of_memory(error):
            _stop(
                f"error: there is not enough memory: {printable(one_line(error))}; narrower networks, a smaller "
                "batch_size and --images_on=host need less. The same command goes on from any checkpoint",
                1,
            )
        if not hosts.is_multiprocess():
            raise
        _stop(traceback.format_exc(), 1)


def _is_out_of_memory(error: Exception) -> bool:
    """Python's own error, or that of XLA, which has no class of its own."""
    return isinstance(error, MemoryError) or "RESOURCE_EXHAUSTED" in str(error)


def _asked_only(argv: list[str]) -> bool:
    """Answer --help, --list and --version."""
    asked = {word.lstrip("-") for word in argv if word in ("--help", "-h", "--list", "--version")}
    if "version" in asked:
        print(f"jaxcluster {jaxcluster.__version__}")
    elif "list" in asked:
        print(list_text())
    elif asked:
        command = parse([word for word in argv if word not in ("--help", "-h")], FLAGS)
        print(help_text(FLAGS, command.config, command.name))
    return bool(asked)


def _refuse_together(names: tuple[str, ...]) -> None:
    """Refuse flags of which only one would be heard.

    Raises:
        UsageError: two of them are given.
    """
    given = [f"--{name}" for name in names if FLAGS[name].present]
    if len(given) > 1:
        raise UsageError(f"{' and '.join(given)} are different jobs; give one command for each")


def _train(command: Command, workdir: Path, reporter: Reporter) -> None:
    config = of_workdir(command, workdir, reporter.say)
    seen: list[data.Dataset] = []

    def read() -> data.Dataset:
        seen.append(fit.read_named(config, reporter, n_clusters=config.n_clusters or None))
        if FLAGS.export:
            check_exportable(seen[0])  # before training
        return seen[0]

    with contextlib.ExitStack() as opened:
        wanted = FLAGS.tensorboard and hosts.is_primary()
        callbacks = [opened.enter_context(Events(workdir / "tensorboard"))] if wanted else []
        result = fit.run(
            config,
            read,
            workdir=workdir,
            devices=Devices(FLAGS.devices, FLAGS.engine, FLAGS.images_on),
            reporter=reporter,
            callbacks=callbacks,
            min_confidence=FLAGS.min_confidence,
            pictures=FLAGS.pictures,
        )
        if result is None:
            return
        if wanted and not storage.is_folder(workdir / "tensorboard"):  # the run was complete
            for record in result.history:
                callbacks[0](record)
    if FLAGS.export:
        now = corrections.current(workdir)
        if now.folder != workdir:
            reporter.say(f"exported are the labels with the corrections: {now.folder / 'labels.npy'}")
        export_folders(workdir, seen[0], now.labels, result.confidence, way=FLAGS.export, say=reporter.say)
    if result.summary["results"].get("collapsed"):
        _stop("the clustering has collapsed: one cluster holds nearly all samples, see the warnings", 3)


def _predict(command: Command, reporter: Reporter) -> None:
    """Cluster new samples by what the run in --workdir has fitted, and write the result below it."""
    if not FLAGS.workdir:
        raise UsageError("--predict needs --workdir, the folder of a finished run")
    if command.given:
        reporter.say("--config is not looked at: --predict takes the settings of the run in --workdir")
    options = {"min_confidence": FLAGS.min_confidence, "export": FLAGS.export or ""}
    cluster_file(FLAGS.predict, _workdir(command), reporter, **options)


def _suggest(command: Command, reporter: Reporter) -> None:
    """Say how many clusters the data of the config may have, and draw what says so."""
    _refuse_together(("suggest", "workdir", "export", "min_confidence", "tensorboard"))
    picture = Path(FLAGS.suggest)
    if picture.suffix.lower() != ".png" or picture.exists():
        raise UsageError(f"--suggest must be a new .png file, got {FLAGS.suggest!r}{' (it exists)' * picture.exists()}")
    storage.check_writable(picture.parent)
    dataset = fit.read_named(command.config, reporter)
    reporter.say(f"{len(dataset.images):,} samples: their graph is partitioned into each number of clusters")
    told = partial(reporter.part, "suggest")
    found = suggest_for(dataset, random_state=command.config.seed, picture=picture, told=told)
    print(found.sentence)
    reporter.say(f"curves: {picture}")


def _correct(command: Command, reporter: Reporter) -> None:
    """Merge or split clusters of the run in --workdir."""
    if not FLAGS.workdir:
        raise UsageError("--merge and --split need --workdir, the folder of a finished run")
    _refuse_together(("merge" if FLAGS.merge is not None else "split", "export", "min_confidence", "tensorboard"))
    if FLAGS.split is not None:
        corrections.split(_workdir(command), FLAGS.split, say=reporter.say)
        return
    if not re.fullmatch(r"\d{1,9}(,\d{1,9})*", FLAGS.merge):
        raise UsageError(f"--merge must be numbers of clusters with commas between, as 3,7, got {FLAGS.merge!r}")
    corrections.merge(_workdir(command), tuple(map(int, FLAGS.merge.split(","))), say=reporter.say)


def _workdir(command: Command) -> Path:
    if FLAGS.workdir:
        return path_of(FLAGS.workdir, f"--workdir {FLAGS.workdir}")
    if FLAGS.workdir is not None:
        raise UsageError("--workdir is empty; name a folder, or leave it out")
    file, _, variant = command.name.rpartition(":") if ":" in Path(command.name).name else (command.name, "", "")
    name = f"{Path(file).stem}-{variant}" if variant else Path(file).stem
    return Path("runs") / f"{name}-seed{command.config.seed}"


def _join() -> None:
    """Meet the other processes, if the command line says that there are any."""
    numbers = {"--coordinator": FLAGS.coordinator, "--processes": FLAGS.processes, "--process": FLAGS.process}
    missing = [name for name, value in numbers.items() if value is None]
    if len(missing) == len(numbers):
        if FLAGS.distributed:
            hosts.join()
        return
    if missing:
        raise UsageError(f"{', '.join(missing)} missing; --coordinator, --processes and --process go together")
    if FLAGS.distributed:
        raise UsageError("--distributed finds the other processes by itself; leave out --coordinator, or it")
    if not 0 <= FLAGS.process < FLAGS.processes:
        raise UsageError(f"--process must lie between 0 and {FLAGS.processes - 1}, got {FLAGS.process}")
    port = re.fullmatch(r".+:(\d{1,5})", FLAGS.coordinator)
    if not port or not 0 < int(port[1]) < 2**16:
        raise UsageError(f"--coordinator must be HOST:PORT with a port up to 65535, got {FLAGS.coordinator!r}")
    hosts.join(*numbers.values())


def _stop(sentence: str, exit_code: int) -> None:
    """Say why, and leave."""
    import jax

    number = f"process {jax.process_index()}: " if hosts.is_multiprocess() else ""
    print_error(f"{number}{sentence}")
    hosts.abort(exit_code)


if __name__ == "__main__":
    run()
