"""A bundle for a bug report: what helps is in it, and nothing that is secret."""

from __future__ import annotations

import json
import tarfile
from pathlib import Path

import pytest

from bucketline.cli import main
from bucketline.flow.report.bundle import without_secrets
from desk import VARIABLES, Desk
from service.serving import new_token

pytestmark = pytest.mark.usefixtures("surroundings")

SECRET = "not-real-but-hidden-0123456789"


def opened(path: Path) -> dict[str, str]:
    with tarfile.open(path) as bundle:
        return {
            Path(one.name).name: bundle.extractfile(one).read().decode()  # type: ignore[union-attr]
            for one in bundle
        }


@pytest.mark.parametrize(
    "text",
    [
        f"remotes:\n  far:\n    secret_key: {SECRET}\n",
        f"    secret-key: '{SECRET}'\n",
        f'"password": "{SECRET}",\n',
        f"  - session_token: {SECRET}\n",
        f"unlock_code: {SECRET}\n",
        f"endpoint: https://user:{SECRET}@far.example/\n",
        f"a:\n  secret_key: |\n    {SECRET}\n    {SECRET}\n  b: 1\n",
        f"far: {{access_key: one, unlock_code: {SECRET}, region: x}}\n",
        f"far: {{region: x, 'password': \"p, {SECRET}\"}}\n",
        f"# secret_key: {SECRET}\n",
        f"  #token: {SECRET}\n",
        f"passphrase: {SECRET}\nprivate_key: {SECRET}\napi-key: {SECRET}\n",
        f"a: |\n  -----BEGIN EC PRIVATE KEY-----\n  {SECRET}\n  -----END EC PRIVATE KEY-----\n",
        f"    hooks: {{failed: 'https://hooks.example/services/{SECRET}'}}\n",
        f"    hooks:\n      complete: https://hooks.example/services/{SECRET}\n",
        f"    hooks: {{waiting: https://hooks.example/?sig={SECRET}, complete: [x]}}\n",
    ],
)
def test_what_should_not_be_in_a_configuration_does_not_leave_it(text: str) -> None:
    assert SECRET not in without_secrets(text)


def test_what_only_leads_to_a_secret_stays() -> None:
    text = "far:\n  secret_key: {env: FAR_SECRET}\n  password:\n    file: /etc/one\n  region: x\n"
    text += "near: {secret_key: {env: NEAR_SECRET}, region: y}\n"
    text += "jobs: {one: {source: s3://a/b/, hooks: {failed: [mail, me]}}}\n# no token is here\n"

    assert without_secrets(text) == text


def test_it_tells_what_helps_and_nothing_secret(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FAR_SECRET", SECRET)
    config = desk.here / "c.yaml"
    config.write_text(
        "remotes:\n  far:\n    endpoints: http://127.0.0.1:1\n    access_key: one\n"
        f"    secret_key: {{env: FAR_SECRET}}\n# {SECRET}\n"
    )
    token = new_token(desk.state)
    desk.file("private-name", b"123")
    desk.sync(str(desk.folder), desk.s3)
    taken = desk.here / "taken" / "private-name"
    taken.mkdir(parents=True)
    (taken / "held").touch()
    desk.ended("sync", str(desk.folder), str(desk.here / "taken"))
    capsys.readouterr()
    words = ["--config", str(config), "--json"]

    assert main(["support-bundle", "-o", str(desk.here / "b.tgz"), *words]) == 0
    assert main(["support-bundle", "-o", str(desk.here / "c.tgz"), "--with-keys", *words]) == 0

    held, named = opened(desk.here / "b.tgz"), opened(desk.here / "c.tgz")
    assert json.loads(capsys.readouterr().out.split("\n")[0])["holds"] == list(held)
    whole = "".join(held.values())
    for secret in (SECRET, token, VARIABLES["AWS_SECRET_ACCESS_KEY"]):
        assert secret not in whole
    assert "private-name" not in held["troubles.json"]
    assert "private-name" in named["troubles.json"]
    assert (desk.here / "b.tgz").stat().st_mode & 0o777 == 0o600
    assert [run["state"] for run in json.loads(held["runs.json"])] == ["failed", "complete"]
    assert json.loads(held["troubles.json"])[0]["errors"][0]["cause"] == "Unholdable"
    assert json.loads(held["machine.json"])["packages"]["bucketline"]
    assert "{env: FAR_SECRET}" in held["config.yaml"]


def test_what_cannot_be_read_is_said_and_the_rest_is_there(tmp_path: Path) -> None:
    state = tmp_path / "state"
    state.mkdir()
    (state / "broken.ledger").write_bytes(b"no ledger at all" * 100)

    assert main(["support-bundle", "-o", str(tmp_path / "b.tgz")]) == 0

    held = opened(tmp_path / "b.tgz")
    assert held["config.yaml"].startswith("cannot be read")
    assert json.loads(held["runs.json"])[0]["state"] == "unreadable"


def test_where_it_cannot_be_written_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:

    assert main(["support-bundle", "-o", str(tmp_path / "no" / "b.tgz")]) == 6

    assert "cannot be written" in capsys.readouterr().err
