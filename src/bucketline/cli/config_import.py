"""`bucketline config import`: an old script's configuration becomes ours, its keys leave it."""

from __future__ import annotations

import re
import stat
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import click

from bucketline.cli.invocation import Invocation, common, pass_invocation
from bucketline.config import load
from bucketline.config.scripts.merged import fragment, merged
from bucketline.config.scripts.old import OldFile
from bucketline.config.scripts.put_away import (
    AwsProfiles,
    Safe,
    Safes,
    SecretFiles,
    refuse,
)
from bucketline.config.scripts.rings import BUCKETD, translate_ring
from bucketline.config.scripts.translated import Translated, translate
from bucketline.config.scripts.words import RING
from bucketline.durable import replace_file
from bucketline.errors import UsageError, printable
from bucketline.settings import Environment, check_endpoint

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
_NO_NAME = re.compile(r"[^A-Za-z0-9_.-]+")


@click.command("import")
@click.argument("old_file", metavar="OLD-FILE", type=click.Path(path_type=Path))
@click.option("--name", metavar="NAME", help="Of the job; its remotes are NAME-source …")
@click.option("--to-profile", metavar="PROFILE", help="Keys go to the AWS tools' profiles.")
@click.option("--bucketd", metavar="URL", help="Of a ring: the old file does not name it.")
@click.option("--no-verify-ssl", is_flag=True, help="Trust any certificate, as the scripts did.")
@click.option("--replace", "replaces", is_flag=True, help="Also what has these names already.")
@click.option("-n", "--dry-run", is_flag=True, help="Print what would be written; change nothing.")
@common
@pass_invocation
def import_file(invocation: Invocation, /, old_file: Path, **said: Any) -> None:
    """Of the transfer scripts, all generations, or of the ring's check. OLD-FILE stays as it is."""
    fresh = _translated(OldFile.read(old_file), old_file, said)
    for keys in (*fresh.keys.values(), *fresh.passwords.values()):
        invocation.printer.hide(*keys)
    path = invocation.config_path
    load(path, invocation.environment)  # What is wrong with it is told before anything is added.
    safe: Safe = SecretFiles(path, fresh.keys)
    if profile := said["to_profile"]:
        safe = AwsProfiles(profile, fresh.keys, invocation.environment)
    safe = Safes([safe, SecretFiles(path, fresh.passwords, ("password",))])
    refuse(safe, replaces=said["replaces"])
    text = merged(path, fresh, safe, replaces=said["replaces"])
    _prove(text)
    if said["dry_run"]:
        _tell(invocation, fresh, fragment(fresh, safe), [])
        return
    where = safe.write()
    mode = stat.S_IMODE(path.stat().st_mode) if path.exists() else 0o600
    replace_file(path.resolve(), text, mode)  # A link stays a link.
    _tell(invocation, fresh, "", where)


def _translated(old: OldFile, path: Path, said: dict[str, Any]) -> Translated:
    verify_tls = not said["no_verify_ssl"]
    if old.words is not RING:
        if said["bucketd"]:
            raise UsageError("--bucketd is for the file of a ring's check; leave it out")
        return translate(old, _name(path, said["name"]), verify_tls=verify_tls)
    if said["name"]:
        raise UsageError("a ring keeps its own name, which its services know; leave out --name")
    bucketd = said["bucketd"] or BUCKETD
    check_endpoint(bucketd)
    return translate_ring(old, verify_tls=verify_tls, bucketd=bucketd)


def _name(old_file: Path, said: str | None) -> str:
    """By itself, the file's name, or its folder's where it is called what they all are."""
    absolute = old_file.absolute()
    own = absolute.parent.name if absolute.stem == "config" else absolute.stem
    name = said or _NO_NAME.sub("-", own).strip("-._") or "old"
    if not _NAME.fullmatch(name):
        raise UsageError(f"{printable(name)!r} is no name; use letters, digits, '_', '-' and '.'")
    return name


def _prove(text: str) -> None:
    """It is a configuration: nothing else may take the place of one."""
    with TemporaryDirectory(prefix="bucketline-import-") as folder:
        copy = Path(folder, "config.yaml")
        copy.write_text(text, encoding="utf-8")
        load(copy, Environment({}))


def _tell(invocation: Invocation, fresh: Translated, preview: str, where: list[str]) -> None:
    printer, path = invocation.printer, invocation.config_path
    if invocation.as_json:
        for word in fresh.words:
            printer.record({"event": "word", **asdict(word)})
        job, ring = (fresh.job, "") if fresh.job_words else ("", fresh.job)
        said = {"event": "import", "job": job, "ring": ring, "file": str(path), "keys": where}
        remotes, lines = list(fresh.remotes), list(fresh.secret_lines)
        printer.record({**said, "remotes": remotes, "secret_lines": lines, "preview": preview})
    else:
        printer.results(f"{fresh.old}:{word}" for word in fresh.words)
        more = f" --config {path}" if invocation.config_file else ""
        printer.results(_ending(fresh, path, preview, where))
        if not preview:
            dry = " --dry-run" if fresh.job_words else ""
            printer.result(f"next: bucketline {fresh.next_command}{more}{dry}")
    for note in fresh.notes:
        printer.notice(note)
    if fresh.secret_lines:
        printer.notice(_still_holds(fresh))


def _ending(fresh: Translated, path: Path, preview: str, where: list[str]) -> Iterator[str]:
    if preview:
        yield f"{path} would get:"
        yield from preview.rstrip("\n").split("\n")
        return
    what = f"{'job' if fresh.job_words else 'ring'} {fresh.job}"
    remotes = f" and the remotes {', '.join(fresh.remotes)}" if fresh.remotes else ""
    yield f"{path}: has the {what}{remotes}"
    yield from (f"{place}: holds keys" for place in where)


def _still_holds(fresh: Translated) -> str:
    lines = ", ".join(map(str, fresh.secret_lines))
    return (
        f"{fresh.old}: still holds keys, in lines {lines}; once a run has succeeded, delete it or"
        " these lines, and have new keys made if others could read it"
    )
