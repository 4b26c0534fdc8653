"""Parties that correspond all the time: they send, fetch, open, answer, repeat themselves, and sometimes misbehave.

Rules:
1. Each party acts in a thread of its own, through the client's own code, and signs its calls.
2. Of an exchange that does not answer, or is busy, a party thinks nothing: what it stored is sent again later. Whatever
   else the client refuses is a surprise, and a judge hears of it.
3. Pausing ends between two acts; the parties then `conclude`: nothing of theirs is left undecided or unread.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from typing import Any, Final, TypeVar

from client.composition import Composed, ReplyWish
from client.correspondence import Correspondence
from client.leg_replay import replay_leg
from client.request_file import RequestFile
from client.sealing import Attachment, seal_message
from shared.domain.dossier import possible_kinds
from shared.domain.ids import new_uuid7
from shared.errors import ComityError, DossierStale, IllegalMove, NotThere, Rejection, Transient
from tests.exchange_process import PARTIES, now

T = TypeVar("T")
THINKS_S: Final = (0.02, 0.12)
DOSSIERS_IN_HAND: Final = 3
PAUSED_WITHIN_S: Final = 90.0
_ATTACHMENT: Final = Attachment("virements.csv", "text/csv", b"date,montant\n2026-02-01,312400\n")
_MEASURES: Final = {"M1": {"type": "bank-data", "target": "Atlas Négoce"}}
_CONTENT: Final = {
    "requesting_authority": "Parquet général de Rabat",
    "subject_matter": "Blanchiment",
    "nature_of_proceeding": "Information judiciaire",
    "conducting_authority": "Le juge d'instruction",
    "facts": "Des virements sans cause vers deux comptes à l'étranger",
    "assistance_sought": "Les relevés des comptes",
    "purpose": "Preuve au procès",
}


def _in_days(days: int) -> str:
    return (now() + timedelta(days=days)).date().isoformat()


REPLIES: Final[Mapping[str, Callable[[], tuple[dict[str, Any], dict[str, Any]]]]] = {
    "acknowledge": lambda: ({}, {}),
    "accept": lambda: ({}, {}),
    "start-execution": lambda: ({}, {}),
    "ask-information": lambda: ({"due": _in_days(9)}, {"questions": "Le compte de destination ?"}),
    "supply-information": lambda: ({}, {"answers": "Oui"}),
    "deliver-result": lambda: ({"outcomes": "executed"}, {"result": "Les relevés sont joints"}),
    "refuse": lambda: ({"grounds": ["essential-interests"]}, {"reasons": "Una operación en curso"}),
    "confirm-receipt": lambda: ({}, {}),
    "close": lambda: ({}, {}),
    "remind": lambda: ({}, {}),
}
"""Kind → the act and the content of a reply."""


class Actor:
    """One party and its thread. `surprises` holds what the client refused and no outage explains."""

    def __init__(self, party: str, seed: int, connect: Callable[[], Correspondence]) -> None:
        self.party = party
        self.surprises: list[str] = []
        self._random = random.Random(f"{seed} {party}")
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=party)
        self._goes_on = threading.Event()
        self._work: Future[None] | None = None
        self._touched: set[str] = set()
        self._self = self.ask(connect)  # a register belongs to the thread that opened it

    def resume(self) -> None:
        self._goes_on.set()
        self._work = self._thread.submit(self._act_until_paused)

    def pause(self) -> None:
        """Begin no further act."""
        self._goes_on.clear()

    def await_paused(self) -> None:
        """Return when the act in hand is over. Raises TimeoutError after PAUSED_WITHIN_S."""
        if self._work is not None:
            self._work.result(PAUSED_WITHIN_S)
            self._work = None

    def ask(self, question: Callable[[], T]) -> T:
        """Answered by the actor's own thread, while it pauses."""
        return self._thread.submit(question).result(PAUSED_WITHIN_S)

    def conclude(self) -> Future[None]:
        """Everything of this party's is decided, everything that came is read and opened."""
        return self._thread.submit(self._conclude)

    def replay(self) -> Future[list[str]]:
        """Every leg that was touched since the last time, as served, made again from the messages read here; what
        differs."""
        return self._thread.submit(self._replay)

    def close(self) -> None:
        self.ask(self._self.close)
        self._thread.shutdown()

    # --- in the actor's thread ---------------------------------------------------------------------------------------

    def _act_until_paused(self) -> None:
        while self._goes_on.is_set():
            self._guarded(self._read)
            if self._goes_on.is_set():
                self._guarded(self._write)
            time.sleep(self._random.uniform(*THINKS_S))

    def _guarded(self, act: Callable[[], None]) -> None:
        try:
            act()
        except (Transient, DossierStale, IllegalMove):
            """No answer, or somebody else was faster: both belong to the day."""
        except ComityError as refused:
            self._surprised(refused)
        except Exception as failed:
            self.surprises.append(f"{self.party}: {type(failed).__name__}: {failed}")

    def _surprised(self, refused: ComityError) -> None:
        self.surprises.append(f"{self.party}: {refused.code}: {refused}")

    def _read(self) -> None:
        news = self._self.mailbox.read_feed()
        for alarm in news.alarms:
            self._surprised(alarm.error)
        self.surprises += [f"{self.party}: a fork: {fork}" for fork in news.forks]
        self._touched.update(event.dossier for event in news.events)
        for kept in self._self.register.received(unopened_only=True)[-2:]:
            self._self.mailbox.open(kept.message)

    def _write(self) -> None:
        undecided = len(self._self.register.undecided())
        if undecided > DOSSIERS_IN_HAND:
            self._self.outbox.resume()
            return
        act = self._random.random()
        if self.party == PARTIES[0] and act < 0.45:
            self._open_dossier()
        elif act < 0.85:
            self._reply()
        elif self.party == PARTIES[0]:
            self._misbehave()

    def _open_dossier(self) -> None:
        composed = self._compose()
        message = self._self.seal_and_store(composed, [_ATTACHMENT] if self._random.random() < 0.3 else [])
        self._send(message)
        if self._random.random() < 0.1 and self._self.outbox.await_decision(message, 1.0) is not None:
            self._reuse_id(composed)

    def _reply(self) -> None:
        recent = list(self._self.register.dossiers())[:DOSSIERS_IN_HAND]
        if not recent:
            return
        try:
            leg = self._random.choice(self._self.legs(self._random.choice(recent)))
        except NotThere:
            return  # its own request, of which nothing is decided yet
        kinds = [kind for kind in possible_kinds(leg, self.party) if kind in REPLIES]
        if not kinds:
            return
        kind = self._random.choice(kinds)
        act, content = REPLIES[kind]()
        composed = self._self.compose_reply(leg.dossier, ReplyWish(kind, act, content), leg.requested)
        self._send(self._self.seal_and_store(composed, []))

    def _send(self, message: str) -> None:
        """Once, or twice with the same bytes, or again after the decision."""
        self._self.outbox.send(message)
        again = self._random.random()
        if again < 0.2 or (again < 0.4 and self._self.outbox.await_decision(message, 1.0) is not None):
            self._self.outbox.send(message)

    def _misbehave(self) -> None:
        """What must have no effect, or that of a rejection alone."""
        composed = self._compose()
        change: dict[str, Any] = {"exchange": "another.test/log"}
        if self._random.random() < 0.5:
            known = list(self._self.register.dossiers())
            change = {"dossier": self._random.choice(known) if known else new_uuid7(now())}
        self._post(replace(composed, header=composed.header.model_copy(update=change)))

    def _reuse_id(self, composed: Composed) -> None:
        """Other bytes under an id that is decided. Two intakes may decide earlier ones in either order, and a party
        whose own other bytes came first would rightly refuse what it reads of them."""
        self._post(composed)

    def _post(self, composed: Composed) -> None:
        """Seal and post, without keeping it: the exchange may say what it likes."""
        watch = self._self.directory()
        keys = {party: watch.sealing_key(party).public for party in composed.header.recipients}
        sealed = seal_message(composed.header, composed.content, [], self._self.keys, keys)
        try:
            self._self.exchange.submit(composed.header.id, sealed.digest, sealed.submission)
        except Rejection:
            """As it should be; the history has the answer."""

    def _compose(self) -> Composed:
        others = [party for party in PARTIES if party != self.party]
        recipients = self._random.sample(others, self._random.choice([1, 1, 2]))
        request = RequestFile.model_validate(
            {"v": 1, "instrument": "quadripartite", "measures": _MEASURES, "act": {}, "content": _CONTENT}
        )
        return self._self.compose_request(request, recipients, None)

    def _conclude(self) -> None:
        outbox, register = self._self.outbox, self._self.register
        for message, refused in outbox.resume().items():
            if refused is not None:
                self._surprised(refused)
            outbox.await_decision(message, PAUSED_WITHIN_S / 3)
        self._read()
        for kept in register.received(unopened_only=True):
            self._self.mailbox.open(kept.message)

    def _replay(self) -> list[str]:
        """What differs; it is looked at again the next time."""
        touched, self._touched = self._touched, set()
        differs = []
        for dossier in sorted(touched):
            found = self._differences(dossier)
            differs += [f"{self.party}: {dossier}: {why}" for why in found]
            self._touched |= {dossier} if found else set()
        return differs

    def _differences(self, dossier: str) -> list[str]:
        """Between the dossier that the exchange tells, and the one that follows from what was read."""
        try:
            legs = self._self.legs(dossier)
        except ComityError as contradicted:
            return [f"{contradicted.code}: {contradicted}"]
        read = self._self.register.messages(dossier)
        made = {leg.requested: replay_leg(dossier, leg.requested, read) for leg in legs}
        return [
            f"the leg of {leg.requested} is not what was read"
            for leg in legs
            if (replayed := made[leg.requested]) is None or replayed.head != leg.head
        ]
