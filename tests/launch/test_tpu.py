"""launch/tpu.sh: which calls it makes, in which order, and what it refuses."""

import pytest

from tests.launch.conftest import ROOT

AT = ["--zone=us-east5-b", "--project=my-project"]
FLAGS = {"--zone": "us-east5-b", "--project": "my-project"}
RUN = ["--", "--config=configs/aspc_mnist.py", "--workdir=gs://my-bucket/mnist"]
NAMES = ["create", "wait", "install", "copy", "run", "follow", "status", "stop", "fetch", "delete"]


def only_call(cloud):
    (call,) = cloud.calls()
    return call["command"].removeprefix("compute tpus "), call["words"], call["flags"]


@pytest.mark.parametrize(
    ("kind", "version", "chips"),
    [
        ("v6e-8", "v2-alpha-tpuv6e", 8),
        ("v5litepod-16", "v2-alpha-tpuv5-lite", 16),
        ("v5p-8", "v2-alpha-tpuv5", 4),
        ("v4-32", "tpu-ubuntu2204-base", 16),
        ("v2-8", "tpu-ubuntu2204-base", 4),
    ],
)
def test_create_asks_for_a_queued_resource(cloud, kind, version, chips):
    done = cloud.run("tpu.sh", "create", "a1", *AT, f"--type={kind}")
    assert done.returncode == 0, done.stderr
    command, words, flags = only_call(cloud)
    assert (command, words) == ("queued-resources create", ["a1"])
    assert flags == FLAGS | {
        "--node-id": "a1",
        "--accelerator-type": kind,
        "--runtime-version": version,
        "--valid-until-duration": "6h",
    }
    assert f"{kind} is {chips} chips: each hour that it exists costs {chips} chip-hours" in done.stdout
    assert "launch/tpu.sh delete a1 --zone=us-east5-b --project=my-project" in done.stdout


def test_create_passes_on_what_was_chosen(cloud):
    done = cloud.run("tpu.sh", "create", "a1", *AT, "--type=v6e-1", "--spot", "--runtime=other-1", "--valid-until=2d")
    assert done.returncode == 0, done.stderr
    flags = only_call(cloud)[2]
    assert (flags["--spot"], flags["--runtime-version"], flags["--valid-until-duration"]) == (None, "other-1", "2d")


def test_wait_ends_when_the_tpu_is_there(cloud):
    cloud.answers(describe=["WAITING_FOR_RESOURCES", "WAITING_FOR_RESOURCES", "PROVISIONING", "ACTIVE"])
    done = cloud.run("tpu.sh", "wait", "a1", *AT)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[:3] == ["a1: WAITING_FOR_RESOURCES", "a1: PROVISIONING", "a1: ACTIVE"]
    assert "is paid for until" in done.stdout
    assert [call["flags"] for call in cloud.calls()] == [FLAGS | {"--format": "value(state.state)"}] * 4


@pytest.mark.parametrize("state", ["FAILED", "SUSPENDING", "SUSPENDED", "DELETING"])
def test_wait_does_not_wait_for_what_will_not_come(cloud, state):
    cloud.answers(describe=["WAITING_FOR_RESOURCES", state])
    done = cloud.run("tpu.sh", "wait", "a1", *AT)
    assert done.returncode == 1
    assert f"error: a1 is {state} and will not come; delete it, then create it again" in done.stderr


@pytest.mark.parametrize("seconds", ["soon", "-1", "1e9", "5; x"])
def test_how_often_to_ask_is_a_number(cloud, seconds):
    done = cloud.run("tpu.sh", "wait", "a1", *AT, poll_seconds=seconds)
    message = f"error: POLL_SECONDS must be a whole number of seconds, below 100000, got '{seconds}'\n"
    assert (done.returncode, done.stderr, cloud.calls()) == (2, message, [])


