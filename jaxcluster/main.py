"""The command line: flags, and exit codes.

jaxcluster --config=aspc_digits [--workdir=FOLDER] [--config.FIELD=VALUE ...]
jaxcluster --config.data.path=FOLDER_OR_FILE --config.n_clusters=12
jaxcluster --predict=FILE --workdir=FOLDER

`python -m jaxcluster.main` and `python -m jaxcluster` are the same command.
"""

import io
import re
import sys
import traceback
from pathlib import Path

from absl import flags, logging

import jaxcluster
from jaxcluster import data
from jaxcluster.commandline import Command, help_text, list_text, one_line, parse, print_error
from jaxcluster.files import manifest, storage
from jaxcluster.files.reading import printable
from jaxcluster.files.workdir import WorkdirError
from jaxcluster.runtime import compilation, devices, hosts
from jaxcluster.runtime.feed import PLACES
from jaxcluster.runtime.progress import Reporter, guard_streams
from jaxcluster.runtime.signals import Interrupted, bounded_exit
from jaxcluster.runtime.trainer import TrainingError
from jaxcluster.workflow import fit, report
from jaxcluster.workflow.job import choose_devices, path_of
from jaxcluster.workflow.predict import load_fitted, predict
from jaxcluster.workflow.settings import UsageError

__all__ = ["main", "run"]

FLAGS = flags.FlagValues()


def _define() -> None:
    text, number, boolean = (
        lambda name, doc: flags.DEFINE_string(name, None, doc, flag_values=FLAGS),
        lambda name, default, doc: flags.DEFINE_integer(name, default, doc, flag_values=FLAGS),
        lambda name, default, doc: flags.DEFINE_boolean(name, default, doc, flag_values=FLAGS),
    )
    text("workdir", "Folder of the run; empty, or of the same run, which then continues. Default: runs/CONFIG-seedN.")
    text("predict", "A file or folder of new samples, to be clustered by the run in --workdir.")
    boolean("pictures", True, "Whether pictures of the result are drawn.")
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
        if FLAGS.predict is not None:
            cluster_new(FLAGS.predict, FLAGS.workdir, reporter, config_given=command.given)
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
        _stop(f"{interrupted}: saved. The same command goes on from here.", interrupted.exit_code)
    except KeyboardInterrupt:
        _stop("interrupted. The same command goes on from the last checkpoint.", 130)
    except Exception:
        if not hosts.is_multiprocess():
            raise
        _stop(traceback.format_exc(), 1)


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


def _train(command: Command, workdir: Path, reporter: Reporter) -> None:
    config = command.config
    result = fit.run(
        config,
        lambda: fit.read_named(config, reporter),
        workdir=workdir,
        devices=fit.Devices(FLAGS.devices, FLAGS.engine, FLAGS.images_on),
        reporter=reporter,
        pictures=FLAGS.pictures,
    )
    if result is not None and result.summary["results"].get("collapsed"):
        _stop("the clustering has collapsed: one cluster holds nearly all samples, see the warnings", 3)


def cluster_new(path: str, workdir: str | None, reporter: Reporter, *, config_given: bool = False) -> None:
    """Cluster new samples by what the run in `workdir` has fitted, and write the result below it."""
    if not workdir:
        raise UsageError("--predict needs --workdir, the folder of a finished run")
    if config_given:
        reporter.say("--config is not looked at: --predict takes the settings of the run in --workdir")
    folder = path_of(workdir, f"--workdir {workdir}")
    fitted = load_fitted(folder)
    dataset = data.load(path=path, like=fitted.frame, report=reporter.say, field="--predict")
    outputs = predict(fitted, dataset)
    new = storage.new_folder(folder / "predictions", dataset.name)
    with manifest.sealing(new):
        report.write_outputs(new, outputs, dataset.sample_names)
    reporter.say(f"{len(dataset.images)} samples clustered; results: {new}")


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
