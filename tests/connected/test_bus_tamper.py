"""An adversary who has the broker gets nothing accepted; the campaign that shows it sees a service that is weaker."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from deploy.local import PrivateRabbitMQ
from shared.adapters.sql.unit_of_work import SqlUnitOfWork
from shared.frame import open as opening
from shared.frame.layout import Reader
from shared.frame.open import FrameOpener
from shared.keys.public import Ed25519Public
from shared.runtime import pump
from tests.tamper.__main__ import report
from tests.tamper.arena import Arena, Watched, open_arena
from tests.tamper.campaign import Campaign
from tests.tamper.judge import Judge, Verdicts

SAMPLE = 300


@pytest.fixture(autouse=True)
def impatient_pump(monkeypatch: pytest.MonkeyPatch) -> None:
    """A pump that finds nothing looks again at once, so that it stops at once."""
    monkeypatch.setattr(pump, "TAKE_WAIT_S", 0.02)


@pytest.fixture
async def arena(
    rabbitmq: PrivateRabbitMQ, new_database: Callable[[], str], queue_prefix: str, tmp_path: Path
) -> AsyncIterator[Arena]:
    async with open_arena(
        tmp_path / "exchange", rabbitmq.url, new_database(), f"{queue_prefix}{tmp_path.name}."
    ) as made:
        yield made


async def test_nothing_is_accepted_and_genuine_frames_go_through(
    arena: Arena, capsys: pytest.CaptureFixture[str]
) -> None:
    verdicts = await Campaign(arena, SAMPLE, random.Random(1)).run()
    assert (verdicts.wrong, verdicts.accepted) == ([], 0)
    assert verdicts.genuine > 20
    groups = {"field", "splice", "forged", "insider", "limits", "items", "not on the roster", "oversize"}
    assert groups | {"dressed", "replayed", "dead queue", "crossed"} <= set(verdicts.attempted)
    assert verdicts.attempted.total() >= SAMPLE
    assert report(verdicts) == 0
    total = verdicts.attempted.total()
    assert capsys.readouterr().out.splitlines()[-1] == f"bus-tamper: passed {total} / attempted {total}"


def _every_signature_verifies(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Ed25519Public, "verify", lambda *_: None)


def _anybody_may_speak_anywhere(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(FrameOpener, "_check_parties", lambda *_: None)


def _no_frame_is_too_old(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(FrameOpener, "_check_age", lambda *_: None)


def _epochs_have_no_last_frame(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(opening, "EPOCH_FRAMES", 2**64)


def _epochs_last_for_ever(patch: pytest.MonkeyPatch) -> None:
    patch.setattr("shared.frame.epoch._LIFE_US", 2**62)


def _what_follows_the_end_is_ignored(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Reader, "end", lambda *_: None)


def _any_destination_will_do(patch: pytest.MonkeyPatch) -> None:
    real = FrameOpener.open

    def open_any(self: FrameOpener, raw: bytes, destination: str, now: datetime, **more: Any) -> Any:
        try:
            return real(self, raw, raw[5 : 5 + raw[4]].decode(), now, **more)
        except Exception:
            return real(self, raw, destination, now, **more)

    patch.setattr(FrameOpener, "open", open_any)
    patch.setattr(FrameOpener, "_check_parties", lambda *_: None)


def _the_inbox_remembers_nothing(patch: pytest.MonkeyPatch) -> None:
    async def claim(self: SqlUnitOfWork, items: list[str]) -> set[str]:
        await real(self, items)
        return set(items)

    real = SqlUnitOfWork.claim
    patch.setattr(SqlUnitOfWork, "claim", claim)


def _what_is_refused_is_forgotten(patch: pytest.MonkeyPatch) -> None:
    async def bury(*_: object) -> None:
        """Without a trace."""

    patch.setattr(SqlUnitOfWork, "bury", bury)


WEAKENED = {
    _every_signature_verifies: "stranger",
    _anybody_may_speak_anywhere: "insider",
    _no_frame_is_too_old: "breach",
    _epochs_have_no_last_frame: "breach",
    _epochs_last_for_ever: "breach",
    _what_follows_the_end_is_ignored: "splice",
    _any_destination_will_do: "breach",
    _the_inbox_remembers_nothing: "replay",
    _what_is_refused_is_forgotten: "field",
}
ENOUGH = {"stranger": 15, "insider": 20, "breach": 30, "splice": 30, "field": 10}


async def test_every_weaker_service_is_caught(arena: Arena, capsys: pytest.CaptureFixture[str]) -> None:
    campaign = Campaign(arena, n=60, chance=random.Random(2))
    await campaign.begin()
    unseen = []
    async with arena.serving("intake") as watched:
        for weaken, kind in WEAKENED.items():
            with pytest.MonkeyPatch.context() as patch:
                weaken(patch)
                verdicts = await _try_one_kind(campaign, watched, kind)
            if verdicts.ok or report(verdicts) == 0 or "wrong: " not in capsys.readouterr().out:
                unseen.append(weaken.__name__)
        as_it_is = [await _try_one_kind(campaign, watched, kind) for kind in set(WEAKENED.values())]
    assert unseen == []
    assert all(verdicts.ok for verdicts in as_it_is), "the same attacks on the service as it is"


async def _try_one_kind(campaign: Campaign, watched: Watched, kind: str) -> Verdicts:
    campaign.verdicts = Verdicts()
    judge = Judge(campaign.arena, "intake", watched, campaign.verdicts)
    if kind == "replay":
        await campaign.replay(judge, "intake", "after its acknowledgement")
    else:
        [victim] = await campaign.arena.sent(campaign.arena.publisher("gateway"), campaign.arena.fresh("intake")[1])
        await campaign.attempt(judge, "intake", campaign.attacks("intake", [victim], {kind: ENOUGH[kind]}))
    return campaign.verdicts
