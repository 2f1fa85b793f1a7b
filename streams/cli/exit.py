"""How a command ends: its exit code, and every error as one clear line on stderr.

0 all is well, 1 a problem was found or the work failed, 2 wrong usage or configuration, 130
interrupted.
"""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Callable
from typing import TYPE_CHECKING

import typer

from streams.terminal import shown_lines

if TYPE_CHECKING:
    from streams.settings.settings import Settings

OK, FAILED, MISUSED, INTERRUPTED = 0, 1, 2, 130


def finish(work: Callable[[Settings], int]) -> None:
    """Load the settings, set up the logs, do the work and exit with its code."""

    def with_settings() -> int:
        from streams.settings import logs
        from streams.settings.environment import doubtful, load

        settings = load()
        logs.setup(settings.log_level, secrets=settings.secrets())
        for doubt in doubtful(settings):
            _complain(f"warning: {doubt}", OK)
        return work(settings)

    end(with_settings)


def end(work: Callable[[], int]) -> None:
    """Do the work and exit; every error becomes a line on stderr and a code."""
    from detectors.errors import ConfigError, HydrawatchError

    try:
        code = work()
        sys.stdout.flush()
    except ConfigError as error:
        code = _complain(error, MISUSED)
    except HydrawatchError as error:
        code = _complain(error, FAILED)
    except KeyboardInterrupt:
        code = INTERRUPTED
    except BrokenPipeError:
        # The reader (head, jq) has what it wanted. Nothing may be flushed at exit any more.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = OK
    except Exception as error:  # the outermost edge: a traceback tells a user nothing
        if os.environ.get("HYDRAWATCH_LOG_LEVEL", "").lower() == "debug":
            # Not by raising it: what it says may come from a record.
            code = _complain(traceback.format_exc().rstrip(), FAILED)
        else:
            text = f"unexpected {type(error).__name__}: {error}"
            code = _complain(f"{text} (traceback: HYDRAWATCH_LOG_LEVEL=debug)", FAILED)
    raise typer.Exit(code)


def _complain(error: object, code: int) -> int:
    for text in shown_lines(error):
        typer.secho(f"hydrawatch: {text}", err=True, fg="red" if sys.stderr.isatty() else None)
    return code
