"""Numbers of a run for those who watch many: where they go, and when."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256
from pathlib import Path
from typing import Protocol, TypeVar

import click

from bucketline.cli.invocation import Invocation
from bucketline.cli.options import Said, options
from bucketline.clock import Clock
from bucketline.durable import is_no_file
from bucketline.errors import UsageError
from bucketline.flow.compare.guard import Counts
from bucketline.flow.drive import blocking
from bucketline.flow.metrics.cloudwatch import DIMENSION, CloudWatch
from bucketline.flow.metrics.sample import RUNNING, Sample, old_names
from bucketline.flow.metrics.teller import Tell, Teller
from bucketline.flow.metrics.textfile import write
from bucketline.flow.run.terms import Watcher
from bucketline.model import Action, Tally
from bucketline.settings import KeySource, Location, Side, check_endpoint
from bucketline.sizes import parse_seconds
from bucketline.stores.base import Store

F = TypeVar("F", bound=Callable[..., object])
_PLACES = ("source", "target", "backup", "what", "location")
_FILE_SECONDS, _CLOUDWATCH_SECONDS = 10.0, 30.0


def metering(command: F) -> F:
    """Where the numbers of a run go."""
    return options(
        command,
        click.option("--metrics-file", metavar="FILE", help="Numbers for Prometheus, in FILE."),
        click.option("--cloudwatch", metavar="NAMESPACE", help="Numbers to CloudWatch."),
        click.option(
            "--cloudwatch-dimension", metavar="NAME", help=f"Of each number ({DIMENSION})."
        ),
        click.option("--cloudwatch-profile", metavar="NAME", help="Whose credentials it takes."),
        click.option("--cloudwatch-endpoint", metavar="URL", help="Instead of AWS."),
    )


@dataclass(frozen=True)
class Metering:
    """What a person wants."""

    file: Path | None = None
    cloudwatch: CloudWatch | None = None
    keys: KeySource | None = None
    interval: float | None = None  # Seconds; None = each listener's own.

    def of_hop(self, hop: str) -> Metering:
        """Of one of several runs at once: each has a file of its own."""
        if self.file is None:
            return self
        return replace(self, file=self.file.with_name(f"{self.file.stem}.{hop}{self.file.suffix}"))


def metering_of(invocation: Invocation, said: Said, clock: Clock) -> Metering:
    """Flag before job before the file's own. Raises `UsageError` for what could never work."""
    job, config = invocation.config.jobs.get(said.get("name") or ""), invocation.config
    words = {**config.metrics, **_known(job.metrics if job else None)}
    file = _file(said, words)
    if file is not None and not file.absolute().parent.is_dir():
        raise UsageError(f"{file}: its folder is not there; make it, or choose another one")
    if file is not None and is_no_file(file):
        raise UsageError(f"{file}: is no file, and its name is not taken from it; name a file")
    interval = parse_seconds(words["interval"]) if "interval" in words else None
    flags = {word: said.get(f"cloudwatch_{word}") for word in ("dimension", "profile", "endpoint")}
    namespace = said.get("cloudwatch") or words.get("namespace")
    if not namespace:
        if any(flags.values()):
            raise UsageError("--cloudwatch NAMESPACE is missing; say it, too")
        return Metering(file, interval=interval)
    words |= {"namespace": namespace, **_known(flags)}
    return _to_cloudwatch(invocation, words, clock, Metering(file, interval=interval))


def _to_cloudwatch(
    invocation: Invocation, words: Mapping[str, str], clock: Clock, metering: Metering
) -> Metering:
    endpoint = words.get("endpoint", "")
    if endpoint:
        check_endpoint(endpoint)
    # Imported here: a run that tells no one needs none of it.
    from bucketline.stores.s3.credentials import source_of

    side = Side(profile=words.get("profile", ""))
    remote = invocation.location("s3://metrics/", side).remote
    assert remote is not None
    dimension = words.get("dimension", DIMENSION)
    cloudwatch = CloudWatch(remote.region, clock, words["namespace"], dimension, endpoint)
    cloudwatch.check()
    return replace(metering, cloudwatch=cloudwatch, keys=source_of(remote))


