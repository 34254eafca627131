"""What an archive asks for a thaw, by prices that a person wrote down."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from bucketline.errors import UsageError, printable
from bucketline.flow.thaw import SELF_TIERING

_GIB = 1 << 30
_MONTH_DAYS = 30


class Amount(NamedTuple):
    """So many objects, and their bytes."""

    objects: int = 0
    size: int = 0

    def __add__(self, other: object) -> Amount:
        assert isinstance(other, Amount)
        return Amount(self.objects + other.objects, self.size + other.size)


class Price(NamedTuple):
    """Of one archive at one speed."""

    thousand_requests: float
    gib: float


@dataclass(frozen=True, slots=True)
class Prices:
    """A file of prices.

    {"currency": "USD", "gib_month": 0.0, "GLACIER": {"Bulk": {"thousand_requests": 0, "gib": 0}}}
    """

    file: str
    currency: str
    gib_month: float  # Of the readable copy.
    tiers: Mapping[str, Mapping[str, Price]]

    @classmethod
    def read(cls, path: Path) -> Prices:
        """Raises `UsageError` for what is no such file."""
        try:
            said: dict[str, Any] = dict(json.loads(path.read_text()))
            currency, gib_month = str(said.pop("currency", "")), float(said.pop("gib_month"))
            tiers = {tier: _speeds(rows) for tier, rows in said.items()}
        except OSError as error:
            raise UsageError(f"{path}: the prices cannot be read ({error.strerror})") from None
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            why = f"it lacks {error}" if isinstance(error, KeyError) else str(error)
            raise UsageError(
                f"{path}: no prices as docs/thaw.md shows them: {printable(why)}"
            ) from None
        return cls(str(path), currency, gib_month, tiers)

    def of_thaw(self, amounts: Mapping[str, Amount], speed: str, days: int) -> float:
        """What it costs to have so much of each archive readable for so many days."""
        return sum(self._of_tier(tier, amounts[tier], speed, days) for tier in amounts)

    def _of_tier(self, tier: str, amount: Amount, speed: str, days: int) -> float:
        price = self.tiers.get(tier, {}).get(speed)
        if tier == SELF_TIERING:  # It moves; nothing is kept beside it. Only haste has a price.
            price, days = price or (_FREE if speed != "Expedited" else None), 0
        if price is None:
            raise UsageError(f"{self.file}: has no price of {tier} with {speed}; add it")
        gibs = amount.size / _GIB
        kept = gibs * self.gib_month * days / _MONTH_DAYS
        return amount.objects / 1000 * price.thousand_requests + gibs * price.gib + kept


_FREE = Price(0.0, 0.0)


def _speeds(rows: Mapping[str, Mapping[str, Any]]) -> dict[str, Price]:
    return {
        speed: Price(float(row["thousand_requests"]), float(row["gib"]))
        for speed, row in rows.items()
    }
