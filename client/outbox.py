"""Sending: the sealed message is stored, then uploaded and posted, then its decision is awaited.

Rules:
1. Stored before sent: the register and the sealed files are on disk before the first byte leaves. After a crash
   `resume` sends the same bytes under the same id, and the exchange knows them again.
2. A receipt is kept as soon as it verified; it promises a decision and is none. One that promises it later than a
   receipt may is refused: nobody would miss the decision until then. So is one that says that the message came at
   another time than it did: a court would be told so years later.
3. A decision about other bytes than those kept here is not believed, nor one that comes without their receipt.
4. What waited is sent only while its recipients' keys are still theirs: one that was stolen meanwhile gets nothing.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from client.exchange import Exchange
from client.register import Register
from client.register_rows import DecisionKept, Entry, Submission
from client.sealing import SealedMessage, Upload
from client.whole_file import put_in_place
from shared.apisig.receipts import MERGE_DELAY
from shared.contracts.api import Accepted, Decision
from shared.domain.header import Header
from shared.domain.ids import encode_time
from shared.domain.profiles import kind_of
from shared.envelope.container import ReceivedEnvelope, parse_submission
from shared.envelope.encoding import MAX_INLINE_BYTES, MAX_INLINE_PART_BYTES, MAX_SKEW_S
from shared.errors import EnvelopeTooLarge, MessageUnverified, NotInRegister, NotThere, ReceiptInvalid, Rejection

_ABOUT_THE_MESSAGE: Final = ("envelope.", "message.", "call.too-large", "call.sender-mismatch")
_SKEW: Final = timedelta(seconds=MAX_SKEW_S)
LONGEST_PROMISE: Final = MERGE_DELAY + _SKEW
"""The maximum merge delay of the exchange, and what two clocks may differ by."""
_FIRST_WAIT_S: Final = 0.05
_LONGEST_WAIT_S: Final = 1.0


class Outbox:
    """What leaves this authority. `folder` holds sealed parts that are too large for a submission."""

    def __init__(
        self,
        exchange: Exchange,
        register: Register,
        folder: Path,
        require_current: Callable[[str, str], None],
        *,
        sleep: Callable[[float], None] = time.sleep,
        monotonic: Callable[[], float] = time.monotonic,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._exchange = exchange
        self._register = register
        self._folder = folder
        self._require_current = require_current
        self._sleep = sleep
        self._monotonic = monotonic
        self._clock = clock

    def store(self, sealed: SealedMessage, recorded_at: str) -> str:
        """Keep a sealed message, durable on return; its id."""
        received = parse_submission(sealed.submission)
        uploads = {one.sha256_hex: str(self._write(one)) for one in sealed.uploads}
        self._register.keep_outgoing(
            entry_of(received, received.header.sender), sealed.submission, uploads, recorded_at
        )
        return received.header.id

    def send(self, message: str) -> DecisionKept | None:
        """Upload and post what is stored. The decision, if there is one already; then a receipt is kept in any case.

        Raises what the calls raise, RecipientKeyEnded, KeyInDoubt. A refusal of the message itself is final and noted;
        after any other error it stays stored, and `resume` sends it again.
        """
        stored = self._register.submission(message)
        for kid in parse_submission(stored.container).wraps:
            self._require_current(kid.partition("#")[0], kid)
        sent_at = self._clock()
        try:
            self._upload(stored)
            answer = self._exchange.submit(message, stored.digest, stored.container)
        except Rejection as refused:
            if refused.code.startswith(_ABOUT_THE_MESSAGE):
                self._register.note_refused(message)
            raise
        if isinstance(answer, Accepted):
            self._register.note_receipt(message, answer.receipt, self._promised(answer, sent_at))
            return self._register.decision(message)
        return self._note(answer)

    def poll(self, message: str) -> DecisionKept | None:
        """The decision, if the exchange has one by now. Raises MessageUnverified when it is about other bytes, and
        ReceiptInvalid."""
        known = self._register.decision(message)
        if known is not None and known.leaf_index is not None:
            return known
        answer = self._exchange.decision(message)
        return known if answer is None else self._note(answer)

    def await_decision(self, message: str, patience_s: float) -> DecisionKept | None:
        """Poll until there is a decision or patience is spent."""
        give_up = self._monotonic() + patience_s
        wait_s = _FIRST_WAIT_S
        while True:
            decision = self._register.decision(message) or self.poll(message)
            if decision is not None or self._monotonic() + wait_s > give_up:
                return decision
            self._sleep(wait_s)
            wait_s = min(wait_s * 2, _LONGEST_WAIT_S)

    def resume(self) -> dict[str, Rejection | None]:
        """Send again whatever has no receipt, and ask for what has no decision: each id that was still open, with what
        the exchange said against it. Raises Transient errors, since then the others would fail as well."""
        said: dict[str, Rejection | None] = {}
        for message in self._register.undecided():
            said[message] = None
            try:
                if self._register.receipt(message) is None:
                    self.send(message)
                else:
                    self.poll(message)
            except Rejection as refused:
                said[message] = refused
        return said

    def _upload(self, stored: Submission) -> None:
        for sha256_hex, path in stored.uploads.items():
            try:
                self._exchange.upload_part(sha256_hex, Path(path).read_bytes())
            except NotThere:
                limit = f"{MAX_INLINE_PART_BYTES} bytes each, and {MAX_INLINE_BYTES} bytes in all, on this exchange"
                raise EnvelopeTooLarge(what="sum of attachments", limit=limit) from None

    def _promised(self, answer: Accepted, sent_at: datetime) -> str:
        """By when a decision is promised: what the receipt signs, whatever the answer says beside it. Rule 2."""
        receipt, now = self._exchange.read_receipt(answer.receipt, answer.message, answer.digest), self._clock()
        why = None
        if not sent_at - _SKEW <= receipt.received_at <= now + _SKEW:
            why = f"it says that the message came at {encode_time(receipt.received_at)}"
        elif receipt.decide_by > now + LONGEST_PROMISE:
            why = f"it promises a decision no sooner than {encode_time(receipt.decide_by)}"
        if why is not None:
            raise ReceiptInvalid(message=answer.message, why=why)
        return encode_time(receipt.decide_by)

    def _note(self, answer: Decision) -> DecisionKept:
        """Raises MessageUnverified, ReceiptInvalid: rule 3."""
        kept = self._register.message(answer.message)
        if kept is None:
            raise NotInRegister(fragment=answer.message)
        if kept.digest != answer.digest:
            raise MessageUnverified(
                message=answer.message, broken="message.id-reused", why="The exchange decided about other bytes."
            )
        self._exchange.read_receipt(answer.receipt, answer.message, answer.digest)
        self._register.note_decision(
            DecisionKept(
                message=answer.message,
                decision=answer.decision,
                code=answer.code,
                sentence=answer.sentence,
                facts=answer.facts,
                decided_at=answer.decided_at,
                leaf_index=answer.leaf_index,
            )
        )
        for path in self._register.submission(answer.message).uploads.values():
            Path(path).unlink(missing_ok=True)  # the exchange has it, and so has the sender's own wrap
        return self._register.decision(answer.message) or DecisionKept(
            answer.message, answer.decision, answer.code, answer.sentence, answer.facts, answer.decided_at, None
        )

    def _write(self, upload: Upload) -> Path:
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        path = self._folder / upload.sha256_hex
        put_in_place(path, upload.ct, replace=True)
        return path


def entry_of(received: ReceivedEnvelope, viewer: str) -> Entry:
    """The register's entry for an envelope, as this viewer is concerned by it."""
    header = received.header
    return Entry(
        message=header.id,
        dossier=header.dossier,
        profile=header.profile,
        kind=header.kind,
        sender=header.sender,
        recipients=header.recipients,
        leg=header.leg,
        legs=legs_of(header, viewer),
        in_reply_to=header.in_reply_to,
        digest=received.digest,
        seen=header.seen,
        changes_state=kind_of(header.profile, header.kind).changes_state,
        header=received.manifest.header,
        jws=received.jws_bytes,
    )


def legs_of(header: Header, viewer: str) -> tuple[str, ...]:
    """The legs that this message belongs to, as far as the viewer may know them: a requested party knows its own. A
    holder, who is named nowhere in the message that opened the dossier, learns from the forward which leg it is."""
    if header.leg is not None:
        return (header.leg,)
    return (viewer,) if viewer in header.recipients else header.recipients
