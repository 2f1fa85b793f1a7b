"""The first two shelves of configuration: the environment and `detectors.toml`; logs."""
