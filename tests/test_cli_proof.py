"""`bucketline proof`, as a person meets it: saved here, checked anywhere, held against places."""

from __future__ import annotations

import json
import stat
from pathlib import Path
from typing import Any

import pytest

from bucketline.cli import main
from desk import Desk

pytestmark = pytest.mark.usefixtures("surroundings")


class Notary:
    """A desk, and what its proofs say."""

    def __init__(self, desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
        self.desk = desk
        self._capsys = capsys

    def run(self, *words: str, code: int = 0) -> list[dict[str, Any]]:
        ended = main(["proof", *words, "--json"])
        out = self._capsys.readouterr().out
        assert ended == code, out
        return [json.loads(line) for line in out.split("\n") if line]

    def against(self, place: str, *words: str, code: int = 0) -> tuple[list[str], dict[str, Any]]:
        """The lines and the summary."""
        options = ("--endpoint-url", self.desk.url)
        _, *lines, summary = self.run("check", "p", "--against", place, *options, *words, code=code)
        return [f"{line['symbol']} {line['key']}" for line in lines], summary

    def objects(self, file: str = "p") -> list[dict[str, Any]]:
        rows = [json.loads(line) for line in Path(file).read_text().split("\n") if line]
        return [row for row in rows if row["kind"] == "object"]


@pytest.fixture
def notary(
    desk: Desk, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Notary:
    """Five files that a sync has brought into the bucket under `in/`."""
    monkeypatch.chdir(desk.here)
    for number in range(5):
        desk.file(f"k{number}", b"body %d" % number)
    desk.sync("folder", f"{desk.s3}in/")
    return Notary(desk, capsys)


def test_a_proof_is_saved_and_checked_without_the_ledger(notary: Notary) -> None:
    [saved] = notary.run("save", "last", "-o", "p")
    notary.desk.state.rename(notary.desk.here / "elsewhere")
    [told] = notary.run("check", "p")
    assert (told["is_valid"], told["is_pinned"], told["objects"]) == (True, False, 5)
    [told] = notary.run("check", "p", "--signer", saved["fingerprint"])
    assert told["is_pinned"]
    notary.run("check", "p", "--signer", "0" * 64, code=3)
    notary.run("check", "p", "--signer", saved["fingerprint"][:16], code=2)


def test_a_proof_holds_what_is_known_of_each_object(notary: Notary) -> None:
    notary.run("save", "last", "-o", "p")
    first = notary.objects()[0]
    assert (first["key"], first["size"], first["proof"]) == ("in/k0", 6, "etag")
    assert first["hashes"]["md5"] == first["target_etag"]
    assert first["started"] <= first["time"]
    head = json.loads(Path("p").read_bytes().split(b"\n")[0])
    assert head["target"].endswith(f"/{notary.desk.bucket}/in/")
    assert "demo-secret" not in Path("p").read_text()


def test_whoever_reads_the_output_without_a_pin_is_told_that_anybody_may_have_signed(
    notary: Notary, capsys: pytest.CaptureFixture[str]
) -> None:
    notary.run("save", "last", "-o", "p")
    assert main(["proof", "check", "p"]) == 0
    assert "who may be anybody: pin it with --signer" in capsys.readouterr().out


def test_the_key_is_made_once_and_for_its_owner_alone(notary: Notary) -> None:
    [one] = notary.run("save", "last", "-o", "p")
    [two] = notary.run("save", "last", "-o", "q")
    assert one["fingerprint"] == two["fingerprint"]
    key = notary.desk.state / "proof.key"
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    key.chmod(0o644)
    notary.run("save", "last", "-o", "p", code=7)
    key.chmod(0o600)
    key.write_text("something else")
    notary.run("save", "last", "-o", "p", code=6)


def test_stdout_has_the_same_bytes(notary: Notary, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["proof", "save", "last", "-o", "-"]) == 0
    Path("q").write_bytes(capsys.readouterr().out.encode())
    assert main(["proof", "check", "q"]) == 0


def test_nothing_is_left_where_a_proof_cannot_be_written(notary: Notary) -> None:
    notary.run("save", "last", "-o", "nowhere/p", code=6)
    assert not Path("nowhere").exists()
    Path("p").write_text("old")
    Path("p").chmod(0o444)
    before = set(Path().iterdir())
    notary.run("save", "last", "-o", "p")
    assert set(Path().iterdir()) == before


def test_a_proof_of_the_job_holds_what_earlier_runs_delivered_and_still_stands(
    notary: Notary,
) -> None:
    desk = notary.desk
    desk.file("k0", b"newer body")
    desk.file("k9", b"more")
    (desk.folder / "k1").unlink()
    told = desk.sync("folder", f"{desk.s3}in/", "--delete")
    notary.run("save", "last", "-o", "p")
    runs = {row["key"]: row["run"] == told["run"] for row in notary.objects()}
    assert runs == {"in/k0": True, "in/k2": False, "in/k3": False, "in/k4": False, "in/k9": True}
    notary.run("check", "p")
    assert json.loads(Path("p").read_bytes().split(b"\n")[-2])["earlier"] == 3
    notary.run("save", "last", "-o", "p", "--this-run")
    assert [row["key"] for row in notary.objects()] == ["in/k0", "in/k9"]


def test_a_verification_is_proven_too(notary: Notary) -> None:
    notary.desk.run("verify", "last")
    notary.run("save", "last", "-o", "p")
    assert {row["proof"] for row in notary.objects()} == {"readback"}


def test_a_spoilt_proof_is_told_line_by_line(notary: Notary) -> None:
    notary.run("save", "last", "-o", "p")
    text = Path("p").read_bytes()
    Path("p").write_bytes(text.replace(b'"size":6', b'"size":7', 1))
    *problems, told = notary.run("check", "p", code=3)
    assert (problems[0]["line"], problems[0]["problem"]) == (2, "changed")
    assert (told["is_valid"], told["problems"]) == (False, 3)
    notary.run("check", "p", "--against", "folder", code=3)
    notary.run("show", "p", "in/k1", code=3)
    notary.run("check", "nowhere", code=2)


def test_one_object_is_shown_alone(notary: Notary) -> None:
    notary.run("save", "last", "-o", "p")
    notary.run("show", "p", "in/k3", "-o", "one")
    [told] = notary.run("check", "one")
    assert (told["is_valid"], told["is_extract"]) == (True, True)
    options = ("--endpoint-url", notary.desk.url)
    *_, summary = notary.run("check", "one", "--against", notary.desk.s3, *options)
    assert (summary["equal"], summary["only_target"]) == (1, 0)
    notary.run("show", "p", "k3", code=2)


def test_a_place_that_holds_what_was_delivered_is_equal(notary: Notary) -> None:
    notary.run("save", "last", "-o", "p")
    for words in ((), ("--read",), ("--sample", "99.9%")):
        assert notary.against(notary.desk.s3, *words)[0] == []
        assert notary.against(notary.desk.s3, *words, "--all")[1]["equal"] == 5


def test_each_difference_of_a_place_has_its_sign(notary: Notary) -> None:
    desk = notary.desk
    notary.run("save", "last", "-o", "p")
    desk.object("in/k1", b"other!")
    desk.object("in/new", b"new")
    desk.delete("in/k3")
    lines, summary = notary.against(f"{desk.s3}in/", code=3)
    assert lines == ["* in/k1", "+ in/k3", "- in/new"]
    assert (summary["equal"], summary["outside"]) == (3, 0)
    assert notary.against(f"{desk.s3}in/", "--read", code=3)[0] == lines
    lines, _ = notary.against(f"{desk.s3}in/", "--sample", "99.99999%", code=3)
    assert lines == ["* in/k1", "+ in/k3"]


def test_a_copy_elsewhere_is_compared_by_its_bytes(notary: Notary) -> None:
    notary.run("save", "last", "-o", "p")
    lines, summary = notary.against("folder", "--strip", "in/", "--all")
    assert lines == [f"= k{number}" for number in range(5)]
    file = notary.desk.file("k2", b"body X")
    assert notary.against("folder", "--strip", "in/", code=3)[0] == ["* k2"]
    file.unlink()
    assert notary.against("folder", "--strip", "in/", code=3)[0] == ["+ k2"]
    lines, _ = notary.against("folder", "--sample", "99.99999%", code=3)
    assert lines == [f"+ in/k{number}" for number in range(5)]
    _, summary = notary.against(f"{notary.desk.s3}elsewhere/", code=3)
    assert (summary["outside"], summary["equal"]) == (5, 0)
    notary.run("check", "p", "--against", "gone/", code=2)
