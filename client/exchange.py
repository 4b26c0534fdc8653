"""The exchange's API, typed. Each method is one call of docs 05; what comes back is a shape of `shared.contracts.api`.

Rules:
1. A submission is answered by a receipt, and a receipt counts only when the trust file's receipt key signed it for
   exactly these bytes.
2. An answer that does not have its shape is refused: AnswerRefused.
3. What is absent is None where absence is an ordinary answer, and NotThere where it is not.

Every method raises what `Calls.call` raises.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Final, TypeVar

from pydantic import BaseModel, ValidationError

from client.http_calls import Calls
from shared.apisig.receipts import Receipt
from shared.contracts.api import (
    FEED_PAGE,
    INSTRUMENTS_CONTENT_TYPE,
    KEY_EVENT_CONTENT_TYPE,
    MAX_DOCUMENT_BYTES,
    MESSAGE_CONTENT_TYPE,
    Accepted,
    Decision,
    Directory,
    DirectoryStatementAnswer,
    DossierAnswer,
    DossierPage,
    Evidences,
    FeedPage,
    KeyEventItem,
    KeyEventPage,
    MessageForReader,
    StampItem,
    StampPage,
    WellKnown,
)
from shared.contracts.operator_api import DeadLetterAnswer, DeadLetterItem, DeadLetterPage, OperatorQueues
from shared.domain.misfits import first_misfit
from shared.errors import AnswerRefused, NotThere

M = TypeVar("M", bound=BaseModel)

CheckReceipt = Callable[[str, str, str], Receipt]
"""(receipt, message id, envelope digest) → what it says. Raises ReceiptInvalid."""

_JSON_BYTES: Final = 4 * 1024 * 1024
_DOSSIERS_BYTES: Final = 64 * 1024 * 1024
"""A page of dossiers that have 199 legs each."""
_DIRECTORY_BYTES: Final = 64 * 1024 * 1024
_NOTE_BYTES: Final = 512 * 1024
_BUNDLE_BYTES: Final = 256 * (2 + 65_535)
_HEX = re.compile(r"[0-9a-f]{64}")


class Exchange:
    """One exchange as one caller sees it."""

    def __init__(self, calls: Calls, check_receipt: CheckReceipt) -> None:
        self._calls = calls
        self._check_receipt = check_receipt

    @property
    def url(self) -> str:
        return self._calls.base_url

    def close(self) -> None:
        self._calls.close()

    # --- messages ----------------------------------------------------------------------------------------------------

    def submit(self, message: str, digest: str, submission: bytes) -> Accepted | Decision:
        """Post these bytes. Accepted means kept, with a verified promise of a decision; Decision means decided before.

        Raises ReceiptInvalid for a promise that does not verify, and AnswerRefused for one about other bytes.
        """
        answer = self._calls.call(
            "POST", "/v1/messages", at_most=_JSON_BYTES, body=submission, content_type=MESSAGE_CONTENT_TYPE
        )
        result: Accepted | Decision
        result = _read(Accepted, answer.body) if answer.status == 202 else _read(Decision, answer.body)
        if (result.message, result.digest) != (message, digest):
            raise AnswerRefused(why=f"it speaks of {result.message}, not of {message}, or of other bytes")
        self.read_receipt(result.receipt, message, digest)
        return result

    def upload_part(self, sha256_hex: str, ciphertext: bytes) -> None:
        """Store a sealed part before the message that names it; storing it again is no error."""
        self._calls.call(
            "PUT",
            f"/v1/parts/{_hex(sha256_hex)}",
            at_most=_JSON_BYTES,
            body=ciphertext,
            content_type="application/octet-stream",
        )

    def message(self, message: str) -> MessageForReader:
        """A message that is addressed to the caller, or its own. Raises NotThere."""
        return _read(MessageForReader, self._get(f"/v1/messages/{message}", _JSON_BYTES))

    def part(self, message: str, name: str, size: int) -> bytes:
        """One sealed part of `size` bytes; the caller compares its digest with the signed manifest."""
        data = self._get(f"/v1/messages/{message}/parts/{name}", size)
        if len(data) != size:
            raise AnswerRefused(why=f"the part {name} of {message} has {len(data)} bytes instead of {size}")
        return data

    def decision(self, message: str) -> Decision | None:
        """What intake decided, with a receipt that `read_receipt` checks; None as long as nothing is decided."""
        try:
            return _read(Decision, self._get(f"/v1/messages/{message}/decision", _JSON_BYTES))
        except NotThere:
            return None

    def read_receipt(self, receipt: str, message: str, digest: str) -> Receipt:
        """What it says. Raises ReceiptInvalid unless it is one for these bytes of the caller's."""
        return self._check_receipt(receipt, message, digest)

    def evidences(self, message: str) -> Evidences:
        return _read(Evidences, self._get(f"/v1/messages/{message}/evidences", _JSON_BYTES))

    # --- dossiers, feed ----------------------------------------------------------------------------------------------

    def dossier(self, dossier: str) -> DossierAnswer:
        """Raises NotThere, also for a dossier of others."""
        return _read(DossierAnswer, self._get(f"/v1/dossiers/{dossier}", _JSON_BYTES))

    def dossiers(self) -> list[DossierAnswer]:
        """All of the caller's dossiers, newest first."""
        return list(self._dossiers("/v1/dossiers", {}))

    def every_dossier(self) -> Iterator[DossierAnswer]:
        """All dossiers of the exchange, newest first, page by page: for an auditor with the full mandate."""
        return self._dossiers("/v1/audit/dossiers", {})

    def _dossiers(self, path: str, query: dict[str, str]) -> Iterator[DossierAnswer]:
        while True:
            page = _read(DossierPage, self._get(path, _DOSSIERS_BYTES, query))
            yield from page.items
            if page.next is None or not page.items:
                return
            query = {**query, "after": page.next}

    def feed(self, after: str | None, limit: int = FEED_PAGE, wait_s: int = 0) -> FeedPage:
        """The entries after a cursor; waits up to `wait_s` seconds for the first."""
        query = {"limit": str(limit), "wait": str(wait_s)} | ({} if after is None else {"after": after})
        return _read(FeedPage, self._get("/v1/feed", _JSON_BYTES, query))

    # --- directory, registry, operator -------------------------------------------------------------------------------

    def well_known(self) -> WellKnown:
        return _read(WellKnown, self._get("/.well-known/comity", _JSON_BYTES))

    def directory(self) -> Directory:
        """The signed key events, unverified: `directory_history` replays them."""
        return _read(Directory, self._get("/v1/authorities", _DIRECTORY_BYTES))

    def directory_statement(self) -> str:
        """Which key event and registry are the newest, signed; `directory_statement` verifies it. Raises NotThere."""
        return _read(DirectoryStatementAnswer, self._get("/v1/authorities/statement", _JSON_BYTES)).statement

    def instruments(self) -> bytes | None:
        """The signed registry, unverified; None where none was loaded."""
        try:
            return self._get("/v1/instruments", _JSON_BYTES)
        except NotThere:
            return None

    def post_key_event(self, event: bytes) -> None:
        self._post("/v1/operator/key-events", event, KEY_EVENT_CONTENT_TYPE)

    def post_rotation(self, event: bytes) -> None:
        """A rotation of the caller's own keys."""
        self._post("/v1/key-events", event, KEY_EVENT_CONTENT_TYPE)

    def key_event_places(self, after: int) -> tuple[KeyEventItem, ...]:
        """Where the events after this number stand in the ledger; not all at once."""
        return _read(KeyEventPage, self._get("/v1/key-events", _JSON_BYTES, {"after": str(after)})).items

    def post_instruments(self, document: bytes) -> None:
        self._post("/v1/operator/instruments", document, INSTRUMENTS_CONTENT_TYPE)

    def queues(self) -> OperatorQueues:
        return _read(OperatorQueues, self._get("/v1/operator/queues", _JSON_BYTES))

    def dead_letters(self, service: str | None = None, reason: str | None = None) -> Iterator[DeadLetterItem]:
        """All of them, page by page: service by service, the newest first."""
        query = {name: value for name, value in (("service", service), ("reason", reason)) if value is not None}
        while True:
            page = _read(DeadLetterPage, self._get("/v1/operator/dead-letters", _JSON_BYTES, query))
            yield from page.items
            if page.next is None or not page.items:
                return
            query["after"] = page.next

    def dead_letter(self, letter: str) -> DeadLetterAnswer | None:
        """None where there is none with this id, or no more."""
        try:
            return _read(DeadLetterAnswer, self._get(f"/v1/operator/dead-letters/{letter}", _JSON_BYTES))
        except NotThere:
            return None

    def retry_dead_letter(self, letter: str) -> None:
        """Have it tried again; without effect for one that is gone."""
        self._calls.call("POST", f"/v1/operator/dead-letters/{letter}/retry", at_most=_JSON_BYTES)

    # --- ledger ------------------------------------------------------------------------------------------------------

    def checkpoint(self) -> bytes:
        return self._get("/log/checkpoint", _NOTE_BYTES)

    def log_file(self, path: str) -> bytes:
        """A tile or entry bundle by its path, `tile/…`."""
        return self._get(f"/log/{path}", _BUNDLE_BYTES)

    def stamps(self, size: int) -> tuple[StampItem, ...]:
        """Time-stamps over trees of at least `size` entries, the smallest first; not all at once. Raises NotThere."""
        return _read(StampPage, self._get("/log/stamps", _JSON_BYTES, {"size": str(size)})).items

    def _get(self, path: str, at_most: int, query: dict[str, str] | None = None) -> bytes:
        return self._calls.call("GET", path, at_most=at_most, query=query).body

    def _post(self, path: str, document: bytes, content_type: str) -> None:
        if len(document) > MAX_DOCUMENT_BYTES:
            raise AnswerRefused(why=f"the document has more than {MAX_DOCUMENT_BYTES} bytes")
        self._calls.call("POST", path, at_most=_JSON_BYTES, body=document, content_type=content_type)


def _read(model: type[M], body: bytes) -> M:
    try:
        return model.model_validate_json(body)
    except ValidationError as invalid:
        raise AnswerRefused(why=first_misfit(invalid, model.__name__)) from None


def _hex(text: str) -> str:
    if _HEX.fullmatch(text) is None:
        raise ValueError("a part is named by the lower-case hex of its SHA-256")
    return text
