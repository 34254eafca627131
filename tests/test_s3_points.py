"""Access points: addresses and signatures are those of botocore, for whatever can be said."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache
from typing import Any
from urllib.parse import urlsplit

import botocore.auth
import pytest
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.endpoint_provider import EndpointProvider
from botocore.exceptions import EndpointProviderError
from botocore.handlers import handle_copy_source_param
from botocore.loaders import create_loader
from hypothesis import given, settings
from hypothesis import strategies as st

from bucketline.arns import Kind, partition_of, split
from bucketline.clock import FakeClock
from bucketline.errors import UsageError
from bucketline.model import Entry
from bucketline.settings import Keys, Remote, Secret
from bucketline.stores.s3.client import Call, Client
from bucketline.stores.s3.endpoint import Place, is_aws, place_of
from bucketline.stores.s3.objects import Source
from bucketline.stores.s3.sign import encoded_query

ACCOUNT = "123456789012"
POINT = f"arn:aws:s3:eu-west-1:{ACCOUNT}:accesspoint/my-point"
OUTPOSTS = f"arn:aws:s3-outposts:us-west-2:{ACCOUNT}:outpost/op-01ac5d28a6a232904/accesspoint/ap-1"
EVERYWHERE = f"arn:aws:s3::{ACCOUNT}:accesspoint/mfzwi23gnjvgw.mrap"
ON_OUTPOSTS = "test-accessp-o0b1d075431d83bebde8xz5w8ijx1qzlbp3i3kuse10--op-s3"
MAY_24 = datetime(2013, 5, 24, 1, 2, 3, tzinfo=UTC).timestamp()
KEYS = Keys("demo-access", Secret("demo-secret-not-real"), Secret("demo-token/+=="))


@cache
def rules() -> EndpointProvider:
    """What Amazon publishes about where things are, as botocore reads it."""
    loader = create_loader()
    published = loader.load_service_model("s3", "endpoint-rule-set-1")
    return EndpointProvider(published, loader.load_data("partitions"))


def theirs(bucket: str, remote: Remote) -> tuple[str, str, str]:
    """URL, signing region and service by the published rules."""
    said: dict[str, Any] = {
        "Bucket": bucket,
        "Region": remote.region or "us-east-1",
        "UseFIPS": remote.fips,
        "UseDualStack": remote.dual_stack,
        "ForcePathStyle": bool(remote.path_style),
    }
    if remote.endpoints:
        said["Endpoint"] = remote.endpoints[0]
    found = rules().resolve_endpoint(**said)
    schemes = {scheme["name"]: scheme for scheme in found.properties["authSchemes"]}
    scheme = schemes.get("sigv4") or schemes["sigv4a"]  # Either will do where both are named.
    region = scheme.get("signingRegion") or scheme["signingRegionSet"][0]
    return found.url, region, scheme["signingName"]


def ours(bucket: str, remote: Remote) -> tuple[str, str, str]:
    place = place_of(remote, bucket)
    return place.root + place.path, place.region, place.service


labels = st.from_regex(r"[a-z0-9][a-z0-9-]{1,20}[a-z0-9]", fullmatch=True)
regions = st.sampled_from(
    [
        *("us-east-1", "eu-west-1", "ap-southeast-4", "il-central-1", "mx-central-1"),
        *("cn-north-1", "cn-northwest-1", "us-gov-west-1", "us-gov-east-1", "us-iso-east-1"),
        *("us-isob-east-1", "eu-isoe-west-1", "us-isof-south-1", "eusc-de-east-1"),
    ]
)
accounts = st.from_regex(r"[0-9]{12}", fullmatch=True)
endpoints = st.sampled_from(
    [
        "",
        "https://s3.example",
        "https://s3.example:8443/front",
        "https://accesspoint.vpce-0a1b.s3.us-east-1.vpce.amazonaws.com",
    ]
)


@st.composite
def arns(draw: st.DrawFn) -> tuple[str, str]:
    region, account, name = draw(regions), draw(accounts), draw(labels)
    start, mark = f"arn:{partition_of(region)}", draw(st.sampled_from(":/"))
    match draw(st.sampled_from(Kind)):
        case Kind.OUTPOSTS:
            within = f"outpost{mark}op-{draw(labels)}{mark}accesspoint{mark}{name}"
            return f"{start}:s3-outposts:{region}:{account}:{within}", region
        case Kind.MULTI_REGION:
            alias = name.replace("-", "x")
            return f"{start}:s3::{account}:accesspoint{mark}{alias}.mrap", region
        case kind:
            return f"{start}:{kind.service}:{region}:{account}:accesspoint{mark}{name}", region


@settings(max_examples=150)
@given(
    named=arns(),
    endpoint=endpoints,
    fips=st.booleans(),
    dual_stack=st.booleans(),
    path_style=st.sampled_from([None, None, True]),
)
def test_an_access_point_is_where_the_published_rules_say(
    *,
    named: tuple[str, str],
    endpoint: str,
    fips: bool,
    dual_stack: bool,
    path_style: bool | None,
) -> None:
    arn, region = named
    is_everywhere = split(arn)[0].kind is Kind.MULTI_REGION
    remote = Remote(region=region, path_style=path_style)
    if endpoint and not is_everywhere:  # Which has no other; the rules ignore one, we refuse it.
        remote = Remote(region=region, endpoints=(endpoint,), path_style=path_style)
    else:
        remote = Remote(region=region, fips=fips, dual_stack=dual_stack, path_style=path_style)
    try:
        expected = theirs(arn, remote)
    except EndpointProviderError:
        with pytest.raises(UsageError):
            ours(arn, remote)
        return
    if "s3-outposts" in arn:
        expected = (expected[0] + "/front" * endpoint.endswith("/front"), *expected[1:])
    assert ours(arn, remote) == expected


@settings(max_examples=80)
@given(
    bucket=st.one_of(labels, st.just(ON_OUTPOSTS), st.just(ON_OUTPOSTS.replace("p-o0", "p-e0"))),
    region=regions,
    fips=st.booleans(),
    dual_stack=st.booleans(),
)
def test_aliases_and_plain_buckets_are_where_the_published_rules_say(
    *, bucket: str, region: str, fips: bool, dual_stack: bool
) -> None:
    is_alias = bucket.endswith("--op-s3")
    fips = fips and not is_alias  # The rules ignore either there; we refuse it.
    remote = Remote(region=region, fips=fips, dual_stack=dual_stack and not is_alias)
    try:
        expected = theirs(bucket, remote)
    except EndpointProviderError:
        with pytest.raises(UsageError):
            ours(bucket, remote)
        return
    assert ours(bucket, remote) == expected


@settings(max_examples=100)
@given(
    named=arns().filter(lambda named: ".mrap" not in named[0]),
    key=st.one_of(
        st.none(), st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=30)
    ),
    endpoint=endpoints,
    query=st.dictionaries(labels, labels, max_size=2),
    token=st.booleans(),
)
def test_a_request_is_sent_and_signed_as_botocore_would(
    *,
    named: tuple[str, str],
    key: str | None,
    endpoint: str,
    query: dict[str, str],
    token: bool,
) -> None:
    arn, region = named
    keys = KEYS if token else Keys(KEYS.access_key, KEYS.secret_key)
    ends = (endpoint,) if endpoint else ()
    client = Client(Remote(region=region, endpoints=ends, keys=keys), arn, clock=FakeClock(MAY_24))
    call = Call("PUT", key, "PUT", encoded_query(query), {"content-md5": "abc=="}, b"body")
    request = client.request(call, MAY_24, client.pool.first)

    url, signing_region, service = theirs(arn, client.remote)
    assert request.url.startswith(client.place.root + "/")
    assert urlsplit(request.url).netloc == urlsplit(url).netloc == client.place.host
    headers = dict(line.split(": ", 1) for line in request.headers)
    said = headers.pop("Authorization")
    assert f"/20130524/{signing_region}/{service}/aws4_request, " in said
    assert said == _signed_by_botocore(request.url, headers, signing_region, service, keys)


def _signed_by_botocore(
    url: str, headers: dict[str, str], region: str, service: str, keys: Keys
) -> str:
    """The Authorization header for the same method, URL and headers."""
    taken = {
        name: value
        for name, value in headers.items()
        if name not in ("host", "x-amz-date", "x-amz-security-token", "x-amz-content-sha256")
    }
    request = AWSRequest("PUT", url, taken, b"body")
    request.context["payload_signing_enabled"] = False
    known = Credentials(keys.access_key, keys.secret_key.reveal, keys.session_token.reveal or None)
    signer = botocore.auth.S3SigV4Auth(known, service, region)
    signer.payload = lambda _: headers["x-amz-content-sha256"]
    with pytest.MonkeyPatch.context() as monkeypatch:
        naive = datetime(2013, 5, 24, 1, 2, 3)  # noqa: DTZ001 - as botocore has it.
        monkeypatch.setattr(botocore.auth, "get_current_datetime", lambda: naive)
        signer.add_auth(request)
    return str(request.headers["Authorization"])


@pytest.mark.parametrize("bucket", [POINT, OUTPOSTS, "bucket"])
@pytest.mark.parametrize("key", ["a", "dir/ü +%.txt", "a:b//c"])
@pytest.mark.parametrize("version", ["", "v1"])
def test_a_copys_source_is_named_as_botocore_names_it(bucket: str, key: str, version: str) -> None:
    told = {"Bucket": bucket, "Key": key} | ({"VersionId": version} if version else {})
    params: dict[str, Any] = {"CopySource": told}
    handle_copy_source_param(params)

    named = Source(bucket, Entry(key, 1, version=version)).headers()["x-amz-copy-source"]

    assert named.removeprefix("/") == params["CopySource"]


@pytest.mark.parametrize(
    ("bucket", "remote", "expected"),
    [
        (POINT, Remote(endpoints=("http://s3.example:81/front",), region="us-east-1"),
            Place("http://my-point-123456789012.s3.example:81",
            "my-point-123456789012.s3.example:81", "/front", "eu-west-1")),
        (OUTPOSTS, Remote(endpoints=("http://s3.example",)),
            Place("http://ap-1-123456789012.op-01ac5d28a6a232904.s3.example",
            "ap-1-123456789012.op-01ac5d28a6a232904.s3.example", "", "us-west-2", "s3-outposts")),
        (ON_OUTPOSTS, Remote(endpoints=("https://s3.example",), path_style=False),
            Place(f"https://{ON_OUTPOSTS}.op-0b1d075431d83bebd.s3.example",
            f"{ON_OUTPOSTS}.op-0b1d075431d83bebd.s3.example", "", "us-east-1", "s3-outposts")),
        ("a--x-s3", Remote(endpoints=("http://own",)),
            Place("http://own", "own", "/a--x-s3", "us-east-1")),
    ],
)  # fmt: skip
def test_an_endpoint_of_ones_own_is_used_as_it_is(
    bucket: str, remote: Remote, expected: Place
) -> None:
    assert place_of(remote, bucket) == expected


@pytest.mark.parametrize(
    ("bucket", "remote", "says"),
    [
        (POINT, Remote(endpoints=("http://10.0.0.1:9000",)), "name the endpoint by a host name"),
        (POINT, Remote(endpoints=("http://[::1]:9000",)), "name the endpoint by a host name"),
        (POINT, Remote(path_style=True), "no address in path style"),
        (EVERYWHERE, Remote(endpoints=("https://s3.example",)), "leave out the endpoint"),
        (EVERYWHERE, Remote(fips=True), "s3-global has no FIPS endpoints"),
        (OUTPOSTS, Remote(dual_stack=True), "s3-outposts has no dual-stack endpoints"),
        ("b--use1-az4--x-s3", Remote(), "directory buckets (S3 Express One Zone) are not"),
        ("b", Remote(region="cn-north-1", fips=True), "no FIPS endpoints in cn-north-1"),
    ],
)
def test_what_has_no_address_is_told_before_anything_is_sent(
    bucket: str, remote: Remote, says: str
) -> None:
    with pytest.raises(UsageError) as caught:
        place_of(remote, bucket)

    assert says in str(caught.value)


@pytest.mark.parametrize(
    ("endpoint", "expected"),
    [
        ("https://s3.dualstack.eu-west-1.amazonaws.com", True),
        ("https://s3-fips.us-gov-west-1.amazonaws.com", True),
        ("https://s3-fips.dualstack.us-east-1.amazonaws.com", True),
        ("https://s3.eu-west-1.amazonaws.com.evil.example", False),
        ("https://s3x.eu-west-1.amazonaws.com", False),
    ],
)
def test_amazons_own_endpoints_are_known_in_every_variant(endpoint: str, *, expected: bool) -> None:
    assert is_aws(Remote(endpoints=(endpoint,))) is expected