def test_from_nothing_to_results_on_two_workers(cloud):
    homes = cloud.workers(2)
    path = "--config.data.path=it's a; $(file)"
    for arguments in (["install", "a1", *AT], ["copy", "a1", "LICENSE", *AT], ["run", "a1", *AT, *RUN, path]):
        done = cloud.run("tpu.sh", *arguments)
        assert done.returncode == 0, done.stderr
    assert "is paid for until" in done.stdout
    done = cloud.run("tpu.sh", "follow", "a1", *AT)
    assert (done.returncode, "ended, exit code 0, workdir gs://my-bucket/mnist" in done.stdout) == (0, True)
    for home in homes:  # the same on both, each argument whole
        checkout = home / "jaxcluster"
        assert (checkout / "launch/gke.yaml").read_bytes() == (ROOT / "launch/gke.yaml").read_bytes()
        assert (checkout / "jaxcluster/main.py").exists()
        assert (checkout / "LICENSE").exists()
        assert not (checkout / "tests").exists()
        assert "--editable . jax[tpu] etils[epath-gcs]" in (home / "python3.log").read_text()
        assert (checkout / "run.log").read_text().splitlines() == [
            "training: [-u] [-m] [jaxcluster.main] [--distributed] [--config=configs/aspc_mnist.py] "
            f"[--workdir=gs://my-bucket/mnist] [{path}]",
            "done",
        ]
    assert [(c["command"].split()[-1], c["flags"]["--worker"]) for c in cloud.calls()] == [
        ("scp", "all"),
        ("ssh", "all"),
        ("scp", "all"),
        ("ssh", "all"),
        ("ssh", "0"),
    ]


def deleted(cloud):
    return any(call["command"].endswith("delete") for call in cloud.calls())


def test_a_run_is_stopped_and_its_tpu_kept(cloud):
    cloud.workers(1)
    assert cloud.run("tpu.sh", "install", "a1", *AT).returncode == 0
    local = ["--", RUN[1], "--workdir=runs/long"]
    done = cloud.run("tpu.sh", "run", "a1", *AT, *local)
    assert "runs/long lies on the first worker and is lost with it" in done.stdout
    done = cloud.run("tpu.sh", "run", "a1", *AT, *local)
    assert (done.returncode, "a run is going on" in done.stderr) == (2, True)
    assert "running, process" in cloud.run("tpu.sh", "status", "a1", *AT).stdout
    assert "to save and end" in cloud.run("tpu.sh", "stop", "a1", *AT).stdout
    done = cloud.run("tpu.sh", "follow", "a1", *AT, "--then-delete")
    assert (done.returncode, "did not end well: ended, exit code 143, workdir runs/long" in done.stderr) == (143, True)
    assert "saved" in done.stdout
    assert not deleted(cloud)


@pytest.mark.parametrize(
    ("arguments", "code", "why"),
    [
        ([*RUN], 0, ""),
        ([*RUN, "--config.name=bad"], 3, "the run did not end well: ended, exit code 3, workdir gs://my-bucket/mnist"),
        (["--", RUN[1], "--workdir=runs/a"], 1, "the results lie on the TPU, fetch them first: ended, exit code 0"),
    ],
)
def test_only_after_exit_code_0_and_with_results_elsewhere_the_tpu_is_deleted(cloud, arguments, code, why):
    cloud.workers(1)
    for command in (["install", "a1", *AT], ["run", "a1", *AT, *arguments]):
        done = cloud.run("tpu.sh", *command)
        assert done.returncode == 0, done.stderr
    done = cloud.run("tpu.sh", "follow", "a1", *AT, "--then-delete")
    assert done.returncode == code
    assert deleted(cloud) == (not why)
    if why:
        assert f"error: a1 is not deleted and still costs: {why}" in done.stderr
        assert "a1 is paid for until: launch/tpu.sh delete a1 --zone=us-east5-b --project=my-project" in done.stdout
    else:
        assert [call["command"].split()[-1] for call in cloud.calls()[-4:]] == ["ssh", "ssh", "delete", "list"]


