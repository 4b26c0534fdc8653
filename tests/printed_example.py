"""The letter of the pictures in the guide: one fixed request, sealed, sent and opened on an exchange in memory."""

from __future__ import annotations

import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final
from unittest.mock import patch

from client.opening import OpenedMessage
from client.printing.letter import Letter, Surroundings, letter_of
from client.request_file import RequestFile
from client.sealing import Attachment
from client.use_notes import specialities
from shared.domain.header import Basis
from shared.domain.instruments import parse_registry
from tests.unit.client.paper_exchange import PaperExchange
from tests.unit.client.paper_services import REGISTRY

MA, FR = "MA.PGR", "FR.BEPI"
REQUEST: Final = Path(__file__).parents[1] / "comity" / "demo_files" / "demande.json"
TRANSFERS: Final = REQUEST.parent / "virements.csv"
IDS: Final = ("019c2f4a-7b10-7c3d-9e51-2f6a8b0c4d11", "019c2f4a-7b10-7c3d-9e51-2f6a8b0c4d12")
DEADLINE: Final = "2027-01-14"
NUMBERS: Final = ("Dossier d'instruction n° 2026/2623/418", "BEPI 2026/11/7741")
NAMES: Final = {
    MA: {
        "en": "Public Prosecution Service of Morocco",
        "fr": "Présidence du ministère public du Maroc",
        "ar": "رئاسة النيابة العامة بالمملكة المغربية",
        "es": "Presidencia del Ministerio Público de Marruecos",
    },
    FR: {
        "en": "Bureau for International Mutual Assistance",
        "fr": "Bureau de l'entraide pénale internationale",
        "ar": "مكتب المساعدة الجنائية الدولية",
        "es": "Oficina de Asistencia Penal Internacional",
    },
}


def example() -> OpenedMessage:
    """As its recipient opened it; the same ids every time."""
    exchange = PaperExchange()
    exchange.enrol(MA, FR)
    exchange.load_registry()
    request = RequestFile.model_validate(json.loads(REQUEST.read_text("utf-8").replace("DEADLINE", DEADLINE)))
    with TemporaryDirectory() as place, patch("client.composition.new_uuid7", side_effect=IDS):
        ma, fr = exchange.correspond(MA, Path(place)), exchange.correspond(FR, Path(place))
        composed = ma.compose_request(request, (FR,), "quadripartite")
        message = ma.seal_and_store(composed, (Attachment(TRANSFERS.name, "text/csv", TRANSFERS.read_bytes()),))
        ma.outbox.send(message)
        fr.mailbox.read_feed()
        return fr.mailbox.open(message)


def letter(opened: OpenedMessage, language: str) -> Letter:
    registry = parse_registry(REGISTRY)
    bases: dict[str, Basis] = dict(opened.header.basis or {})
    around = Surroundings(
        names={party: names[language] for party, names in NAMES.items()},
        titles={entry.code: entry.title for entry in registry.instruments},
        numbers=NUMBERS,
        logged_at=opened.header.sent_at,
        bases=bases,
        specialities=specialities(bases.values(), registry, PaperExchange().now.date(), language),
    )
    return letter_of(opened, around, language)
