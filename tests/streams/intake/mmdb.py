"""A tiny writer of MaxMind's file format, for a handful of networks: enough for tests, and no more.

Source: the MaxMind DB file format specification, version 2.0.
"""

from __future__ import annotations

import ipaddress
from pathlib import Path
from typing import Any

_MARKER = b"\xab\xcd\xefMaxMind.com"
_RECORD_BITS = 32
_UINT16, _UINT32, _UINT64 = 5, 6, 9
_KINDS = {"node_count": _UINT32, "build_epoch": _UINT64}


def write_mmdb(path: Path, networks: dict[str, dict[str, Any]]) -> str:
    """Write a file in which each IPv4 network has a record."""
    nodes: list[list[int | None]] = [[None, None]]
    data = bytearray()
    leaves: list[tuple[int, int, int]] = []  # node, side, place in the data
    for network, record in networks.items():
        parsed = ipaddress.IPv4Network(network)
        bits = f"{int(parsed.network_address):032b}"[: parsed.prefixlen]
        node = 0
        for bit in bits[:-1]:
            after = nodes[node][int(bit)]
            if after is None:
                after = nodes[node][int(bit)] = len(nodes)
                nodes.append([None, None])
            node = after
        leaves.append((node, int(bits[-1]), len(data)))
        data += _encoded(record)
    count = len(nodes)
    table = [[count if side is None else side for side in node] for node in nodes]
    for node, side, place in leaves:
        table[node][side] = count + 16 + place
    tree = b"".join(side.to_bytes(4, "big") for node in table for side in node)
    about = {
        "node_count": count,
        "record_size": _RECORD_BITS,
        "ip_version": 4,
        "database_type": "tests",
        "languages": [],
        "binary_format_major_version": 2,
        "binary_format_minor_version": 0,
        "build_epoch": 1,
        "description": {},
    }
    path.write_bytes(tree + bytes(16) + bytes(data) + _MARKER + _encoded(about, _UINT16))
    return str(path)


def _encoded(value: Any, number: int = _UINT32) -> bytes:
    if isinstance(value, bool):
        return _control(14, int(value))
    if isinstance(value, str):
        raw = value.encode()
        return _control(2, len(raw)) + raw
    if isinstance(value, int):
        raw = value.to_bytes((value.bit_length() + 7) // 8, "big")
        return _control(number, len(raw)) + raw
    if isinstance(value, dict):
        inner = b"".join(
            _encoded(name) + _encoded(one, _KINDS.get(name, number)) for name, one in value.items()
        )
        return _control(7, len(value)) + inner
    return _control(11, len(value)) + b"".join(map(_encoded, value))


def _control(kind: int, size: int) -> bytes:
    assert size < 29, "long values are not written here"
    return bytes([size, kind - 7]) if kind > 7 else bytes([kind << 5 | size])
