"""Listings: pages of objects (V2, and V1 where V2 is not known), pages of versions."""

from __future__ import annotations

import json
from urllib.parse import unquote
from xml.etree.ElementTree import Element

from bucketline.errors import BadListing, BadRequest, Broken, StoreError, Unsupported
from bucketline.model import NOTHING, Entry
from bucketline.stores.base import Answer, Flow, Page
from bucketline.stores.beyond import Version, VersionPage
from bucketline.stores.s3 import pages
from bucketline.stores.s3.answers import is_web_page
from bucketline.stores.s3.client import Call, Client
from bucketline.stores.s3.markup import Torn, name_of, text, tree
from bucketline.stores.s3.pages import from_iso
from bucketline.stores.s3.sign import encoded_query

_V1, _V2 = "1:", "2:"  # How a token of ours begins: it says which way the listing was going.
_END = "end:"  # … and, with its last key, that the page before it calls itself the last.
_THAWS = {"x-amz-optional-object-attributes": "RestoreStatus"}
_ROUND = 100  # A server that keeps back the rest in silence does so after a round number.


def page(client: Client, prefix: str, token: str, after: str) -> Flow[Page]:
    if token.startswith(_END):
        return (yield from _after_the_end(client, prefix, token.removeprefix(_END)))
    if not token and not after:
        client.cut_short.discard(prefix)
    if token.startswith(_V1) or (client.lists_v1 and not token):
        return (yield from _page_v1(client, prefix, token[2:] or after, after))
    pairs = {"list-type": "2", "max-keys": "1000", "encoding-type": "url", "prefix": prefix}
    if token:
        pairs["continuation-token"] = token[2:]
    elif after:
        pairs["start-after"] = after
    try:
        told = yield from _asked(client, pairs)
    except Unsupported:  # As by edge devices that know the first version alone.
        if token:
            raise
        client.lists_v1 = True
        return (yield from _page_v1(client, prefix, after, after))
    following = told.fields.get("NextContinuationToken", "")
    is_v1 = not following and "KeyCount" not in told.fields
    if is_v1 and not token and _is_cut(client, told):
        client.lists_v1 = True
        return (yield from _page_v1(client, prefix, after, after))
    found = yield from _entries(client, told, prefix)
    fresh = [entry for entry in found if entry.key > after] if after and not token else found
    if not _is_cut(client, told):
        return Page(fresh, _end(client, found, _V1 if is_v1 else _V2))
    if not following or following == token[2:]:
        raise BadListing("the listing is cut and gives no way forward", store=client.name)
    return Page(fresh, _V2 + following)


def versions(client: Client, prefix: str = "", token: str = "") -> Flow[VersionPage]:
    """Every version and delete marker under `prefix`, page by page."""
    pairs = {"versions": "", "max-keys": "1000", "encoding-type": "url", "prefix": prefix}
    if token:
        marker, version = json.loads(token)
        pairs |= {"key-marker": marker, "version-id-marker": version}
    answer = yield from client.send(Call("GET", None, "LIST", encoded_query(pairs)))
    root = _versions_root(client, answer)
    plus = yield from _plus_is_blank(client, answer.body.decode(errors="replace"))
    coded = text(root, "EncodingType") == "url"
    found = [
        _version(item, coded=coded, plus=plus)
        for item in root
        if name_of(item) in ("Version", "DeleteMarker")
    ]
    if text(root, "IsTruncated") != "true":
        return VersionPage(found, "")
    marker = _decoded(text(root, "NextKeyMarker"), coded=coded, plus=plus)
    following = json.dumps([marker, text(root, "NextVersionIdMarker")])
    if following == token or not marker:
        raise BadListing("the listing is cut and gives no way forward", store=client.name)
    return VersionPage(found, following)


def _page_v1(client: Client, prefix: str, marker: str, after: str) -> Flow[Page]:
    pairs = {"max-keys": "1000", "encoding-type": "url", "prefix": prefix}
    if marker:
        pairs["marker"] = marker
    told = yield from _asked(client, pairs)
    found = yield from _entries(client, told, prefix)
    fresh = [entry for entry in found if entry.key > after] if after else found
    if not _is_cut(client, told):
        return Page(fresh, _end(client, found, _V1))
    coded = told.fields.get("EncodingType") == "url"
    plus = client.plus_is_blank is not False
    following = _decoded(told.fields.get("NextMarker", ""), coded=coded, plus=plus)
    if not following and found:
        following = found[-1].key
    if not following or following == marker:
        raise BadListing("the listing is cut and gives no way forward", store=client.name)
    return Page(fresh, _V1 + following)


def _end(client: Client, found: list[Entry], way: str) -> str:
    """The token after a page that calls itself the last: "", unless it may be all that one gets.

    Some devices tell their first 1,000 objects and that there are no more.
    """
    if client.is_aws or not found or len(found) % _ROUND:
        return ""
    return f"{_END}{way}{max(entry.key for entry in found)}"


