"""Each service as a process of its own, on servers that die and come back: what it tells of itself, and how it ends.

One exchange for the module. Its logs are written at the level debug, and searched at the end for every secret of it.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from deploy.local import LocalExchange
from tests.promptness import TRIES

STOP_S = 10.0
TRUTH_S = 2.0
REATTACHED_S = 30.0
SERVICES = ("gateway-1", "intake-1", "routing-1", "notification-1", "ledger-1")
BEHIND = SERVICES[1:]


@pytest.fixture(scope="module")
def exchange(server_programs: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalExchange]:
    place = tmp_path_factory.mktemp("services")
    operators = [argument for number in (1, 2) for argument in ("--operator-key", str(place / f"{number}.json"))]
    init = ["operator", "init", "--data", str(place / "data"), "--origin", "comity.test/log", *operators]
    command = [sys.executable, "-m", "comity.main", *init]
    subprocess.run(command, env={**os.environ, "COMITY_PASSPHRASE": "of these tests"}, check=True, capture_output=True)
    with LocalExchange(place / "up", place / "data", settings={"log_level": "debug"}) as running:
        yield running


def asked(exchange: LocalExchange, name: str, path: str = "readyz") -> tuple[int, Any]:
    """Status and answer, which comes in time, or at one of the next tries: machines have hiccups."""
    for _ in range(TRIES):
        began = time.monotonic()
        try:
            with urllib.request.urlopen(f"{exchange.url_of(name)}/{path}", timeout=STOP_S) as answer:  # noqa: S310
                found = answer.status, answer.read()
        except urllib.error.HTTPError as refused:
            with refused:
                found = refused.code, refused.read()
        if time.monotonic() - began < TRUTH_S + 1:
            return found[0], found[1] if path == "metrics" else json.loads(found[1])
    pytest.fail("readiness keeps its callers waiting")


def until(holds: Callable[[], bool], within_s: float) -> None:
    give_up_at = time.monotonic() + within_s
    while not holds():
        assert time.monotonic() < give_up_at, f"not within {within_s:.0f} s"
        time.sleep(0.1)


def stop(exchange: LocalExchange, name: str) -> None:
    """Ask it to stop, and hold it to its promise."""
    began = time.monotonic()
    assert exchange.stop_process(name) == 0, exchange.log_of(name).read_text()[-2000:]
    assert time.monotonic() - began < STOP_S


def test_each_is_ready_and_says_what_it_looked_at(exchange: LocalExchange) -> None:
    expected = {
        "gateway-1": {"database", "broker", "directory"},
        "intake-1": {"database", "broker", "directory", "intake", "intake-outbox", "clocks", "transport"},
        "ledger-1": {"database", "broker", "ledger", "ledger-head"},
    }
    for name, checks in expected.items():
        status, told = asked(exchange, name)
        assert (status, told["ready"], told["why"]) == (200, True, None)
        assert told["checks"] == dict.fromkeys(checks, "ok")
        assert asked(exchange, name, "livez") == (200, {"alive": True})


def test_its_figures_are_there_for_prometheus(exchange: LocalExchange) -> None:
    intake = asked(exchange, "intake-1", "metrics")[1].decode()
    assert 'comity_service_ready{service="intake"} 1.0' in intake
    assert 'comity_consumer_attached{service="intake"} 1.0' in intake
    assert "process_resident_memory_bytes" in intake
    assert 'comity_service_ready{service="gateway"} 1.0' in asked(exchange, "gateway-1", "metrics")[1].decode()
    assert "comity_ledger_leads 1.0" in asked(exchange, "ledger-1", "metrics")[1].decode()


def test_without_a_broker_nobody_is_ready_and_all_end_cleanly_and_come_back_in_any_order(
    exchange: LocalExchange,
) -> None:
    exchange.rabbitmq.kill()
    for name in SERVICES:
        until(lambda: asked(exchange, name)[0] == 503, 10)  # noqa: B023  # asked in this turn of the loop
        assert asked(exchange, name)[1]["why"].startswith("broker")
        assert asked(exchange, name, "livez")[0] == 200
    stop(exchange, "intake-1")
    stop(exchange, "gateway-1")
    exchange.start_process("gateway-1")
    exchange.start_process("intake-1")
    until(lambda: "waits-for-servers" in exchange.log_of("intake-1").read_text(), 30)
    assert asked(exchange, "intake-1")[0] == 503
    stop(exchange, "intake-1")  # while it waits for its servers
    exchange.start_process("intake-1")
    exchange.rabbitmq.start()
    for name in SERVICES:
        exchange.wait_ready(name, REATTACHED_S)


def test_without_a_database_nobody_is_ready_and_all_end_cleanly_and_come_back(exchange: LocalExchange) -> None:
    exchange.postgres.kill()
    for name in SERVICES:
        until(lambda: asked(exchange, name)[0] == 503, 10)  # noqa: B023  # asked in this turn of the loop
        assert asked(exchange, name)[1]["why"].startswith("database")
    stop(exchange, "routing-1")
    stop(exchange, "ledger-1")
    exchange.start_process("routing-1")
    exchange.postgres.start()
    exchange.start_process("ledger-1")
    for name in SERVICES:
        exchange.wait_ready(name, REATTACHED_S)


def test_a_broker_that_says_nothing_keeps_nobody_waiting(exchange: LocalExchange) -> None:
    os.kill(exchange.rabbitmq.pid, signal.SIGSTOP)
    try:
        until(lambda: asked(exchange, "notification-1")[0] == 503, 20)
        stop(exchange, "notification-1")
    finally:
        os.kill(exchange.rabbitmq.pid, signal.SIGCONT)
    exchange.start_process("notification-1")
    exchange.wait_ready("notification-1", REATTACHED_S)


def test_a_wrong_password_is_told_without_being_told(exchange: LocalExchange) -> None:
    place = exchange.directory / "processes" / "intake-1" / "secrets"
    stop(exchange, "intake-1")
    wrong = {
        file.name.removeprefix("comity_"): re.sub(r":[^:@]+@", ":kestrelpassword@", file.read_text())
        for file in place.iterdir()
        if "@" in file.read_text()
    }
    exchange.start_process("intake-1", wrong)
    until(lambda: "waits-for-servers" in exchange.log_of("intake-1").read_text().rpartition('"ready": true')[2], 30)
    status, told = asked(exchange, "intake-1")
    assert status == 503
    assert "password" in told["why"]
    assert "kestrel" not in json.dumps(told)
    stop(exchange, "intake-1")
    exchange.start_process("intake-1", {"database": "postgresql+asyncpg://comity:kestrelpassword@nowhere:port/x"})
    assert exchange.wait_ended("intake-1", 30) == 1
    assert "kestrel" not in exchange.log_of("intake-1").read_text()
    exchange.start_process("intake-1")
    exchange.wait_ready("intake-1", REATTACHED_S)


def test_idle_they_end_cleanly(exchange: LocalExchange) -> None:
    for name in SERVICES:
        stop(exchange, name)


def test_every_line_of_every_log_is_json_and_none_holds_a_secret_or_a_traceback(exchange: LocalExchange) -> None:
    """Last in this file: what the tests before provoked is in the logs by now."""
    secrets = _secrets(exchange)
    assert len(secrets) >= 12
    for name in SERVICES:
        text = exchange.log_of(name).read_text()
        for line in text.splitlines():
            assert json.loads(line).get("service") == name.partition("-")[0], line
        assert "Traceback" not in text, text[text.index("Traceback") - 500 :][:3000]
        assert not [secret for secret in secrets if secret in text]
    assert all(file.read_text() for file in (exchange.directory / "log").iterdir())


def _secrets(exchange: LocalExchange) -> set[str]:
    """Passwords of the servers, and every seed of a service's key."""
    found = {
        password
        for file in exchange.directory.glob("processes/*/secrets/*")
        for password in re.findall(r"://[^:/]*:([^@]+)@", file.read_text())
    }
    for file in [*exchange.directory.glob("processes/*/keys/*.json")]:
        found |= _long_texts(json.loads(file.read_text()))
    return found


def _long_texts(node: object) -> set[str]:
    if isinstance(node, str):
        return {node} if len(node) >= 40 else set()
    children = node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()
    return {text for child in children for text in _long_texts(child)}
