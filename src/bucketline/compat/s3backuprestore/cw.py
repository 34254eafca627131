"""Numbers to CloudWatch, under the names that a program gives them."""

from __future__ import annotations

import warnings
from collections.abc import Sequence

from bucketline.clock import SystemClock
from bucketline.compat.s3backuprestore.config import Config
from bucketline.errors import BucketlineError
from bucketline.flow.drive import blocking
from bucketline.flow.metrics.cloudwatch import CloudWatch
from bucketline.flow.metrics.sample import Datum, Sample
from bucketline.flow.metrics.teller import Teller
from bucketline.model import Tally
from bucketline.settings import environment
from bucketline.stores.s3.credentials import source_of

_AGAIN_SECONDS = 10.0  # The same number is told no sooner than that, unless it has come to 0.
_WOES_SECONDS = 30.0
_NAP_SECONDS = 0.2  # Programs call this in a loop, and nothing else: they need not spin.
_told: dict[tuple[str, str, str], tuple[float, float]] = {}  # When, and which.
_clock = SystemClock()


def put_metric(
    cw_metric_name: str,
    statistic_value: float,
    config: Config | None = None,
    cw_dimension_name: str | None = None,
    cw_namespace: str | None = None,
) -> None:
    """Tell one number. What goes wrong is a warning: no program ends over it."""
    config = config or Config("")
    namespace = cw_namespace or config.cw_namespace
    dimension = cw_dimension_name or config.cw_dimension_name
    name, now = (namespace, dimension, cw_metric_name), _clock.monotonic()
    when, last = _told.get(name, (float("-inf"), 0.0))
    if (statistic_value or not last) and now - when < _AGAIN_SECONDS:
        _clock.sleep(_NAP_SECONDS)
        return
    _told[name] = (now, statistic_value)
    try:
        _put(config, namespace, dimension, [Datum(cw_metric_name, statistic_value)])
    except BucketlineError as error:
        warnings.warn(f"{cw_metric_name} was not told: {error}", RuntimeWarning, stacklevel=2)


class Woes:
    """What went wrong, told now and then while it goes on; nothing is told of what went well."""

    def __init__(self, config: Config, errors_name: str) -> None:
        self._config = config
        self._errors_name = errors_name
        self._teller = Teller(self._tell, _WOES_SECONDS, _clock, _warn)
        self.failed = 0

    def see(self, slow_downs: int = 0) -> None:
        """How many there are by now."""
        if self.failed or slow_downs:
            self._teller.see(self._sample(slow_downs))

    def end(self, slow_downs: int = 0) -> None:
        """The last ones."""
        self._teller.end(self._sample(slow_downs))

    def _sample(self, slow_downs: int) -> Sample:
        return Sample("", tally=Tally(failed=self.failed), slow_downs=slow_downs)

    def _tell(self, sample: Sample, before: Sample | None) -> None:
        since, config = before or Sample(""), self._config
        data = [
            Datum(self._errors_name, sample.tally.failed - since.tally.failed),
            Datum("SlowDown", sample.slow_downs - since.slow_downs),
        ]
        if told := [one for one in data if one.value]:
            _put(config, config.cw_namespace, config.cw_dimension_name, told)


def _warn(text: str) -> None:
    warnings.warn(text, RuntimeWarning, stacklevel=2)


def _put(config: Config, namespace: str, dimension: str, data: Sequence[Datum]) -> None:
    endpoint = environment().first("AWS_ENDPOINT_URL_CLOUDWATCH", "AWS_ENDPOINT_URL")
    cloudwatch = CloudWatch(config.region, _clock, namespace, dimension, endpoint)
    cloudwatch.check()
    blocking(cloudwatch.put(data, source_of(config.remote())()))
