"""How tests start a command that they will interrupt."""

import sys

# A shell's background job ignores Ctrl-C, and a test run may be one.
INTERRUPTIBLE = [
    sys.executable,
    "-c",
    (
        "import signal\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "from streams.cli.main import main; main()"
    ),
]
