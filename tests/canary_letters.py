"""Letters that are full of canaries: every text in them is unique, and every sealed field has one.

Rules:
1. A canary is a plaintext that must not be found at the exchange. It stands whole in one sealed field.
2. The same seed gives the same canaries. Ids, keys and times are new in every run.
3. Letters are composed and sealed by the client library, as an authority would.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final

from client.composition import Composed, ReplyWish
from client.correspondence import Correspondence
from client.request_file import RequestFile
from client.sealing import Attachment
from tests.exchange_process import now

RABAT, PARIS, BRUSSELS = "MA.PGR", "FR.BEPI", "BE.PF"
SCRIPTS: Final = (
    "ابتثجحخدذرزسشصضطظعغفقكلمنهوي",
    "abcdefghijklmnopqrstuvwxyzàâçéèêëîïôùûœ",
    "国际司法协助请求书证据银行账户转移资产调查法院检察官",
    "aábcdeéfghiíjlmnñoóprstuúvyz",
    "абвгдежзийклмнопрстуфхцчшщыэюя",
    "ⴰⴱⴳⴷⴹⴻⴼⴽⵀⵃⵄⵅⵇⵉⵊⵍⵎⵏⵓⵔⵕⵖⵙⵚⵛⵜⵟⵡⵢⵣ",
)
TEXT_CHARS: Final = 60
NAME_CHARS: Final = 24
BINARY_BYTES: Final = 400
CONTENT_FIELDS: Final = (
    *("requesting_authority", "subject_matter", "nature_of_proceeding", "conducting_authority"),
    *("facts", "assistance_sought", "purpose", "deadline_reasons", "file_number"),
)


@dataclass(frozen=True)
class Letter:
    """A letter that is sealed and stored at its sender. `canaries` are all plaintexts that were sealed into it."""

    sender: str
    readers: tuple[str, ...]
    dossier: str
    message: str
    canaries: tuple[str | bytes, ...]


class Sower:
    """Makes canaries, and remembers them until they are taken."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self._sown: list[str | bytes] = []

    def text(self, chars: int = TEXT_CHARS) -> str:
        return self._sow(self._words(chars))

    def file_name(self) -> str:
        return self._sow(self._words(NAME_CHARS).replace(" ", "-") + ".pdf")

    def binary(self) -> bytes:
        data = self._random.randbytes(BINARY_BYTES)
        self._sown.append(data)
        return data

    def attachments(self) -> list[Attachment]:
        """A text and a binary file; their names are canaries too."""
        return [
            Attachment(self.file_name(), "text/plain", self.text(20 * TEXT_CHARS).encode()),
            Attachment(self.file_name(), "application/pdf", self.binary()),
        ]

    def take(self) -> tuple[str | bytes, ...]:
        """What was sown since the last time."""
        taken, self._sown = tuple(self._sown), []
        return taken

    def _words(self, chars: int) -> str:
        """Words in the next script, so random that 16 letters of them stand nowhere else."""
        letters = SCRIPTS[len(self._sown) % len(SCRIPTS)]
        text = ""
        while len(text) < chars:
            text += "".join(self._random.choices(letters, k=self._random.randint(3, 11))) + " "
        return text[: chars - 1] + letters[0]

    def _sow(self, text: str) -> str:
        self._sown.append(text)
        return text


def write_request(rabat: Correspondence, sower: Sower, to_dossier: str | None = None) -> Letter:
    """Rabat asks Paris and Brussels for two measures, one of them covert.

    With `to_dossier` it claims to open one that is open already: the exchange rejects it.
    """
    measures = {
        name: {"type": type_, "target": sower.text(), "custodian": sower.text(), "details": {"note": sower.text()}}
        for name, type_ in (("M1", "bank-data"), ("M2", "interception"))
    }
    request = RequestFile.model_validate(
        {
            "v": 1,
            "instrument": "quadripartite",
            "measures": measures,
            "act": {"deadline": (now() + timedelta(days=30)).date().isoformat()},
            "content": {name: sower.text() for name in CONTENT_FIELDS},
        }
    )
    composed = rabat.compose_request(request, [PARIS, BRUSSELS], None)
    if to_dossier is not None:
        composed = replace(composed, header=composed.header.model_copy(update={"dossier": to_dossier}))
    return _store(rabat, composed, sower.attachments(), sower)


def write_refusal(paris: Correspondence, sower: Sower, dossier: str) -> Letter:
    """Paris refuses; its reasons are sealed."""
    content = {"reasons": sower.text(5 * TEXT_CHARS), "file_number": sower.text()}
    wish = ReplyWish("refuse", {"grounds": ["essential-interests"]}, content)
    return _store(paris, paris.compose_reply(dossier, wish), sower.attachments(), sower)


def write_questions(brussels: Correspondence, sower: Sower, dossier: str) -> Letter:
    """Brussels asks for information, without attachments."""
    wish = ReplyWish(
        "ask-information", {"due": (now() + timedelta(days=9)).date().isoformat()}, {"questions": sower.text()}
    )
    return _store(brussels, brussels.compose_reply(dossier, wish), [], sower)


def _store(sender: Correspondence, composed: Composed, attachments: Sequence[Attachment], sower: Sower) -> Letter:
    header = composed.header
    message = sender.seal_and_store(composed, attachments)
    return Letter(header.sender, header.recipients, header.dossier, message, sower.take())
