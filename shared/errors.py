"""The one tree of errors.

Rules:
1. Every error a user can meet has a stable `code`. Codes are retired, never reused.
2. The class docstring's first paragraph is the sentence a user reads; `{name}` stands for a keyword given at the raise.
3. No HTTP number stands here: the gateway alone maps codes to statuses (`gateway/problems.py`).
4. `Rejection` means "this item is refused, the answer is final"; `Transient` means "the same item may pass later";
   `Fatal` means "stop the process: its view of the world cannot be trusted".
"""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from typing_extensions import override


class ComityError(Exception):
    """Something went wrong in the exchange."""

    code: ClassVar[str] = "comity.error"

    def __init__(self, /, **facts: object) -> None:  # facts come from the other side too, one named `self` among them
        self.facts = facts
        super().__init__(self.sentence())

    @override
    def __reduce__(self) -> tuple[Callable[..., ComityError], tuple[type[ComityError], dict[str, object]]]:
        """Processes hand errors on to each other by their class and facts."""
        return _made_again, (type(self), self.facts)

    @classmethod
    def template(cls) -> str:
        """The message template: the first paragraph of the docstring, on one line."""
        first = (cls.__doc__ or "").strip().split("\n\n")[0]
        return " ".join(first.split())

    @classmethod
    def title(cls) -> str:
        """`CallClockSkew` → `Call clock skew`: short, and the same for every occurrence, as RFC 9457 §3.1.3 asks."""
        words = "".join(f" {letter.lower()}" if letter.isupper() else letter for letter in cls.__name__).strip()
        return words[0].upper() + words[1:]

    def sentence(self, template: str | None = None) -> str:
        """The template, or one in another language, filled with this error's facts, on one line; a missing fact shows
        as its name, never as a second error. Facts may quote an opponent: what would move a terminal's cursor or turn
        the writing's direction is escaped."""
        facts = _NamedGaps({name: _printable(str(value)) for name, value in self.facts.items()})
        return (template or self.template()).format_map(facts)


def _made_again(error: type[ComityError], facts: dict[str, object]) -> ComityError:
    return error(**facts)


_MARKS = "\u200e\u200f"
"""Of direction: they turn nothing but what stands between them."""


def _printable(text: str) -> str:
    if text.isprintable():
        return text
    return "".join(
        each if each.isprintable() or each in _MARKS else each.encode("unicode_escape").decode("ascii") for each in text
    )


class _NamedGaps(dict[str, str]):
    def __missing__(self, key: str) -> str:
        return f"<{key}>"


class Rejection(ComityError):
    """This was refused."""

    code = "comity.rejected"


class Transient(ComityError):
    """This cannot be done now; the same call may pass later."""

    code = "comity.transient"


class Fatal(ComityError):
    """The process must stop: {why}."""

    code = "comity.fatal"


# --- the HTTP call ---------------------------------------------------------------------------------------------------


class CallUnsigned(Rejection):
    """The call carries no RFC 9421 signature tagged comity-v1. Sign it with the API key of your authority."""

    code = "call.unsigned"


class CallSignatureInvalid(Rejection):
    """The signature of the call does not verify: {why}."""

    code = "call.signature-invalid"


class CallKeyUnknown(Rejection):
    """The key {kid} is not the current API key of any enrolled party that is not suspended. Ask the operators."""

    code = "call.key-unknown"


class CallKeyWaits(Rejection):
    """The key {kid} came by a recovery and is accepted from {usable_from} on, so that its party can object if it did
    not ask for it. Call again then; what is addressed to you is kept. If it cannot wait, have the exchange's operators
    compare the keys with you in person and pin them in the exchange's trust file."""

    code = "call.key-waits"


class CallClockSkew(Rejection):
    """The call is dated {created}, the exchange's clock says {now}; the limit is {limit_s} s. Set your clock."""

    code = "call.clock-skew"


class CallDigestMismatch(Rejection):
    """The body does not match its Content-Digest: it was cut or changed on the way."""

    code = "call.digest-mismatch"


class CallReplayed(Rejection):
    """A call was made with this signature before. Sign every attempt anew, with a nonce of its own."""

    code = "call.replayed"


class CallTooLarge(Rejection):
    """The body has more than {limit} bytes. Upload large parts before the message that names them."""

    code = "call.too-large"


