"""Who can write to the database cannot have a tree signed that the ledger did not make."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import update

from services.ledger.policy import plan_round
from shared.adapters.sql.engine import Store
from shared.adapters.sql.ledger import SqlLedger
from shared.adapters.tables import METADATA
from shared.errors import LedgerForked
from tests.conformance.stores import rows_of
from tests.conformance.test_sequencer import PaperMemory, a_leaf, let_wait, sequencer, signed_sizes
from tests.fakes import START, by_digest


async def forge_a_round(store: Store, **head: Any) -> None:
    """A whole round as the sequencer would write it, without the ledger's key: its leaf, tiles, and the next head."""
    async with SqlLedger(store).round() as round_:
        assert round_ is not None
        last = await round_.head()
        planned = plan_round(last, await round_.edge(last.size) if last else {}, by_digest([a_leaf(b"forged")]), START)
        await round_.append(planned.leaves, planned.tiles, replace(planned.head, **head), [])
        await round_.commit()


@pytest.mark.parametrize("seal", [None, b"", b"x" * 64], ids=["no seal", "an empty one", "another"])
@pytest.mark.parametrize("is_restarted", [True, False], ids=["restarted", "running"])
@pytest.mark.parametrize("has_waiting", [True, False], ids=["with leaves", "idle"])
async def test_a_round_that_was_written_into_the_database_is_never_signed(
    store: Store, seal: bytes | None, is_restarted: bool, has_waiting: bool
) -> None:
    memory = PaperMemory()
    one = sequencer(store, memory=memory)
    await let_wait(store, b"1")
    await one.run_round()
    await forge_a_round(store, seal=seal)
    if has_waiting:
        await let_wait(store, b"2")
    for _ in range(2):
        with pytest.raises(LedgerForked, match="no ledger of this exchange"):
            await (sequencer(store, memory=memory) if is_restarted else one).run_round()
    assert await signed_sizes(store) == [1]


async def test_a_head_whose_time_was_changed_is_not_signed_and_dates_nothing(store: Store) -> None:
    one, memory = sequencer(store), PaperMemory()
    await let_wait(store, b"1")
    await one.run_round()
    heads = METADATA.tables["ledger_checkpoint"]
    async with store.write() as connection:
        await connection.execute(update(heads).values(logged_at=START + timedelta(days=900)))
    await let_wait(store, b"2")
    with pytest.raises(LedgerForked, match="seal"):
        await sequencer(store, memory=memory).run_round()


async def test_the_seal_of_another_head_is_none(store: Store) -> None:
    one = sequencer(store)
    await let_wait(store, b"1")
    await one.run_round()
    [head] = await rows_of(store, "ledger_checkpoint")
    assert len(head.seal) == 64
    await forge_a_round(store, seal=head.seal)
    with pytest.raises(LedgerForked, match="seal"):
        await one.run_round()


async def test_a_head_from_before_there_were_seals_is_known_by_what_this_machine_signed(store: Store) -> None:
    memory = PaperMemory()
    await let_wait(store, b"1")
    await sequencer(store, memory=memory).run_round()
    async with store.write() as connection:
        await connection.execute(update(METADATA.tables["ledger_checkpoint"]).values(seal=None))
    await let_wait(store, b"2")
    await sequencer(store, memory=memory).run_round()
    assert await signed_sizes(store) == [1, 2]
    async with store.write() as connection:
        await connection.execute(update(METADATA.tables["ledger_checkpoint"]).values(seal=None))
    await let_wait(store, b"3")
    with pytest.raises(LedgerForked, match="seal"):
        await sequencer(store, memory=PaperMemory()).run_round()
