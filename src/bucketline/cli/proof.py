"""`bucketline proof`: save what shows that objects were delivered, and check it anywhere."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import click

from bucketline.cli.choices import choice
from bucketline.cli.invocation import Invocation, common, pass_invocation
from bucketline.cli.options import one_place, side_of
from bucketline.cli.places import hash_memory, open_place
from bucketline.cli.sanity import check_source
from bucketline.clock import SystemClock
from bucketline.engines.against import Against, Where
from bucketline.errors import Refused, UsageError, printable
from bucketline.flow.compare.lines import Line, Symbol
from bucketline.flow.drive import open_drive
from bucketline.flow.proof.files import read_proof, reread, write_lines
from bucketline.flow.proof.manifest import extract, head_of, manifest
from bucketline.flow.proof.reading import Reading, shown
from bucketline.flow.proof.signing import fingerprint, open_signer
from bucketline.flow.report.delivered import of_job, of_run
from bucketline.flow.report.runs import find_run
from bucketline.settings import Location
from bucketline.sizes import show_size

_FINGERPRINT = re.compile(r"[0-9a-f]{64}")


@click.command
@click.argument("run", default="last")
@click.option("-o", "--output", metavar="FILE", required=True, help="Where to; - is stdout.")
@click.option("--this-run", is_flag=True, help="Only what this run itself delivered.")
@common
@pass_invocation
def save(invocation: Invocation, run: str, *, output: str, this_run: bool) -> None:
    """Of RUN's job: what RUN delivered, and what earlier runs did and still stands."""
    row = find_run(invocation.state_folder, run)
    if row.state == "running":
        raise Refused(f"{row.run}: is running; wait for its end, and save its proof then")
    signer = open_signer(invocation.made_state_folder())
    objects = of_run(row) if this_run else of_job(row)
    head = head_of(row, "run" if this_run else "job", SystemClock().now())
    lines = manifest(head, objects, signer)
    if output == "-":
        invocation.printer.raw(lines)
    else:
        count = write_lines(Path(output), lines) - 2
        said = f"{output}: {count:,} objects, signed by {fingerprint(signer.public_key)}"
        if invocation.as_json:
            mark = fingerprint(signer.public_key)
            fields = {"file": output, "objects": count, "fingerprint": mark}
            invocation.printer.record({"event": "saved", "run": row.run, **fields})
        else:
            invocation.printer.result(said)


@click.command("check")
@click.argument("file")
@click.option("--signer", metavar="FINGERPRINT", default="", help="Who must have signed it.")
@click.option("--against", metavar="LOCATION", help="Compare it with what LOCATION holds.")
@click.option("--strip", metavar="PREFIX", help="What its keys have before those of LOCATION.")
@click.option("--read", "reads", is_flag=True, help="Read every byte at LOCATION.")
@click.option("--sample", default="all", metavar="N%|all", help="Look at so many, at random.")
@click.option("--seed", metavar="WORD", help="Draw the same sample again.")
@click.option("--all", "every", is_flag=True, help="Also print what is equal.")
@one_place
@common
@pass_invocation
def check_proof(invocation: Invocation, /, file: str, **said: Any) -> int:
    """Needs neither the ledger nor a key. Exit code 3: it is not what was signed, or LOCATION
    holds something else. Without --signer, anybody may have signed it.
    """
    path, signer = Path(file), _signer(said["signer"])
    location = invocation.location(said["against"], side_of(said)) if said["against"] else None
    chosen, seed = choice(said["sample"], said["seed"])
    reading = read_proof(path, signer=signer)
    _tell(invocation, path, reading, is_pinned=bool(signer))
    if reading.problem_count:
        return 3
    if location is None:
        return 0
    if reading.is_extract and chosen is None:
        chosen = bool  # Its one key; all others there are no strangers.
    check_source(location)
    with closing(open_drive()) as drive, hash_memory(invocation) as hashes:
        side = open_place(location, hashes)
        where = Where(side.store, side.prefix, said["strip"])
        engine = Against(where, drive, reads=said["reads"], chosen=chosen)
        lines = engine.lines(lambda: reread(path, reading))
        invocation.printer.results(_formed(lines, invocation, every=said["every"]))
    return _compared(invocation, location, engine, seed)


