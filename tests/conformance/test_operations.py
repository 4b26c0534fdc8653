"""What an operator reads of the database, on both."""

from dataclasses import replace
from datetime import timedelta

from shared.adapters.sql.engine import Store
from shared.adapters.sql.operations import SqlOperations
from shared.contracts.topology import QUEUES
from shared.ports.operations import LedgerFigures, MessagingFigures
from shared.ports.unit_of_work import DeadLetter, Effects
from tests.conformance.rows import NOW, a_notice, new_id
from tests.conformance.stores import units_of, write
from tests.conformance.test_sequencer import let_wait, sequencer

LETTER = DeadLetter(new_id(), b"sealed", 2, "message.id-reused: It was.", NOW, "submit-envelope", 1, 2, "one: a\ntwo")


async def bury(store: Store, service: str, *letters: DeadLetter) -> None:
    async with units_of(store, service).begin() as unit:
        await unit.bury(letters)
        await unit.commit()


async def test_an_exchange_at_rest_has_nothing_waiting(store: Store) -> None:
    operations = SqlOperations(store)
    assert await operations.messaging() == [MessagingFigures(queue, 0, None, 0, None, 0) for queue in QUEUES]
    assert await operations.ledger() == LedgerFigures(0, 0, None, 0, 0)
    assert await operations.letters(QUEUES, None, None, 10) == []
    assert await operations.letter("intake", 1) is None


async def test_the_figures_are_those_of_each_service(store: Store) -> None:
    await write(store, Effects(publishes=[a_notice()]), "routing")
    await write(store, Effects(publishes=[a_notice(), a_notice()]), "routing")
    await bury(store, "notification", LETTER)
    intake, routing, notification = await SqlOperations(store).messaging()
    assert (intake.outbox, routing.outbox, notification.outbox) == (0, 2, 0)
    assert routing.oldest_outbox_at is not None
    assert (intake.dead_letters, routing.dead_letters, notification.dead_letters) == (0, 0, 1)


async def test_the_ledgers_figures_are_what_is_placed_signed_and_waiting(store: Store) -> None:
    await let_wait(store, b"1", b"2")
    await sequencer(store).run_round()
    await let_wait(store, b"3")
    figures = await SqlOperations(store).ledger()
    assert (figures.size, figures.signed_size, figures.leaves_waiting) == (2, 2, 1)
    assert figures.logged_at is not None


async def test_letters_are_read_service_by_service_newest_first_and_no_page_repeats_one(store: Store) -> None:
    await bury(store, "routing", *[LETTER] * 3)
    await bury(store, "intake", *[LETTER] * 2)
    operations, seen = SqlOperations(store), []
    after = None
    while page := await operations.letters(QUEUES, None, after, 2):
        seen += [(one.service, one.number) for one in page]
        after = seen[-1]
    assert seen == sorted(seen, key=lambda one: (QUEUES.index(one[0]), -one[1]))
    assert len(set(seen)) == 5
    assert [one.service for one in await operations.letters(("routing",), None, None, 9)] == ["routing"] * 3


async def test_letters_are_chosen_by_their_code_and_no_sign_in_it_is_a_wildcard(store: Store) -> None:
    reasons = ["a.b: one", "a.bc: two", "axb: three", "KeyError at x.py:1", "a.b"]
    await bury(store, "intake", *(replace(LETTER, reason=reason) for reason in reasons))

    async def found(reason: str) -> list[str]:
        return sorted(one.reason for one in await SqlOperations(store).letters(QUEUES, reason, None, 9))

    assert await found("a.b") == ["a.b", "a.b: one"]
    assert await found("KeyError") == ["KeyError at x.py:1"]
    assert await found("a_b") == await found("%") == []


async def test_a_letter_is_told_without_its_frame(store: Store) -> None:
    await bury(store, "intake", replace(LETTER, at=NOW + timedelta(seconds=1)))
    (listed,) = await SqlOperations(store).letters(QUEUES, None, None, 9)
    assert listed == await SqlOperations(store).letter("intake", listed.number)
    assert (listed.type, listed.attempts, listed.retries) == ("submit-envelope", 1, 2)
    assert (listed.earlier, listed.item) == (("one: a", "two"), LETTER.id)
    assert b"sealed" not in repr(listed).encode()
