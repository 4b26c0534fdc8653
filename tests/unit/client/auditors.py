"""An auditor with the full mandate on the paper exchange."""

from __future__ import annotations

from datetime import timedelta

from client.callers import check_receipts
from client.exchange import Exchange
from shared.keys.event_document import NameDocument
from shared.keys.possession import prove_keys
from tests.unit.client.paper_exchange import PaperExchange
from tests.unit.client.paper_services import seeded

AUDITOR = "MA.COUR"
KEY = seeded("auditor")


def enrol_auditor(exchange: PaperExchange) -> None:
    keys = prove_keys(
        AUDITOR, {"api-ed25519": KEY}, exchange.now - timedelta(days=1), exchange.now + timedelta(days=365)
    )
    name = NameDocument(official="Cour des comptes", languages={})
    exchange.record_event("enrol", AUDITOR, keys=keys, role="auditor", mandate="full", name=name, country="MA")


def auditor_of(exchange: PaperExchange) -> Exchange:
    return Exchange(exchange.calls_of(KEY, AUDITOR), check_receipts(exchange.trust(), AUDITOR))
