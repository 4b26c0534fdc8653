"""The four-country scenario against `make up`: separate services, once one of each and once two with two witnesses, on
RabbitMQ and PostgreSQL.
"""

from __future__ import annotations

import json
import os
import signal
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.upped import UppedExchange, comity

DEMO_TIMEOUT_S = 400
ONE_EACH, TWO_EACH = 1, 2


@pytest.fixture(scope="module", params=[ONE_EACH, TWO_EACH], ids=["one-each", "two-each"])
def exchange(
    server_programs: None, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[UppedExchange]:
    """Running, with one process of each service, then with two of each but the ledger, and two witnesses."""
    witnesses = 2 if request.param == TWO_EACH else 0
    with UppedExchange(tmp_path_factory.mktemp("up") / "exchange", request.param, witnesses) as upped:
        upped.wait_ready()
        yield upped


@pytest.fixture(scope="module")
def played(exchange: UppedExchange) -> Path:
    """The folder that the demonstration left."""
    directory = exchange.directory.with_name("demo")
    done = comity("demo", "--exchange", exchange.directory, "--directory", directory, timeout_s=DEMO_TIMEOUT_S)
    assert done.returncode == 0, done.stdout + done.stderr + exchange.said
    return directory


def test_the_scenario_is_played_to_its_end_on_separate_services(played: Path, exchange: UppedExchange) -> None:
    steps = json.loads((played / "transcript.json").read_text())
    assert ("MA.PGR", "reads the status", "closed") in {(step["who"], step["what"], step["status"]) for step in steps}
    services = Counter(name.partition("-")[0] for name in exchange.about["processes"])
    others = dict.fromkeys(("gateway", "intake", "routing", "notification"), exchange.replicas)
    assert services == {"ledger": 1, **others}


def test_nothing_was_set_aside_and_nothing_died_meanwhile(played: Path, exchange: UppedExchange) -> None:
    logs = "".join(log.read_text() for log in (exchange.directory / "log").iterdir())
    assert "set-aside" not in logs
    assert "Traceback" not in logs
    assert "ended" not in exchange.said


@pytest.mark.parametrize("exchange", [ONE_EACH], indirect=True, ids=["one-each"])
def test_a_second_run_on_one_exchange_says_how_to_start_afresh(
    played: Path, exchange: UppedExchange, tmp_path: Path
) -> None:
    again = comity("demo", "--exchange", exchange.directory, "--directory", tmp_path / "demo")
    assert again.returncode == 1
    assert "MA.PGR is enrolled already" in again.stdout
    assert f"remove {exchange.directory}" in again.stdout.replace("\n", "")


@pytest.mark.parametrize("exchange", [ONE_EACH], indirect=True, ids=["one-each"])
def test_an_operator_is_told_how_much_waits_where_and_what_does_not_answer(
    played: Path, exchange: UppedExchange
) -> None:
    seen = _queues(exchange, code=0)
    assert [one["service"] for one in seen["queues"]] == ["intake", "routing", "notification"]
    for one in seen["queues"]:
        assert (one["given_up"], one["dead_letters"]) == (0, 0)
        assert one["waiting"] >= 0
    assert seen["ledger"]["signed_size"] == seen["ledger"]["size"] > 0
    broker = int(next((exchange.directory / "rabbitmq").glob("**/node.pid")).read_text())
    os.kill(broker, signal.SIGSTOP)  # it holds its connections, and answers nobody
    try:
        seen = _queues(exchange, code=3)
    finally:
        os.kill(broker, signal.SIGCONT)
    assert [one["part"] for one in seen["unread"]] == ["broker"]
    assert [(one["waiting"], one["dead_letters"]) for one in seen["queues"]] == [(None, 0)] * 3
    assert seen["ledger"]["size"] > 0


@pytest.mark.parametrize("exchange", [ONE_EACH], indirect=True, ids=["one-each"])
def test_what_dies_is_started_again_and_told(exchange: UppedExchange) -> None:
    pid = next(
        pid
        for pid in map(int, filter(str.isdigit, os.listdir("/proc")))
        if _command(pid)[-2:] == ["serve", "intake"] and Path(f"/proc/{pid}/cwd").readlink() == exchange.directory
    )
    os.kill(pid, signal.SIGKILL)
    exchange.wait_said(r"intake-1 +ended by signal 9; starting it again", 20)
    exchange.wait_said(r"intake-1 +not ready(.*\n)+.*intake-1 +ready", 60)


@pytest.mark.parametrize("exchange", [TWO_EACH], indirect=True, ids=["two-each"])
def test_two_witnesses_cosigned_what_was_played(played: Path, exchange: UppedExchange) -> None:
    assert (
        "quorum all-of-them" in json.loads((Path(exchange.about["data"]) / "trust.json").read_text())["witness_policy"]
    )
    for name in exchange.about["witnesses"]:
        shown = comity("witness", "show", "--data", exchange.directory / "witnesses" / name, "--json")
        [log] = json.loads(shown.stdout)["logs"]
        assert (log["size"] > 100, log["evidence"]) == (True, 0)


def test_asked_to_stop_it_stops_all_in_order(played: Path, exchange: UppedExchange) -> None:
    exchange.ask()
    assert exchange.wait_ended() == 0, exchange.said
    assert "stopped with exit code" not in exchange.said
    assert exchange.said.rstrip().endswith("stopped")


def test_without_a_running_exchange_the_demonstration_says_how_to_start_one(tmp_path: Path) -> None:
    refused = comity("demo", "--exchange", tmp_path, "--directory", tmp_path / "demo")
    assert refused.returncode == 1
    assert "make up" in refused.stdout


def _queues(exchange: UppedExchange, code: int) -> dict[str, Any]:
    """What `comity operator queues` says, with one operator's key."""
    about = exchange.about
    trust = Path(about["data"]) / "trust.json"
    options = ["--operator-key", about["operator_keys"][0], "--trust", trust, "--url", about["url"]]
    done = comity("operator", "queues", *options, "--json", COMITY_PASSPHRASE_FILE=about["passphrase_file"])
    assert done.returncode == code, done.stdout + done.stderr
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def _command(pid: int) -> list[str]:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text().split("\0")[:-1]
    except OSError:
        return []
