"""`config import` at the command line: an old file becomes a job that runs on real servers."""

from __future__ import annotations

import json
import re
import stat
from pathlib import Path
from typing import Any

import pytest

from bucketline.cli import main
from desk import Desk
from old_configs import DIRECT, KEY, SECRET, STAGED_V5, direct_side
from old_reader import OldReader
from servers import ACCESS_KEY, SECRET_KEY

pytestmark = pytest.mark.usefixtures("surroundings")


@pytest.fixture(autouse=True)
def _no_keys_around(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only those of the imported configuration count."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_REGION"):
        monkeypatch.delenv(name, raising=False)


def of_this_desk(text: str) -> str:
    return text.replace(f"'{KEY}'", f"'{ACCESS_KEY}'").replace(f"'{SECRET}'", f"'{SECRET_KEY}'")


def direct(desk: Desk) -> str:
    sides = (("src", "in"), ("dst", "out"), ("log", "logs"))
    return of_this_desk("".join(direct_side(name, desk.bucket, at, desk.url) for name, at in sides))


def staged(desk: Desk) -> str:
    text = STAGED_V5.replace("in-bucket", desk.bucket).replace("out-bucket", desk.bucket)
    text = text.replace('"data/"', '"in/"').replace('bucket_prefix: ""', 'bucket_prefix: "out/"')
    return of_this_desk(
        text.replace("no_endpoint", desk.url).replace("http://192.0.2.12:8080", desk.url)
    )


def imported(desk: Desk, text: str, *words: str) -> Path:
    old, new = desk.here / "old.yaml", desk.here / "new" / "config.yaml"
    old.write_text(text)
    before = old.stat().st_mtime_ns
    assert main(["config", "import", str(old), "--config", str(new), *words]) == 0
    assert (old.read_text(), old.stat().st_mtime_ns) == (text, before)
    return new


def test_a_configuration_that_is_a_link_stays_one(desk: Desk) -> None:
    real = desk.here / "kept" / "config.yaml"
    real.parent.mkdir()
    real.write_text("remotes: {}\n")
    (desk.here / "new").mkdir()
    (desk.here / "new" / "config.yaml").symlink_to(real)

    link = imported(desk, direct(desk))

    assert link.is_symlink()
    assert "jobs:" in real.read_text()


@pytest.mark.parametrize("words", [(), ("--to-profile", "scripts")], ids=["files", "profile"])
@pytest.mark.parametrize("old", [direct, staged], ids=["direct", "staged"])
def test_the_imported_job_runs(
    desk: Desk, capsys: pytest.CaptureFixture[str], old: Any, words: tuple[str, ...]
) -> None:
    desk.object("in/a", b"1")
    desk.object("in/sub/b", b"22")
    config = imported(desk, old(desk), *words)
    told = capsys.readouterr()

    assert main(["config", "check", "--config", str(config)]) == 0
    assert main(["sync", "--name", "old", "--config", str(config)]) == 0
    assert (desk.body("out/a"), desk.body("out/sub/b")) == (b"1", b"22")
    assert SECRET_KEY not in told.out + told.err + config.read_text()
    assert ACCESS_KEY not in config.read_text()
    assert re.search(r"old.yaml: still holds keys, in lines \d+, \d+", told.err)


def test_a_list_of_endpoints_is_a_pool_that_does_without_one(desk: Desk) -> None:
    desk.object("in/a", b"1")
    pool = f"['http://127.0.0.1:1', '{desk.url}']"
    config = imported(desk, direct(desk).replace(f"['{desk.url}']", pool))

    assert main(["config", "check", "--config", str(config)]) == 0
    assert main(["sync", "--name", "old", "--config", str(config)]) == 0
    assert desk.body("out/a") == b"1"


def test_its_logs_go_where_the_scripts_put_them(desk: Desk) -> None:
    desk.object("in/a", b"1")
    config = imported(desk, direct(desk))
    assert main(["sync", "--name", "old", "--config", str(config)]) == 0

    log = OldReader(desk.url, desk.bucket, "logs").latest()
    assert (log["status"], log["src_prefix"], log["dst_prefix"]) == ("Completed", "in/", "out/")


def test_a_dry_run_writes_nothing_and_shows_no_key(
    desk: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    for words in (["-n"], ["-n", "--to-profile", "scripts"], ["-n", "--json"]):
        new = imported(desk, direct(desk), *words)
        told = capsys.readouterr()
        assert "old-source" in told.out
        assert SECRET_KEY not in told.out + told.err
        assert not new.parent.exists()
        assert not (desk.here / ".aws").exists()


def test_the_same_name_twice_is_refused_and_replaced_when_told(
    desk: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    new = imported(desk, direct(desk))
    text = new.read_text()
    (desk.here / "old.yaml").write_text(direct(desk).replace(ACCESS_KEY, "demo-other"))
    words = ["config", "import", str(desk.here / "old.yaml"), "--config", str(new)]

    assert main(words) == 7
    assert "say --replace" in capsys.readouterr().err
    assert main([*words, "--name", "second"]) == 0
    assert main([*words, "--replace"]) == 0
    assert (new.parent / "secrets" / "old-source.access-key").read_text() == "demo-other\n"
    assert [line for line in text.splitlines() if line not in new.read_text().splitlines()] == []


def test_what_our_file_has_wrong_is_told_first(
    desk: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    new = desk.here / "config.yaml"
    new.write_text("limits: {workers: many}\n")
    old = desk.here / "old.yaml"
    old.write_text(DIRECT)

    assert main(["config", "import", str(old), "--config", str(new)]) == 2
    assert "config.yaml:1:10: limits.workers" in capsys.readouterr().err
    assert new.read_text() == "limits: {workers: many}\n"


def test_the_name_is_the_folders_where_all_files_are_called_alike(
    desk: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = desk.here / "transfer v12"
    folder.mkdir()
    (folder / "config.yaml").write_text(DIRECT)
    new = desk.here / "ours.yaml"
    new.write_text("limits: {}\n")
    new.chmod(0o640)

    assert (
        main(["config", "import", str(folder / "config.yaml"), "--config", str(new), "--json"]) == 0
    )
    *every, told = map(json.loads, capsys.readouterr().out.splitlines())
    assert (told["job"], told["secret_lines"]) == ("transfer-v12", [6, 7, 14, 15, 22, 23])
    assert every[0]["name"] == "src.service"
    assert stat.S_IMODE(new.stat().st_mode) == 0o640