@pytest.mark.parametrize(
    ("status", "why"),
    [
        ("echo 'running, process 7, workdir gs://b/r'", "the run has not ended: running"),
        (
            "echo 'gone without an exit code (killed, or the machine restarted), workdir gs://b/r'",
            "has not ended: gone",
        ),
        ("exit 255", "its state cannot be asked for"),
    ],
)
def test_a_lost_connection_deletes_nothing(cloud, status, why):
    script = cloud.workers(1)[0] / "jaxcluster/launch/worker.sh"
    script.parent.mkdir(parents=True)
    script.write_text(f"case $1 in follow) exit 255 ;; status) {status} ;; esac")
    done = cloud.run("tpu.sh", "follow", "a1", *AT, "--then-delete")
    assert (done.returncode, why in done.stderr) == (1, True)
    assert "a1 is not deleted and still costs" in done.stderr
    assert "is paid for until" in done.stdout
    assert not deleted(cloud)


def test_fetch_from_a_bucket_needs_no_tpu_and_from_the_tpu_takes_worker_0(cloud):
    there = cloud.folder / "results"
    done = cloud.run("tpu.sh", "fetch", "--from=gs://my-bucket/mnist", f"--to={there}")
    assert done.returncode == 0, done.stderr
    assert only_call(cloud) == ("storage rsync", ["gs://my-bucket/mnist", str(there)], {"--recursive": None})
    assert there.is_dir()
    home = cloud.workers(2)[0]
    (home / "jaxcluster/runs/a").mkdir(parents=True)
    (home / "jaxcluster/runs/a/labels.npy").write_text("labels")
    done = cloud.run("tpu.sh", "fetch", "a1", *AT, "--from=runs/a", f"--to={there}")
    assert (there / "a/labels.npy").read_text() == "labels", done.stderr
    assert cloud.calls()[-1]["flags"] == FLAGS | {"--recurse": None, "--worker": "0"}
    assert "is paid for until" in done.stdout


def test_delete_takes_the_node_along_and_shows_what_is_left(cloud):
    cloud.answers(list=["another-one ACTIVE"])
    done = cloud.run("tpu.sh", "delete", "a1", *AT)
    assert done.returncode == 0, done.stderr
    delete, left = cloud.calls()
    assert (delete["words"], delete["flags"]) == (["a1"], FLAGS | {"--force": None, "--quiet": None})
    assert (left["command"].split()[-1], left["flags"]) == ("list", FLAGS)
    assert "another-one ACTIVE" in done.stdout


