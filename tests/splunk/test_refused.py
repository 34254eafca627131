"""What is said wrongly is refused in one line, before anything is done, and no secret is told."""

from __future__ import annotations

import pytest

from bucketline.cli import main
from splunk.site import Site


def test_a_login_in_the_url_is_refused_and_not_repeated(
    one: Site, capsys: pytest.CaptureFixture[str]
) -> None:
    words = [word.replace("https://", "https://restorer:hunter2@") for word in one.words()]

    assert main(words) == 2
    said = capsys.readouterr().err
    assert ("--splunk-auth" in said, "hunter2" in said) == (True, False)


def test_a_wrong_password_is_said_once(one: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Splunk locks a user out after a few."""
    monkeypatch.setenv("SPLUNK_LOGIN", "restorer:wrong")

    assert main(one.words()) == 5
    assert one.splunk.logins == 1


def test_a_command_that_cannot_be_read_is_refused_before_anything_is_begun(
    one: Site, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*one.words(), "--restart", "command", "--restart-command", "sh -c 'x"]) == 2
    assert "No closing quotation" in capsys.readouterr().err
    assert not (one.splunk.home / "called.jsonl").exists()


def test_it_must_be_accepted_by_name(one: Site, capsys: pytest.CaptureFixture[str]) -> None:
    words = [word for word in one.words() if word != "--i-accept-unsupported"]

    assert main(words) == 2
    assert "does not support" in capsys.readouterr().err
    assert one.splunk.asked == 0
