"""Structured logs on standard error, one JSON object a line, those of libraries too. No body, key or plaintext is ever
passed to it.

Rules:
1. Secrets are kept out where they would be written; what slips through is taken out here: by the name of its field,
   by its form (a password in an address, `password=…`), and by its value, where it is one of this process's settings.
2. Libraries are heard from `warning` on, and never below `info`: what they tell for debugging holds what they send.
3. A line that cannot be written is lost, and nothing else: on a full disk the exchange must go on reading and wait for
   room, and not die of telling so.
"""

from __future__ import annotations

import json
import logging
import re
import sys
from collections.abc import Iterable, Mapping, MutableMapping
from contextlib import suppress
from functools import lru_cache
from typing import Any, Final, TextIO
from urllib.parse import quote

import structlog
from typing_extensions import override

REDACTED: Final = "[redacted]"
SHORTEST_SECRET: Final = 6
"""Characters; what is shorter could be part of any word."""
_WORDS: Final = "password|passwd|passphrase|secret|seed|token|authorization|signature|private_key"
_FIELD: Final = re.compile(_WORDS, re.IGNORECASE)
_IN_ADDRESS: Final = re.compile(r"(\w+://[^\s:/@\"]*):[^\s@\"]+@")
_JSON: Final = json.JSONEncoder()
_ASSIGNED: Final = re.compile(rf"((?:{_WORDS})[\"']?\s*[=:]\s*)(?:\"[^\"]*\"|'[^']*'|[^\s\"',;&)]+)", re.IGNORECASE)


@lru_cache(maxsize=256)
def _is_secret(field: str) -> bool:
    return _FIELD.search(field) is not None


def _as_json(line: Mapping[str, Any], **_: Any) -> str:
    """The renderer's own serializer makes an encoder for each line. What comes here has been through `Redactor`."""
    return _JSON.encode(line)


class Redactor:
    """The last step before a line is rendered."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        """`secrets` are values that must not be written, in whatever place."""
        known = {form for secret in secrets if len(secret) >= SHORTEST_SECRET for form in (secret, quote(secret, ""))}
        self._known = re.compile("|".join(map(re.escape, sorted(known, key=len, reverse=True)))) if known else None

    def __call__(self, _logger: object, _method: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        return {name: self._hide(name, value) for name, value in line.items()}

    def _hide(self, name: str, value: Any) -> Any:
        if value is None or isinstance(value, bool | int | float):
            return value
        if _is_secret(name):
            return REDACTED
        if isinstance(value, Mapping):
            return {str(inner): self._hide(str(inner), one) for inner, one in value.items()}
        if isinstance(value, list | tuple | set | frozenset):
            return [self._hide("", one) for one in value]
        return self._hide_in(value if isinstance(value, str) else repr(value))

    def _hide_in(self, text: str) -> str:
        if ":" in text or "=" in text:  # as both forms have; to look for them costs more than all else of a short line
            text = _IN_ADDRESS.sub(rf"\1:{REDACTED}@", text)
            text = _ASSIGNED.sub(rf"\1{REDACTED}", text)
        return text if self._known is None else self._known.sub(REDACTED, text)


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


class _Forwarded(logging.Handler):
    """What libraries tell, as lines of ours."""

    def __init__(self) -> None:
        super().__init__()
        self._log = structlog.get_logger()

    @override
    def emit(self, record: logging.LogRecord) -> None:
        with suppress(Exception):  # a record that cannot be formatted is its library's fault, and no reason to fail
            more: dict[str, Any] = {"exc_info": record.exc_info} if record.exc_info else {}
            if record.exc_info and record.levelno < logging.ERROR:  # they warn of what they cope with
                more = {"why": f"{type(record.exc_info[1]).__name__}: {record.exc_info[1]}"}
            self._log.log(record.levelno, record.getMessage().strip(), logger=record.name, **more)


def configure_logs(level: str, service: str = "", secrets: Iterable[str] = ()) -> None:
    """`level` is debug, info, warning or error; `service` stands in every line; `secrets` stand in none."""
    number = logging.getLevelNamesMapping().get(level.upper(), logging.INFO)

    def name_service(_logger: object, _method: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        if service:
            line.setdefault("service", service)
        return line

    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            name_service,
            structlog.processors.format_exc_info,
            Redactor(secrets),
            structlog.processors.JSONRenderer(_as_json),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.WriteLoggerFactory(_LossyStream(sys.stderr)),  # type: ignore[arg-type]  # it writes and flushes, no more
        cache_logger_on_first_use=False,
    )
    logging.captureWarnings(True)
    logging.basicConfig(level=max(number, logging.WARNING if number > logging.DEBUG else logging.INFO), force=True)
    logging.getLogger().handlers = [_Forwarded()]
    # Each failed attempt to connect is an error to it; we say once what is down, and in our words.
    logging.getLogger("aiormq").setLevel(logging.CRITICAL if number > logging.DEBUG else logging.NOTSET)
