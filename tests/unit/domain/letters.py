"""Builds headers for the tests of the domain: the four-country scenario's parties, a fixed day, digests by name."""

from __future__ import annotations

import base64
import hashlib
from datetime import UTC, datetime, timedelta
from typing import Any

from shared.domain.dossier import Leg, decide_move, open_legs
from shared.domain.header import REQUIRED_SIGNATURES, SUITE, Basis, Header
from shared.domain.ids import encode_time, new_uuid7

MA, FR, BE, ES = "MA.PGR", "FR.BEPI", "BE.PF", "ES.SGCJI"
DAY = datetime(2026, 11, 3, 9, 0, tzinfo=UTC)
DOSSIER = new_uuid7(DAY)
MEASURES = {"M1": "bank-data", "M2": "testimony"}
CONVENTIONS = {FR: "ma-fr-2008", BE: "ma-be-1997", ES: "ma-es-2009"}


def digest_of(name: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(name.encode()).digest()).rstrip(b"=").decode()


def a_header(**changes: Any) -> Header:
    """A request by MA.PGR to FR.BEPI, BE.PF and ES.SGCJI, with these fields changed."""
    sent = changes.pop("sent", DAY)
    recipients = changes.get("recipients", (FR, BE, ES))
    basis = {party: Basis(primary=CONVENTIONS.get(party, "reciprocity"), cited=(), group=None) for party in recipients}
    fields: dict[str, Any] = {
        "v": 1,
        "suite": SUITE,
        "exchange": "exchange.example/log",
        "id": new_uuid7(sent),
        "dossier": DOSSIER,
        "profile": "mla-request",
        "kind": "request",
        "sender": MA,
        "recipients": recipients,
        "leg": None,
        "measures": MEASURES,
        "basis": basis,
        "urgency": "routine",
        "handling": (),
        "in_reply_to": None,
        "seen": None,
        "sent_at": encode_time(sent),
        "expires_at": encode_time(sent + timedelta(days=30)),
        "required_sigs": REQUIRED_SIGNATURES,
        "act": {},
    }
    return Header.model_validate(fields | changes)


def a_message(leg: Leg, kind: str, act: dict[str, Any] | None = None, /, *measures: str, **changes: Any) -> Header:
    """A message of this kind on the leg, by the side that usually sends it, having seen the head; all measures by
    default."""
    sender = changes.get("sender", leg.requesting if kind in _BY_REQUESTING else leg.requested)
    other = leg.requested if sender == leg.requesting else leg.requesting
    fields: dict[str, Any] = {
        "kind": kind,
        "sender": sender,
        "recipients": (other,),
        "leg": leg.requested,
        "dossier": leg.dossier,
        "basis": None,
        "profile": leg.profile,
        "seen": leg.head,
        "in_reply_to": leg.request,
        "measures": {one.id: one.type for one in leg.measures if not measures or one.id in measures},
        "act": usual_act(leg, kind, measures) if act is None else act,
    }
    return a_header(**(fields | changes))


_BY_REQUESTING = (
    *("supply-information", "confirm-receipt", "query-result", "close", "ask-status", "remind", "withdraw"),
    *("consult-reply", "accept-conditions", "decline-conditions", "resend", "other-channel", "ask-extension"),
    *("tie-request", "offer", "provide", "confirm-arrival"),
)


def usual_act(leg: Leg, kind: str, measures: tuple[str, ...] = ()) -> dict[str, Any]:
    match kind:
        case "ask-information" | "consult" | "propose-conditions":
            return {"due": "2026-12-01"}
        case "postpone" | "suspend-transfer":
            return {"review": "2027-01-15"}
        case "forward":
            return {"holder": "ES.JCI3", "original": leg.original}
        case "cannot-open":
            return {"reason": "part-broken"}
        case "other-channel":
            return {"channel": "diplomatic-bag", "sent": "2026-11-04", "bag": "ma-2026-41"}
        case "preserve" | "extend" | "ask-extension":
            return {"until": "2027-01-31"}
        case "tie-request":
            return {"dossier": DOSSIER}
        case "refuse":
            return {"grounds": ["essential-interests"]}
        case "report-delay":
            return {"estimate": "2027-03-01"}
        case "deliver-result":
            return {"outcomes": {one.id: "executed" for one in leg.measures if not measures or one.id in measures}}
        case "report-status":
            return {"stage": "in-hand"}
        case "ask-use-permission":
            return {"purposes": ["evidence", "civil"]}
        case "answer-use-permission":
            return {"granted": ["evidence"], "declined": ["civil"]}
        case "propose-appointment" | "confirm-appointment":
            return {"on": "2027-01-14"}
        case "report-appointment":
            return {"held": "held"}
        case "arrange-transfer":
            dates = {"hand-over": "2027-01-10", "return": "2027-02-10", "safe-conduct": "2027-02-25"}
            return {"consent": "2026-12-20", **dates}
        case "confirm-arrival":
            return {"arrived": "2027-01-10"}
        case "confirm-return":
            return {"returned": "2027-02-09"}
        case "send-items":
            return {"channel": "courier", "sent": "2026-12-01", "bag": "b-17", "count": 2}
        case "confirm-items":
            return {"condition": "intact", "received": "2026-12-04", "count": 2}
    return {}


def opened(clocks: dict[str, str] | None = None, **changes: Any) -> list[Leg]:
    return open_legs(a_header(**changes), digest_of("request"), DAY, clocks or {})


def the_leg(clocks: dict[str, str] | None = None, **changes: Any) -> Leg:
    """One leg, MA.PGR asking ES.SGCJI."""
    return opened(clocks, recipients=(ES,), **changes)[0]


def after(leg: Leg, *kinds: str, at: datetime = DAY) -> Leg:
    """The leg after these kinds, each for all measures, each having seen the one before."""
    for kind in kinds:
        leg = decide_move(leg, a_message(leg, kind), digest_of(f"{leg.version} {kind}"), at)
    return leg
