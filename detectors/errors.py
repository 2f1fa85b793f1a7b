"""What can go wrong, as one tree.

    HydrawatchError
    ├── ConfigError     a setting is missing, unknown or out of range: mend the configuration
    ├── ContractError   a caller broke an interface: wrong shape, size or order of what it passed in
    │   └── OlderFormatError   what a version before wrote, where this one reads its own alone
    └── StateError      stored state cannot be read or does not belong to this configuration

Bad input records are none of these: they are values (`detectors.decode.decoder.Rejected`), because a stream
goes on after them.
"""

from __future__ import annotations


class HydrawatchError(Exception):
    """Base of every error hydrawatch raises on purpose."""


class ConfigError(HydrawatchError):
    """A setting cannot be used; the message names it, the allowed range and the mend."""


class ContractError(HydrawatchError):
    """A caller passed something the interface does not allow; a bug of the caller, never of the data."""


class OlderFormatError(ContractError):
    """A record between stages that a version before wrote."""


class StateError(HydrawatchError):
    """Stored state is damaged, of an unknown version, or of another configuration."""


def panicked(error: BaseException) -> bool:
    """Whether it is compiled code of a library (River's is Rust) that gave up: no Exception."""
    return type(error).__module__.startswith("pyo3") and type(error).__name__ == "PanicException"
