"""Lines of the log: JSON all of them, and no secret in any, whoever tells it."""

from __future__ import annotations

import json
import logging
import warnings
from typing import Any

import pytest
import structlog

from shared.runtime.logs import REDACTED, configure_logs

PASSWORD = "kestrel/of the-marsh"
QUOTED = "kestrel%2Fof%20the-marsh"


pytestmark = pytest.mark.usefixtures("logs_as_before")


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().err.splitlines()]


def test_what_libraries_tell_stands_in_lines_like_ours(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logs("info", "intake")
    structlog.get_logger().info("ours", rows=3)
    logging.getLogger("uvicorn.error").error("theirs\nin two lines")
    try:
        raise ValueError("broken")
    except ValueError:
        logging.getLogger("asyncio").exception("a task")
    warnings.warn("old", DeprecationWarning, stacklevel=1)
    told = lines(capsys)
    assert [(line["service"], line["level"]) for line in told[:3]] == [
        ("intake", "info"),
        ("intake", "error"),
        ("intake", "error"),
    ]
    assert told[1]["event"] == "theirs\nin two lines"
    assert told[1]["logger"] == "uvicorn.error"
    assert "ValueError: broken" in told[2]["exception"]


@pytest.mark.parametrize("level", ["debug", "info"])
def test_libraries_never_tell_what_they_send(capsys: pytest.CaptureFixture[str], level: str) -> None:
    configure_logs(level, "intake")
    logging.getLogger("aiormq.connection").debug("frame: %r", b"\0user\0password")
    assert lines(capsys) == []


@pytest.mark.parametrize(
    "leak",
    [
        {"password": PASSWORD},
        {"key_seed": PASSWORD},
        {"Authorization": f"Basic {PASSWORD}"},
        {"settings": {"inner": [{"passphrase": PASSWORD}]}},
        {"url": f"amqp://comity:{QUOTED}@127.0.0.1:5672/"},
        {"why": f"cannot connect to postgresql+asyncpg://comity_intake:{QUOTED}@db/comity"},
        {"why": "token=kestrel_of_the_marsh"},
        {"why": '{"secret": "kestrel_of_the_marsh"}'},
        {"why": f"refused: {PASSWORD}"},
        {"why": QUOTED},
        {"why": ValueError(f"login {PASSWORD} failed")},
    ],
)
def test_a_deliberate_leak_is_taken_out(capsys: pytest.CaptureFixture[str], leak: dict[str, Any]) -> None:
    configure_logs("debug", "intake", [PASSWORD])
    structlog.get_logger().error("leak", **leak)
    logging.getLogger("some.library").error("leak %s", leak)
    written = capsys.readouterr().err
    assert "kestrel" not in written
    assert written.count(REDACTED) >= 2
    assert all(json.loads(line)["service"] == "intake" for line in written.splitlines())


def test_a_traceback_holds_no_secret_either(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logs("debug", "intake", [PASSWORD])
    try:
        raise OSError(f"amqps://comity:{QUOTED}@broker and {PASSWORD}")
    except OSError as failed:
        structlog.get_logger().error("failed", exc_info=failed)
    told = capsys.readouterr().err
    assert "kestrel" not in told
    assert "OSError" in json.loads(told)["exception"]


def test_what_is_no_secret_stays(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logs("info", "intake", [PASSWORD])
    why = 'password authentication failed for user "comity_intake"; http://127.0.0.1:8471/readyz'
    structlog.get_logger().error("failed", why=why, queue="intake")
    (line,) = lines(capsys)
    assert (line["why"], line["queue"]) == (why, "intake")