class CallHeadersTooLarge(Rejection):
    """The header fields of the call have more than {limit} bytes together."""

    code = "call.headers-too-large"


class CallTooSlow(Rejection):
    """The call did not arrive whole within {limit_s} s. Send it again."""

    code = "call.too-slow"


class CallTooMany(Rejection):
    """You have {limit} waiting calls open already. Close one, or wait until one is answered."""

    code = "call.too-many"


class CallRateExceeded(Rejection):
    """You made more than {limit} calls ({kind}) in {window_s} s. Call again in {retry_after_s} s, and less often."""

    code = "call.rate-exceeded"


class PartPruned(Rejection):
    """The sealed parts of {message} were removed from the exchange at {pruned_at}: its policy keeps them for
    {kept_days} days after a dossier is closed, and this one was closed at {closed_at}. What you fetched before
    verifies as ever."""

    code = "call.part-pruned"


class CallWrongContentType(Rejection):
    """The body is {given}; this call takes {expected}."""

    code = "call.wrong-content-type"


class CallMalformed(Rejection):
    """The call cannot be read: {why}."""

    code = "call.malformed"


class CallMethodNotAllowed(Rejection):
    """This address does not take the method {method}."""

    code = "call.method-not-allowed"


class CallNotPermitted(Rejection):
    """Your role does not allow this call."""

    code = "call.not-permitted"


class CallSenderMismatch(Rejection):
    """The call is signed by {caller}, the message by {sender}: an authority submits its own messages only."""

    code = "call.sender-mismatch"


class NotThere(Rejection):
    """There is no such thing here, or it is not yours to see."""

    code = "call.not-there"


class Busy(Transient):
    """The exchange takes no more at this moment. Send the same again in {retry_after_s} s, a message under the same id:
    whatever may have been kept of this attempt is then counted once."""

    code = "call.busy"


# --- the envelope ----------------------------------------------------------------------------------------------------


class EnvelopeMalformed(Rejection):
    """The envelope cannot be read: {why}."""

    code = "envelope.malformed"


class EnvelopeUnknownField(Rejection):
    """The header has a field that the format does not know: {field}."""

    code = "envelope.unknown-field"


class EnvelopeTooLarge(Rejection):
    """The envelope's {what} exceeds the limit of {limit}."""

    code = "envelope.too-large"


class EnvelopeSignatureMissing(Rejection):
    """The envelope must carry exactly two signatures, Ed25519 and ML-DSA-65; {missing} is missing."""

    code = "envelope.signature-missing"


class EnvelopeSignatureInvalid(Rejection):
    """The {alg} signature of the envelope does not verify."""

    code = "envelope.signature-invalid"


class EnvelopeKeyForeign(Rejection):
    """The key {kid} does not belong to the sender {sender}."""

    code = "envelope.key-foreign"


class EnvelopeKeyUnknown(Rejection):
    """The key {kid} is not a key that {sender} may use at this time."""

    code = "envelope.key-unknown"


class EnvelopeDowngraded(Rejection):
    """The envelope asks for other signatures or another suite than comity-env/1 requires."""

    code = "envelope.downgraded"


class EnvelopeRecipientsMismatch(Rejection):
    """The keys that the envelope is sealed to are not those of its recipients and its sender: {why}."""

    code = "envelope.recipients-mismatch"


class EnvelopePartMismatch(Rejection):
    """The sealed part {part} is missing, cut or changed: it does not match the signed manifest."""

    code = "envelope.part-mismatch"


class EnvelopeWrapMismatch(Rejection):
    """The key wrap for {kid} is missing or does not match the signed manifest."""

    code = "envelope.wrap-mismatch"


class EnvelopeWrongExchange(Rejection):
    """The envelope is addressed to the exchange {given}; this one is {expected}."""

    code = "envelope.wrong-exchange"


class EnvelopeExpired(Rejection):
    """The envelope expired at {expires_at}. Send it anew with a new id."""

    code = "envelope.expired"


class EnvelopeLivesTooLong(Rejection):
    """The envelope, sent at {sent_at}, would be accepted until {expires_at}: the limit is {limit_days} days. Send it
    anew with a new id and an earlier end."""

    code = "envelope.lives-too-long"


