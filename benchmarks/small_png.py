"""Makes a screenshot of text a sixth of its size: a PNG of RGB becomes one of its sixteen most frequent colours (RFC 2083)."""

import struct
import zlib
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_COLOURS = 16


def smaller(png: bytes, most: int = 0) -> bytes:
    """Return the picture in sixteen colours, and at most so high; raises ValueError for all but Chromium's 8-bit RGB."""
    chunks = dict(_chunks(png))
    width, height, depth, kind = struct.unpack(">IIBB", chunks[b"IHDR"][:10])
    if (depth, kind) != (8, 2):
        raise ValueError("this is no PNG of 8-bit RGB")
    height = min(height, most or height)
    rows = list(_rows(zlib.decompress(chunks[b"IDAT"]), width * 3, height))
    seen = Counter(row[at : at + 3] for row in rows for at in range(0, width * 3, 3))
    palette = [colour for colour, _ in seen.most_common(_COLOURS)]
    index = {colour: _nearest(palette, colour) for colour in seen}
    packed = b"".join(
        b"\0" + _packed([index[row[at : at + 3]] for at in range(0, width * 3, 3)]) for row in rows
    )
    head = struct.pack(">IIBBBBB", width, height, 4, 3, 0, 0, 0)
    parts = (
        (b"IHDR", head),
        (b"PLTE", b"".join(palette)),
        (b"IDAT", zlib.compress(packed, 9)),
        (b"IEND", b""),
    )
    return _SIGNATURE + b"".join(_chunk(name, data) for name, data in parts)


def _chunks(png: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Give every kind of chunk once, the data of all its chunks together."""
    at, data = len(_SIGNATURE), dict[bytes, bytes]()
    while at < len(png):
        (length,) = struct.unpack(">I", png[at : at + 4])
        name = png[at + 4 : at + 8]
        data[name] = data.get(name, b"") + png[at + 8 : at + 8 + length]
        at += length + 12
    yield from data.items()


def _rows(raw: bytes, length: int, height: int) -> Iterator[bytes]:
    """Undo the filters (RFC 2083, 6)."""
    above = bytes(length)
    for n in range(height):
        start = n * (length + 1)
        row = bytearray(raw[start + 1 : start + 1 + length])
        for at in range(length):
            left, corner = (row[at - 3], above[at - 3]) if at >= 3 else (0, 0)
            row[at] = (row[at] + _guess(raw[start], left, above[at], corner)) & 0xFF
        above = bytes(row)
        yield above


def _guess(filtered: int, left: int, up: int, corner: int) -> int:
    if filtered == 4:  # Paeth: the neighbour nearest to left + up - corner
        return min((left, up, corner), key=lambda each: abs(left + up - corner - each))
    return (0, left, up, (left + up) // 2)[filtered]


def _nearest(palette: list[bytes], colour: bytes) -> int:
    return min(range(len(palette)), key=lambda n: _distance(palette[n], colour))


def _distance(one: bytes, other: bytes) -> int:
    return sum((a - b) ** 2 for a, b in zip(one, other, strict=True))


def _packed(row: list[int]) -> bytes:
    even = row if len(row) % 2 == 0 else [*row, 0]
    return bytes(left << 4 | right for n, (left, right) in enumerate(pairwise(even)) if n % 2 == 0)


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
