"""launch/gke.sh and gke.yaml: calls, the filled-in manifest, what the pod would run, and what is refused."""

import os
import subprocess

import pytest
import yaml

from tests.launch.conftest import PATH

AT = ["--project=my-project", "--region=us-central1", "--cluster=tpus"]
CONTEXT = {"--context": "gke_my-project_us-central1_tpus"}
V6E = ["--accelerator=tpu-v6e-slice", "--topology=4x4"]
RUN = ["--", "--config=configs/aspc_mnist.py", "--workdir=gs://my-bucket/runs/mnist"]
ODD = "--config.data.path=it's & {NAME}; $(file)"
NAMES = ["create", "run", "follow", "status", "stop", "delete"]


def steps(cloud):
    return [(call["program"], call["command"]) for call in cloud.calls()]


def test_create_makes_the_cluster_and_lets_its_jobs_use_the_bucket(cloud):
    (cloud.folder / "answers.json").write_text('{"projects describe": ["123456"]}')
    done = cloud.run("gke.sh", "create", *AT, "--bucket=my-bucket")
    assert done.returncode == 0, done.stderr
    assert steps(cloud) == [
        ("gcloud", "container clusters create-auto"),
        ("gcloud", "container clusters get-credentials"),
        ("kubectl", "apply"),
        ("kubectl", "wait"),
        ("gcloud", "projects describe"),
        ("gcloud", "storage buckets add-iam-policy-binding"),
    ]
    made, credentials, jobset, wait, _, right = cloud.calls()
    where = {"--location": "us-central1", "--project": "my-project"}
    assert made["flags"] == credentials["flags"] == where
    assert CONTEXT.items() <= jobset["flags"].items()
    assert CONTEXT.items() <= wait["flags"].items()
    assert right["words"] == ["gs://my-bucket"]
    assert "/projects/123456/" in right["flags"]["--member"]
    assert "paid for until: launch/gke.sh delete" in done.stdout


def test_a_refused_call_ends_the_script(cloud):
    done = cloud.run("gke.sh", "create", *AT, "--bucket=my-bucket")  # the project's number is not told
    assert (done.returncode, "--member cannot be" in done.stderr) == (64, True)
    assert "paid for" not in done.stdout


def applied(cloud, *arguments):
    done = cloud.run("gke.sh", "run", "mnist", *AT, *arguments)
    assert done.returncode == 0, done.stderr
    upload, apply = cloud.calls()
    assert upload["command"] == "storage cp"
    assert upload["words"][1] == "gs://my-bucket/jaxcluster-source/mnist.tar.gz"
    assert apply["flags"] == CONTEXT | {"--filename": "-"}
    return done, yaml.safe_load(apply["stdin"])


def test_run_applies_one_pod_per_host(cloud):
    done, manifest = applied(cloud, *V6E, "--spot", *RUN, ODD)
    assert "4x4 is 16 chips on 4 host(s): each hour that the job holds them costs 16 chip-hours" in done.stdout
    assert "paid for until it ends, or: launch/gke.sh stop mnist --project=my-project" in done.stdout
    assert (manifest["kind"], manifest["metadata"]["name"]) == ("JobSet", "mnist")
    (job,) = manifest["spec"]["replicatedJobs"]
    hosts = job["template"]["spec"]
    assert (hosts["parallelism"], hosts["completions"], hosts["backoffLimit"]) == (4, 4, 0)
    pod = hosts["template"]["spec"]
    assert pod["nodeSelector"] == {
        "cloud.google.com/gke-tpu-accelerator": "tpu-v6e-slice",
        "cloud.google.com/gke-tpu-topology": "4x4",
        "cloud.google.com/gke-spot": "true",
    }
    (container,) = pod["containers"]
    assert container["resources"]["limits"]["google.com/tpu"] == 4
    assert container["args"][1:] == ["train", *RUN[1:], ODD]
    assert pod["volumes"][0]["csi"]["volumeAttributes"]["bucketName"] == "my-bucket"
    names = {rule["onExitCodes"]["containerName"] for rule in hosts["podFailurePolicy"]["rules"]}
    assert names == {container["name"]}


@pytest.mark.parametrize(
    ("accelerator", "topology", "more", "hosts", "chips"),
    [
        pytest.param("tpu7x", "2x2x1", [], 1, 4, marks=pytest.mark.long),
        pytest.param("tpu-v6e-slice", "1x1", [], 1, 1, marks=pytest.mark.long),
        pytest.param("tpu-v6e-slice", "2x4", [], 2, 4, marks=pytest.mark.long),
        ("tpu-v6e-slice", "2x4", ["--chips-per-host=8"], 1, 8),
        ("tpu-v5p-slice", "2x2x4", [], 4, 4),
    ],
)
def test_hosts_and_chips_follow_from_the_topology(cloud, accelerator, topology, more, hosts, chips):
    _, manifest = applied(cloud, f"--accelerator={accelerator}", f"--topology={topology}", *more, *RUN)
    spec = manifest["spec"]["replicatedJobs"][0]["template"]["spec"]
    pod = spec["template"]["spec"]
    assert (spec["parallelism"], pod["containers"][0]["resources"]["requests"]["google.com/tpu"]) == (hosts, chips)
    assert "cloud.google.com/gke-spot" not in pod["nodeSelector"]


