"""One run of waves: its options, what is checked first, and what is told."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import click

from bucketline.cli.invocation import Invocation
from bucketline.cli.options import options
from bucketline.cli.signals import listening
from bucketline.cli.splunk.options import choice_of, hints_of, looked, world_of
from bucketline.durable import expect_room
from bucketline.engines.splunk import preflight
from bucketline.engines.splunk.choosing import Choice
from bucketline.engines.splunk.ends import Ends, Tally
from bucketline.engines.splunk.hold import Hold, check_case, freeze, held_by, mark
from bucketline.engines.splunk.look import Over, Seen, World, look, statuses
from bucketline.engines.splunk.records import Records
from bucketline.engines.splunk.restart import METHODS, Restart
from bucketline.engines.splunk.restoring import SMARTSTORE, THAWED, Patience, Restoring, is_over
from bucketline.engines.splunk.structure import write
from bucketline.engines.splunk.tool import Tool
from bucketline.engines.splunk.wave import ACTS, EVICT
from bucketline.engines.splunk.waves import Budget, Waves
from bucketline.errors import UsageError
from bucketline.flow.drive import open_drive
from bucketline.flow.ledger.place import Lock
from bucketline.flow.run.terms import Stop
from bucketline.sizes import parse_size

_WAYS = click.Choice((SMARTSTORE, THAWED))
F = TypeVar("F", bound=Callable[..., Any])
_UNSUPPORTED = (
    "Splunk does not support putting archived buckets into a SmartStore index. It works, and it is"
    " at your own risk; docs/splunk.md says how. If you accept that, add --i-accept-unsupported"
)


def budgets(command: F) -> F:
    """What a run may take."""
    return options(
        command,
        click.option("--into", default=SMARTSTORE, type=_WAYS, help="Where to."),
        click.option("--budget", default="100G", metavar="SIZE", help="Disk for a wave (100G)."),
        click.option("--wave-buckets", default=100, type=click.IntRange(1), help="In a wave."),
        click.option("--reserve", default="10G", metavar="SIZE", help="Disk to stay free (10G)."),
        click.option("--workers", default=2, type=click.IntRange(1, 64), help="Rebuilt at once."),
        click.option("--thaw-days", default=7, type=click.IntRange(1), help="Readable so long."),
        click.option("--thaw-speed", default="Standard", help="Standard, Bulk or Expedited."),
        click.option(
            "--accept-proof",
            default="etag",
            type=click.Choice(["size", "etag"]),
            help="Weakest proof of what came; size: also what the archive tells no hash of.",
        ),
        click.option("--i-accept-unsupported", "accepts", is_flag=True, help="Splunk does not."),
        click.option(
            "--legal-hold", metavar="CASE", help="Freeze the choice; evict and remove nothing."
        ),
        click.option("--on-cluster", is_flag=True, help="On a member of a cluster, too."),
        click.option("--retry-quarantined", is_flag=True, help="Take damaged ones up again."),
        click.option("--structure", metavar="FILE", help="Write bucket_structure.json at the end."),
    )


def waiting(command: F) -> F:
    """How long Splunk is waited for."""
    seconds = click.FloatRange(0)
    return options(
        command,
        click.option("--restart", default="rest", type=click.Choice(METHODS), help="By which way."),
        click.option("--restart-command", default="", metavar="TEXT", help="For `command`."),
        click.option("--rebuild-timeout", default=14400.0, type=seconds, help="Seconds a bucket."),
        click.option("--restart-timeout", default=900.0, type=seconds, help="Seconds."),
        click.option("--upload-timeout", default=3600.0, type=seconds, help="Seconds for one."),
        click.option("--evict-timeout", default=120.0, type=seconds, help="Seconds for one."),
        click.option("--poll", default=5.0, type=click.FloatRange(0.01), help="Seconds between."),
    )


def carry_out(
    invocation: Invocation,
    archive: str,
    smartstore: str,
    said: dict[str, Any],
    acts: tuple[str, ...] = ACTS,
) -> int:
    """Those steps of a restore; the answer is the exit code."""
    _check(smartstore, said)
    if said["structure"]:
        expect_room(Path(said["structure"]))
    acts = _held(said, acts)
    folder = job_folder(invocation, archive, smartstore)
    stop = Stop()
    lock = Lock.take(folder / "run")
    try:
        with closing(open_drive()) as drive:
            world = world_of(invocation, drive, archive, smartstore, said)
            choice = choice_of(said)
            if said.get("interactive"):  # Ctrl-C is an answer, too.
                seen = look(world, choice)
                choice, acts = _asked(invocation, seen, choice, _over(folder, said))
            with listening(stop) as ears:
                seen = looked(invocation, world, choice, _over(folder, said))
                waves = _prepared(invocation, world, seen, folder, said)
                waves.stop, waves.acts = stop, acts
                if said["legal_hold"]:
                    places = {"archive": archive, "smartstore": smartstore}
                    _freeze(invocation, waves, folder, said["legal_hold"], places)
                waves.steps.held = held_by(holds_folder(folder))
                mark(waves.steps.records, waves.steps.held)
                tally = _run(invocation, waves)
                if said["structure"]:
                    write(Path(said["structure"]), statuses(look(world, choice)))
    finally:
        lock.release()
    return ears.exit_code or (1 if tally.failed else 4 if tally.waiting else 0)


def _run(invocation: Invocation, waves: Waves) -> Tally:
    """Its summary is told whatever ends it: those that it did not come to wait."""
    tally = waves.ends.tally
    try:
        return waves.run()
    except BaseException:
        tally.waiting = tally.listed - tally.skipped - tally.done - tally.failed
        raise
    finally:
        _tell(invocation, tally)


def _over(folder: Path, said: dict[str, Any]) -> Over:
    """Whether a bucket ended in an earlier run, so that this one leaves it as it is."""
    records, again = Records(folder / "buckets"), said["retry_quarantined"]
    return lambda one: not again and is_over(records, one, said["into"])


def _check(smartstore: str, said: dict[str, Any]) -> None:
    if not said["splunk_url"]:
        raise UsageError("--splunk-url is missing; name Splunk's management port")
    if said["into"] == THAWED:
        if smartstore:
            raise UsageError("--into thaweddb takes no SMARTSTORE: nothing is uploaded")
    elif not smartstore:
        raise UsageError("SMARTSTORE is missing; name the path of the indexes' volume")
    elif not said["accepts"]:
        raise UsageError(_UNSUPPORTED)


def _held(said: dict[str, Any], acts: tuple[str, ...]) -> tuple[str, ...]:
    """Under a legal hold nothing is evicted, and the choice is whole."""
    if not said["legal_hold"]:
        return acts
    check_case(said["legal_hold"])
    if acts == (EVICT,):
        raise UsageError("--legal-hold evicts nothing")
    if said["limit"] or said.get("interactive"):
        raise UsageError("--legal-hold takes a whole choice; name its buckets by --only FILE")
    return tuple(act for act in acts if act != EVICT)


def _freeze(
    invocation: Invocation, waves: Waves, folder: Path, case: str, places: dict[str, str]
) -> None:
    """Before anything is done."""
    steps, chosen = waves.steps, waves.seen.planned
    said = {**places, "into": steps.into, "guid": steps.guid}
    hold = freeze(holds_folder(folder), case, chosen, said, steps.clock.now())
    tell_hold(invocation, hold)


def tell_hold(invocation: Invocation, hold: Hold) -> None:
    if invocation.as_json:
        told = {"event": "hold", "case": hold.case, "buckets": hold.buckets}
        invocation.printer.record({**told, "manifest": str(hold.path), "sha256": hold.sha256})
        return
    invocation.printer.result(
        f"hold     {hold.case}: {hold.buckets:,} buckets, by {hold.path}, SHA-256 {hold.sha256}"
    )


def holds_folder(folder: Path) -> Path:
    """Of the manifests of a job."""
    return folder / "holds"


def job_folder(invocation: Invocation, archive: str, smartstore: str) -> Path:
    """What is remembered of these two places."""
    state = invocation.made_state_folder()
    both = f"{_ended(archive)}\0{_ended(smartstore)}"
    folder = state / f"splunk-{hashlib.sha256(both.encode()).hexdigest()[:10]}"
    folder.mkdir(mode=0o700, exist_ok=True)
    return folder


def _ended(place: str) -> str:
    """One place is one job, however it is written."""
    return f"{place.rstrip('/')}/" if place else ""


def _asked(
    invocation: Invocation, seen: Seen, choice: Choice, is_over: Over
) -> tuple[Choice, tuple[str, ...]]:
    """As the old script asked: which index, and how many; 0 = only go on with what was begun."""
    counts = dict.fromkeys(sorted(one.bucket.index for one in seen.planned), 0)
    for one in seen.planned:
        counts[one.bucket.index] += one.is_wanted and not is_over(one)
    for index, count in counts.items():
        invocation.printer.notice(f"{index}: {count:,} to do")
    first = next((index for index, count in counts.items() if count), "")
    index = _answer("Index", default=first or None, type=click.Choice([*counts]))
    count = _answer("Number of buckets (0 to skip)", type=click.IntRange(0))
    if count == 0:
        return replace(choice, indexes=(index,)), ACTS[1:]
    return replace(choice, indexes=(index,), limit=count), ACTS


def _answer(question: str, **how: Any) -> Any:
    try:
        return click.prompt(question, err=True, **how)
    except click.Abort as error:
        if isinstance(error.__context__, EOFError):
            said = "--interactive asks, and nobody answers; say --index and --limit instead"
            raise UsageError(said) from None
        raise KeyboardInterrupt from None


def _prepared(
    invocation: Invocation, world: World, seen: Seen, folder: Path, said: dict[str, Any]
) -> Waves:
    """Checked first: nothing is begun that could not end."""
    assert world.splunk is not None
    tool = Tool(Path(said["splunk_home"] or "/opt/splunk"), said["rebuild_timeout"])
    tool.check()
    place = world.smartstore
    volume = f"{place.store.name}{place.prefix}" if place is not None else ""
    by_rest = said["restart"] == "rest"
    is_held = bool(said["legal_hold"])
    on_cluster = said["on_cluster"]
    preflight.check(world, seen, volume, on_cluster=on_cluster, restarts=by_rest, is_held=is_held)
    patience = Patience(said["upload_timeout"], said["evict_timeout"], said["poll"])
    budget = Budget(
        bytes=parse_size(said["budget"]),
        buckets=said["wave_buckets"],
        reserve=parse_size(said["reserve"]),
        workers=said["workers"],
        thaw_days=said["thaw_days"],
        thaw_speed=said["thaw_speed"],
    )
    records = Records(folder / "buckets")
    steps = Restoring(world, records, tool, world.splunk, seen.guid, patience, said["into"])
    steps.accepts_size = said["accept_proof"] == "size"
    restart = Restart(
        said["restart"], said["restart_command"], said["restart_timeout"], said["poll"]
    )

    def tell(index: str, bucket: str, state: str, message: str) -> None:
        _tell_bucket(invocation, index, bucket, state, message)

    ends = Ends(steps, tell)
    again, hints = said["retry_quarantined"], hints_of(said)
    return Waves(seen, steps, budget, restart, Stop(), ends, again=again, hints=hints)


def _tell_bucket(invocation: Invocation, index: str, bucket: str, state: str, message: str) -> None:
    if invocation.as_json:
        record = {"event": "bucket", "index": index, "bucket": bucket, "state": state}
        invocation.printer.record(record | ({"message": message} if message else {}))
    elif state != "skipped":
        tail = f": {message}" if message else ""
        invocation.printer.result(f"{state:<8} {index}/{bucket}{tail}")


def _tell(invocation: Invocation, tally: Tally) -> None:
    counts = {name: getattr(tally, name) for name in Tally.__dataclass_fields__}
    if invocation.as_json:
        invocation.printer.record({"event": "summary", **counts})
        return
    said = " · ".join(f"{name} {count:,}" for name, count in counts.items())
    invocation.printer.notice(said)
