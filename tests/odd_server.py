"""A model of S3 servers that list as they like; answers the requests of an S3 store, no network."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar
from urllib.parse import parse_qs, quote, urlsplit
from xml.sax.saxutils import escape

from bucketline.stores.base import Answer, Flow, Request
from s3_by_hand import answer, refused
from test_listing_at_once import Shuffled

T = TypeVar("T")

Order = Callable[[str], Any]


def by_utf8(key: str) -> bytes:
    return key.encode()


def by_utf16(key: str) -> bytes:
    """As Java and JavaScript compare text."""
    return key.encode("utf-16-be")


def by_last(key: str) -> str:
    """As good as no order."""
    return key[::-1]


@dataclass
class OddServer:
    """What it holds, and how it lists that."""

    keys: list[str]
    page_size: int = 1000
    order: Order = by_utf8
    knows_v2: bool = True
    is_deaf: bool = False  # To start-after and to marker.
    refuses: bool = False  # start-after and marker.
    cap: int = 0  # Tells so many at most, and that there are no more.
    empties: int = 0  # Every so manieth page is empty, and only leads on.
    key_count: Callable[[int], object] = int  # What it says of a page's number of keys.
    encodes: Callable[[int], bool] = bool  # Whether it url-encodes its nth page.
    blank: str = "%20"
    tells_marker: bool = True
    repeats_after: int = 0  # So many pages, it begins anew.
    is_wide: Callable[[int], bool] = field(default=lambda number: False)  # The nth row is odd.
    asked: list[dict[str, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.keys = sorted(set(self.keys), key=self.order)

    def answer(self, request: Request) -> Answer:
        words = parse_qs(urlsplit(request.url).query, keep_blank_values=True)
        said = {name: values[0] for name, values in words.items()}
        self.asked.append(said)
        is_v2 = self.knows_v2 and "list-type" in said
        after = said.get("start-after" if is_v2 else "marker", "")
        if self.refuses and after:
            return refused(400, "InvalidArgument")
        start, number = self._start(said if is_v2 else {}, after)
        size = 0 if self.empties and number % self.empties == self.empties - 1 else self.page_size
        chosen = self.keys[start : start + size][: self.cap or None]
        end = start + len(chosen)
        is_cut = end < len(self.keys) and not self.cap
        if self.repeats_after and number >= self.repeats_after:
            end, number = 0, 0
        return answer(body=self._page(chosen, f"{end}.{number + 1}", said, is_v2=is_v2, cut=is_cut))

    def _start(self, said: dict[str, str], after: str) -> tuple[int, int]:
        """Where the page begins, and how many came before it on this way."""
        if token := said.get("continuation-token", ""):
            start, number = token.split(".")
            return int(start), int(number)
        if self.is_deaf or not after:
            return 0, 0
        return bisect_right(self.keys, self.order(after), key=self.order), 0

    def _page(
        self, chosen: list[str], token: str, said: dict[str, str], *, is_v2: bool, cut: bool
    ) -> str:
        is_coded = said.get("encoding-type") == "url" and self.encodes(len(self.asked))
        head = f"<IsTruncated>{str(cut).lower()}</IsTruncated>"
        if is_coded:
            head += (
                f"<EncodingType>url</EncodingType><Prefix>{self._coded(said['prefix'])}</Prefix>"
            )
        if is_v2:
            head += f"<KeyCount>{self.key_count(len(chosen))}</KeyCount>"
            head += f"<NextContinuationToken>{token}</NextContinuationToken>" if cut else ""
        elif cut and self.tells_marker and chosen:
            head += f"<NextMarker>{self._told(chosen[-1], coded=is_coded)}</NextMarker>"
        rows = "".join(
            self._row(self._told(key, coded=is_coded), odd=self.is_wide(number))
            for number, key in enumerate(chosen)
        )
        return f"<ListBucketResult>{head}{rows}</ListBucketResult>"

    def _told(self, key: str, *, coded: bool) -> str:
        return self._coded(key) if coded else escape(key)

    def _coded(self, key: str) -> str:
        return quote(key, safe="/").replace("%20", self.blank)

    def _row(self, key: str, *, odd: bool) -> str:
        stamp = "<LastModified>2024-03-02T03:04:05.500Z</LastModified>"
        etag, tier = "<ETag>&quot;e&quot;</ETag>", "<StorageClass>STANDARD</StorageClass>"
        parts = [f"<Key>{key}</Key>", stamp, etag, "<Size>1</Size>", tier]
        return f"<Contents>{''.join(reversed(parts) if odd else parts)}</Contents>"


class Asking(Shuffled):
    """Runs flows that ask this server, in an order that a seed decides."""

    def __init__(self, server: OddServer, seed: int = 0) -> None:
        super().__init__(seed)
        self.server = server

    def call(self, flow: Flow[T]) -> T:
        told: Any = None
        while True:
            try:
                effect = flow.send(told)
            except StopIteration as stop:
                value: T = stop.value
                return value
            assert isinstance(effect, Request)
            told = self.server.answer(effect)