def test_the_pods_commands_unpack_install_and_run(cloud, tmp_path):
    done = cloud.run("gke.sh", "run", "mnist", *AT, *V6E, "--dry-run", *RUN, ODD)
    manifest = yaml.safe_load(done.stdout[done.stdout.index("apiVersion:") : done.stdout.index("+ kubectl")])
    container = manifest["spec"]["replicatedJobs"][0]["template"]["spec"]["template"]["spec"]["containers"][0]
    bucket, checkout, programs = tmp_path / "bucket", tmp_path / "checkout", tmp_path / "programs"
    (bucket / "jaxcluster-source").mkdir(parents=True)
    programs.mkdir()
    for name in ("pip", "python"):
        (programs / name).write_text(f"""#!/usr/bin/env bash\necho "{name} in $PWD:$(printf ' [%s]' "$@")"\n""")
        (programs / name).chmod(0o755)
    archive = bucket / "jaxcluster-source/mnist.tar.gz"
    subprocess.run(["tar", "-czf", archive, "launch/gke.yaml"], check=True)
    script, *arguments = container["args"]
    script = script.replace("/bucket", str(bucket)).replace(" /jaxcluster", f" {checkout}")
    environment = os.environ | {"PATH": f"{programs}:{PATH}"}
    ran = subprocess.run(
        [*container["command"], script, *arguments], env=environment, capture_output=True, text=True, check=True
    )
    assert (checkout / "launch/gke.yaml").exists()
    assert ran.stdout.splitlines() == [
        f"pip in {checkout}: [install] [--quiet] [--editable] [.] [jax[tpu]] [etils[epath-gcs]]",
        f"python in {checkout}: [-u] [-m] [jaxcluster.main] [--distributed] [{RUN[1]}] [{RUN[2]}] [{ODD}]",
    ]


def test_output_state_and_ends(cloud):
    for arguments in (["follow", "mnist"], ["status", "mnist"], ["stop", "mnist"], ["delete"]):
        done = cloud.run("gke.sh", *arguments, *AT)
        assert done.returncode == 0, done.stderr
    logs, job, pods, stop, delete = cloud.calls()
    assert logs["flags"]["--selector"].endswith("jobset-name=mnist,batch.kubernetes.io/job-completion-index=0")
    assert (job["words"], pods["words"], stop["words"]) == (["jobset", "mnist"], ["pods"], ["jobset", "mnist"])
    assert all(CONTEXT.items() <= call["flags"].items() for call in (logs, job, pods, stop))
    assert (delete["command"], delete["words"]) == ("container clusters delete", ["tpus"])
    assert delete["flags"] == {"--location": "us-central1", "--project": "my-project", "--quiet": None}


@pytest.mark.parametrize("name", NAMES)
def test_dry_run_prints_each_call_and_makes_none(cloud, name):
    more = {"create": ["--bucket=my-bucket"], "run": ["mnist", *V6E, *RUN], "delete": []}.get(name, ["mnist"])
    done = cloud.run("gke.sh", "--dry-run", name, *AT, *more)
    assert done.returncode == 0, done.stderr
    assert "\n+ kubectl " in f"\n{done.stdout}" or "\n+ gcloud " in f"\n{done.stdout}"
    assert list(cloud.folder.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["make"], "COMMAND must be create, run, follow, status, stop or delete, got 'make'"),
        (["stop", *AT], "NAME must be up to 40 of a-z, 0-9 and -, beginning with a letter, got ''"),
        (["stop", "a", "b", *AT], "stop takes one NAME, got also 'b'"),
        (["delete", "a", *AT], "delete takes no NAME, got 'a'"),
        (["delete", *AT[1:]], "--project must be a project ID such as my-project-123, got ''"),
        (
            ["delete", *AT, "--region=us-central1-a"],
            "--region must be a region such as us-central1, got",
        ),
        (["delete", *AT, "--cluster=T"], "--cluster must be up to 40 of a-z, 0-9 and -"),
        (["delete", *AT, "--zone=us-central1-a"], "unknown option '--zone=us-central1-a'"),
        (["delete", *AT, "--bucket=b"], "--bucket is not an option of delete; allowed: --project --region --cluster"),
        (["delete", *AT, "--", "--x=1"], "-- belongs to run only, not to delete"),
        (["create", *AT, "--bucket=gs://b"], "--bucket must be the name of a bucket, without gs://, got 'gs://b'"),
        (["run", "a", *AT, *RUN], "--accelerator must be tpu-v4-podslice, tpu-v5-lite-podslice, tpu-v5p-slice,"),
        (["run", "a", *AT, V6E[0], "--topology=2x2x1", *RUN], "--topology must be like 2x4, got '2x2x1'"),
        (["run", "a", *AT, "--accelerator=tpu7x", "--topology=2x2", *RUN], "--topology must be like 2x2x1, got '2x2'"),
        (["run", "a", *AT, "--accelerator=tpu7x", "--topology=2x2x2", *RUN], "--topology must be 2x2x1 for tpu7x"),
        (["run", "a", *AT, *V6E, "--chips-per-host=3", *RUN], "--chips-per-host must be 1, 4 or 8, got '3'"),
        (
            ["run", "a", *AT, V6E[0], "--topology=2x2", "--chips-per-host=8", *RUN],
            "must divide the 4 chips",
        ),
        (
            ["run", "a", *AT, *V6E, *RUN[:2], "--workdir=runs/a"],
            "--workdir must be gs://BUCKET/FOLDER (a pod",
        ),
        (["run", "a", *AT, *V6E], "--config is missing; write it behind --"),
    ],
)
def test_wrong_arguments_are_named_and_nothing_is_called(cloud, arguments, message):
    done = cloud.run("gke.sh", *arguments)
    assert done.returncode == 2
    assert done.stderr.startswith("error: ")
    assert message in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert cloud.calls() == []


def test_help_names_every_command_and_says_what_was_not_tried(cloud):
    done = cloud.run("gke.sh", "--help")
    assert (done.returncode, done.stderr) == (0, "")
    assert "Not tried on a real cluster" in done.stdout
    for name in NAMES:
        assert f"\n  {name} " in done.stdout
    assert cloud.run("gke.sh").returncode == 2
