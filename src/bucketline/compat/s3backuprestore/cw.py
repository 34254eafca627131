"""Numbers to CloudWatch, under the names that a program gives them."""

from __future__ import annotations

import warnings

from bucketline.clock import SystemClock
from bucketline.compat.s3backuprestore.config import Config
from bucketline.errors import BucketlineError
from bucketline.flow.drive import blocking
from bucketline.flow.metrics.cloudwatch import CloudWatch
from bucketline.flow.metrics.sample import Datum
from bucketline.settings import environment
from bucketline.stores.s3.credentials import source_of

_AGAIN_SECONDS = 10.0  # The same number is told no sooner than that, unless it is 0.
_NAP_SECONDS = 0.2  # Programs call this in a loop, and nothing else: they need not spin.
_told: dict[tuple[str, str, str], float] = {}
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
    if statistic_value and now - _told.get(name, float("-inf")) < _AGAIN_SECONDS:
        _clock.sleep(_NAP_SECONDS)
        return
    _told[name] = now
    try:
        _put(config, namespace, dimension, Datum(cw_metric_name, statistic_value))
    except BucketlineError as error:
        warnings.warn(f"{cw_metric_name} was not told: {error}", RuntimeWarning, stacklevel=2)


def _put(config: Config, namespace: str, dimension: str, datum: Datum) -> None:
    endpoint = environment().first("AWS_ENDPOINT_URL_CLOUDWATCH", "AWS_ENDPOINT_URL")
    cloudwatch = CloudWatch(config.region, _clock, namespace, dimension, endpoint)
    cloudwatch.check()
    blocking(cloudwatch.put([datum], source_of(config.remote())()))
