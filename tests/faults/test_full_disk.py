"""A disk that is full refuses new messages and loses none that were accepted; with room again, everything goes on."""

from __future__ import annotations

import errno
import resource
import shutil
import subprocess
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pytest
from typing_extensions import override

from shared.errors import Busy
from tests.exchange_process import EnrolledExchange
from tests.faults.letters import (
    RABAT,
    Letter,
    Prepared,
    assert_ledger_verifies,
    assert_read,
    expected_outcome,
    outcome_since,
    resume,
    write_request,
)

DISK_BYTES: Final = 16 * 1024 * 1024
LETTERS: Final = 4


class Disk(ABC):
    """Where an exchange runs out of room, and gets room again while it runs."""

    @abstractmethod
    def hold(self, data: Path) -> None:
        """Be the disk that this empty directory is on."""

    @abstractmethod
    def fill(self, exchange: EnrolledExchange) -> None: ...

    @abstractmethod
    def clear(self, exchange: EnrolledExchange) -> None: ...


class SmallDisk(Disk):
    """A file system of 16 MiB, filled to the last byte by something else: ENOSPC."""

    @override
    def hold(self, data: Path) -> None:
        mount = ["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "comity-test", str(data)]
        if subprocess.run(mount, capture_output=True, check=False).returncode != 0:
            pytest.skip("mounting a file system needs root; the limit of a file's size stands in for it")

    @override
    def fill(self, exchange: EnrolledExchange) -> None:
        with _filler(exchange).open("wb", buffering=0) as filler:
            for size in (65_536, 4096, 1):
                try:
                    while filler.write(b"\0" * size) == size:
                        pass
                except OSError as full:
                    assert full.errno == errno.ENOSPC  # noqa: PT017  # until it is raised, not whether
        assert shutil.disk_usage(exchange.process.data).free == 0

    @override
    def clear(self, exchange: EnrolledExchange) -> None:
        _filler(exchange).unlink()


class NoGrowth(Disk):
    """No file of the process may grow beyond one page: EFBIG. It asks for no rights."""

    @override
    def hold(self, data: Path) -> None:
        pass

    @override
    def fill(self, exchange: EnrolledExchange) -> None:
        _, hard = resource.prlimit(exchange.process.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(exchange.process.pid, resource.RLIMIT_FSIZE, (4096, hard))

    @override
    def clear(self, exchange: EnrolledExchange) -> None:
        if exchange.process.runs:
            _, hard = resource.prlimit(exchange.process.pid, resource.RLIMIT_FSIZE)
            resource.prlimit(exchange.process.pid, resource.RLIMIT_FSIZE, (hard, hard))


@pytest.fixture(params=[SmallDisk, NoGrowth], ids=["no space on the disk", "no file may grow"])
def disk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Disk]:
    data = tmp_path / "exchange"
    data.mkdir()
    disk: Disk = request.param()
    disk.hold(data)
    yield disk
    if data.is_mount():
        subprocess.run(["umount", "--lazy", str(data)], check=True)


@pytest.fixture
def exchange(disk: Disk, copy_of: Callable[[Path], EnrolledExchange], tmp_path: Path) -> EnrolledExchange:
    """Running; its log has no room from the start, the clients' homes have."""
    exchange = copy_of(tmp_path)
    exchange.process.log = tmp_path / "full.log"
    exchange.process.log.symlink_to("/dev/full")
    exchange.process.start()
    return exchange


def test_a_full_disk_refuses_messages_as_busy_and_takes_them_once_there_is_room(
    disk: Disk, exchange: EnrolledExchange, prepared: Prepared
) -> None:
    letters = [write_request(exchange) for _ in range(LETTERS)]
    with _full(disk, exchange):
        for letter in letters:
            _assert_refused(exchange, letter)
        shown = exchange.correspondence(RABAT).exchange.dossier(prepared.dossier)
        assert shown.status == "delivered"  # reading goes on
    _assert_all_arrive(exchange, prepared, letters)


def test_what_was_accepted_before_the_disk_was_full_is_decided_once_there_is_room(
    disk: Disk, exchange: EnrolledExchange, prepared: Prepared
) -> None:
    *letters, late = [write_request(exchange) for _ in range(LETTERS)]
    for letter in letters:
        exchange.correspondence(RABAT).outbox.send(letter.message)
    with _full(disk, exchange):  # some are decided, some wait on the bus, some are between two services
        _assert_refused(exchange, late)
        assert exchange.process.runs
    _assert_all_arrive(exchange, prepared, [*letters, late])


def test_an_exchange_that_was_killed_on_a_full_disk_starts_again_with_all_it_had_accepted(
    disk: Disk, exchange: EnrolledExchange, prepared: Prepared
) -> None:
    *letters, late = [write_request(exchange) for _ in range(LETTERS)]
    for letter in letters:
        exchange.correspondence(RABAT).outbox.send(letter.message)
    with _full(disk, exchange):
        _assert_refused(exchange, late)
        exchange.process.kill()
    exchange.rows.let_relays_be_due()
    exchange.process.start()
    _assert_all_arrive(exchange, prepared, [*letters, late])


@contextmanager
def _full(disk: Disk, exchange: EnrolledExchange) -> Iterator[None]:
    """No room inside; clients have little patience meanwhile."""
    exchange.hang_up()
    exchange.patience_s, patience_s = 1.0, exchange.patience_s
    disk.fill(exchange)
    yield
    disk.clear(exchange)
    exchange.hang_up()
    exchange.patience_s = patience_s


def _assert_refused(exchange: EnrolledExchange, letter: Letter) -> None:
    with pytest.raises(Busy):
        exchange.correspondence(RABAT).outbox.send(letter.message)


def _assert_all_arrive(exchange: EnrolledExchange, prepared: Prepared, letters: Sequence[Letter]) -> None:
    for letter in letters:
        assert resume(exchange, letter) == "accepted"
    exchange.rows.wait_settled()
    effects = outcome_since(exchange, prepared).effects
    assert effects == sum((expected_outcome(letter, prepared).effects for letter in letters), Counter())
    assert_ledger_verifies(exchange)
    for letter in letters:
        assert_read(exchange, letter)


def _filler(exchange: EnrolledExchange) -> Path:
    return exchange.process.data / "filler"
