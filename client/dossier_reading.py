"""What one authority is shown of its dossiers: found by number, made again from its messages, leg by leg.

A leg that the exchange shows otherwise than the messages make it is refused (`leg_replay.py`). Whether a message was
delivered is the exchange's to say.
"""

from __future__ import annotations

from client.exchange import Exchange
from client.leg_replay import check_leg
from client.register import Register
from shared.contracts.api import DossierAnswer
from shared.domain.dossier import parse_leg
from shared.domain.evidences import UNDELIVERED
from shared.domain.ids import is_uuid7
from shared.domain.leg import Leg
from shared.domain.reference import encode_number, verify_number
from shared.errors import Ambiguous, AnswerRefused, HeaderInconsistent, NotInRegister


class DossierReading:
    """Over the register and the exchange of whoever reads."""

    exchange: Exchange
    register: Register

    def find_dossier(self, text: str) -> str:
        """A dossier's id from its number, as said on the telephone, from its id, or from the beginning or end of one.

        Raises NumberInvalid, NotInRegister, Ambiguous.
        """
        if is_uuid7(text):
            return text
        known = self.register.dossiers()
        found = [one for one in known if one.startswith(text) or one.endswith(text)]
        if not found and text[:2].isalpha():
            number = verify_number(text)
            found = [one for one, sender in known.items() if encode_number(one, sender[:2]) == number]
        if not found:
            raise NotInRegister(fragment=text)
        if len(found) > 1:
            raise Ambiguous(fragment=text, candidates=", ".join(found[:5]))
        return found[0]

    def profile_of(self, dossier: str) -> str:
        """Raises NotInRegister for a dossier of which nothing was read here: nobody answers what he has not read."""
        known = self.register.messages(dossier)
        if not known:
            raise NotInRegister(fragment=dossier)
        return known[0].profile

    def legs(self, dossier: str) -> list[Leg]:
        """The legs as the exchange shows them to this authority. Raises NotThere, and what `read_legs` raises."""
        return self.read_legs(self.exchange.dossier(dossier))

    def read_legs(self, answer: DossierAnswer) -> list[Leg]:
        """The legs in an answer, held against the messages that were read here. Raises AnswerRefused,
        StateContradicted."""
        legs = [_read_leg(view.state) for view in answer.legs]
        messages = self.register.messages(answer.dossier)
        for leg in legs:
            check_leg(leg, messages)
        return legs

    def shown_legs(self, dossier: str) -> list[tuple[Leg, str | None]]:
        """The same, each with its original where the exchange says that this was not delivered."""
        answer = self.exchange.dossier(dossier)
        shown = zip(self.read_legs(answer), answer.legs, strict=True)
        return [(leg, leg.original if view.transport in UNDELIVERED else None) for leg, view in shown]

    def leg(self, dossier: str, requested: str | None = None) -> Leg:
        """One leg; it need not be named where there is one only."""
        return self.shown_leg(dossier, requested)[0]

    def shown_leg(self, dossier: str, requested: str | None = None) -> tuple[Leg, str | None]:
        """The same, with its original where that was not delivered."""
        legs = self.shown_legs(dossier)
        if requested is None and len(legs) == 1:
            return legs[0]
        found = next((shown for shown in legs if shown[0].requested == requested), None)
        if found is None:
            named = ", ".join(leg.requested for leg, _ in legs)
            raise HeaderInconsistent(why=f"the dossier has the legs {named}; name one of them")
        return found


def _read_leg(state: object) -> Leg:
    """A leg in an answer of the exchange. Raises AnswerRefused."""
    try:
        return parse_leg(state)
    except ValueError as broken:
        raise AnswerRefused(why=f"a leg cannot be read: {str(broken).splitlines()[0]}") from None
