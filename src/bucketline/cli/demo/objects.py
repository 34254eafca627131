"""What the demo's source holds: many small objects, some big ones, and keys to trip over."""

from __future__ import annotations

from pathlib import Path
from random import Random

COUNT = 2_000
_MIB = 1 << 20
_BIG = {"video/one.mp4": 20 * _MIB, "video/two.mp4": 3 * _MIB, "disk/image.raw": 4 * _MIB}
_ODD = (
    "odd/a space and a + sign.txt",
    "odd/100% sure, %2F is no slash.txt",
    "odd/is this a key?.txt",
    "odd/#1 & only; yes = no.txt",
    "odd/*.txt",
    "odd/[brackets] {braces}.txt",
    'odd/it\'s "quoted" and `ticked`.txt',
    "odd/back\\slash.txt",
    "odd/$HOME $(id) ~ !.txt",
    "odd/-rf",
    "odd/Case.txt",
    "odd/case.txt",
    "odd/trailing dot.",
    "odd/.hidden",
    "odd/<tag>&amp;.xml",
    "odd/caf\u00e9 composed.txt",
    "odd/cafe\u0301 decomposed.txt",
    "odd/\u0437\u0430\u043c\u0435\u0442\u043a\u0438/\u65e5\u672c\u8a9e.txt",
    "odd/\U0001f4e6\U0001f680.txt",
    "odd/empty",
    "odd/" + "long" * 60,
)
DAMAGED = "photos/2026/0042.jpg"


def lay_out(folder: Path) -> int:
    """Write them as files, the same ones each time; the answer is their size in bytes."""
    random = Random(2026)
    total = 0
    for key, size in _sizes(random).items():
        path = folder / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(random.randbytes(size))
        total += size
    return total


def _sizes(random: Random) -> dict[str, int]:
    sizes = {key: 0 if key.endswith("empty") else random.randint(1, 300) for key in _ODD}
    plain = COUNT - len(_ODD) - len(_BIG)
    photos = {f"photos/2026/{number:04}.jpg": random.randint(0, 9_000) for number in range(plain)}
    return sizes | photos | _BIG | {DAMAGED: 4_096}
