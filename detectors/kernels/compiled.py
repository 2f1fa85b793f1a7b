"""The decorator of the hot kernels: compiled, cached, and without counting references to arrays.

numba counts references to every array that goes into a function: atomic adds, 20 times what the
kernels here cost themselves. They neither make nor keep arrays, so they go without. A kernel that
allocates (np.sort, np.empty) takes plain `numba.njit`.

numba's cache looks at the called kernel's own file alone: after an edit to a kernel that others
call, or to a constant they use, delete __pycache__.
"""

from __future__ import annotations

from numba import njit

kernel = njit(cache=True, nogil=True, _nrt=False)
inlined = njit(cache=True, nogil=True, _nrt=False, inline="always")
