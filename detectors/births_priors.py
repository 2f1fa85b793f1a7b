"""What values of each kind show on ordinary days: how many new parties, and how unequally.

Each has its reason beside it; the rates of section [births] scale them.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from detectors.interface.key_kinds import (
    ASN,
    COHORT,
    DEVICE,
    KINDS,
    ORG,
    PAYMENT,
    PREFIX,
    REFERRAL,
    SYSTEM,
    TEMPLATE,
    TLS,
)

IP_CLASSES = 8
RESIDENTIAL, MOBILE, HOSTING, VPN, TOR, CORP, EDU, UNKNOWN = range(IP_CLASSES)


class Prior(NamedTuple):
    """What values of one kind and address class show: new parties per day, and how they differ.

    `shape` is the gamma's: the smaller, the more a few values take all. mean / shape is the scale
    that a busy value reaches per day. `ip_class` None: all classes.
    """

    kind: int
    ip_class: int | None
    mean: float
    shape: float


# A later row overrides an earlier one. Means are per day and in addition to the first party, which
# is why the value is known at all.
PRIORS: tuple[Prior, ...] = (
    # One card in twenty pays for a second party within a month (families, freelancers' clients).
    Prior(PAYMENT, None, 0.05 / 30, 0.1),
    # One device in twelve sees a second account within a month: work and private, families, labs.
    Prior(DEVICE, None, 0.08 / 30, 0.2),
    # A /24 of homes: one sign-up in three weeks; a hall or block of flats a few a week.
    Prior(PREFIX, RESIDENTIAL, 0.05, 0.4),
    # Carrier-grade NAT puts a town behind a /24: tens a day are common.
    Prior(PREFIX, MOBILE, 10.0, 0.3),
    # Servers seldom sign up; shared build machines and notebooks do, and have a past.
    Prior(PREFIX, HOSTING, 0.07, 0.2),
    # Exits of popular VPNs and of Tor: tens a day, most others none.
    Prior(PREFIX, VPN, 8.0, 0.25),
    Prior(PREFIX, TOR, 8.0, 0.25),
    # An office is one organisation, but hackathons and bootcamps are not.
    Prior(PREFIX, CORP, 8.0, 0.2),
    # A class of a hundred and more signs up within an hour, on a campus that was silent all summer.
    Prior(PREFIX, EDU, 10.0, 0.2),
    Prior(PREFIX, UNKNOWN, 1.0, 0.2),
    # Autonomous systems: from a village's provider to a nation's; only their own past says much.
    Prior(ASN, None, 10.0, 0.1),
    Prior(ASN, RESIDENTIAL, 20.0, 0.1),
    Prior(ASN, MOBILE, 20.0, 0.1),
    Prior(ASN, HOSTING, 1.0, 0.15),
    Prior(ASN, EDU, 10.0, 0.2),
    Prior(ASN, CORP, 5.0, 0.2),
    # A client's new release gives everybody who updates the same new TLS fingerprint.
    Prior(TLS, None, 10.0, 0.1),
    # An organisation is one party however many accounts it has.
    Prior(ORG, None, 0.5, 0.2),
    # Referral codes exist to be used: a marketing campaign brings hundreds a day.
    Prior(REFERRAL, None, 20.0, 0.15),
    # Most system prompts are one product's; a popular framework's has a past, or spreads slowly.
    Prior(SYSTEM, None, 0.2, 0.1),
    Prior(TEMPLATE, None, 0.1, 0.1),
    # One hour's sign-ups from one AS have no past by construction, and campaigns bring hundreds.
    Prior(COHORT, None, 10.0, 0.06),
)


@lru_cache
def scaled_priors(identity: float, infrastructure: float, content: float) -> NDArray[np.float64]:
    """The priors with rates applied: float64 [kind, ip_class, (mean per day, shape)].

    The array is shared, so nobody may write to it.
    """
    table = np.zeros((len(KINDS), IP_CLASSES, 2))
    rates = {"identity": identity, "content": content}
    for prior in PRIORS:
        rate = rates.get(KINDS[prior.kind].family, infrastructure)
        where = slice(None) if prior.ip_class is None else prior.ip_class
        table[prior.kind, where] = prior.mean * rate, prior.shape
    table.setflags(write=False)
    return table