class EnvelopeFutureDated(Rejection):
    """The envelope is dated {sent_at}, later than the exchange's clock {now} allows. Set your clock."""

    code = "envelope.future-dated"


class EnvelopeCannotOpen(Rejection):
    """The envelope cannot be opened: {why}. Nothing of it was released."""

    code = "envelope.cannot-open"


class EnvelopeActContradicted(Rejection):
    """The sealed body contradicts the header in {field}. Nothing of it was released."""

    code = "envelope.act-contradicted"


# --- the message and its dossier -------------------------------------------------------------------------------------


class MessageIdReused(Rejection):
    """Another envelope was sent under the id {message}. Use a new id."""

    code = "message.id-reused"


class SenderUnknown(Rejection):
    """The sender {sender} is not enrolled on this exchange, or is suspended."""

    code = "message.unknown-sender"


class SenderKeyWaits(Rejection):
    """The key {kid} of {sender} came by a recovery and signs from {usable_from} on, so that its party can object if it
    did not ask for it. Send the message anew then, with a new id."""

    code = "message.key-waits"


class RecipientUnknown(Rejection):
    """The recipient {recipient} is not enrolled on this exchange, or is suspended."""

    code = "message.unknown-recipient"


class ProfileUnknown(Rejection):
    """The profile {profile} is not known here."""

    code = "message.unknown-profile"


class KindUnknown(Rejection):
    """The profile {profile} has no message of kind {kind}."""

    code = "message.unknown-kind"


class ActMalformed(Rejection):
    """The act of this message, {kind}, is not as the profile requires: {why}."""

    code = "message.malformed-act"


class HeaderInconsistent(Rejection):
    """The header does not fit its kind: {why}."""

    code = "message.inconsistent-header"


class MandateMissing(Rejection):
    """The entries of the ledger name who wrote to whom: this exchange shows them to auditors with the full mandate
    alone, and the key of this home is not one of theirs."""

    code = "client.mandate-missing"


class OnwardNotPermitted(Rejection):
    """{document} came from {party} in {message}, and {party} did not permit that {to} gets it."""

    code = "client.onward-not-permitted"


class BodyIncomplete(Rejection):
    """The content of the message is not as its form asks: {fields}."""

    code = "message.incomplete-body"


class DossierUnknown(Rejection):
    """The dossier {dossier} has no leg {leg} on this exchange."""

    code = "dossier.unknown"


class DossierExists(Rejection):
    """The dossier {dossier} exists already; a new request opens a new dossier."""

    code = "dossier.exists"


class DossierStale(Rejection):
    """Something happened on the leg {leg} that this message has not seen. Fetch your feed, then decide again."""

    code = "dossier.stale"


class IllegalMove(Rejection):
    """The measure {measure} is {state}: {kind} is not possible there."""

    code = "dossier.illegal-move"


class ForeignSigner(Rejection):
    """{sender} has no part in the leg {leg} that allows it to send {kind}."""

    code = "dossier.foreign-signer"


class MeasureUnknown(Rejection):
    """The leg {leg} has no measure {measure}, or its type is another."""

    code = "dossier.unknown-measure"


class GroundMissing(Rejection):
    """A refusal names its ground and its reasons."""

    code = "dossier.ground-missing"


class NumberInvalid(Rejection):
    """{number} is no dossier number: {why}."""

    code = "dossier.invalid-number"


class InstrumentsInvalid(Rejection):
    """The registry of instruments cannot be read: {why}."""

    code = "instruments.invalid"


# --- keys, directory, trust ------------------------------------------------------------------------------------------


class KeyRefused(Rejection):
    """The {alg} public key is not acceptable: {why}."""

    code = "keys.refused"


class KeyIdMalformed(Rejection):
    """The key id {kid} is not of the form owner#digest."""

    code = "keys.malformed-id"


class KeyEventRefused(Rejection):
    """The key event is not acceptable: {why}."""

    code = "keys.event-refused"


class DirectoryBehind(KeyEventRefused):
    """The database is not what this service judged by before: {why}. It was set back, or rows were deleted; see `The
    directory is behind` in the operator's guide."""

    code = "keys.directory-behind"


class DirectoryUntrusted(Fatal):
    """What the database holds as signed by the operators does not verify: {why}. Nothing is decided until this is
    explained."""

    code = "keys.directory-untrusted"


