"""What an auditor with the full mandate may read beside the ledger, on SQLite and on PostgreSQL alike."""

from shared.adapters.sql.engine import Store
from shared.adapters.sql.queries import SqlQueries
from shared.contracts.records import Record
from shared.ports.unit_of_work import Effects
from tests.conformance.rows import BE, ES, FR, MA, OUTSIDER, a_dossier, a_leg, a_mailbox_entry, new_id
from tests.conformance.stores import write


async def test_an_auditor_sees_every_dossier_with_every_leg(store: Store) -> None:
    two_legs, *others = sorted(new_id() for _ in range(4))
    rows: list[Record] = [a_dossier(dossier=two_legs), a_mailbox_entry(FR)]
    rows += [a_leg(dossier=two_legs, requested=requested) for requested in (BE, FR)]
    for dossier in others:
        rows += [a_dossier(dossier=dossier, requesting=OUTSIDER), a_leg(dossier=dossier, requested=ES)]
    await write(store, Effects(inserts=rows))
    queries = SqlQueries(store)
    listed = await queries.all_dossiers(None, 10)
    assert [view.dossier for view in listed] == [*reversed(others), two_legs]
    assert listed[-1] == await queries.dossier(MA, two_legs)
    assert [await queries.dossier(view.requesting, view.dossier) for view in listed] == listed
    assert await queries.all_dossiers(listed[0].dossier, 2) == listed[1:3]
