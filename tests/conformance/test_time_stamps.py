"""The ledger has its served checkpoints stamped (`services/ledger/stamping.py`): real storage, a real authority."""

import asyncio
import time
from pathlib import Path

import httpx2
import pytest
from prometheus_client import CollectorRegistry
from structlog.testing import capture_logs

from services.ledger.stamping import RETRY_S, Stamping
from shared.adapters.clock import SystemClock
from shared.adapters.sql.engine import Store
from shared.adapters.sql.ledger import SqlLedger
from shared.adapters.sql.time_stamps import SqlTimeStamps
from shared.adapters.time_authority import HttpTimeAuthority, load_time_authorities
from shared.audit.checkpoint import verify_checkpoint
from shared.audit.time_stamps import verify_stamp
from shared.audit.tree_head import TreeHead
from shared.errors import SettingsRefused
from shared.ports.clock import Clock
from shared.runtime.meters import Meters, StampingMeters
from tests.conformance.test_sequencer import let_wait, sequencer
from tests.fakes import FakeClock
from tests.unit.audit.paper_log import keys_of
from tests.unit.client.stamping import LocalAuthority, local_authority

HOUR_S = 3600.0
URL = "http://tsa.example/stamp"
NAME = "tsa.example"


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> LocalAuthority:
    return local_authority(tmp_path_factory.mktemp("time") / "authority")


class Desk:
    """A ledger of one process, what it asks, and the road to the authority."""

    def __init__(self, store: Store, authority: LocalAuthority) -> None:
        self.clock = FakeClock()
        self.registry = CollectorRegistry()
        self.authority = authority
        self.asked = 0
        self.failure: Exception | httpx2.Response | None = None
        self.leads = True
        self.stamps = SqlTimeStamps(store)
        self._store = store
        self._sequencer = sequencer(store, self.clock)
        self.stamping = self.start()

    def start(self, clock: Clock | None = None) -> Stamping:
        one = HttpTimeAuthority(URL, self.authority.roots, transport=httpx2.MockTransport(self._answer))
        self.registry = CollectorRegistry()
        meters = StampingMeters(Meters(self.registry))
        served = SqlLedger(self._store).checkpoint
        self.stamping = Stamping(
            [one], HOUR_S, keys_of(), served, self.stamps, clock or self.clock, meters, lambda: self.leads
        )
        return self.stamping

    def _answer(self, request: httpx2.Request) -> httpx2.Response:
        self.asked += 1
        if isinstance(self.failure, Exception):
            raise self.failure
        if self.failure is not None:
            return self.failure
        return httpx2.Response(200, content=self.authority.reply(request.content))

    async def grow(self, *leaves: bytes) -> TreeHead:
        await let_wait(self._store, *leaves)
        assert await self._sequencer.run_round() == len(leaves)
        note = await SqlLedger(self._store).checkpoint()
        assert note is not None
        return verify_checkpoint(note, keys_of()).head

    async def sizes(self) -> list[int]:
        return [one.size for one in await self.stamps.covering(1, 100)]

    def figure(self, name: str) -> float | None:
        return self.registry.get_sample_value(f"comity_ledger_{name}", {"stamper": NAME})


@pytest.fixture
def desk(store: Store, authority: LocalAuthority) -> Desk:
    return Desk(store, authority)


async def test_each_interval_has_one_stamp_on_the_newest_served_checkpoint(desk: Desk) -> None:
    await desk.stamping.look()
    assert desk.asked == 0, "there is no checkpoint yet"
    head = await desk.grow(b"one", b"two")
    for number in range(3):
        await desk.stamping.look()
        await desk.grow(b"more %d" % number)
        desk.clock.advance(HOUR_S / 4)
    [kept] = await desk.stamps.covering(1, 100)
    assert verify_stamp(kept.token, head, desk.authority.roots).by == "CN=Stamps of Rabat"
    desk.clock.advance(HOUR_S)
    await desk.stamping.look()
    assert await desk.sizes() == [2, 5]
    assert [one.size for one in await desk.stamps.covering(3, 100)] == [5]
    assert (desk.figure("time_stamps_total"), desk.figure("time_stamped_size")) == (2, 5)


async def test_a_tree_that_has_not_grown_is_not_stamped_again(desk: Desk) -> None:
    await desk.grow(b"one")
    for _ in range(3):
        await desk.stamping.look()
        desk.clock.advance(2 * HOUR_S)
    assert desk.asked == 1
    await desk.grow(b"two")
    await desk.stamping.look()
    assert await desk.sizes() == [1, 2]


