"""detectors.toml as this process runs it: the file, then what the environment or a flag overrides."""

from __future__ import annotations

from dataclasses import replace

from detectors.config import Loaded, digest_of, load_config
from detectors.errors import ConfigError
from streams.settings.plugins import plugins
from streams.settings.settings import Settings


def configured(settings: Settings, partitions: int | None = None) -> Loaded:
    """The configuration of a run; `partitions` (a flag) wins over HYDRAWATCH_PARTITIONS.

    Detectors of other packages are among it. The digest covers the fingerprints' key too (its hash,
    never itself): it names what decides. Raises ConfigError.
    """
    loaded = load_config(*settings.detectors_text(), plugins=plugins())
    origins = dict(loaded.origins)
    config = loaded.config
    wanted, origin = (
        (partitions, "--partitions")
        if partitions is not None
        else (settings.partitions, "HYDRAWATCH_PARTITIONS")
    )
    if wanted is not None:
        if not 1 <= wanted <= 1024:
            raise ConfigError(f"{origin} is {wanted}; it takes a whole number from 1 to 1024")
        config = replace(config, engine=replace(config.engine, partitions=wanted))
        origins["engine.partitions"] = origin
    return Loaded(config, origins, digest_of(config, settings.hash_key_bytes()))
