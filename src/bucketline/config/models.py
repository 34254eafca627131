"""The shape of the configuration file, as pydantic sees it."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from bucketline import attribute_words as words
from bucketline.errors import UsageError
from bucketline.settings import check_endpoint
from bucketline.sizes import parse_seconds, parse_size
from bucketline.timetable import parse_timetable


class Strict(BaseModel):
    """No unknown words, no guessed types, and no input repeated in a message."""

    model_config = ConfigDict(extra="forbid", strict=True, hide_input_in_errors=True, frozen=True)


class Reference(Strict):
    """Where a secret is."""

    env: str = Field(default="", pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")
    file: str = ""

    @model_validator(mode="before")
    @classmethod
    def _is_a_reference(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            raise ValueError(  # noqa: TRY004 - pydantic takes no TypeError for a finding
                "a secret does not belong in this file; write {env: NAME} or {file: PATH}"
            )
        if len(value) != 1:
            raise ValueError("say where the secret is; write {env: NAME} or {file: PATH}")
        return value


def _list(value: Any) -> Any:
    return [value] if isinstance(value, str | dict) else value


def _endpoint(value: Any) -> Any:
    if isinstance(value, str):
        try:
            check_endpoint(value)
        except UsageError as error:
            raise ValueError(str(error)) from None
    return value


def _size(value: Any) -> Any:
    try:
        parse_size(str(value))
    except UsageError as error:
        raise ValueError(str(error)) from None
    return str(value)


def _period(value: Any) -> Any:
    try:
        parse_seconds(str(value))
    except UsageError as error:
        raise ValueError(str(error)) from None
    return str(value)


def _bytes(value: Any) -> Any:
    try:
        return parse_size(str(value)) if value != 0 else 0
    except UsageError as error:
        raise ValueError(str(error)) from None


def _rates(value: Any) -> Any:
    try:
        parse_timetable(str(value))
    except UsageError as error:
        raise ValueError(str(error)) from None
    return str(value)


def _workers(value: Any) -> Any:
    is_number = isinstance(value, int) and not isinstance(value, bool)
    if value != "auto" and not (is_number and 1 <= value <= 1024):
        raise ValueError("must be auto or a whole number from 1 to 1024, without quotes")
    return str(value)


def _limit(value: Any) -> Any:
    if re.fullmatch(r"\d{1,15}|\d{1,3}(\.\d{1,9})?%", str(value)) is None:
        raise ValueError("is no limit; write a number of objects, or a share as in 5%")
    return str(value)


def _word(look: Callable[[str], Any]) -> BeforeValidator:
    """A validator that is a function which raises `UsageError`."""

    def looked(value: Any) -> Any:
        try:
            return look(value) if isinstance(value, str) else value
        except UsageError as error:
            raise ValueError(str(error)) from None

    return BeforeValidator(looked)


def _hook(value: Any) -> Any:
    if isinstance(value, str) and not re.match(r"https?://[^\s/]", value):
        raise ValueError("must be a URL, or a command as a list: [mail, -s, done, me@here]")
    if isinstance(value, list) and not value:
        raise ValueError("must be a URL, or a command as a list of its words")
    return value


Hook = Annotated[str | list[str], BeforeValidator(_hook)]
Endpoint = Annotated[str, BeforeValidator(_endpoint)]
Size = Annotated[str, BeforeValidator(_size)]
Period = Annotated[str, BeforeValidator(_period)]
Limit = Annotated[str, BeforeValidator(_limit)]
Seconds = Annotated[int, Field(ge=1, le=3600)]
Bytes = Annotated[int, BeforeValidator(_bytes)]
Rates = Annotated[str, BeforeValidator(_rates)]
Workers = Annotated[str, BeforeValidator(_workers)]


class EndpointModel(Strict):
    """One of its endpoints: a URL alone, or with the address that is sent from."""

    url: Endpoint
    source_address: str = ""

    @model_validator(mode="before")
    @classmethod
    def _may_be_a_url(cls, value: Any) -> Any:
        return {"url": value} if isinstance(value, str) else value


class RemoteModel(Strict):
    """One S3 service."""

    endpoints: Annotated[list[EndpointModel], BeforeValidator(_list)] = []
    region: str = ""
    profile: str = ""
    access_key: str | Reference = ""
    secret_key: Reference | None = None
    session_token: Reference | None = None
    sse_c_key: Reference | None = None
    anonymous: bool = False
    path_style: bool | None = None
    dual_stack: bool = False
    fips: bool = False
    use_arn_region: bool | None = None
    ca_bundle: str = ""
    verify_tls: bool = True
    proxy: str = ""
    no_proxy: str = ""
    source_address: str = ""
    connections: Annotated[int, Field(ge=1, le=10_000)] = 500
    connect_timeout_seconds: Seconds = 10
    idle_timeout_seconds: Seconds = 60
    part_size_min: Bytes = 0
    part_size_max: Bytes = 0
    parts_max: Annotated[int, Field(ge=0, le=10_000)] = 0
    object_size_max: Bytes = 0
    begin_keeps_object: bool | None = None

    @model_validator(mode="after")
    def _has_one_identity(self) -> RemoteModel:
        if bool(self.access_key) != bool(self.secret_key):
            raise ValueError("access_key and secret_key go together; give both or neither")
        ways = [bool(self.profile), bool(self.access_key), self.anonymous]
        if sum(ways) > 1:
            raise ValueError("choose one of profile, access_key with secret_key, and anonymous")
        return self


class Filter(Strict):
    """One pattern; the order of the list counts."""

    include: str | None = None
    exclude: str | None = None

    @model_validator(mode="after")
    def _says_one_thing(self) -> Filter:
        if bool(self.include) == bool(self.exclude):
            raise ValueError("write either include: PATTERN or exclude: PATTERN")
        return self


class AttributesModel(Strict):
    """What becomes of attributes; the words of the command line."""

    storage_class: Annotated[str, _word(words.storage_class)] | None = None
    sse: Annotated[str, _word(words.encryption)] | None = None
    sse_kms_key_id: str | None = None
    sse_bucket_key: bool | None = None
    acl: Annotated[str, _word(words.acl)] | None = None
    object_lock: Annotated[str, _word(words.object_lock)] | None = None
    legal_hold: Annotated[str, _word(words.legal_hold)] | None = None
    content_type: str | None = None
    headers: dict[Annotated[str, _word(words.header_name)], Annotated[str, _word(words.line)]] = {}
    metadata: dict[
        Annotated[str, _word(words.metadata_name)], Annotated[str, _word(words.line)]
    ] = {}
    tags: bool | None = None
    strict: bool | None = None


class RelayModel(Strict):
    """What a relay has besides: where it stages objects, and how much at once."""

    volumes: Annotated[list[str], Field(min_length=1)]
    first: list[str] = []
    watermark: Annotated[str, Field(pattern=r"^\d{1,3}:\d{1,3}$")] | None = None
    keep_free: Size | None = None
    max_fetch: Size | None = None
    max_send: Size | None = None
    every: Period | None = None


class HooksModel(Strict):
    """Whom a job tells how its runs end: a URL, or a command as a list of its words."""

    failed: Hook | None = None
    waiting: Hook | None = None
    complete: Hook | None = None


class MetricsModel(Strict):
    """Where the numbers of runs go; the words of the command line."""

    textfile: str | None = None
    namespace: Annotated[str, Field(pattern=r"^[A-Za-z0-9._/#:-]{1,255}$")] | None = None
    dimension: Annotated[str, Field(min_length=1, max_length=255)] | None = None
    profile: str | None = None
    endpoint: Endpoint | None = None
    interval: Period | None = None


class JobModel(Strict):
    """A sync, or a relay, with a name."""

    source: str = Field(min_length=1)
    target: str = Field(min_length=1)
    delete: bool | None = None
    max_delete: Limit | None = None
    compare: Literal["auto", "etag", "checksum", "bytes", "mtime", "size"] | None = None
    filters: list[Filter] = []
    workers: Workers | None = None
    bwlimit: Rates | None = None
    accept_proof: Literal["size", "etag"] | None = None
    attributes: AttributesModel = AttributesModel()
    logs: str | None = None
    relay: RelayModel | None = None
    hooks: HooksModel | None = None
    metrics: MetricsModel | None = None


class LimitsModel(Strict):
    """Limits of every run that says nothing else."""

    workers: Workers | None = None
    bwlimit: Rates | None = None
    max_delete: Limit | None = None


class RingModel(Strict):
    """A storage ring, and the services that know of it."""

    path: str = Field(min_length=1)
    supervisor: Endpoint
    bucketd: Endpoint
    rebuild: Endpoint
    login: str = ""
    password: Reference | None = None
    arc_alias: str = ""
    arcdata_alias: str = ""
    chord_alias: str = ""
    put_path: Annotated[str, Field(pattern=r"^(/[A-Za-z0-9._~-]+)+$")] | Literal[""] = ""
    quarantine: str = ""
    ca_bundle: str = ""
    verify_tls: bool = True
    grace_days: Annotated[int, Field(ge=1, le=3650)] = 14
    fingerprints: list[Annotated[str, Field(pattern=r"^[0-9A-F]{16}$")]] = []


class FileModel(Strict):
    """The whole file."""

    remotes: dict[Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$")], RemoteModel] = {}
    jobs: dict[Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$")], JobModel] = {}
    limits: LimitsModel = LimitsModel()
    rings: dict[Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$")], RingModel] = {}
    logs: str = ""
    metrics: MetricsModel = MetricsModel()
