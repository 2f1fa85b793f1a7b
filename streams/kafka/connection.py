"""How clients reach the broker: addresses, credentials, and the broker's errors in words.

The one place that turns settings into arguments of aiokafka and kafka-python (which share these
names, but for tokens) and into Faust's credentials.
"""

from __future__ import annotations

import asyncio
import logging
import re
import ssl
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import structlog

from detectors.errors import ConfigError, HydrawatchError
from streams.kafka.oauth import asyncio_provider, blocking_provider
from streams.settings.security import OAUTH
from streams.settings.settings import Settings

log = structlog.get_logger()

_REFUSED = re.compile(r"Sasl\w*Failed|AuthenticationFailed|Authentication failed")
_NO_TOKEN = re.compile(r"(\S+ gave no token: |HYDRAWATCH_OAUTH_)[^\n)]*")
_TELLING = re.compile(f"{_REFUSED.pattern}|{_NO_TOKEN.pattern}|CERTIFICATE|SSL")


class BrokerError(HydrawatchError):
    """The broker cannot be reached, or refused what was asked of it."""


class NoAnswerError(BrokerError):
    """Nobody answers: it may be a matter of time."""


T = TypeVar("T")


async def patiently(act: Callable[[], Awaitable[T]], what: str, for_s: float = 300.0) -> T:
    """Do `act` again while the broker does not answer, as in a restart; BrokerError in the end."""
    until = time.monotonic() + for_s
    pause_s = 0.5
    while True:
        try:
            return await act()
        except BrokerError as error:
            if time.monotonic() > until:
                raise
            log.warning("waiting for the broker", to=what, reason=str(error))
        await asyncio.sleep(pause_s)
        pause_s = min(2 * pause_s, 10.0)


def client_options(settings: Settings) -> dict[str, Any]:
    """Keyword arguments for every aiokafka client: servers and security."""
    from streams.kafka import addresses  # slow to import, as the clients are

    addresses.ask_any()
    options = _options(settings)
    if settings.sasl_mechanism == OAUTH:
        options["sasl_oauth_token_provider"] = asyncio_provider(settings)
    return options


def blocking_client_options(settings: Settings) -> dict[str, Any]:
    """Keyword arguments for every kafka-python client: the same but for who fetches tokens."""
    from streams.kafka import blocking_addresses

    blocking_addresses.ask_any()
    options = _options(settings)
    if settings.sasl_mechanism == OAUTH:
        options["sasl_oauth_token_provider"] = blocking_provider(settings)
    return options


def _options(settings: Settings) -> dict[str, Any]:
    options: dict[str, Any] = {
        "bootstrap_servers": settings.broker.split(","),
        "security_protocol": protocol(settings),
    }
    if settings.tls:
        options["ssl_context"] = tls_context(settings)
    if settings.sasl_mechanism:
        options["sasl_mechanism"] = settings.sasl_mechanism
    if settings.sasl_password:
        options["sasl_plain_username"] = settings.sasl_username
        options["sasl_plain_password"] = settings.sasl_password.get_secret_value()
    return options


def protocol(settings: Settings) -> str:
    """Kafka's name for the combination of SASL and TLS."""
    if settings.sasl_mechanism:
        return "SASL_SSL" if settings.tls else "SASL_PLAINTEXT"
    return "SSL" if settings.tls else "PLAINTEXT"


def tls_context(settings: Settings) -> ssl.SSLContext:
    """A verifying TLS context; ConfigError if a file is not what its variable says."""
    try:
        context = ssl.create_default_context(
            cafile=str(settings.tls_ca) if settings.tls_ca else None
        )
    except (ssl.SSLError, OSError) as error:
        raise ConfigError(
            f"HYDRAWATCH_TLS_CA = '{settings.tls_ca}': no PEM certificates in it: {error}"
        ) from error
    if settings.tls_cert and settings.tls_key:
        password = settings.tls_key_password
        try:
            context.load_cert_chain(
                settings.tls_cert,
                settings.tls_key,
                # Without one OpenSSL would ask on the terminal, and a worker has none.
                password=password.get_secret_value() if password else "",
            )
        except (ssl.SSLError, OSError, ValueError) as error:
            raise ConfigError(
                f"HYDRAWATCH_TLS_CERT = '{settings.tls_cert}' and HYDRAWATCH_TLS_KEY = "
                f"'{settings.tls_key}' are no PEM certificate with its key, or the key is "
                f"encrypted and HYDRAWATCH_TLS_KEY_PASSWORD is not its password: {error}"
            ) from error
    return context


