"""What all ways into the intake may be told, and the converters and the directory that follow from it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from detectors.errors import ConfigError
from hydrawatch.fingerprints import Keys
from streams.intake.convert import Converter
from streams.intake.directory import Directory, read_directory
from streams.intake.formats import Format, with_files
from streams.intake.geo import Geo
from streams.settings.intake_rules import intake_secret
from streams.settings.settings import Settings


@dataclass(frozen=True, slots=True)
class Options:
    """What the command line said.

    `accounts`: FORMAT=EXPRESSION, where a gateway leaves open which field is the account. `directory` is a
    file, `directory_topic` the topic that is followed; one of them or none. `digest_ids`: the file's ids
    are raw. `mappings`: files of formats of one's own.
    """

    accounts: tuple[str, ...] = ()
    directory: str | None = None
    directory_topic: str | None = None
    digest_ids: bool = False
    geo: tuple[str, ...] = ()
    mappings: tuple[str, ...] = ()


def options_of(
    settings: Settings,
    account: Sequence[str] | None,
    directory: str | None,
    directory_topic: bool,
    digest_ids: bool,
    geo: Sequence[str | None],
    mapping: Sequence[str] | None,
) -> Options:
    """The options as the command line has them."""
    return Options(
        tuple(account or ()),
        directory,
        settings.accounts_topic if directory_topic else None,
        digest_ids,
        tuple(path for path in geo if path is not None),
        tuple(mapping or ()),
    )


def keys_of(settings: Settings) -> Keys:
    """The keys of the intake's digests. Raises ConfigError where no secret is set."""
    try:
        return Keys(intake_secret(settings), settings.intake_epoch)
    except ValueError as error:
        raise ConfigError(f"HYDRAWATCH_INTAKE_KEY, _KEY_FILE or _EPOCH: {error}") from error


def directory_of(settings: Settings, options: Options) -> Directory | None:
    """The directory as its file says, or an empty one that its topic will fill. Raises ConfigError."""
    if options.directory and options.directory_topic:
        raise ConfigError("--directory FILE or --directory-topic, one of them")
    if options.directory:
        return read_directory(options.directory, keys_of(settings) if options.digest_ids else None)
    return Directory() if options.directory_topic else None


def converters_of(
    settings: Settings, options: Options, directory: Directory | None
) -> Mapping[str, Converter]:
    """A converter for each format, with the account that was named for it. Raises ConfigError."""
    formats = with_files(options.mappings)
    named = _accounts(options, formats)
    keys = keys_of(settings)
    geo = Geo(*options.geo) if options.geo else None
    by_account = {
        account: Converter(
            keys=keys, account=account, directory=directory, geo=geo, mappings=formats
        )
        for account in {None, *named.values()}
    }
    converters = {name: by_account[named.get(name)] for name in formats}
    for name, converter in converters.items():  # what cannot be used is said at once
        converter.convert(name, b"{}", received_ms=0)
    return converters


def _accounts(options: Options, formats: Mapping[str, Format]) -> dict[str, str]:
    named = {}
    for text in options.accounts:
        name, equals, expression = text.partition("=")
        if not equals or not expression or name not in formats:
            raise ConfigError(
                f"--account {text}: give FORMAT=EXPRESSION, with a format of {', '.join(formats)}"
            )
        named[name] = expression
    return named
