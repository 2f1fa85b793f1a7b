"""How a worker uses memory: garbage rarely collected, and what is freed given back to the system."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import gc
from pathlib import Path

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD, M_ARENA_MAX = -1, -3, -8  # of glibc's mallopt
MADV_DONTNEED = 4

TRIM_S = 10.0


def tune_memory() -> None:
    """Collect garbage rarely: batches make many short-lived objects and no cycles.

    And have glibc map large arrays each on its own, so that what tables outgrow goes back to the
    system: by itself it raises that bound to 32 MB and keeps the holes. What a chunk needs stays
    below the bound, because mapping it anew each time costs a quarter of the throughput.
    """
    with contextlib.suppress(OSError, AttributeError):  # another libc has its own ways
        libc = ctypes.CDLL(None)
        libc.mallopt(M_ARENA_MAX, 1)  # threads take turns anyway; heaps of their own keep holes
        libc.mallopt(M_MMAP_THRESHOLD, 6 << 20)
        libc.mallopt(M_TRIM_THRESHOLD, 64 << 20)
    drop_compiler_pages()
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)


def drop_compiler_pages() -> None:
    """Unmap the compiler's code, 50 MB that nothing needs once the kernels are loaded.

    Only its text, which is never written: a page that is wanted again is read from the file.
    """
    with contextlib.suppress(OSError, AttributeError):
        libc = ctypes.CDLL(None, use_errno=True)
        for line in Path("/proc/self/maps").read_text().splitlines():
            span, permissions, *rest = line.split()
            if permissions == "r-xp" and "libllvmlite" in rest[-1]:
                start, end = (int(part, 16) for part in span.split("-"))
                libc.madvise(ctypes.c_void_p(start), ctypes.c_size_t(end - start), MADV_DONTNEED)


async def give_back() -> None:
    """Let glibc return freed scratch, for ever; it keeps a tenth of a full worker otherwise."""
    while True:
        await asyncio.sleep(TRIM_S)
        with contextlib.suppress(OSError, AttributeError):  # another libc has its own ways
            ctypes.CDLL(None).malloc_trim(0)
