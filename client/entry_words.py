"""What the codes of the ledger are called: types of entries, their fields, key events, clock events, legal flags.

Sentences and words of the catalogues. The code stands behind its word in brackets where an auditor searches by it.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from client.problems import title_by_code
from shared.texts.catalogue import mark as _
from shared.texts.catalogue import translate
from shared.texts.sentence import Sentence

ENTRY_WORDS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "decision.accepted": _("message admitted"),
        "decision.rejected": _("message rejected"),
        "evidence.submission-acceptance": _("submission taken in"),
        "evidence.submission-rejection": _("submission not taken in"),
        "evidence.relay-acceptance": _("taken over for relay"),
        "evidence.relay-rejection": _("relay refused"),
        "evidence.relay-failure": _("relay failed"),
        "evidence.delivery": _("message delivered"),
        "evidence.non-delivery": _("message not delivered in time"),
        "evidence.retrieval": _("message asked for"),
        "evidence.non-retrieval": _("message not asked for in time"),
        "directory.key-event": _("event of keys"),
        "directory.instruments": _("registry of instruments published"),
        "directory.roster": _("roster of services"),
        "audit.reading": _("reading by an auditor"),
        "clock.event": _("clock of a time limit"),
        "clock.transport-late": _("warning of transport"),
        "exchange.calls-refused": _("calls refused"),
        "exchange.started": _("start of a service"),
        "exchange.stopped": _("end of a service"),
        "exchange.parts-pruned": _("sealed parts pruned"),
        "exchange.letter-retried": _("dead letter tried again"),
    }
)
FIELD_WORDS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "auditor": _("auditor"),
        "awaited": _("what was awaited"),
        "basis": _("why the date binds"),
        "calendar": _("calendar"),
        "changes": _("what is new in the registry"),
        "closed_at": _("dossier closed at"),
        "code": _("reason"),
        "day": _("day"),
        "debtor": _("whose turn it is"),
        "decide_by": _("decision promised by"),
        "directory_index": _("judged as of key event"),
        "document": _("signed document"),
        "dossier": _("dossier"),
        "due": _("due by"),
        "envelope_sha256": _("digest of the envelope"),
        "event": _("event"),
        "falls": _("when the limit passed"),
        "flags": _("reservations of the law"),
        "jws": _("signed envelope"),
        "kept_days": _("days kept"),
        "leg": _("leg"),
        "letter": _("dead letter"),
        "measures": _("measures"),
        "message": _("message"),
        "owed": _("what is owed"),
        "process": _("process"),
        "reason": _("reason"),
        "recipient": _("recipient"),
        "refused": _("calls refused"),
        "registry": _("publication of the registry"),
        "registry_sha256": _("digest of the registry"),
        "request": _("signed request"),
        "roster_sha256": _("digest of the roster"),
        "route": _("route"),
        "sender": _("sender"),
        "seq": _("number of the key event"),
        "service": _("service"),
        "since": _("from"),
        "started_at": _("began at"),
        "states": _("states of the measures"),
        "stopped_at": _("ended at"),
        "until": _("up to"),
        "version": _("version"),
    }
)
KEY_EVENT_WORDS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "enrol": _("{party} was enrolled with its first keys"),
        "rotate": _("{party} renewed its keys"),
        "recover": _("the operators gave {party} new keys"),
        "suspend": _("{party} was suspended"),
        "reinstate": _("{party} was reinstated"),
        "compromise": _("keys of {party} are in other hands"),
    }
)
CLOCK_WORDS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "reminder-7": _("there are 7 days left"),
        "reminder-2": _("there are 2 days left"),
        "reminder-0": _("it is the last day"),
        "overdue": _("it is overdue"),
        "closed-by-silence": _("silence closed it"),
        "desk-called": _("an emergency came, and its desk was called"),
        "desk-unattended": _("nobody has acted on an emergency"),
    }
)
FLAG_WORDS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "basis-is-group": _("the instrument named is a coordination of authorities and no treaty"),
        "basis-reciprocity": _("no instrument is named, reciprocity is assured"),
        "channel-not-admitted": _("the instrument has requests pass by another channel"),
        "date-in-the-future": _("a day lies in the future that should be past"),
        "date-in-the-past": _("a day lies in the past"),
        "dates-out-of-order": _("days stand in the wrong order"),
        "filing-not-electronic": _("requests are taken by the diplomatic channel only"),
        "ground-of-other-measure": _("the ground is one for other measures only"),
        "ground-outside-instrument": _("the ground is none of the instrument"),
        "hard-copy-follows": _("a hard copy is to follow"),
        "instrument-unknown": _("the registry does not know the instrument"),
        "late": _("it came after a withdrawal"),
        "measure-not-listed": _("the instrument does not list the measure"),
        "not-done-before": _("something comes before that is still owed"),
        "not-in-force": _("the instrument is not in force"),
        "party-not-bound": _("a party is not bound by the instrument"),
        "preservation-short": _("data is preserved for too few days"),
        "registry-missing": _("no registry of instruments was published"),
        "yields-to-treaty": _("the instrument yields to a treaty that binds both parties"),
    }
)
"""Of what stands in a decision; whoever sends is told more (`flag_words`)."""


def entry_word(type_: str, language: str) -> str:
    """What an entry of this type is, and the type."""
    return _coded(ENTRY_WORDS.get(type_), type_, language)


def field_word(name: str, language: str) -> str:
    return _coded(FIELD_WORDS.get(name), name, language)


def key_event_words(type_: str, party: str, language: str) -> str:
    """What it says of this party, and its type."""
    return f"{translate(KEY_EVENT_WORDS[type_], language, party=party)} [{type_}]"


def clock_word(event: str, language: str) -> str:
    """What a clock said, and its event."""
    return _coded(CLOCK_WORDS.get(event), event, language)


def flag_word(flag: str, language: str) -> str:
    """A flag as a decision has it, `code` or `code:leg`."""
    return _coded(FLAG_WORDS.get(flag.partition(":")[0]), flag, language)


def error_said(code: str) -> Sentence:
    """What the error with this code is called, and the code: a reason for which something was refused."""
    title = title_by_code(code)
    return Sentence(code) if title is None else Sentence("{title} [{code}]", {"title": Sentence(title), "code": code})


def error_word(code: str, language: str) -> str:
    """The same in this language."""
    return error_said(code).told(language)


def _coded(word: str | None, code: str, language: str) -> str:
    """A code that has no word stands for itself."""
    return code if word is None else f"{translate(word, language)} [{code}]"
