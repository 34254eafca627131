"""`bucketline edge update`: the newest software on a device, through reboots and locks."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from shutil import copyfileobj
from typing import Any

import click

from bucketline.cli.edge.options import patience_of, reaching_device, seconds, told, waiting
from bucketline.cli.invocation import Invocation, common, pass_invocation
from bucketline.clock import SystemClock
from bucketline.durable import whole_file
from bucketline.engines.edge.calm import settle
from bucketline.engines.edge.folder import DeviceFolder, open_folder
from bucketline.engines.edge.provider import open_vendor
from bucketline.engines.edge.release import Releases, check_job, fetch, job_in
from bucketline.engines.edge.updating import Updating
from bucketline.errors import UsageError
from bucketline.settings import Remote, Secret
from bucketline.stores.base import Route
from bucketline.stores.s3.credentials import source_of


@click.command
@reaching_device
@click.option("--job-id", metavar="ID", help="Of the device; by itself, the one of its manifest.")
@click.option("--aws-profile", default="", metavar="NAME", help="Who may ask AWS for its software.")
@click.option("--aws-region", default="", metavar="REGION", help="Where the job was made.")
@click.option("--aws-endpoint-url", default="", metavar="URL", help="Instead of AWS's own.")
@click.option("--file", "file", type=click.Path(path_type=Path), help="An update already here.")
@waiting
@common
@pass_invocation
def update(invocation: Invocation, /, folder: str, **said: Any) -> int:
    """Downloads it with AWS credentials that are not the device's, sends it over, installs it, and
    reboots and unlocks twice. May be interrupted and called again at any time.
    """
    place = open_folder(folder)
    invocation.printer.hide(place.unlock_code)
    if place.device_ips:
        raise UsageError(
            f"{place.name}: the devices of a cluster are updated one by one; make a folder for"
            " each, without device_ips, and name it"
        )
    timeout = seconds("--client-timeout", said["client_timeout"])
    device = open_vendor(
        place, invocation.environment, client=said["client"], timeout_seconds=timeout
    )
    job = said["job_id"] or job_in(place.manifest.name if place.manifest else "")

    def bring(file: Path) -> None:
        if said["file"] is not None:
            _take(said["file"], file)
            return
        route = Route(ca_file=invocation.environment.side.ca_bundle)
        url = _releases(invocation, place, said, route).url(check_job(job))
        invocation.printer.hide(Secret(url))
        fetch(url, route, file, way.tag_file)

    way = Updating(device, place, bring, said["file"])
    settled = settle(way.look, way.plan, patience_of(invocation, said))
    return told(invocation, "update", place, settled)


def _take(source: Path, file: Path) -> None:
    """All of it or nothing: half of it under this name could be sent to the device."""
    if source.exists() and not source.is_file():
        raise UsageError(f"{source}: is no file; check --file")
    try:
        with source.open("rb") as given, whole_file(file) as taken:
            copyfileobj(given, taken)
    except OSError as error:
        raise UsageError(f"{source}: cannot be taken ({error.strerror}); check --file") from None


def _releases(
    invocation: Invocation, place: DeviceFolder, said: dict[str, Any], route: Route
) -> Releases:
    """Never with the device's own keys."""
    around = invocation.environment
    profile = said["aws_profile"]
    if profile == place.name or (not profile and around.side.profile == place.name):
        raise UsageError(f"the profile {place.name} is the device's own; name an --aws-profile")
    keys = None if profile else around.keys
    remote = Remote(profile=profile or around.side.profile, keys=keys)
    if keys is not None:
        remote = replace(remote, profile="")
    region = said["aws_region"] or around.side.region or "us-east-1"
    endpoint = said["aws_endpoint_url"] or around.first("AWS_ENDPOINT_URL_SNOWBALL")
    return Releases(endpoint, region, source_of(remote), SystemClock(), route)