def _known(words: Mapping[str, str | None] | None) -> dict[str, str]:
    return {word: said for word, said in (words or {}).items() if said}


def _file(said: Said, words: Mapping[str, str]) -> Path | None:
    """In a folder, each job of each command has a file of its own."""
    if said.get("metrics_file"):
        return Path(said["metrics_file"])
    if "textfile" not in words:
        return None
    path = Path(words["textfile"])
    if not (words["textfile"].endswith("/") or path.is_dir()):
        return path
    command = "-".join(click.get_current_context().command_path.split()[1:])
    places = "\0".join(str(said.get(word)) for word in _PLACES)
    name = said.get("name") or sha256(places.encode()).hexdigest()[:8]
    return path / f"{command}-{name}.prom"


class Measured(Protocol):
    """An engine; one that has `gauges` (a name -> a number) has these told as well."""

    @property
    def counts(self) -> Counts: ...


@dataclass
class Measure:
    """What is measured of one command's runs."""

    metering: Metering
    sides: Mapping[str, Location]  # source, target
    stores: Sequence[Store]
    labels: Mapping[str, str]
    due: dict[str, float] = field(default_factory=dict)  # When each listener is told next.

    def begin(
        self, command: str, engine: Measured, clock: Clock, say: Callable[[str], None]
    ) -> Measuring:
        """A run begins."""
        return Measuring(self, command, engine, clock, say)


class Measuring:
    """One run. Tells the loop's watcher, too, as the loop knows only one."""

    def __init__(
        self,
        measure: Measure,
        command: str,
        engine: Measured,
        clock: Clock,
        say: Callable[[str], None],
    ) -> None:
        self._measure = measure
        self._command = command
        self._engine = engine
        self._clock = clock
        self._began = clock.monotonic()
        self._slow_downs = self._busy()
        self._watcher: Watcher | None = None
        self._tellers = {
            name: Teller(tell, every, clock, say, due=measure.due.get(name, 0.0))
            for name, (tell, every) in self._listeners().items()
        }

    def beside(self, watcher: Watcher) -> Watcher:
        """What the loop is to tell."""
        self._watcher = watcher
        return self

    def seen(self, tally: Tally, running: dict[Action, float]) -> None:
        if self._watcher is not None:
            self._watcher.seen(tally, running)
        if self._tellers:
            sample = self._sample(RUNNING, tally)
            for teller in self._tellers.values():
                teller.see(sample)

    def end(self, state: str, tally: Tally) -> None:
        """How it ended. A pass of many that found nothing to do is told when it is time."""
        is_idle = state == "complete" and not tally.done
        for name, teller in self._tellers.items():
            self._measure.due[name] = teller.end(self._sample(state, tally), is_idle=is_idle)

    def _listeners(self) -> dict[str, tuple[Tell, float]]:
        wanted, clock = self._measure.metering, self._clock
        found: dict[str, tuple[Tell, float]] = {}
        if (file := wanted.file) is not None:
            every = wanted.interval or _FILE_SECONDS
            found["file"] = (lambda sample, _: write(file, sample, clock.now()), every)
        if (cloudwatch := wanted.cloudwatch) is not None and (keys := wanted.keys) is not None:

            def put(sample: Sample, before: Sample | None) -> None:
                blocking(cloudwatch.put(old_names(sample, before), keys()))

            found["cloudwatch"] = (put, wanted.interval or _CLOUDWATCH_SECONDS)
        return found

    def _sample(self, state: str, tally: Tally) -> Sample:
        counts = self._engine.counts
        buckets = {
            place.bucket: getattr(counts, side)
            for side, place in self._measure.sides.items()
            if place.bucket
        }
        return Sample(
            self._command,
            state,
            replace(tally),
            buckets,
            max(counts.source, tally.listed),
            self._busy() - self._slow_downs,
            self._clock.monotonic() - self._began,
            dict(getattr(self._engine, "gauges", {})),
            labels=self._measure.labels,
        )

    def _busy(self) -> int:
        return sum(getattr(store, "retried", {}).get("Busy", 0) for store in self._measure.stores)
