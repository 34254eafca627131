"""Any other S3 appliance: an endpoint, its certificate, and keys that a person has put there."""

from __future__ import annotations

from dataclasses import dataclass

from bucketline.engines.edge.buckets import buckets_at
from bucketline.engines.edge.device import Front, Software, State
from bucketline.engines.edge.folder import DeviceFolder
from bucketline.errors import Unreachable, Unsupported, Untrusted
from bucketline.settings import Keys, Remote


@dataclass
class Appliance:
    """It needs no unlocking; whether it works is seen by using it."""

    folder: DeviceFolder

    def __post_init__(self) -> None:
        self.region = self.folder.region

    def state(self) -> tuple[State, str]:
        try:
            buckets_at(self._remote())
        except Unreachable as error:
            return State.AWAY, str(error)
        except Untrusted as error:
            said = str(error).partition(";")[0]
            raise Untrusted(f"{said}; put its certificate into {self.folder.trust_path}") from None
        return State.UNLOCKED, self.folder.endpoint

    def unlock(self) -> None:
        raise Unsupported(f"{self.folder.name}: has no lock that we know")

    def keys(self) -> Keys:
        return self.folder.need_keys()

    def trust(self) -> str:
        return self.folder.trust()

    def fronts(self) -> list[Front]:
        return [Front("s3", "ACTIVE", self.folder.endpoint)]

    def software(self) -> Software | None:
        return None

    def reboot(self) -> None:
        raise Unsupported(f"{self.folder.name}: is rebooted by its own tools")

    def is_default(self) -> bool:
        return True  # There is no tool of its vendor's.

    def make_default(self) -> None:
        """Nothing: see `is_default`."""

    def _remote(self) -> Remote:
        folder = self.folder
        return Remote(
            name=folder.name,
            endpoints=(folder.endpoint,),
            region=folder.region,
            keys=folder.need_keys(),
            ca_bundle=str(folder.trust_path) if folder.trust() else "",
            connect_timeout_seconds=5,
        )