def _after_the_end(client: Client, prefix: str, told: str) -> Flow[Page]:
    """Whether the last page was the last: a good server has nothing behind its last key."""
    way, last = told[: len(_V1)], told[len(_V1) :]
    pairs = {"max-keys": "1000", "encoding-type": "url", "prefix": prefix}
    pairs |= {"marker": last} if way == _V1 else {"list-type": "2", "start-after": last}
    try:
        page = yield from _asked(client, pairs)
    except (BadRequest, Unsupported):
        client.cut_short.add(prefix)
        return Page([], "")
    found = yield from _entries(client, page, prefix)
    fresh = [entry for entry in found if entry.key > last]
    if len(fresh) < len(found):  # It begins where it likes: nobody can see what it keeps back.
        client.cut_short.add(prefix)
        return Page(fresh, "")
    following = page.fields.get("NextContinuationToken", "")
    if not _is_cut(client, page):
        return Page(fresh, _end(client, fresh, way))
    if way == _V2 and following:
        return Page(fresh, _V2 + following)
    if not fresh:
        raise BadListing("the listing is cut and gives no way forward", store=client.name)
    return Page(fresh, _V1 + fresh[-1].key)


def _asked(client: Client, pairs: dict[str, str]) -> Flow[pages.Text]:
    headers = NOTHING if client.thaws is None else _THAWS
    answer = yield from client.send(Call("GET", None, "LIST", encoded_query(pairs), headers))
    try:
        told = pages.parsed(answer.body)
        return told if client.thaws is None else told._replace(thaws=pages.thaws(answer.body))
    except Torn:
        raise _torn(client, answer) from None


def _torn(client: Client, answer: Answer) -> StoreError:
    place = client.remote.endpoints[0] if client.remote.endpoints else ""
    said = "the answer is no listing, or not all of one"
    if is_web_page(answer):
        said = "a web page answers, and no S3 service; check the endpoint's URL"
    return Broken(said, store=client.name, endpoint=place)


def _is_cut(client: Client, told: pages.Text) -> bool:
    """Whether there is more; a page that does not say may not be taken for the last."""
    cut = told.fields.get("IsTruncated", "").strip().lower()
    if cut not in ("true", "false"):
        raise BadListing("the listing does not say whether it has ended", store=client.name)
    return cut == "true"


def _entries(client: Client, told: pages.Text, prefix: str) -> Flow[list[Entry]]:
    coded = told.fields.get("EncodingType") == "url"
    plus = False
    if coded and client.plus_is_blank is not False:
        plus = yield from _plus_is_blank(client, "".join([row[0] for row in told.rows]))
    try:
        found = pages.entries(told.rows, coded=coded, plus=plus)
    except UnicodeDecodeError:
        raise BadListing("the listing holds a key that is not told", store=client.name) from None
    if found and not (found[0].key.startswith(prefix) and found[-1].key.startswith(prefix)):
        raise BadListing("the server lists keys outside the prefix", store=client.name)
    if client.thaws is not None:
        client.thaws |= zip([entry.key for entry in found], told.thaws, strict=True)
    return found


def _plus_is_blank(client: Client, keys: str) -> Flow[bool]:
    """Whether this server's url-encoding writes a blank as "+", as forms do, or as "%20".

    Asked only when a "+" turns up: the page's own words decide, else a prefix that is echoed.
    """
    if client.plus_is_blank is None and "+" in keys:
        if "%20" not in keys and "%2B" not in keys.upper():
            pairs = {"list-type": "2", "max-keys": "1", "encoding-type": "url", "prefix": "+ "}
            keys = (yield from _asked(client, pairs)).fields.get("Prefix", "")
        client.plus_is_blank = "%2B" in keys.upper() or "%20" not in keys
    return client.plus_is_blank is not False


def _decoded(word: str, *, coded: bool, plus: bool) -> str:
    if not coded:
        return word
    return unquote(word.replace("+", " ") if plus else word, errors="strict")


def _versions_root(client: Client, answer: Answer) -> Element:
    try:
        root = tree(answer.body)
    except Torn:
        raise _torn(client, answer) from None
    if name_of(root) not in ("ListVersionsResult", "ListBucketVersionsResult"):
        raise BadListing("the server does not list versions", store=client.name)
    return root


def _version(item: Element, *, coded: bool, plus: bool) -> Version:
    tier = text(item, "StorageClass")
    entry = Entry(
        _decoded(text(item, "Key"), coded=coded, plus=plus),
        int(text(item, "Size") or 0),
        from_iso(text(item, "LastModified")),
        text(item, "ETag").strip('"'),
        text(item, "VersionId"),
        "" if tier == "STANDARD" else tier,
    )
    return Version(entry, text(item, "IsLatest") == "true", item.tag.endswith("DeleteMarker"))
