"""Witnesses that lie, forget or babble, and the rows in which cosignatures are kept."""

from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from typing import Any, cast

import httpx2
import pytest
from sqlalchemy import update

from services.ledger.witnesses import Witnessing
from shared.adapters.sql.cosignatures import SqlCosignatures
from shared.adapters.sql.engine import Store
from shared.adapters.sql.ledger import SqlLedger
from shared.adapters.tables import METADATA
from shared.audit.quorum import rule_of
from shared.errors import SettingsRefused
from tests.conformance.stores import rows_of
from tests.conformance.test_sequencer import let_wait, sequencer
from tests.conformance.witnessed import NAMES, Stage, a_stage, policy_of
from tests.unit.audit.test_quorum import trust


@pytest.fixture
async def stage(store: Store, tmp_path: Path) -> AsyncIterator[Stage]:
    """Either witness is enough."""
    made = await a_stage(store, tmp_path, "any")
    yield made
    await made.stop()


# --- witnesses that are no good


async def test_a_liar_cannot_stop_the_ledger(stage: Stage) -> None:
    size = {"Content-Type": "text/x.tlog.size"}
    stage.roads.answers["w1"] = lambda request: (
        httpx2.Response(409, content=b"1000000\n", headers=size)
        if request.method == "POST"
        else httpx2.Response(200, content=b"comity.example/log\n9\nAAAA\n\n\xe2\x80\x94 x AAAAAAAAAA==\n")
    )
    await stage.until_served(await stage.grow(), "w2")
    counted = "comity_ledger_witness_refusals_total"
    await stage.until(lambda: stage.figure(counted, witness="w1", reason="larger") > 0)
    await stage.until(lambda: stage.figure(counted, witness="w1", reason="invalid") > 0)
    await stage.until_served(await stage.grow(), "w2")


NO_GOOD: dict[str, tuple[int, bytes]] = {
    "nothing": (200, b""),
    "no signature line": (200, b"I was here\n"),
    "another's line": (200, "— stranger.example AAAAAAAAAAAAAA==\n".encode()),
    "an endless answer": (200, b"x" * 1_000_000),
    "a redirect": (307, b""),
    "an error": (500, b""),
    "a refusal": (404, b"unknown log"),
}


async def test_what_is_no_cosignature_is_not_kept(stage: Stage) -> None:
    for status, body in NO_GOOD.values():
        stage.roads.answers["w1"] = partial(_say, httpx2.Response(status, content=body))
        await stage.until_served(await stage.grow(), "w2")
    kept = {row.key.partition("+")[0] for row in await rows_of(stage.store, "ledger_cosignature")}
    assert kept == {"w2.example/witness"}


def _say(answer: httpx2.Response, _: httpx2.Request) -> httpx2.Response:
    return answer


async def test_a_cosignature_of_another_checkpoint_is_not_kept(stage: Stage) -> None:
    await stage.until_served(await stage.grow(), *NAMES)
    [first] = [row.line for row in await rows_of(stage.store, "ledger_cosignature") if row.key.startswith("w1")]
    stage.roads.answers["w1"] = lambda _: httpx2.Response(200, content=first)
    await stage.until_served(await stage.grow(), "w2")
    refused = "comity_ledger_witness_refusals_total"
    await stage.until(lambda: stage.figure(refused, witness="w1", reason="invalid") > 0)


async def test_a_witness_that_forgot_is_told_of(stage: Stage, tmp_path: Path) -> None:
    await stage.until_served(await stage.grow(), *NAMES)
    await stage.until_served(await stage.grow(), *NAMES)
    size = {"Content-Type": "text/x.tlog.size"}
    stage.roads.answers["w1"] = lambda _: httpx2.Response(409, content=b"1\n", headers=size)
    await stage.until_served(await stage.grow(), "w2")
    refused = "comity_ledger_witness_refusals_total"
    await stage.until(lambda: stage.figure(refused, witness="w1", reason="forgot") > 0)


def test_a_quorum_that_nobody_could_ask_is_refused_at_the_start(tmp_path: Path) -> None:
    rule = rule_of(trust(policy_of(tmp_path, "all").replace(" http://w2", "")))
    with pytest.raises(SettingsRefused, match=r"2 of \(w1, w2\) must cosign"):
        Witnessing(rule, *[cast(Any, None)] * 6)


# --- the rows


async def test_a_line_that_is_kept_stays(store: Store) -> None:
    kept = SqlCosignatures(store)
    await kept.add(3, {"a": b"first", "b": b"b"}, is_quorum=False)
    await kept.add(3, {"a": b"second", "c": b"c"}, is_quorum=True)
    await kept.add(3, {}, is_quorum=True)
    assert await kept.lines(3) == {"a": b"first", "b": b"b", "c": b"c"}
    assert await kept.lines(4) == {}
    assert await kept.newest_signed() is None


async def test_without_a_policy_the_newest_signed_checkpoint_is_served(store: Store) -> None:
    await let_wait(store, b"1")
    await sequencer(store).run_round()
    assert (await SqlLedger(store).checkpoint_size(), await SqlLedger(store, True).checkpoint_size()) == (1, 0)
    assert await SqlLedger(store, True).checkpoint() is None
    await SqlCosignatures(store).add(1, {"a": b"line\n"}, is_quorum=False)
    note = await SqlLedger(store).checkpoint()
    assert note is not None
    assert note.endswith(b"line\n")
    async with store.write() as connection:
        await connection.execute(update(METADATA.tables["ledger_cosignature"]).values(line=b"other\n"))
    assert (await SqlLedger(store).checkpoint() or b"").endswith(b"other\n")
