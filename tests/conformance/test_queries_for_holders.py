"""What a holder reads whom a leg was handed to: the leg and its messages, and nothing of any other leg."""

from dataclasses import replace

from shared.adapters.sql.engine import Store
from shared.adapters.sql.queries import SqlQueries
from shared.contracts.records import Record
from shared.ports.unit_of_work import Effects
from tests.conformance.rows import (
    BE,
    DIGEST,
    DOSSIER,
    FR,
    MA,
    MESSAGE,
    NOW,
    OUTSIDER,
    a_decision,
    a_dossier,
    a_leg,
    a_mailbox_entry,
    an_envelope,
    an_evidence,
    new_id,
)
from tests.conformance.stores import write

ON_BE, ON_FR = new_id(), new_id()


async def hand_on(store: Store, holder: str | None) -> SqlQueries:
    """Rabat's request to Brussels and Paris, an answer on each leg; that of Brussels was handed to `holder`."""
    rows: list[Record] = [
        a_dossier(),
        a_leg(requested=BE, holder=holder),
        a_leg(requested=FR),
        an_envelope(),
        an_envelope(message=ON_BE, leg=BE, sender=BE, kind="acknowledge"),
        an_envelope(message=ON_FR, leg=FR, sender=FR, kind="acknowledge"),
        a_decision(),
        an_evidence(BE),
        *(a_mailbox_entry(reader) for reader in (MA, BE, FR)),
    ]
    await write(store, Effects(inserts=rows))
    return SqlQueries(store)


async def test_the_holder_reads_the_request_and_the_messages_of_its_leg_without_a_wrap(store: Store) -> None:
    queries = await hand_on(store, OUTSIDER)
    for message in (MESSAGE, ON_BE):
        readable = await queries.envelope(OUTSIDER, message)
        assert readable is not None
        assert (readable.kid, readable.wrap, readable.is_sender) == (None, None, False)
        assert (readable.digest, readable.delivered_at) == (DIGEST, NOW)
    assert await queries.envelope(OUTSIDER, ON_FR) is None


async def test_the_holder_judges_the_request_by_the_decision_on_it(store: Store) -> None:
    queries = await hand_on(store, OUTSIDER)
    views = await queries.evidences(OUTSIDER, MESSAGE)
    assert views is not None
    assert [(view.evidence.kind, view.evidence.recipient) for view in views] == [("submission-acceptance", MA)]
    assert await queries.evidences(OUTSIDER, ON_FR) is None


async def test_the_holder_sees_its_leg_of_the_dossier_alone(store: Store) -> None:
    queries = await hand_on(store, OUTSIDER)
    view = await queries.dossier(OUTSIDER, DOSSIER)
    assert view is not None
    assert [leg.requested for leg in view.legs] == [BE]
    assert await queries.dossiers(OUTSIDER, None, 10) == [view]


async def test_whoever_the_leg_was_taken_from_reads_it_no_longer(store: Store) -> None:
    queries = await hand_on(store, OUTSIDER)
    await write(store, Effects(updates=[replace(a_leg(requested=BE), holder=None, version=2)]))
    assert await queries.envelope(OUTSIDER, MESSAGE) is None
    assert await queries.evidences(OUTSIDER, MESSAGE) is None
    assert await queries.dossier(OUTSIDER, DOSSIER) is None
