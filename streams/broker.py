"""How clients reach the broker: addresses, credentials, and the broker's errors in words.

The one place that turns settings into arguments of aiokafka and kafka-python (which share these
names) and into Faust's credentials.
"""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from detectors.errors import ConfigError, HydrawatchError
from streams.settings import Settings


class BrokerError(HydrawatchError):
    """The broker cannot be reached, or refused what was asked of it."""


def client_options(settings: Settings) -> dict[str, Any]:
    """Keyword arguments for every aiokafka and kafka-python client: servers and security."""
    options: dict[str, Any] = {
        "bootstrap_servers": settings.broker.split(","),
        "security_protocol": protocol(settings),
    }
    if settings.tls:
        options["ssl_context"] = tls_context(settings)
    if settings.sasl_mechanism and settings.sasl_password:
        options["sasl_mechanism"] = settings.sasl_mechanism
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
        try:
            context.load_cert_chain(settings.tls_cert, settings.tls_key)
        except (ssl.SSLError, OSError) as error:
            raise ConfigError(
                f"HYDRAWATCH_TLS_CERT = '{settings.tls_cert}' and HYDRAWATCH_TLS_KEY = "
                f"'{settings.tls_key}' are no PEM certificate with its unencrypted key: {error}"
            ) from error
    return context


def faust_credentials(settings: Settings) -> Any:
    """What `faust.App(broker_credentials=...)` takes; None for a plain connection."""
    import faust  # slow to import, and only the worker needs it

    context = tls_context(settings) if settings.tls else None
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
    return ";".join(f"{scheme}://{address}" for address in settings.broker.split(","))


@contextmanager
def explained(settings: Settings) -> Iterator[None]:
    """Turn client errors of kafka-python and aiokafka within the block into a BrokerError."""
    import aiokafka.errors
    import kafka.errors

    try:
        yield
    except (
        kafka.errors.KafkaConnectionError,
        kafka.errors.KafkaTimeoutError,
        aiokafka.errors.KafkaConnectionError,
    ) as error:
        raise BrokerError(
            f"no broker answers at {settings.broker} ({protocol(settings)}); is it running, and "
            f"is HYDRAWATCH_BROKER right? ({_short(error)})"
        ) from error
    except (
        kafka.errors.SaslAuthenticationFailedError,
        aiokafka.errors.AuthenticationFailedError,
    ) as error:
        raise BrokerError(
            f"the broker at {settings.broker} refused the credentials of "
            f"{settings.sasl_username!r} ({settings.sasl_mechanism}); check HYDRAWATCH_SASL_*"
        ) from error
    except (kafka.errors.KafkaError, aiokafka.errors.KafkaError) as error:
        raise BrokerError(f"the broker at {settings.broker} says: {_short(error)}") from error


def _short(error: BaseException, limit: int = 200) -> str:
    text = f"{type(error).__name__}: {error}".removesuffix(": ").replace("\n", " ")
    return text if len(text) <= limit else text[: limit - 1] + "…"