@click.command
@click.argument("file")
@click.argument("key")
@click.option("-o", "--output", metavar="FILE", default="-", help="Instead of stdout.")
@common
@pass_invocation
def show(invocation: Invocation, *, file: str, key: str, output: str) -> int:
    """The proof of one object out of FILE, as a file that `proof check` takes by itself."""
    reading = read_proof(Path(file), wanted=key)
    if reading.problem_count:
        _tell(invocation, Path(file), reading, is_pinned=False)
        return 3
    pages = reading.pages
    if pages is None:
        raise UsageError(f"{file}: has no object {printable(key)!r}; keys are whole in it")
    lines = extract(pages.header, pages.line, pages.footer, pages.path)
    if output == "-":
        invocation.printer.raw(lines)
    else:
        write_lines(Path(output), lines)
    return 0


def _signer(text: str) -> str:
    told = text.strip().lower()
    if told and not _FINGERPRINT.fullmatch(told):
        raise UsageError("--signer: a fingerprint has 64 hexadecimal digits, all of which count")
    return told


def _tell(invocation: Invocation, path: Path, reading: Reading, *, is_pinned: bool) -> None:
    """The verdict on the file itself."""
    printer, head = invocation.printer, reading.head
    if invocation.as_json:
        for problem in reading.problems:
            fields = {"line": problem.line, "problem": problem.what, "message": problem.message}
            printer.record({"event": "problem", **fields})
        printer.record(_record(reading, is_pinned=is_pinned))
        return
    for problem in reading.problems:
        printer.result(shown(problem))
    if reading.problem_count:
        printer.result(f"{path}: NOT what was signed: {reading.problem_count:,} problems")
        return
    what = f"{reading.objects_read:,} objects, {show_size(reading.size)}"
    if reading.is_extract:
        what = f"one object of {reading.foot['objects']:,}"
    printer.result(f"{path}: as it was signed: {what}, run {head['run']}")
    who = f"signed by {reading.fingerprint}"
    printer.result(who if is_pinned else f"{who}, who may be anybody: pin it with --signer")


def _record(reading: Reading, *, is_pinned: bool) -> dict[str, Any]:
    return {
        "event": "proof",
        "is_valid": not reading.problem_count,
        "problems": reading.problem_count,
        "run": reading.head.get("run"),
        "objects": reading.objects_read,
        "bytes": reading.size,
        "root": reading.foot.get("root"),
        "fingerprint": reading.fingerprint if reading.head else None,
        "is_pinned": is_pinned,
        "is_extract": reading.is_extract,
    }


def _formed(lines: Iterator[Line], invocation: Invocation, *, every: bool) -> Iterator[str]:
    for line in lines:
        if line.symbol is Symbol.EQUAL and not every:
            continue
        if invocation.as_json:
            yield line.as_json()
        else:
            reason = f"  ({line.reason})" if line.reason else ""
            yield f"{line.symbol.value} {printable(line.key)}{reason}"


_NAMES = {
    "only_source": "only in the proof",
    "only_target": "only there",
    "left_out": "not in the sample",
}


def _compared(invocation: Invocation, location: Location, engine: Against, seed: str) -> int:
    """The verdict on the place."""
    found, printer = engine.summary, invocation.printer
    counts = {name: getattr(found, name) for name in type(found).__dataclass_fields__}
    looked_at = sum(counts.values()) - counts["only_target"]
    rest = {"outside": engine.outside, "left_out": engine.left_out}
    if invocation.as_json:
        printer.record({"event": "summary", **counts, **rest, "seed": seed})
    else:
        named = {_NAMES.get(name, name): count for name, count in (counts | rest).items()}
        told = " · ".join(f"{name} {count:,}" for name, count in named.items())
        printer.notice(f"{told} · seed {seed}" if seed else told)
    if not looked_at:
        printer.notice(
            f"{printable(location.text)}: no object of the proof was looked at there, so nothing is"
            " shown; if the keys have another prefix there, say --strip PREFIX"
        )
        return 3
    return found.exit_code
