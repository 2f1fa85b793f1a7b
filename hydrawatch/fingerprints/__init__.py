"""What a gateway may say of a request without saying what is in it: digests, families, fingerprints.

Pure and light (standard library, numpy, ua-parser), so that it can be imported where the prompts
are: in a gateway's callback, in an SDK. docs/fingerprints.md is the specification, with vectors.

    keys = Keys(secret, epoch=1)
    keys.digest("account", "u-17"), keys.address("192.0.2.7:443"), keys.template_fp(prompt)
"""

from __future__ import annotations

from hydrawatch.fingerprints.addresses import client_address, ip_prefix
from hydrawatch.fingerprints.clients import client_family
from hydrawatch.fingerprints.keys import Keys
from hydrawatch.fingerprints.masking import mask

__all__ = ["Keys", "client_address", "client_family", "ip_prefix", "mask"]