class RosterRefused(Rejection):
    """The roster of service keys is not acceptable: {why}."""

    code = "keys.roster-refused"


class KeyNotFound(Rejection):
    """No key {kid} is known here."""

    code = "keys.not-found"


class KeyModuleUnusable(Rejection):
    """The key module {module} cannot be used: {why}."""

    code = "keys.module-unusable"


class KeyStillNeeded(Rejection):
    """The sealing key {kid} was not destroyed: {why}."""

    code = "keys.still-needed"


class ComparisonUnreadable(Rejection):
    """What was given to compare keys against cannot be read: {why}. Nothing was compared."""

    code = "keys.comparison-unreadable"


class TrustFileInvalid(Rejection):
    """The trust file cannot be used: {why}."""

    code = "keys.trust-file-invalid"


class KeyFileUnusable(Rejection):
    """The key file {file} cannot be used: {why}."""

    code = "keys.file-unusable"


class PassphraseWrong(Rejection):
    """The key file {file} cannot be opened with this passphrase."""

    code = "keys.passphrase-wrong"


# --- frames, bus, storage --------------------------------------------------------------------------------------------


class FrameRefused(Rejection):
    """The frame is not authentic or not for this service: {why}."""

    code = "frame.refused"


class FrameTooLarge(Rejection):
    """The frame would have {size} bytes; one holds at most {limit}. Send its items in several frames."""

    code = "frame.too-large"


class MessageTypeUnknown(Rejection):
    """No service message of type {type}, version {version} is known."""

    code = "frame.unknown-type"


class BusUnavailable(Transient):
    """The broker does not answer: {why}."""

    code = "bus.unavailable"


class StoreUnavailable(Transient):
    """The database does not answer: {why}."""

    code = "store.unavailable"


class StoreConflict(Transient):
    """Another writer was first; load again and decide again."""

    code = "store.conflict"


class StoreRefused(Rejection):
    """The database can never hold what was to be written ({why})."""

    code = "store.refused"


class RetryLater(Transient):
    """Not yet: {why}."""

    code = "handler.retry-later"


# --- ledger ----------------------------------------------------------------------------------------------------------


class LeafTooLarge(Rejection):
    """The leaf has {size} bytes; an entry holds at most {limit}."""

    code = "ledger.leaf-too-large"


class LedgerInvalid(Rejection):
    """The ledger does not verify: {why}."""

    code = "ledger.invalid"


class CopyOlder(Rejection):
    """This copy of the ledger is older than what is known of it here: {why}."""

    code = "ledger.copy-older"


class QuorumMissing(LedgerInvalid):
    """The checkpoint of {size} entries was cosigned by {cosigned}; the trust file asks for {quorum}. Nothing under it
    is believed. Ask the operators which witnesses are down, and those witnesses what they were shown."""

    code = "ledger.quorum-missing"


class LeafInvalid(LedgerInvalid):
    """The leaf is not as the catalogue of leaves requires: {why}."""

    code = "ledger.leaf-invalid"


class WitnessUnreachable(Transient):
    """The witness at {url} did not answer: {why}."""

    code = "ledger.witness-unreachable"


class StampInvalid(Rejection):
    """The time-stamp does not verify: {why}."""

    code = "ledger.stamp-invalid"


class LeafRefused(Rejection):
    """The ledger gives this leaf no place: {why}."""

    code = "ledger.leaf-refused"


class LedgerForked(Fatal):
    """The ledger's own record and its published tree disagree: {why}. Nothing is signed until this is explained.
    See `The ledger halted` in docs/guide/operator.md."""

    code = "ledger.forked"


class BackupRefused(Rejection):
    """The backup cannot be made or used: {why}."""

    code = "operator.backup-refused"


# --- proof bundles: one code for each member of the file -------------------------------------------------------------


class ProofMalformed(Rejection):
    """The file is no proof bundle in its one form: {why}."""

    code = "proof.malformed"


class ProofTooLarge(Rejection):
    """The proof bundle would have, or has, more than {limit} bytes."""

    code = "proof.too-large"


class ProofForeign(Rejection):
    """The proof bundle is of the exchange {given}, the trust file of {expected}. Give the trust file of that one."""

    code = "proof.wrong-exchange"


