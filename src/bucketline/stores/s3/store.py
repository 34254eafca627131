"""The store of one bucket: the contract's verbs and S3's own, each a flow of the module beside."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from bucketline.clock import Clock
from bucketline.model import NOTHING, PLAIN, Attributes, Checksum, Entry, Found
from bucketline.settings import KeySource, Remote
from bucketline.stores.base import Abilities, Flow, OpenUpload, Page, Part, Piece, Receipt, Sums
from bucketline.stores.beyond import Access, Thawing, VersionPage
from bucketline.stores.s3 import (
    access,
    admin,
    batch,
    listing,
    objects,
    parts,
    retouch,
    tagging,
)
from bucketline.stores.s3.client import Client
from bucketline.stores.s3.manners import MUST_SORT, Manners, told_by
from bucketline.stores.s3.pool import Pool


class S3Store:
    """A bucket of an S3 service. Safe in several threads: what it learns is replaced whole."""

    def __init__(
        self, remote: Remote, bucket: str, *, clock: Clock, keys: KeySource | None = None
    ) -> None:
        self._client = Client(remote, bucket, clock=clock, keys=keys)

    @property
    def name(self) -> str:
        return self._client.name

    @property
    def able(self) -> Abilities:
        return self._client.able

    @property
    def bucket(self) -> str:
        return self._client.bucket

    @property
    def remote(self) -> Remote:
        return self._client.remote

    @property
    def pool(self) -> Pool:
        """Its endpoints: how they are, what they did, whether to wait for them."""
        return self._client.pool

    @property
    def cut_short(self) -> Collection[str]:
        return self._client.cut_short

    def recall(self, manners: Manners) -> None:
        """Take up what earlier runs have learnt, once it is sure to be of the same service."""
        self._client.manners = manners

    def must_sort(self, manners: Manners) -> bool:
        """Whether this bucket's listing was found to come without order."""
        hints = manners.hints(self._client.place.root)
        return hints.get(f"{MUST_SORT} {self.bucket}") is True

    def teach(self, manners: Manners, *, must_sort: bool = False) -> None:
        """Tell the next runs what this one has learnt."""
        client = self._client
        if client.is_aws:
            return
        facts = told_by(client)
        if must_sort:
            facts[f"{MUST_SORT} {self.bucket}"] = True
        for address in client.pool.addresses:
            if address.is_met:
                manners.keep(address.place.root, address.server, facts)

    def learn(self, able: Abilities) -> None:
        """What was found out about this service; that it knows ?tagging shows elsewhere."""
        self._client.able = able
        self._client.knows_tags &= able.tags

    def page(self, prefix: str = "", *, token: str = "", after: str = "") -> Flow[Page]:
        return listing.page(self._client, prefix, token, after)

    def versions(self, prefix: str = "", *, token: str = "") -> Flow[VersionPage]:
        return listing.versions(self._client, prefix, token)

    def stat(self, key: str, *, version: str = "") -> Flow[Found]:
        return objects.stat(self._client, key, version=version)

    def read(
        self,
        key: str,
        *,
        start: int = 0,
        size: int | None = None,
        version: str = "",
        etag: str = "",
    ) -> Flow[Piece]:
        return objects.read(self._client, key, start=start, size=size, version=version, etag=etag)

    def write(
        self,
        key: str,
        body: bytes,
        *,
        attributes: Attributes = PLAIN,
        md5: bytes = b"",
        checksum: Checksum | None = None,
        if_absent: bool = False,
    ) -> Flow[Receipt]:
        return objects.write(
            self._client,
            key,
            body,
            attributes=attributes,
            md5=md5,
            checksum=checksum,
            if_absent=if_absent,
        )

    def copy(
        self, key: str, bucket: str, source: Entry, *, attributes: Attributes | None = None
    ) -> Flow[Receipt]:
        """Have the service copy `source` of `bucket`; `attributes` replace the source's."""
        whole = objects.Source(bucket, source)
        return objects.copy(self._client, key, whole, attributes=attributes)

    def delete(self, key: str, *, version: str = "") -> Flow[None]:
        return objects.delete(self._client, key, version=version)

    def delete_many(self, keys: Sequence[str]) -> Flow[dict[str, Exception]]:
        return batch.delete_many(self._client, keys)

    def tags(self, key: str, *, version: str = "") -> Flow[dict[str, str]]:
        return tagging.tags(self._client, key, version=version)

    def set_tags(self, key: str, tags: Mapping[str, str], *, version: str = "") -> Flow[None]:
        return tagging.set_tags(self._client, key, tags, version=version)

    def clear_tags(self, key: str, *, version: str = "") -> Flow[None]:
        return tagging.clear_tags(self._client, key, version=version)

    def access(self, key: str, *, version: str = "") -> Flow[Access]:
        return access.access(self._client, key, version=version)

    def set_acl(self, key: str, canned: str, *, version: str = "") -> Flow[None]:
        return access.set_acl(self._client, key, canned, version=version)

    def lock_object(
        self, key: str, protection: Mapping[str, str], *, version: str = ""
    ) -> Flow[None]:
        return access.lock_object(self._client, key, protection, version=version)

    def retouch(
        self, key: str, attributes: Attributes, there: Found, *, part_size: int
    ) -> Flow[Receipt]:
        """Other attributes for an object whose bytes stay."""
        return retouch.retouch(self._client, key, attributes, there, part_size=part_size)

    def begin(
        self, key: str, size: int, *, attributes: Attributes = PLAIN, algorithm: str = ""
    ) -> Flow[str]:
        return parts.begin(self._client, key, size, attributes=attributes, algorithm=algorithm)

    def part(
        self,
        key: str,
        upload: str,
        number: int,
        body: bytes,
        *,
        offset: int,  # noqa: ARG002 - S3 goes by the number alone.
        md5: bytes = b"",
        checksum: Checksum | None = None,
    ) -> Flow[Receipt]:
        return parts.part(self._client, key, upload, number, body, md5=md5, checksum=checksum)

    def copy_part(
        self, key: str, upload: str, number: int, source: objects.Source, *, start: int, size: int
    ) -> Flow[Receipt]:
        """Part `number` from `size` bytes of an object of the same service."""
        return parts.copy_part(self._client, key, upload, number, source, start=start, size=size)

    @property
    def begun_again(self) -> set[str]:
        """Keys of which an upload may have been begun unseen: whoever ends one looks for it."""
        return self._client.begun_again

    def note(self, **known: bool) -> None:
        """Something that has shown of this service, by what became of an object."""
        self._client.learn(**known)

    def source_of(self, entry: Entry) -> objects.Source:
        """What `copy_part` of another bucket of this service takes."""
        return objects.Source(self.bucket, entry)

    def first_part(self, entry: Entry) -> Flow[int]:
        return parts.first_part(self._client, entry)

    def finish(
        self, key: str, upload: str, etags: Sequence[str], *, sums: Sums | None = None
    ) -> Flow[Receipt]:
        return parts.finish(self._client, key, upload, etags, sums=sums)

    def abandon(self, key: str, upload: str) -> Flow[None]:
        return parts.abandon(self._client, key, upload)

    def list_parts(self, key: str, upload: str) -> Flow[list[Part]]:
        return parts.list_parts(self._client, key, upload)

    def list_uploads(self, prefix: str = "", *, is_key: bool = False) -> Flow[list[OpenUpload]]:
        return parts.list_uploads(self._client, prefix, is_key=is_key)

    def tell_thaws(self) -> dict[str, tuple[bool, float]] | None:
        """From now on listings tell how thaws stand, by key: for whoever takes them out there.

        None = not here: a server that does not know the word would seem to have thawed nothing.
        """
        if self._client.is_aws:
            self._client.thaws = {}
        return self._client.thaws

    def restore_object(
        self, key: str, *, days: int, speed: str = "Standard", version: str = ""
    ) -> Flow[Thawing]:
        return admin.restore_object(self._client, key, days=days, speed=speed, version=version)

    def presigned(
        self, method: str, key: str, expires: int, *, query: Mapping[str, str] = NOTHING
    ) -> Flow[str]:
        """A URL that anyone may use for `expires` seconds: a secret."""
        return self._client.presigned(method, key, expires, query)

    def head_bucket(self) -> Flow[str]:
        return admin.head_bucket(self._client)

    def create_bucket(self, *, lock: bool = False) -> Flow[None]:
        return admin.create_bucket(self._client, lock=lock)

    def get_location(self) -> Flow[str]:
        return admin.get_location(self._client)

    def get_versioning(self) -> Flow[admin.Versioning]:
        return admin.get_versioning(self._client)

    def set_versioning(self, *, enabled: bool) -> Flow[None]:
        return admin.set_versioning(self._client, enabled=enabled)

    @staticmethod
    def lock_of(told: Mapping[str, str | int]) -> admin.Lock:
        """Told by `get_lock`, and written down."""
        return admin.Lock(str(told["mode"]), int(told["days"]), int(told["years"]))

    def get_lock(self) -> Flow[admin.Lock | None]:
        return admin.get_lock(self._client)

    def set_lock(self, lock: admin.Lock) -> Flow[None]:
        return admin.set_lock(self._client, lock)
