"""What can be said of the private servers without starting one."""

import socket
import stat
import sys
from pathlib import Path

import pytest

from deploy.local import PrivatePostgres, PrivateRabbitMQ, Programs, ServerFailed, endpoint
from deploy.local.endpoint import answers, load_or_choose
from deploy.local.process import OwnedProcess, wait_until

_BIN = Path("bin")


def test_nothing_is_missing_when_every_program_is_there() -> None:
    assert Programs(rabbitmq_server=_BIN, epmd=_BIN, postgres_bin=_BIN).missing == ""


@pytest.mark.parametrize(
    ("programs", "packages"),
    [
        (Programs(rabbitmq_server=None, epmd=None, postgres_bin=None), "rabbitmq-server postgresql"),
        (Programs(rabbitmq_server=_BIN, epmd=None, postgres_bin=_BIN), "rabbitmq-server"),
        (Programs(rabbitmq_server=_BIN, epmd=_BIN, postgres_bin=None), "postgresql"),
    ],
)
def test_missing_programs_are_named_in_one_line_with_the_packages_that_bring_them(
    programs: Programs, packages: str
) -> None:
    assert programs.missing.endswith(f"apt-get install {packages}")
    assert "\n" not in programs.missing


def test_an_endpoint_keeps_its_ports_and_password_and_shows_them_to_its_owner_only(tmp_path: Path) -> None:
    file = tmp_path / "endpoint.json"
    first = load_or_choose(file, ["one", "two"])
    assert load_or_choose(file, ["one", "two"]) == first
    assert len(set(first.ports.values())) == 2
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_two_endpoints_share_neither_password_nor_ports(tmp_path: Path) -> None:
    one, two = (load_or_choose(tmp_path / name, ["port"]) for name in ("one", "two"))
    assert one.password != two.password
    assert one.ports != two.ports


def test_a_port_that_was_given_is_given_to_nobody_else_though_no_server_listens_yet(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    drawn = iter([23_456, 23_456, 23_457])
    monkeypatch.setattr("random.randint", lambda *_: next(drawn, 0))
    monkeypatch.setattr(endpoint, "HOST", "127.9.9.9")  # of this test alone
    assert (endpoint.claim_port(), endpoint.claim_port()) == (23_456, 23_457)


def test_a_port_answers_while_somebody_listens_on_it() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        assert answers(port)
    assert not answers(port)


@pytest.mark.parametrize("server", [PrivatePostgres, PrivateRabbitMQ])
def test_a_server_that_was_never_started_has_no_address_and_is_stopped_without_effect(
    server: type[PrivatePostgres] | type[PrivateRabbitMQ], tmp_path: Path
) -> None:
    private = server(tmp_path / "never")
    private.stop()
    private.kill()
    with pytest.raises(ServerFailed, match="once it was started"):
        _ = private.port
    assert not (tmp_path / "never").exists()


@pytest.mark.parametrize("name", ['a"; DROP DATABASE b; --', "Upper", "", "a" * 64, "1a"])
def test_a_database_name_that_is_no_plain_identifier_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="plain lower-case"):
        PrivatePostgres(tmp_path).create_database(name)


def _start(tmp_path: Path, program: str) -> OwnedProcess:
    return OwnedProcess([sys.executable, "-c", program], env={}, cwd=tmp_path, log=tmp_path / "log")


def test_a_process_that_ends_while_starting_is_reported_with_its_last_words(tmp_path: Path) -> None:
    process = _start(tmp_path, "raise SystemExit('no disk left')")
    with pytest.raises(ServerFailed, match=r"ended while starting:\nno disk left"):
        wait_until(lambda: False, process, "server", within_s=10)


def test_killing_a_process_kills_its_children_even_in_sessions_of_their_own(tmp_path: Path) -> None:
    child = (
        "import socket, time\n"
        "listener = socket.create_server(('127.0.0.1', 0))\n"
        "print(listener.getsockname()[1], flush=True); time.sleep(600)"
    )
    process = _start(
        tmp_path,
        f"import subprocess, sys\nsubprocess.Popen([sys.executable, '-c', {child!r}], start_new_session=True).wait()",
    )
    wait_until(lambda: process.log.read_text().endswith("\n"), process, "child", within_s=10)
    port = int(process.log.read_text())
    assert answers(port)

    process.kill()

    assert not process.is_running()
    assert not answers(port)
