"""`hydrawatch intake serve`: gateways send their records over HTTP, until it is stopped."""

from __future__ import annotations

import structlog

from streams.commands.intake_options import Options, converters_of, directory_of
from streams.commands.intake_process import ended, running
from streams.intake import server
from streams.intake.admission import Tokens
from streams.intake.intake_metrics import IntakeMetrics
from streams.intake.service import Intake, Limits, application
from streams.settings.intake_rules import intake_tokens, refuse_open_doors
from streams.settings.settings import Settings

log = structlog.get_logger()


def run(settings: Settings, options: Options) -> int:
    """Answer until SIGTERM or SIGINT; 0. Raises ConfigError, BrokerError."""
    refuse_open_doors(settings)
    tokens = Tokens(intake_tokens(settings))
    return ended(_run(settings, options, tokens))


async def _run(settings: Settings, options: Options, tokens: Tokens) -> int:
    directory = directory_of(settings, options)
    converters = converters_of(settings, options, directory)
    metrics = IntakeMetrics()
    metrics.forms(list(converters))
    topic = options.directory_topic
    listener = server.listening(settings)
    with listener:
        async with running(settings, metrics, directory, topic) as process:
            intake = Intake(
                converters,
                process.sink,
                metrics,
                Limits(
                    settings.intake_body_bytes,
                    settings.intake_requests_per_s,
                    settings.intake_in_hand_bytes,
                    settings.intake_answer_s,
                ),
                tokens,
            )
            metrics.in_hand.set_function(lambda: intake.in_hand.held)
            made = server.server(settings, application(intake))
            log.info("the intake listens", url=server.url(settings, listener))
            await server.serve(made, listener, process.stop)
    return 0
