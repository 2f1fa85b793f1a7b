"""How a prompt template is cut into bands, so that near-equal ones meet.

A template is a 64-bit SimHash. Two that differ in at most three bits agree in one of four bands of
16 bits (pigeonhole); each band goes to the partition that its value names, where the Hamming
distance decides. Manku, Jain and Das Sarma, WWW 2007.
"""

from __future__ import annotations

import numpy as np

from detectors.kernels.compiled import inlined
from detectors.kernels.hashing import mix

BANDS = 4
BAND_BITS = 16


@inlined
def band_bits(template: np.uint64, band: int) -> np.uint64:
    """The bits of a template in one band."""
    return (template >> np.uint64(band * BAND_BITS)) & np.uint64((1 << BAND_BITS) - 1)


@inlined
def band_value(template: np.uint64, band: int) -> np.uint64:
    """The bits of a template in one band, told apart from the same bits in another band."""
    return mix(band_bits(template, band) + np.uint64((band + 1) << BAND_BITS))
