"""Structured logs on standard error, one JSON object a line. No body, key or plaintext is ever passed to it.

A line that cannot be written is lost, and nothing else: on a full disk the exchange must go on reading and wait for
room, and not die of telling so.
"""

from __future__ import annotations

import logging
import sys
from contextlib import suppress
from typing import TextIO

import structlog


class _LossyStream:
    """As much of a text file as the loggers use."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> None:
        with suppress(OSError):
            self._stream.write(text)

    def flush(self) -> None:
        with suppress(OSError):
            self._stream.flush()


def configure_logs(level: str) -> None:
    """`level` is debug, info, warning or error."""
    number = logging.getLevelNamesMapping().get(level.upper(), logging.INFO)
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.WriteLoggerFactory(_LossyStream(sys.stderr)),  # type: ignore[arg-type]  # it writes and flushes, no more
        cache_logger_on_first_use=False,
    )
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr, format='{"event": "%(name)s", "why": "%(message)s"}')
