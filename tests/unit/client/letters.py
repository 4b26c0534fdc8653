"""A letter rogatory of Rabat, sent to open a dossier, and what is replied in it."""

from __future__ import annotations

from typing import Any

from client.composition import ReplyWish
from client.correspondence import Correspondence
from client.request_file import RequestFile
from client.sealing import Attachment

MA, FR, BE = "MA.PGR", "FR.BEPI", "BE.PF"
CONTENT = {
    "requesting_authority": "Parquet général, Rabat",
    "subject_matter": "Fraud",
    "nature_of_proceeding": "Investigation",
    "conducting_authority": "Investigating judge, Rabat",
    "facts": "Money moved.",
    "assistance_sought": "Statements of account",
    "purpose": "Evidence",
}


def a_request(**changes: Any) -> RequestFile:
    members = {"v": 1, "measures": {"M1": {"type": "bank-data", "target": "an account"}}, "content": CONTENT}
    return RequestFile.model_validate({**members, **changes})


def open_dossier(ma: Correspondence, *recipients: str, attachments: tuple[Attachment, ...] = ()) -> str:
    composed = ma.compose_request(a_request(), recipients or (FR,), "quadripartite")
    message = ma.seal_and_store(composed, attachments)
    ma.outbox.send(message)
    return composed.header.dossier


def reply(one: Correspondence, dossier: str, kind: str, leg: str | None = None, **wish: Any) -> str:
    composed = one.compose_reply(dossier, ReplyWish(kind, **{"act": {}, "content": {}, **wish}), leg)
    message = one.seal_and_store(composed, ())
    one.outbox.send(message)
    return message


def post(one: Correspondence, message: str) -> None:
    """What a client that watches no keys would send."""
    stored = one.register.submission(message)
    one.exchange.submit(message, stored.digest, stored.container)