@pytest.mark.parametrize("name", NAMES)
def test_dry_run_prints_each_call_and_makes_none(cloud, name):
    more = {
        "create": ["--type=v6e-8"],
        "copy": ["LICENSE"],
        "run": RUN,
        "fetch": ["--from=runs/a", f"--to={cloud.folder}/none"],
        "follow": ["--then-delete"],
    }.get(name, [])
    before = sorted(cloud.folder.iterdir())
    done = cloud.run("tpu.sh", name, "a1", *AT, "--dry-run", *more)
    assert done.returncode == 0, done.stderr
    assert cloud.run("tpu.sh", "--dry-run", name, "a1", *AT, *more).stdout == done.stdout
    assert "+ gcloud " in done.stdout
    assert (cloud.calls(), sorted(cloud.folder.iterdir())) == ([], before)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["begin"],
            f"COMMAND must be {', '.join(NAMES[:-1])} or delete, got 'begin'",
        ),
        (["wait", *AT], "NAME must be up to 40 of a-z, 0-9 and -, beginning with a letter, got ''"),
        (["wait", "A_1", *AT], "NAME must be up to 40 of a-z, 0-9 and -, beginning with a letter, got 'A_1'"),
        (["wait", "a1"], "--zone must be a zone such as us-central1-a, got ''"),
        (["wait", "a1", "--zone=us-central1"], "--zone must be a zone such as us-central1-a, got 'us-central1'"),
        (["wait", "a1", "--zone=us-east5-b", "--project=My"], "--project must be a project ID such as"),
        (["wait", "a1", "a2", *AT], "wait takes one NAME, got also 'a2'"),
        (["wait", "a1", "--zome=us-east5-b"], "unknown option '--zome=us-east5-b'; options are written --name=value"),
        (["delete", "a1", *AT, "--spot"], "--spot is not an option of delete; allowed: --zone --project"),
        (["delete", "a1", *AT, "--", "--x=1"], "-- belongs to run only, not to delete"),
        (
            ["create", "a1", *AT],
            "--type must be v2-N, v3-N, v4-N, v5p-N, v5litepod-N or v6e-N (newer",
        ),
        (["create", "a1", *AT, "--type=tpu7x-8"], "(newer ones: launch/gke.sh), got 'tpu7x-8'"),
        (
            ["create", "a1", *AT, "--type=v6e-8", "--valid-until=6"],
            "--valid-until must be a time such as 30m, 6h",
        ),
        (["create", "a1", *AT, "--type=v6e-8", "--runtime=x y"], "--runtime must be a TPU software version such as"),
        (
            ["create", "a1", *AT, "--type=v4-1"],
            "--type must have an even N for v2, v3, v4 and v5p (cores, two a chip), got",
        ),
        (["create", "a1", *AT, "--type=v5p-15"], "--type must have an even N for v2, v3, v4 and v5p"),
        (["copy", "a1", *AT], "copy needs a file or folder"),
        (["copy", "a1", *AT, "none.npz"], "PATH must be a file or folder, got 'none.npz'"),
        (["run", "a1", *AT], "--config is missing; write it behind --"),
        (["run", "a1", *AT, "--", RUN[1]], "--workdir is missing; write it behind --"),
        (["run", "a1", *AT, "--", "--config=configs/none.py", RUN[2]], "--config must be a file of this checkout, got"),
        (["run", "a1", *AT, *RUN, "--dry-run"], "options of the run are written --name=value, got '--dry-run'"),
        (["run", "a1", *AT, *RUN, "seed=1"], "options of the run are written --name=value, got 'seed=1'"),
        (
            ["run", "a1", *AT, *RUN, "--workdir=gs://b"],
            "--workdir must be gs://BUCKET/FOLDER or a folder of",
        ),
        (
            ["run", "a1", *AT, *RUN, "--workdir=/data/a"],
            "--workdir must be gs://BUCKET/FOLDER or a folder of",
        ),
        (["run", "a1", *AT, *RUN, "--workdir=a b"], "--workdir must be gs://BUCKET/FOLDER or a folder of"),
        (["run", "a1", *AT, *RUN, "--workdir=gs://b2/../x"], "--workdir must be gs://BUCKET/FOLDER or a folder of"),
        (["run", "a1", *AT, *RUN, "--workdir=runs/.."], "a folder of the checkout, without '..', got 'runs/..'"),
        (["run", "a1", *AT, *RUN, "--workdir=-r"], "--workdir must be gs://BUCKET/FOLDER or a folder of"),
        (["fetch", "a1", *AT, "--to=x"], "--from is missing: the --workdir of the run"),
        (["fetch", "--from=gs://b/r"], "--to is missing: a folder of this machine"),
        (["fetch", "--from=runs/a", "--to=x"], "NAME must be up to 40"),
        (["fetch", "a1", *AT, "--from=../../etc", "--to=x"], "--from must be gs://BUCKET/FOLDER or a folder of"),
        (
            ["fetch", "a1", *AT, "--from=$(x)", "--to=x"],
            "--from must be gs://BUCKET/FOLDER or a folder of the checkout",
        ),
        (["fetch", "--from=gs://b2/a b", "--to=x"], "--from must be gs://BUCKET/FOLDER or a folder of the checkout"),
        (["fetch", "--from=gs://b2/a", "--to=a1:x"], "--to must be a folder of this machine, without ':' and not"),
        (["fetch", "--from=gs://b2/a", "--to=-x"], "--to must be a folder of this machine, without ':' and not"),
    ],
)
def test_wrong_arguments_are_named_and_nothing_is_called(cloud, arguments, message):
    done = cloud.run("tpu.sh", *arguments)
    assert done.returncode == 2
    assert done.stderr.startswith("error: ")
    assert message in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert cloud.calls() == []


def test_help_names_every_command_and_says_what_was_not_tried(cloud):
    done = cloud.run("tpu.sh", "--help")
    assert (done.returncode, done.stderr) == (0, "")
    assert cloud.run("tpu.sh", "run", "--help").stdout == done.stdout
    assert "Not tried on a real TPU" in done.stdout
    for name in NAMES:
        assert f"\n  {name} " in done.stdout
    assert cloud.run("tpu.sh").returncode == 2
