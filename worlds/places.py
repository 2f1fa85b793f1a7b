"""The places that requests come from: network prefixes with their ASN, class and country.

ASNs are from the private ranges: no real network is meant.
"""

from __future__ import annotations

import numpy as np

from worlds.randomness import Ints, Words, choose, fingerprints, zipf_weights
from worlds.vocabulary import COUNTRIES, IP_CLASSES

RESIDENTIAL, MOBILE, HOSTING, VPN, TOR, CORP, EDU, UNKNOWN = range(len(IP_CLASSES))

_CARRIERS = 4  # access networks per country
_FIRST_PRIVATE_32 = 4_200_000_000
_FIRST_PRIVATE_16 = 64_512
_NETWORKS = 1 << 24  # numbers for networks that are systems of their own


class Places:
    """A growing table of prefixes; place 0 is 'not known'."""

    def __init__(self) -> None:
        self._prefixes: list[Words] = [np.zeros(1, dtype=np.uint64)]
        self._columns: list[Ints] = [np.zeros((1, 3), dtype=np.int64)]  # asn, ip class, country
        self._count = 1

    def add(self, rng: np.random.Generator, ip_class: int, countries: Ints) -> Ints:
        """Add one fresh prefix per country given; give their place numbers."""
        count = len(countries)
        rank = choose(rng, zipf_weights(_CARRIERS), count)
        if ip_class in (RESIDENTIAL, MOBILE):
            asn = _FIRST_PRIVATE_32 + 1_000 * ip_class + countries * 10 + rank
        elif ip_class in (CORP, EDU):  # each network is a system of its own
            asn = _FIRST_PRIVATE_32 + 1_000_000 + rng.integers(0, _NETWORKS, count)
        else:
            asn = _FIRST_PRIVATE_16 + 100 * ip_class + rank
        self._prefixes.append(fingerprints(rng, count))
        self._columns.append(
            np.stack([asn, np.full(count, ip_class, dtype=np.int64), countries], axis=1)
        )
        first = self._count
        self._count += count
        return np.arange(first, self._count, dtype=np.int64)

    def fragments(self) -> list[bytes]:
        """Serialise every place once, as the members of an event object; place 0 gives none."""
        prefixes = np.concatenate(self._prefixes).tolist()
        columns = np.concatenate(self._columns).tolist()
        return [
            b',"ip_prefix_fp":"k1:%012x","asn":%d,"ip_class":"%b","geo_country":"%b"'
            % (prefix, asn, IP_CLASSES[ip_class].encode(), COUNTRIES[country].code.encode())
            if prefix
            else b""
            for prefix, (asn, ip_class, country) in zip(prefixes, columns, strict=True)
        ]
