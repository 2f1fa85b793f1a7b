"""Where an address is, by MaxMind-format files that the user names: country, autonomous system, class."""

from __future__ import annotations

from functools import lru_cache
from types import MappingProxyType
from typing import Any, Final

import maxminddb

from detectors.errors import ConfigError

CACHED: Final = 16_384
# `user_type` of MaxMind's enterprise data, and the contract's word.
_USER_TYPES: Final = MappingProxyType(
    {
        "residential": "residential",
        "cellular": "mobile",
        "hosting": "hosting",
        "content_delivery_network": "hosting",
        "business": "corp",
        "government": "corp",
        "college": "edu",
        "school": "edu",
        "library": "edu",
    }
)
_FLAGS: Final = (
    ("is_tor_exit_node", "tor"),
    ("is_anonymous_vpn", "vpn"),
    ("is_hosting_provider", "hosting"),
)


class Geo:
    """Looks addresses up in files, whatever each knows of them. ConfigError for one that cannot be read."""

    def __init__(self, *paths: str) -> None:
        self._files = [_opened(path) for path in paths]
        self.lookup = lru_cache(CACHED)(self._lookup)

    def close(self) -> None:
        """Close the files."""
        for file in self._files:
            file.close()

    def _lookup(self, address: str) -> dict[str, Any]:
        """What the files know of an address, as properties of the contract; not to be changed."""
        known: dict[str, Any] = {}
        for file in self._files:
            try:
                record = file.get(address)
            except ValueError:  # IPv6 in a file of IPv4 alone, or no address
                continue
            if isinstance(record, dict):
                known |= _properties(record)
        return known


def _opened(path: str) -> maxminddb.Reader:
    try:
        return maxminddb.open_database(path)
    except (OSError, ValueError, maxminddb.InvalidDatabaseError) as error:
        said = error.strerror if isinstance(error, OSError) and error.strerror else "no such format"
        raise ConfigError(
            f"{path}: cannot be read: {said}; give a file in MaxMind's format (.mmdb)"
        ) from error


def _properties(record: dict[str, Any]) -> dict[str, Any]:
    found = {
        "geo_country": _country(record),
        "asn": _asn(record),
        "ip_class": _ip_class(record),
    }
    return {name: value for name, value in found.items() if value is not None}


def _country(record: dict[str, Any]) -> str | None:
    for name in ("country", "country_code", "registered_country"):
        value = record.get(name)
        code = value.get("iso_code") if isinstance(value, dict) else value
        if isinstance(code, str) and len(code) == 2 and code.isascii() and code.isupper():
            return code
    return None


def _asn(record: dict[str, Any]) -> int | None:
    traits = record.get("traits")
    for place in (record, traits if isinstance(traits, dict) else {}):
        for name in ("autonomous_system_number", "asn"):
            value = place.get(name)
            if isinstance(value, str):
                value = value.upper().removeprefix("AS")
                value = int(value) if value.isdecimal() else None
            if isinstance(value, int) and 0 <= value < 2**32:
                return value
    return None


def _ip_class(record: dict[str, Any]) -> str | None:
    traits = record.get("traits")
    for place in (record, traits if isinstance(traits, dict) else {}):
        for name, word in _FLAGS:
            if place.get(name) is True:
                return word
        if (word_of := _USER_TYPES.get(str(place.get("user_type")))) is not None:
            return word_of
    return None
