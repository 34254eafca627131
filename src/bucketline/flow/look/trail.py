"""Whether a listing gets anywhere: finds out that a server sends the same again."""

from __future__ import annotations

from bucketline.errors import BadListing
from bucketline.stores.base import Page

_EMPTY_PAGES_MAX = 1_000  # In a row; a server that filters may send some, a broken one never stops.


class Trail:
    """The pages of one way through a listing, remembering one of them only."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._loop = _LoopCheck()
        self._empty_pages = 0
        self._previous = Page([], "")

    def follow(self, page: Page) -> None:
        """Take the next page; raises `BadListing` when it shows that there is no end."""
        self._empty_pages = 0 if page.entries else self._empty_pages + 1
        is_same = bool(page.entries) and page.entries == self._previous.entries
        self._previous = page
        if is_same or self._empty_pages > _EMPTY_PAGES_MAX or self._loop.is_closed_by(page.token):
            raise BadListing(
                "the listing does not end: the server sends the same again", store=self._name
            )


class _LoopCheck:
    """Finds out that tokens repeat, remembering one of them only (Brent's algorithm)."""

    def __init__(self) -> None:
        self._mark = ""
        self._steps = 0
        self._stride = 1

    def is_closed_by(self, token: str) -> bool:
        if token and token == self._mark:
            return True
        self._steps += 1
        if self._steps == self._stride:
            self._mark, self._steps, self._stride = token, 0, 2 * self._stride
        return False
