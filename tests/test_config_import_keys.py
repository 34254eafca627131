"""Keys that leave an old configuration: where they go, who can read them, what is left alone."""

from __future__ import annotations

import configparser
import stat
from pathlib import Path

import pytest

from bucketline.config.scripts.put_away import (
    AwsProfiles,
    SecretFiles,
    refuse,
    with_profile,
)
from bucketline.durable import replace_file
from bucketline.errors import DiskError, Refused
from bucketline.settings import Environment, Secret

ONE = (Secret("demo-access"), Secret("demo-secret-not-real"))
OTHER = (Secret("demo-access-2"), Secret("demo-secret-not-real-2"))
THEIRS = """\
# by hand; keep
[default]
aws_access_key_id = demo-default   ; not yours
aws_secret_access_key=demo-default-secret

[other]
# a comment inside
credential_process = /usr/bin/true
"""


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_each_key_has_a_file_that_only_its_owner_reads(tmp_path: Path) -> None:
    safe = SecretFiles(tmp_path / "config.yaml", {"x-source": ONE})
    where = safe.write()

    folder = tmp_path / "secrets"
    assert {path.name: path.read_text() for path in folder.iterdir()} == {
        "x-source.access-key": "demo-access\n",
        "x-source.secret-key": "demo-secret-not-real\n",
    }
    assert {mode(path) for path in folder.iterdir()} == {0o600}
    assert mode(folder) == 0o700
    assert sorted(where) == sorted(str(path) for path in folder.iterdir())
    assert safe.words("x-source")["secret_key"].value == {"file": "secrets/x-source.secret-key"}
    assert safe.words("x-target") == {}


def test_another_key_in_the_way_is_refused_and_the_same_one_is_not(tmp_path: Path) -> None:
    config = tmp_path / "config.yaml"
    SecretFiles(config, {"x-source": ONE}).write()

    refuse(SecretFiles(config, {"x-source": ONE}), replaces=False)
    with pytest.raises(Refused, match=r"x-source.access-key: holds another key"):
        refuse(SecretFiles(config, {"x-source": OTHER}), replaces=False)
    refuse(SecretFiles(config, {"x-source": OTHER}), replaces=True)


def profiles(home: Path, *keys: tuple[Secret, Secret]) -> AwsProfiles:
    sides = ("x-source", "x-target")
    environment = Environment({"HOME": str(home)})
    return AwsProfiles("old", dict(zip(sides, keys, strict=False)), environment)


def test_a_profile_is_added_and_everything_else_stays_byte_by_byte(tmp_path: Path) -> None:
    path = tmp_path / ".aws" / "credentials"
    path.parent.mkdir()
    path.write_text(THEIRS)
    safe = profiles(tmp_path, ONE, OTHER)
    safe.write()

    text = path.read_text()
    assert text.startswith(THEIRS)
    parsed = configparser.RawConfigParser(inline_comment_prefixes=(";",))
    parsed.read_string(text)
    assert parsed["old-source"]["aws_secret_access_key"] == "demo-secret-not-real"
    assert parsed["old-target"]["aws_access_key_id"] == "demo-access-2"
    assert mode(path) == 0o600
    assert safe.words("x-target")["profile"].value == "old-target"


def test_the_same_keys_on_both_sides_are_one_profile(tmp_path: Path) -> None:
    safe = profiles(tmp_path, ONE, ONE)

    assert safe.write() == [f"{tmp_path}/.aws/credentials, profile old"]
    assert {str(safe.words(side)["profile"].value) for side in ("x-source", "x-target")} == {"old"}


def test_a_profile_that_is_there_is_refused_and_replaced_only_when_told(tmp_path: Path) -> None:
    profiles(tmp_path, OTHER).write()

    with pytest.raises(Refused, match="has a profile old already"):
        refuse(profiles(tmp_path, ONE), replaces=False)
    profiles(tmp_path, ONE).write()

    text = (tmp_path / ".aws" / "credentials").read_text()
    assert text.count("[old]") == 1
    assert "demo-access-2" not in text


def test_a_profile_of_the_other_aws_file_is_in_the_way_too(tmp_path: Path) -> None:
    (tmp_path / ".aws").mkdir()
    (tmp_path / ".aws" / "config").write_text("[profile old]\nsso_session = x\n")

    with pytest.raises(Refused, match="has a profile old already"):
        refuse(profiles(tmp_path, ONE), replaces=False)


def test_replacing_a_profile_keeps_its_other_words_and_comments() -> None:
    text = "[a]\n# mine\nregion = x\naws_access_key_id = 1\naws_session_token = t\n[b]\nq = 1\n"

    assert with_profile(text, "a", {"aws_access_key_id": "2"}) == (
        "[a]\naws_access_key_id = 2\n# mine\nregion = x\n[b]\nq = 1\n"
    )


def test_a_link_to_the_credentials_stays_a_link(tmp_path: Path) -> None:
    real = tmp_path / "elsewhere"
    real.write_text("[a]\n")
    link = tmp_path / ".aws" / "credentials"
    link.parent.mkdir()
    link.symlink_to(real)
    profiles(tmp_path, ONE).write()

    assert link.is_symlink()
    assert "[old]" in real.read_text()


def test_a_file_that_cannot_be_replaced_stays_what_it_was(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")

    with pytest.raises(DiskError, match="cannot be written"):
        replace_file(tmp_path / "file" / "below", "y")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
