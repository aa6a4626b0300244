"""The stand-in itself: one that accepted everything would prove nothing."""

import json
import shutil
import subprocess

import pytest

from tests.launch import conftest, standin

AT = ["--zone=us-east5-b", "--runtime-version=v2-alpha-tpuv6e"]
CREATE = ["compute", "tpus", "queued-resources", "create", "a1", *AT]


def test_a_published_call_is_taken_apart():
    command, words, flags = standin.parse("gcloud", [*CREATE, "--accelerator-type=v6e-8", "--node-id=a1", "--spot"])
    assert (command, words) == ("compute tpus queued-resources create", ["a1"])
    assert (flags["--accelerator-type"], flags["--spot"]) == ("v6e-8", None)


@pytest.mark.parametrize(
    ("program", "arguments", "why"),
    [
        ("gcloud", "compute tpus queued-resource list --zone=us-east5-b", "no such command: gcloud compute tpus"),
        ("gcloud", "compute tpus queued-resources list --zome=us-east5-b", "no such flag: --zome"),
        ("gcloud", "compute tpus queued-resources list --zone=here", "--zone cannot be 'here'"),
        ("gcloud", "compute tpus queued-resources list --zone", "--zone takes a value"),
        ("gcloud", "compute tpus queued-resources delete a1 --force=yes", "--force takes no value"),
        ("gcloud", "compute tpus queued-resources delete a1 --force --force", "--force twice"),
        ("gcloud", "compute tpus queued-resources delete --force", "takes 1 words, got []"),
        ("gcloud", "compute tpus queued-resources delete a1 a2", "takes 1 words, got ['a1', 'a2']"),
        ("gcloud", "compute tpus queued-resources delete A1", "cannot take 'A1'"),
        ("gcloud", "compute tpus tpu-vm scp here", "takes 2 words"),
        ("gcloud", "compute tpus tpu-vm ssh a1 --batch-size=2", "no such flag: --batch-size"),
        ("gcloud", [*CREATE[:-1], "--node-id=a1", "--accelerator-type=v6e-8"], "--runtime-version is missing"),
        ("gcloud", [*CREATE, "--node-id=a1"], "one of ['--accelerator-type', '--topology']"),
        ("gcloud", [*CREATE, "--accelerator-type=v6e-8", "--node-id=a", "--node-count=2"], "one of ['--node-id',"),
        ("kubectl", "apply --filname=-", "no such flag: --filname"),
        ("kubectl", "delete jobset run --context=other", "--context cannot be 'other'"),
    ],
)
def test_anything_else_is_refused(program, arguments, why):
    with pytest.raises(standin.Refused) as refused:
        standin.parse(program, arguments.split() if isinstance(arguments, str) else arguments)
    assert why in str(refused.value)


@pytest.mark.parametrize("program", ["gcloud", "kubectl"])
def test_the_programs_refuse_with_an_exit_code_and_write_nothing_down(program, tmp_path):
    found = shutil.which(program, path=conftest.PATH)
    assert found == str(conftest.HERE / program)
    environment = {"PATH": conftest.PATH, "STANDIN_DIR": str(tmp_path)}
    done = subprocess.run([found, "delete", "--forse"], env=environment, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (64, "")
    assert done.stderr.startswith(f"stand-in {program}: ")
    assert not list(tmp_path.iterdir())


def test_every_entry_has_its_source():
    for program, commands in json.loads((conftest.HERE / "published.json").read_text()).items():
        for command, about in commands.items():
            end = "" if command == "everywhere" else command.replace(" ", "/" if program == "gcloud" else "_")
            assert about["source"].startswith("https://"), command
            assert end in about["source"], command
