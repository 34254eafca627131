"""What goes wrong at a device: one clear line, the right exit code, and no secret anywhere."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from bucketline.engines.edge.client import Client
from bucketline.errors import BucketlineError
from bucketline.settings import Secret
from edge.standing_in import CODE, MANIFEST, Bench
from servers import SECRET_KEY, Endpoint

OTHER = "fffff-fffff-fffff-fffff-fffff"


@dataclass(frozen=True)
class Case:
    """One fault: how it is made, how the program ends, and what it must say."""

    make: Callable[[Bench], object]
    code: int
    says: str
    words: tuple[str, ...] = ()


def fault(command: str, how: str) -> Callable[[Bench], None]:
    return lambda bench: bench.change(faults={command: how})


def settings(text: str) -> Callable[[Bench], None]:
    return lambda bench: bench.settings(text)


def aws(name: str, body: bytes) -> Callable[[Bench], object]:
    return lambda bench: (bench.aws / name).write_bytes(body)


def manifest(body: str) -> Callable[[Bench], object]:
    return lambda bench: (bench.folder / "JID-manifest.bin").write_text(body)


def client_file(body: str) -> Callable[[Bench], None]:
    def make(bench: Bench) -> None:
        path = bench.aws / "snowball" / "config" / "snowball-edge.config"
        path.parent.mkdir(parents=True)
        path.write_text(body)

    return make


def pipe(name: str) -> Callable[[Bench], object]:
    """Who opens it waits for a writer, for ever."""

    def make(bench: Bench) -> None:
        (bench.folder / name).unlink(missing_ok=True)
        os.mkfifo(bench.folder / name)

    return make


def two_manifests(bench: Bench) -> None:
    (bench.folder / "other-manifest.bin").write_text(MANIFEST)


def unreadable_services(bench: Bench) -> None:
    bench.change(services={"s3": {"Status": {"State": "ACTIVE"}, "Endpoints": [{"Port": "x"}]}})


def inactive(bench: Bench) -> None:
    services = bench.state["services"]
    services["s3"]["Status"] = {"State": "INACTIVE"}
    bench.change(services=services, state="UNLOCKED")


CASES = {
    "no manifest": Case(
        lambda bench: (bench.folder / "JID-manifest.bin").unlink(), 2, "no file *manifest.bin"
    ),
    "two manifests": Case(two_manifests, 2, "2 files *manifest.bin"),
    "an empty manifest": Case(manifest(""), 2, "is empty"),
    "another device's manifest": Case(manifest("another"), 5, "are refused"),
    "the wrong code": Case(
        settings(f"unlock_key: '{OTHER}'\nendpoint_url: 'https://192.0.2.0'\n"), 5, "are refused"
    ),
    "no settings": Case(
        lambda bench: (bench.folder / "sbe_config.yaml").unlink(), 2, "cannot be read"
    ),
    "half of the settings": Case(settings(f"unlock_key: '{CODE}"), 2, "correct this line"),
    "settings without a code": Case(
        settings("endpoint_url: 'https://192.0.2.0'\n"), 2, "unlock_key: must be text"
    ),
    "a code as an endpoint": Case(
        settings(f"unlock_key: '{CODE}'\nendpoint_url: 'ftp://192.0.2.0'\n"), 2, "endpoint_url:"
    ),
    "a word that is none": Case(
        settings(f"unlock_kee: '{CODE}'\nendpoint_url: 'https://192.0.2.0'\n"), 2, "not known"
    ),
    "no client": Case(lambda bench: bench.program.unlink(), 2, "--client", ("--client", "")),
    "no client of that name": Case(
        lambda _: None, 2, "there is no such program", ("--client", "/nowhere/client")
    ),
    "a client that is no program": Case(
        lambda bench: bench.program.write_text("neither\0this"), 2, "cannot be run"
    ),
    "a device that does not come": Case(
        lambda bench: bench.change(asleep=100), 4, "Could not connect", ("--wait", "0")
    ),
    "a client that hangs": Case(
        fault("describe-device", "hang"), 5, "no answer in 1 s", ("--client-timeout", "1")
    ),
    "garbage": Case(fault("describe-device", "garbage"), 5, "not understood: <html>"),
    "nothing": Case(fault("describe-device", "empty"), 5, "not understood: it says nothing"),
    "half an answer": Case(fault("describe-device", "half"), 5, "not understood"),
    "another shape": Case(fault("list-access-keys", "array"), 5, "not understood"),
    "a refusal with a secret in it": Case(fault("list-services", "exit"), 5, "cannot do that"),
    "keys that are none": Case(fault("get-secret-access-key", "garbage"), 5, "may hold a secret"),
    "a certificate that is none": Case(fault("get-certificate", "garbage"), 5, "not understood"),
    "an endpoint that is none": Case(unreadable_services, 5, "not understood"),
    "no service that is active": Case(inactive, 4, "no S3 service", ("--wait", "0")),
    "a state that is none": Case(lambda bench: bench.change(state="STRANGE"), 5, "not understood"),
    "settings that are no file": Case(pipe("sbe_config.yaml"), 2, "no ordinary file"),
    "a manifest that is no file": Case(pipe("JID-manifest.bin"), 2, "no ordinary file"),
    "an AWS file that is none": Case(pipe("../home/.aws/config"), 2, "no ordinary file"),
    "an unreadable AWS file": Case(aws("credentials", b"[default\nx\n"), 2, "credentials:1:"),
    "an AWS file of another encoding": Case(aws("config", b"[a]\nb = \xff\n"), 2, "UTF-8"),
    "a client's file that is half": Case(client_file('{"version":1,"prof'), 2, "move it away"),
    "a client's file of another shape": Case(client_file("[]"), 2, "move it away"),
    "no place for the keys": Case(
        lambda bench: (bench.folder / "keys.yaml").mkdir(), 6, "cannot be written"
    ),
}


@pytest.fixture
def bench(tmp_path: Path, rclone: Endpoint) -> Bench:
    return Bench(tmp_path, rclone)


@pytest.mark.parametrize("name", CASES)
def test_what_goes_wrong_is_one_clear_line(bench: Bench, name: str) -> None:
    case = CASES[name]
    case.make(bench)
    aws_before = {path: path.read_bytes() for path in bench.aws.glob("c*") if path.is_file()}

    ended = bench.edge("profile", *case.words, code=case.code)

    assert len(ended.stderr.splitlines()) == 1, ended.stderr
    assert case.says in ended.stderr
    said = ended.stdout + ended.stderr + json.dumps(bench.state["shown"])
    said += "".join(path.read_text() for path in (bench.here / "ledgers").rglob("*.txt"))
    for secret in (CODE, OTHER, SECRET_KEY):
        assert secret not in said
    assert aws_before == {path: path.read_bytes() for path in aws_before}


@pytest.mark.slow
@pytest.mark.parametrize(
    "body", ["aws_access_key_id: 'demo-acc", "[]", "", "\x00"], ids=["half", "list", "empty", "nul"]
)
def test_keys_that_are_half_written_are_written_anew(bench: Bench, body: str) -> None:
    keys = bench.folder / "keys.yaml"
    keys.write_text(body)

    bench.edge("unlock")

    assert f"'{SECRET_KEY}'" in keys.read_text()
    assert keys.stat().st_mode & 0o777 == 0o600


def test_keys_that_are_no_file_become_one(bench: Bench) -> None:
    pipe("keys.yaml")(bench)

    bench.edge("unlock")

    assert SECRET_KEY in (bench.folder / "keys.yaml").read_text()


def test_keys_that_others_can_read_are_closed(bench: Bench) -> None:
    bench.edge("unlock")
    (bench.folder / "keys.yaml").chmod(0o644)

    bench.edge("unlock")

    assert (bench.folder / "keys.yaml").stat().st_mode & 0o777 == 0o600


def test_the_file_where_the_client_keeps_the_code_is_its_owners_alone(bench: Bench) -> None:
    bench.edge("unlock")

    path = bench.aws / "snowball" / "config" / "snowball-edge.config"
    assert path.stat().st_mode & 0o077 == 0


def test_a_folder_with_a_slash_at_its_end_has_its_name(bench: Bench) -> None:
    ended = bench.call("edge", "unlock", f"{bench.folder}/", "--poll", "0")

    assert ended.stdout.startswith("edge-1:"), ended.stderr


def test_no_exception_carries_what_was_hidden(tmp_path: Path) -> None:
    program = tmp_path / "client"
    program.write_text("#!/bin/sh\ncat; exit 1\n")
    program.chmod(0o755)
    client = Client(str(program))
    client.hide(Secret(CODE))

    with pytest.raises(BucketlineError) as caught:
        client.ask("configure", answers=[CODE])

    assert CODE not in repr(caught.value) + str(caught.value) + repr(client)
    assert caught.value.__cause__ is None