class ProofInvalid(Rejection):
    """The proof bundle does not prove what it is for: {why}."""

    code = "proof.invalid"


class ProofCheckpointInvalid(ProofInvalid):
    """The checkpoint of the proof bundle is not believed: {why}."""

    code = "proof.checkpoint-invalid"


class ProofEnvelopeInvalid(ProofInvalid):
    """The signed message in the proof bundle does not verify: {why}."""

    code = "proof.envelope-invalid"


class ProofReceiptInvalid(ProofInvalid):
    """The receipt in the proof bundle does not verify: {why}."""

    code = "proof.receipt-invalid"


class ProofKeyEventInvalid(ProofInvalid):
    """The key events in the proof bundle do not verify: {why}."""

    code = "proof.key-event-invalid"


class ProofDecisionInvalid(ProofInvalid):
    """The decision in the proof bundle does not verify: {why}."""

    code = "proof.decision-invalid"


class ProofEvidenceInvalid(ProofInvalid):
    """An evidence in the proof bundle does not verify: {why}."""

    code = "proof.evidence-invalid"


class ProofPartInvalid(ProofInvalid):
    """The disclosed part {part} is not what the message was signed with: {why}."""

    code = "proof.part-invalid"


class ProofPartUnknown(Rejection):
    """The message {message} has no part {part} to be disclosed. Its parts: {parts}."""

    code = "proof.part-unknown"


class ProofStampInvalid(ProofInvalid):
    """The time-stamp in the proof bundle does not verify: {why}."""

    code = "proof.time-stamp-invalid"


# --- settings --------------------------------------------------------------------------------------------------------


class SettingsRefused(Rejection):
    """The settings cannot be used: {why}."""

    code = "settings.refused"


# --- the client, inside an authority's perimeter ---------------------------------------------------------------------


class ExchangeUnreachable(Transient):
    """The exchange at {url} cannot be reached: {why}."""

    code = "client.exchange-unreachable"


class AnswerRefused(Rejection):
    """The exchange's answer cannot be used: {why}."""

    code = "client.answer-refused"


class ReceiptInvalid(Rejection):
    """The receipt for {message} does not verify: {why}. What was sent is kept; ask the exchange for a valid receipt."""

    code = "client.receipt-invalid"


class StateContradicted(Rejection):
    """The exchange shows {what} of the leg {leg} otherwise than the messages that were read here make them."""

    code = "client.state-contradicted"


class PromiseBroken(Rejection):
    """The exchange promised to decide on {message} by {decide_by}, and has not. Its receipt proves the promise."""

    code = "client.promise-broken"


class MessageUnverified(Rejection):
    """The message {message} does not verify ({broken}): {why} Nothing of it was used."""

    code = "client.message-unverified"


class MessageNotLogged(Rejection):
    """The decision on {message} was told here at {since}, and the exchange has not shown since that it stands in the
    ledger: nobody but this exchange says so far what was decided, and when."""

    code = "client.message-not-logged"


class EvidenceInvalid(Rejection):
    """The proof of {what} does not verify: {why}"""

    code = "client.evidence-invalid"


class KeyChangeUnexplained(Rejection):
    """The directory of the exchange contradicts what this authority saw before: {why}. Nothing is sealed or trusted
    until the operator explains it."""

    code = "client.key-change-unexplained"


class DirectoryUndated(Rejection):
    """Nothing says that the directory which the exchange shows is its newest: {why}. Nothing is sealed, and nothing new
    believed, by a directory that may be an old one."""

    code = "client.directory-undated"


class KeyEventWithheld(Rejection):
    """The exchange signed at {at} that key event {index} was its newest. Key event {seq}, {type} of {party}, stood in
    the ledger since {logged_at}: it was kept from this authority, and the signature proves it."""

    code = "client.key-event-withheld"


class KeyInDoubt(Rejection):
    """Key event {seq}, {type} of {party}, takes away the key {kid}, and is not proven in the ledger yet. Nothing is
    sealed to it, and nothing believed that it signs."""

    code = "client.key-in-doubt"


class RecipientKeyEnded(Rejection):
    """The message was sealed to the key {kid}, which {party} does not use any more. It is not sent: write it anew."""

    code = "client.recipient-key-ended"


