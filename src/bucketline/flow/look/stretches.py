"""One key space listed at several places at once, handed on in key order.

The first pages are read one after the other. Then the space is split, at keys that are guessed: a
stretch is what lies after one such key up to the next, and every key belongs to exactly one
stretch, however bad the guess. Where two stretches meet, the lower one's last page reaches into the
upper one: both must tell the same keys there. Whatever is odd, the stretches from there on are
dropped, and the one before goes on by its token as if there had never been others.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import deque
from collections.abc import Iterator, Sequence
from operator import lt

from bucketline.errors import BadListing, StoreError
from bucketline.flow.look.ruler import Ruler
from bucketline.flow.look.sorting import key_of
from bucketline.flow.look.trail import Trail
from bucketline.model import Entry
from bucketline.stores.base import Flow, Page, Store

Entries = list[Entry]

WIDTH = 16  # Pages under way at once.
HELD_MAX = 64  # Pages under way, or here before their turn: what bounds the memory,
_USUAL_KEYS = 1_000  # … of so many keys. Of a server whose pages are larger, fewer are held.
_LONG = 4  # Pages that a stretch should have: at each seam, half a page comes twice.
_SLACK = 1 / 16  # … less so much of a page: to find the seam on the last page costs no further one.
_HELD_EACH = 2 * _LONG
_WASTE = 0.3  # So much of the useful requests may be wasted, and two more.
_DOUBTS_MAX = 3


class Stretch:
    """The keys after one and up to another, read page by page."""

    def __init__(self, name: str, after: str, upper: str | None) -> None:
        self.upper = upper  # None = to the end.
        self.last = after
        self.token = ""
        self.trail = Trail(name)
        self.first: Entries | None = None  # Its first page as it came; None = not here yet.
        self.beyond: Entries | None = None  # What its last page told past `upper`.
        self.pages: list[Entries] = []
        self.answered = 0
        self.is_busy = False
        self.is_dropped = False
        self.must_go_on = False  # It said that it ended, but we have seen what follows.

    @property
    def has_ended(self) -> bool:
        """Whether the server said that nothing follows."""
        return self.beyond == [] and not self.token

    def continues(self, keys: Sequence[str]) -> bool:
        """Whether these are in order, and after what came before."""
        if not keys:
            return True
        is_after = keys[0] > self.last or (self.answered > 0 and keys[0] == self.last)
        return is_after and all(map(lt, keys, keys[1:]))

    def reopen(self) -> None:
        """Go on to the end: what was to follow is not to be trusted."""
        self.upper = None
        if self.beyond:
            self.pages.append(self.beyond)
            self.last = self.beyond[-1].key
            self.beyond = None if self.token else []
        elif not self.has_ended:
            self.beyond = None


class Stretches:
    """Where each stretch stands: what to ask for next, what an answer means. Does no I/O."""

    def __init__(self, store: Store, prefix: str, ruler: Ruler, page: Page, trail: Trail) -> None:
        self._store = store
        self._prefix = prefix
        self._ruler = ruler
        self._page_keys = len(page.entries)
        head = Stretch(store.name, page.entries[-1].key, None)
        head.token, head.trail, head.first, head.answered = page.token, trail, page.entries, 1
        self._open = [head]
        self._wasted = 0.0
        self._answers = 0
        self._doubts = 0
        self.busy = 0
        self.ready: deque[Entries] = deque()  # In their turn.

    @property
    def is_over(self) -> bool:
        return len(self._open) == 1 and self._open[0].beyond is not None

    @property
    def held(self) -> int:
        """Pages that are here, or under way, before their turn."""
        return self.busy + sum([len(stretch.pages) for stretch in self._open])

    @property
    def held_max(self) -> int:
        return HELD_MAX * _USUAL_KEYS // max(_USUAL_KEYS, self._page_keys)

    def due(self, backlog: int) -> Iterator[Stretch]:
        """What to ask for now, nearest first; so many pages wait for the consumer."""
        held_max = self.held_max
        for number, stretch in enumerate(self._open):
            if self.busy >= WIDTH or backlog > held_max // 2:
                return
            if stretch.is_busy or stretch.beyond is not None:
                continue
            has_room = self.held + backlog < held_max and len(stretch.pages) < _HELD_EACH
            if number == 0 or has_room:
                yield self._begun(stretch)
        while self.busy < WIDTH and self.held + backlog < held_max and self._may_split():
            fresh = self._split()
            if fresh is None:
                return
            yield self._begun(fresh)

    def flow(self, stretch: Stretch) -> Flow[Page]:
        """The next page of a stretch."""
        if stretch.token:
            return self._store.page(self._prefix, token=stretch.token)
        return self._store.page(self._prefix, after=stretch.last)

    def take(self, stretch: Stretch, page: Page) -> None:
        """What came for a stretch."""
        self._ended(stretch)
        if stretch.is_dropped:
            self._wasted += 1
            return
        keys = list(map(key_of, page.entries))
        if self._is_odd(stretch, page, keys):  # As when the server does not know where to start.
            self._doubts = _DOUBTS_MAX
            if stretch is not self._open[0]:
                self._retreat(self._open.index(stretch))
                self._hand_on()
                return
            self._retreat(1)  # Let whoever reads on find out what is wrong.
        self._accept(stretch, page, keys)
        self._hand_on()

    def fail(self, stretch: Stretch, error: Exception) -> None:
        """Nothing came for a stretch. Only the one whose turn it is has to have an answer."""
        self._ended(stretch)
        if stretch.is_dropped:
            self._wasted += 1
            return
        if stretch is self._open[0] or not isinstance(error, StoreError):
            raise error
        self._doubts += 1
        self._retreat(self._open.index(stretch))
        self._hand_on()

    def _begun(self, stretch: Stretch) -> Stretch:
        stretch.is_busy = True
        self.busy += 1
        return stretch

    def _ended(self, stretch: Stretch) -> None:
        stretch.is_busy = False
        self.busy -= 1
        self._answers += 1

    def _is_odd(self, stretch: Stretch, page: Page, keys: Sequence[str]) -> bool:
        is_head = stretch is self._open[0]
        try:
            stretch.trail.follow(page)
        except BadListing:
            if is_head:
                raise
            return True
        return not stretch.continues(keys)

    def _accept(self, stretch: Stretch, page: Page, keys: Sequence[str]) -> None:
        entries = page.entries
        cut = len(keys) if stretch.upper is None else bisect_right(keys, stretch.upper)
        self._wasted += (len(keys) - cut) / len(keys) if keys else float(stretch.first is None)
        if stretch.first is None:
            stretch.first = entries
        if stretch.must_go_on and not keys and not page.token:
            raise BadListing("the listing ends before keys that it holds", store=self._store.name)
        stretch.must_go_on = stretch.must_go_on and not keys
        stretch.answered += 1
        stretch.token = page.token
        if cut < len(keys) or not page.token:
            stretch.beyond = entries[cut:]
        if cut:
            stretch.last = keys[cut - 1]
            stretch.pages.append(entries if cut == len(keys) else entries[:cut])
            self._page_keys = max(self._page_keys, len(keys))
            self._ruler.see(keys)

    def _hand_on(self) -> None:
        """What has its turn now; a stretch has it when the seam to the one before it holds."""
        while True:
            head = self._open[0]
            for page in head.pages:
                self._ruler.learn([entry.key for entry in page])
            self.ready.extend(head.pages)
            head.pages = []
            if head.beyond is None or len(self._open) == 1:
                return
            following = self._open[1]
            if following.first is None:
                return
            if _agree(head, following):
                del self._open[0]
            else:
                self._doubts += 1
                self._retreat(1)

    def _retreat(self, number: int) -> None:
        """Drop the stretches from this one on; the one before goes on to the end."""
        dropped = self._open[number:]
        del self._open[number:]
        before = self._open[-1]
        for stretch in dropped:
            stretch.is_dropped = True
            self._wasted += stretch.answered
        if before.has_ended and any(stretch.first for stretch in dropped):
            before.must_go_on, before.beyond = True, None
        before.reopen()

    def _may_split(self) -> bool:
        """Whether one more guess keeps the wasted requests in bounds, however bad it is."""
        if self._doubts >= _DOUBTS_MAX:
            return False
        unknown = sum([stretch.first is None for stretch in self._open])
        risk = self._wasted + 1 + unknown + len(self._open) / 2
        return risk <= 2 + _WASTE * (_LONG + self._answers - self._wasted)

    def _split(self) -> Stretch | None:
        """The nearest stretch that is long, cut in two; the upper part, or None."""
        long = int((_LONG - _SLACK) * self._page_keys)
        for number, stretch in enumerate(self._open):
            if stretch.beyond is not None:
                continue
            upper = stretch.upper
            if upper is not None and self._ruler.between(stretch.last, upper) < 1.5 * long:
                continue
            guess = self._ruler.ahead(stretch.last, long)
            if guess is None or guess <= stretch.last or (upper is not None and guess >= upper):
                continue
            stretch.upper = guess
            fresh = Stretch(self._store.name, guess, upper)
            self._open.insert(number + 1, fresh)
            return fresh
        return None


def _agree(one: Stretch, following: Stretch) -> bool:
    """Whether both tell the same keys from where they meet."""
    beyond = list(map(key_of, one.beyond or ()))
    first = list(map(key_of, following.first or ()))
    if not beyond or not first:
        return not beyond and not first
    return all(a == b for a, b in zip(beyond, first, strict=False))
