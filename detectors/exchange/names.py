"""Account names on their way to the owner: fingerprints become ids only where an alert needs one."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from detectors.kernels.arena import packed


class NameBatch(NamedTuple):
    """Accounts first seen in one tick of one source, in columns; ids and org ids are packed bytes."""

    source: int
    tick: int
    accounts: np.ndarray  # uint64 fingerprints
    orgs: np.ndarray  # uint64, 0 not known
    first_seen: np.ndarray  # ms
    created: np.ndarray  # ms, -1 not known
    id_lengths: np.ndarray  # uint16
    ids: np.ndarray  # uint8
    org_lengths: np.ndarray  # uint16, 0 not known
    org_ids: np.ndarray  # uint8

    @classmethod
    def gather(
        cls,
        source: int,
        tick: int,
        accounts: np.ndarray,
        orgs: np.ndarray,
        first_seen: np.ndarray,
        created: np.ndarray,
        id_at: np.ndarray,
        id_len: np.ndarray,
        ids: np.ndarray,
        org_at: np.ndarray,
        org_len: np.ndarray,
        org_ids: np.ndarray,
    ) -> NameBatch:
        """Pack the ids that positions in two arenas point to.

        Columns have one place an account, of the dtypes in `COLUMN_TYPES`; `ids` and `org_ids` are
        uint8, in which `*_at` and `*_len` (integers, int64 or less) point.
        """
        return cls(
            source,
            tick,
            accounts.copy(),
            orgs.copy(),
            first_seen.copy(),
            created.copy(),
            id_len.astype(np.uint16),
            packed(id_at, id_len, ids),
            org_len.astype(np.uint16),
            packed(org_at, org_len, org_ids),
        )


COLUMN_TYPES = (
    *(np.uint64, np.uint64, np.int64, np.int64),
    *(np.uint16, np.uint8, np.uint16, np.uint8),
)  # of a batch's columns, in order
