"""Samples, as people ask for them."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable

from bucketline.engines.verify import Sample, drawn
from bucketline.errors import UsageError, printable

_SHARE = re.compile(r"(\d+(?:\.\d+)?)%")


def sample_of(text: str, seed: str | None) -> Sample:
    """`all`, `1%` or `500`; without a seed, one is made up."""
    word = seed or ("" if text == "all" else secrets.token_hex(4))
    if text == "all":
        return Sample(word)
    if share := _SHARE.fullmatch(text):
        part = float(share[1]) / 100
        if 0 < part <= 1:
            return Sample(word, share=part)
    elif text.isascii() and text.isdigit() and int(text):
        return Sample(word, count=int(text))
    raise UsageError(f"--sample {printable(text)}: say a number, a share such as 1%, or all")


def choice(text: str, seed: str | None) -> tuple[Callable[[str], bool] | None, str]:
    """Whether a key is drawn, and by which seed; None = every one is."""
    sample = sample_of(text, seed)
    if sample.count is not None:
        raise UsageError(f"--sample {text}: here a sample is a share, such as 1%")
    if sample.is_all:
        return None, ""
    return lambda key: drawn(sample, key), sample.seed
