"""Byte arenas: what rows point to survives packing, and nothing else does."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from detectors.kernels.arena import append, pack, packed

TEXTS = st.lists(st.binary(max_size=9), max_size=12)


def filled(texts: list[bytes]) -> tuple[np.ndarray, np.ndarray, np.ndarray, int]:
    """Texts in an arena, one after another: (places, lengths, arena, its end)."""
    at, length = np.zeros(len(texts), np.uint32), np.zeros(len(texts), np.uint16)
    arena = np.zeros(200, np.uint8)
    end = 0
    for row, text in enumerate(texts):
        at[row], length[row] = end, len(text)
        end = append(arena, end, np.frombuffer(b"--" + text, np.uint8), 2, len(text))
    return at, length, arena, end


@given(TEXTS, st.data())
def test_packing_keeps_the_texts_that_are_pointed_to_and_no_others(
    texts: list[bytes], data: st.DataObject
) -> None:
    at, length, arena, end = filled(texts)
    assert end == sum(map(len, texts))
    gone = data.draw(st.lists(st.booleans(), min_size=len(texts), max_size=len(texts)))
    length[np.array(gone, bool)] = 0
    left = [b"" if g else t for t, g in zip(texts, gone, strict=True)]
    assert packed(at, length, arena).tobytes() == b"".join(left)
    into = np.zeros(200, np.uint8)
    end = pack(at, length, arena, into, 3)
    assert end == 3 + len(b"".join(left))
    assert [into[a : a + n].tobytes() for a, n in zip(at, length, strict=True)] == left
