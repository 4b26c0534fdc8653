"""The definitions of the broker, read as the broker reads them."""

import base64
import hashlib
import json
import re
import stat
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from comity.main import app
from shared.adapters.amqp.definitions import COUNTS_WHAT_WAITS, NOTHING, broker_definitions, rights_of
from shared.adapters.amqp.topology import dead_queue, entry, fanout, work_queue
from shared.contracts.topology import CONSUMER, PRODUCERS, QUEUES, SERVICES, WAKEUPS

PREFIX = "comity.test-1."
PASSWORDS = {service: f"a long password of {service}" for service in SERVICES}
LISTENER = f"{fanout(PREFIX)}.0123456789abcdef"
EVERY_NAME = [
    *("amq.default", "amq.fanout", "", fanout(PREFIX), LISTENER),
    *(name(PREFIX, queue) for queue in QUEUES for name in (work_queue, dead_queue, entry)),
    # what a wrong expression would let through
    *(f"x{entry(PREFIX, 'intake')}", f"{entry(PREFIX, 'intake')}x", "comityXtest-1Xto.intake", f"{LISTENER}0"),
]


def allowed(expression: str) -> set[str]:
    return {name for name in EVERY_NAME if name and re.search(expression, name)}


def test_a_service_writes_where_it_produces_and_reads_where_it_consumes() -> None:
    for service in SERVICES:
        rights = rights_of(service, PREFIX)
        wakes, hears = service in PRODUCERS[WAKEUPS], service == CONSUMER[WAKEUPS]
        written = {entry(PREFIX, queue) for queue in QUEUES if service in PRODUCERS[queue]}
        own = [queue for queue in QUEUES if CONSUMER[queue] == service]
        read = {name(PREFIX, queue) for queue in own for name in (work_queue, dead_queue)}
        if service == COUNTS_WHAT_WAITS:
            written |= {name(PREFIX, queue) for queue in QUEUES for name in (work_queue, dead_queue)}
        listening = {LISTENER} if hears else set()
        assert allowed(rights.write) == written | listening | ({fanout(PREFIX)} if wakes else set())
        assert allowed(rights.read) == read | listening | ({fanout(PREFIX)} if hears else set())
        assert allowed(rights.configure) == listening


def test_the_ledger_has_no_business_on_the_bus() -> None:
    assert set(vars(rights_of("ledger", PREFIX)).values()) == {NOTHING}


def test_no_queue_is_called_like_an_exchange() -> None:
    """The broker matches rights against both alike."""
    made = broker_definitions(PASSWORDS, PREFIX, "comity_")
    exchanges, queues = ({one["name"] for one in made[kind]} for kind in ("exchanges", "queues"))
    assert exchanges.isdisjoint(queues)


def test_dead_queues_stand_before_the_queues_that_need_them() -> None:
    names = [queue["name"] for queue in broker_definitions(PASSWORDS, PREFIX, "comity_")["queues"]]
    assert all(names.index(dead_queue(PREFIX, queue)) < names.index(work_queue(PREFIX, queue)) for queue in QUEUES)


def user_of(definitions: Any, name: str) -> Any:
    return next(user for user in definitions["users"] if user["name"] == name)


def test_the_command_writes_hashes_of_the_passwords_in_the_files(tmp_path: Path) -> None:
    for name in ("chief", *(f"c_{service}" for service in SERVICES)):
        (tmp_path / name).write_text(f"a long password of {name}\n")
    output = tmp_path / "definitions.json"
    options = ["--passwords", str(tmp_path), "--user-prefix", "c_", "--administrator", "chief", "-o", str(output)]
    done = CliRunner().invoke(app, ["broker", "definitions", *options])
    assert done.exit_code == 0, done.output
    assert stat.S_IMODE(output.stat().st_mode) == 0o600
    made = json.loads(output.read_text())
    assert "password of" not in output.read_text()
    hashed = base64.b64decode(user_of(made, "c_intake")["password_hash"])
    assert hashed[4:] == hashlib.sha256(hashed[:4] + b"a long password of c_intake").digest()
    assert {user["name"]: user["tags"] for user in made["users"] if user["tags"]} == {"chief": "administrator"}
    assert {right["user"] for right in made["permissions"]} == {user["name"] for user in made["users"]}


@pytest.mark.parametrize(("password", "why"), [("short", "shorter than 16"), (None, "no password for comity_gateway")])
def test_a_missing_or_short_password_is_refused(tmp_path: Path, password: str | None, why: str) -> None:
    if password is not None:
        (tmp_path / "comity_gateway").write_text(password)
    done = CliRunner().invoke(app, ["broker", "definitions", "--passwords", str(tmp_path)])
    assert done.exit_code == 2
    assert why in done.output