def faust_credentials(settings: Settings) -> Any:
    """What `faust.App(broker_credentials=...)` takes; None for a plain connection."""
    import faust  # slow to import, and only the worker needs it

    context = tls_context(settings) if settings.tls else None
    if settings.sasl_mechanism == OAUTH:
        return faust.OAuthCredentials(oauth_cb=asyncio_provider(settings), ssl_context=context)
    if settings.sasl_mechanism and settings.sasl_password:
        return faust.SASLCredentials(
            username=settings.sasl_username,
            password=settings.sasl_password.get_secret_value(),
            mechanism=settings.sasl_mechanism,
            ssl_context=context,
        )
    return faust.SSLCredentials(context=context) if context else None


def faust_urls(settings: Settings, scheme: str = "aiokafka") -> str:
    """The broker addresses as `faust.App(broker=...)` takes them, for a transport's scheme."""
    from streams.kafka import addresses

    addresses.ask_any()
    return ";".join(f"{scheme}://{address}" for address in settings.broker.split(","))


@contextmanager
def explained(settings: Settings) -> Iterator[None]:
    """Turn client errors of kafka-python and aiokafka within the block into a BrokerError."""
    import aiokafka.errors
    import kafka.errors

    try:
        with _listening() as complaint:
            yield
    except (
        kafka.errors.KafkaConnectionError,
        kafka.errors.KafkaTimeoutError,
        aiokafka.errors.KafkaConnectionError,
    ) as error:
        if _REFUSED.search(complaint.text):
            raise _refused(settings) from error
        if found := _NO_TOKEN.search(complaint.text):
            raise BrokerError(found[0]) from error
        if settings.sasl_mechanism and "disconnected" in complaint.text:
            # kafka-python often sees the connection end before it has read why.
            raise BrokerError(
                f"the broker at {settings.broker} hangs up on {protocol(settings)} with "
                f"{settings.sasl_mechanism}: check {_credentials(settings)}, and that the port is "
                "the one for it"
            ) from error
        raise NoAnswerError(
            f"no broker answers at {settings.broker} ({protocol(settings)}); is it running, and "
            f"is HYDRAWATCH_BROKER right? ({complaint.text[-300:] or _short(error)})"
        ) from error
    except (
        kafka.errors.SaslAuthenticationFailedError,
        aiokafka.errors.AuthenticationFailedError,
        aiokafka.errors.SaslAuthenticationFailed,
    ) as error:
        raise _refused(settings) from error
    except (
        kafka.errors.AuthorizationError,
        aiokafka.errors.TopicAuthorizationFailedError,
        aiokafka.errors.GroupAuthorizationFailedError,
        aiokafka.errors.ClusterAuthorizationFailedError,
    ) as error:
        who = settings.sasl_username or "this client's certificate or token"
        raise BrokerError(
            f"the broker at {settings.broker} does not let {who} do this ({_short(error)}); "
            "deploy/kafka/acls.sh lists the rights of each role"
        ) from error
    except (kafka.errors.KafkaError, aiokafka.errors.KafkaError) as error:
        raise BrokerError(f"the broker at {settings.broker} says: {_short(error)}") from error


def _refused(settings: Settings) -> BrokerError:
    name = f" of {settings.sasl_username!r}" if settings.sasl_username else ""
    return BrokerError(
        f"the broker at {settings.broker} refused the credentials{name} "
        f"({settings.sasl_mechanism}); check {_credentials(settings)}"
    )


def _credentials(settings: Settings) -> str:
    return "HYDRAWATCH_OAUTH_*" if settings.sasl_mechanism == OAUTH else "HYDRAWATCH_SASL_*"


class _Complaint(logging.Handler):
    """The most telling error that a client logged: what it raises only says that it gave up."""

    text = ""

    def emit(self, record: logging.LogRecord) -> None:
        said = record.getMessage()
        if not _TELLING.search(self.text) and not (self.text and "Bootstrap failed" in said):
            self.text = said


@contextmanager
def _listening() -> Iterator[_Complaint]:
    handler = _Complaint(logging.ERROR)
    loggers = [logging.getLogger(name) for name in ("aiokafka", "kafka")]
    for logger in loggers:
        logger.addHandler(handler)
    try:
        yield handler
    finally:
        for logger in loggers:
            logger.removeHandler(handler)


def _short(error: BaseException, limit: int = 200) -> str:
    text = f"{type(error).__name__}: {error}".removesuffix(": ").replace("\n", " ")
    return text if len(text) <= limit else text[: limit - 1] + "…"