async def test_a_ledger_that_starts_again_keeps_to_the_interval(desk: Desk) -> None:
    await desk.grow(b"one")
    await desk.stamping.look()
    await desk.grow(b"two")
    await desk.start().look()
    assert desk.asked == 1
    assert desk.figure("time_stamped_size") == 1
    desk.clock.advance(HOUR_S)
    await desk.stamping.look()
    assert await desk.sizes() == [1, 2]


async def test_an_authority_that_is_down_is_a_line_and_a_figure_and_is_asked_again(desk: Desk) -> None:
    await desk.grow(b"one")
    desk.failure = httpx2.ConnectError("no route to host")
    with capture_logs() as lines:
        for pause_s in RETRY_S:
            await desk.stamping.look()
            await desk.stamping.look()
            assert desk.figure("time_stamp_missing") == 1
            desk.clock.advance(pause_s)
    assert [(one["event"], one["stamper"]) for one in lines] == [("ledger.time-stamp-missing", NAME)]
    assert "no route to host" in lines[0]["why"]
    assert desk.asked == len(RETRY_S)
    await desk.grow(b"two")
    desk.failure = None
    await desk.stamping.look()
    assert await desk.sizes() == [2]
    assert desk.figure("time_stamp_missing") == 0


async def test_what_does_not_verify_is_not_kept(desk: Desk, tmp_path: Path) -> None:
    await desk.grow(b"one")
    desk.authority, ours = local_authority(tmp_path / "other"), desk.authority
    await desk.stamping.look()
    desk.authority = ours
    desk.failure = httpx2.Response(200, content=b"no DER")
    desk.clock.advance(HOUR_S)
    await desk.stamping.look()
    assert desk.asked == 2
    assert await desk.sizes() == []


async def test_a_checkpoint_that_another_key_signed_is_not_stamped(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody wrote it into the database."""
    await desk.grow(b"one")
    monkeypatch.setattr(desk.stamping, "_keys", keys_of("other.example/log"))
    await desk.stamping.look()
    assert (desk.asked, desk.figure("time_stamp_missing")) == (0, 1)


async def test_a_ledger_that_waits_for_its_turn_asks_nobody(desk: Desk) -> None:
    await desk.grow(b"one")
    desk.leads = False
    stop = asyncio.Event()
    running = asyncio.create_task(desk.start(SystemClock()).run(stop))
    await asyncio.sleep(0.1)  # as long as an answer takes here
    stop.set()
    await running
    assert desk.asked == 0


async def test_a_silent_authority_delays_neither_a_round_nor_the_end(desk: Desk, store: Store) -> None:
    await desk.grow(b"one")
    asked = asyncio.Event()

    async def silent(_: httpx2.Request) -> httpx2.Response:
        asked.set()
        await asyncio.Event().wait()
        raise AssertionError

    one = HttpTimeAuthority(URL, desk.authority.roots, transport=httpx2.MockTransport(silent))
    meters = StampingMeters(Meters(CollectorRegistry()))
    served = SqlLedger(store).checkpoint
    stamping = Stamping([one], 60.0, keys_of(), served, desk.stamps, SystemClock(), meters, lambda: True)
    stop = asyncio.Event()
    running = asyncio.create_task(stamping.run(stop))
    await asked.wait()
    assert (await desk.grow(b"two")).size == 2
    stop.set()
    began = time.monotonic()
    await running
    assert time.monotonic() - began < 5


@pytest.mark.parametrize(
    "urls",
    [
        "file:///etc/passwd",
        "http://",
        "https://user:secret@tsa.example/",
        "http://tsa.example:port/",
        "http://tsa.example/a http://tsa.example/b",
    ],
)
def test_settings_that_name_no_authority_are_refused(urls: str, authority: LocalAuthority) -> None:
    with pytest.raises(SettingsRefused):
        load_time_authorities(urls, authority.folder / "root.pem", 1.0)


def test_root_certificates_that_are_none_are_refused(tmp_path: Path) -> None:
    (tmp_path / "empty.pem").write_text("nothing")
    for file in ("empty.pem", "absent.pem"):
        with pytest.raises(SettingsRefused):
            load_time_authorities(URL, tmp_path / file, 1.0)
    assert load_time_authorities("", None, 1.0) == []