class KeyTooNew(Rejection):
    """The key {kid} of {party} was seen here for the first time a short while ago. Compare it with {party} in person or
    by telephone, or wait until {usable_from}."""

    code = "client.key-too-new"


class KeyRecovered(Rejection):
    """The operators gave {party} new keys at {at} (key event {seq}), and its old keys did not sign for them. Nothing is
    sealed to {kid} and nothing signed under it is believed before {usable_from}, unless you compare it with {party}."""

    code = "client.key-recovered"


class SignedWhenCompromised(Rejection):
    """The message {message} was logged at {logged_at}, and {kid}, which signed it, is in other hands since {since}:
    whoever signed it need not be its sender. Nothing of it was used."""

    code = "client.signed-when-compromised"


class StampAuthorityUnreachable(Transient):
    """The time-stamp authority at {url} gave no stamp: {why}. Nothing was written."""

    code = "client.stamp-authority-unreachable"


class EventNotAdmitted(Transient):
    """The exchange took key event {seq} and did not admit it within {waited_s} s."""

    code = "client.event-not-admitted"


class EventOvertaken(Rejection):
    """Another event became key event {seq} before this one, which did not count. Repeat the command."""

    code = "client.event-overtaken"


class RegisterUnusable(Rejection):
    """The local register {file} cannot be used: {why}."""

    code = "client.register-unusable"


class AuditFileUnusable(Rejection):
    """What was read of the ledger cannot be kept in {file}: {why}."""

    code = "client.audit-file-unusable"


class NotInLedger(Rejection):
    """The ledger, with {size} entries, has nothing that is called {what}."""

    code = "client.not-in-ledger"


class AuditBusy(Rejection):
    """Another audit is reading into {file} at this moment."""

    code = "client.audit-busy"


class NotInRegister(Rejection):
    """Nothing in the local register matches {fragment}."""

    code = "client.not-in-register"


class Ambiguous(Rejection):
    """{fragment} matches more than one: {candidates}. Give more of it."""

    code = "client.ambiguous"


class RequestFileInvalid(Rejection):
    """The file {file} cannot be used: {why}."""

    code = "client.request-file-invalid"


class RelationUnknown(Rejection):
    """A dossier is not related as {relation}; there are {relations}."""

    code = "client.relation-unknown"


class PrintingUnusable(Rejection):
    """The letter cannot be printed so: {why}."""

    code = "client.printing-unusable"


class BasisMissing(Rejection):
    """The registry of instruments knows no basis between {sender} and {recipient} under {instrument}."""

    code = "client.basis-missing"


class AddresseeUnknown(Rejection):
    """The registry names no authority of {country} that takes requests of {sender} under {instrument}."""

    code = "client.addressee-unknown"


class ReasonMissing(Rejection):
    """Something speaks against sending this, and no reason is given for doing so all the same: {warnings}"""

    code = "client.reason-missing"


class DeskUnusable(Rejection):
    """The rules of the desk cannot be used: {why}."""

    code = "desk.unusable"


class OfficerRefused(Rejection):
    """{officer} may not sign this here: {why}."""

    code = "desk.officer-refused"


class ApprovalMissing(Rejection):
    """The desk asks for {needs} officers to sign a message of kind {kind}: {why}."""

    code = "desk.approval-missing"


class DraftUnknown(Rejection):
    """There is no draft {draft} here."""

    code = "desk.draft-unknown"


class DraftBusy(Rejection):
    """Somebody else changes or sends the draft {draft} at this moment: try again."""

    code = "desk.draft-busy"


class DraftUnusable(Rejection):
    """The draft {draft} cannot be used: {why}."""

    code = "desk.draft-unusable"


class DraftOutdated(Rejection):
    """The draft {draft} cannot be sent as it was approved: {why}."""

    code = "desk.draft-outdated"


class AnswerOutdated(Rejection):
    """Something came in on the leg of {number} since its files were written: whoever answered has not read it."""

    code = "client.answer-outdated"


class OriginalGone(Rejection):
    """What {message} said cannot be sealed anew by itself: it lies neither here nor at the exchange. Say it anew."""

    code = "client.original-gone"


class KindNotNow(Rejection):
    """{kind} is not possible in {number} now. Possible: {possible}."""

    code = "client.kind-not-now"
