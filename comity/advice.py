"""What to do next, by the code of an error; and the exit code that a script can rely on."""

from __future__ import annotations

from typing import Final

from shared.errors import ComityError, Transient

DONE: Final = 0
REFUSED: Final = 1
WRONG_USE: Final = 2
UNREACHABLE: Final = 3
UNVERIFIED: Final = 4

_WRONG_USE: Final = frozenset(
    {
        "settings.refused",
        "client.printing-unusable",
        "client.request-file-invalid",
        "client.relation-unknown",
        "client.ambiguous",
        "keys.comparison-unreadable",
    }
)
_UNVERIFIED: Final = frozenset(
    {
        "client.receipt-invalid",
        "client.message-unverified",
        "client.message-not-logged",
        "client.promise-broken",
        "client.state-contradicted",
        "client.evidence-invalid",
        "client.directory-undated",
        "client.key-change-unexplained",
        "client.key-event-withheld",
        "client.key-recovered",
        "client.signed-when-compromised",
        "proof.malformed",
        "proof.too-large",
        "proof.wrong-exchange",
        "proof.invalid",
        "proof.checkpoint-invalid",
        "proof.envelope-invalid",
        "proof.receipt-invalid",
        "proof.key-event-invalid",
        "proof.decision-invalid",
        "proof.evidence-invalid",
        "proof.part-invalid",
        "proof.time-stamp-invalid",
        "ledger.stamp-invalid",
        "ledger.copy-older",
        "ledger.invalid",
        "ledger.quorum-missing",
        "instruments.invalid",
        "keys.trust-file-invalid",
    }
)

_PROVES_NOTHING: Final = "Do not rely on the file. Have it made again, and keep this one: it is evidence."

ADVICE: Final[dict[str, str]] = {
    "call.clock-skew": "Set the clock of this machine, then repeat the command.",
    "call.key-unknown": "This party is not enrolled yet, is suspended, renewed its keys, or they were declared"
    " stolen: ask the operators which.",
    "call.not-permitted": "Use the key of an authority, an auditor or an operator, as the command asks.",
    "call.part-pruned": "Look where it was written when it was opened; the other party may have kept it too.",
    "call.busy": "Try again later. What was stored is not lost: `comity inbox` sends it.",
    "client.exchange-unreachable": "Check COMITY_URL and the network, then try again.",
    "client.answer-refused": "Check COMITY_URL: is this the address of an exchange?",
    "client.basis-missing": "Name another --instrument, or write the leg's `basis` into the request file.",
    "client.addressee-unknown": "Name the authority itself: `comity instruments CODE` shows what is known of it.",
    "client.mandate-missing": "Ask an auditor for a copy of the ledger, which needs no key; or ask the exchange's"
    " operators to enrol an auditor (`comity keys new --auditor ID --mandate full`).",
    "client.original-gone": "Write it again, with --body FILE, and --attach for each document.",
    "client.kind-not-now": "`comity kinds DOSSIER` lists what each of them takes.",
    "client.answer-outdated": "Read what came (`comity show DOSSIER`). Write anew, or send it as it is with --anyway.",
    "client.onward-not-permitted": "Ask for it: `comity reply DOSSIER ask-use-permission`, with purposes and to whom.",
    "client.reason-missing": "Say why with --despite REASON, which is sealed with it, or mend what is warned of.",
    "desk.approval-missing": "Write it with --draft-by KEY, then `comity desk approve` and `comity desk send`.",
    "desk.officer-refused": "`comity desk show` tells who may do what, `comity desk deputy` lets one stand in.",
    "desk.draft-unknown": "`comity desk drafts` lists what waits.",
    "desk.draft-outdated": "Run `comity inbox`, read what came, and write it anew with --draft-by.",
    "desk.draft-unusable": "Discard it (`comity desk discard`) and write it anew; tell whoever signed it.",
    "desk.unusable": "Set it right before anything is sent: docs/guide/authority.md, `The desk`.",
    "client.directory-undated": "Check this machine's clock, and whether the operators handed out a new trust file."
    " If it stays so, tell operator and auditor.",
    "client.key-event-withheld": "Hand withheld-key-events.json of this home to an auditor.",
    "client.key-in-doubt": "Repeat it in a minute. If it stays so, ask the party by a road that you know from before.",
    "client.key-too-new": "Have the other side read its number to you: `comity keys compare PARTY --against NUMBER`.",
    "client.key-recovered": "Ask it by a telephone number that you know from before: `comity keys compare PARTY`.",
    "client.signed-when-compromised": "Ask the sender by another road, and have it send the message again.",
    "client.key-change-unexplained": "Send nothing. Hand unexplained-directory.json of this home to an auditor.",
    "client.message-unverified": "Do not use the message. Ask its sender by another road what was sent.",
    "client.message-not-logged": "Ask its sender by another road whether it stands by it; tell operator and auditor.",
    "client.printing-unusable": "-o FILE.html always works; FILE.pdf once comity[pdf] and Pango are here (`make pdf`).",
    "client.promise-broken": "`comity proof MESSAGE -o FILE` keeps the receipt: show it to operator and auditor.",
    "client.receipt-invalid": "Keep this output: a receipt that does not verify is evidence against the exchange.",
    "client.state-contradicted": "Do not act on it. Ask the other party by another road, and tell the auditor.",
    "client.not-in-register": "Run `comity inbox` first, or give the whole id.",
    "dossier.invalid-number": "Read it again character by character; `comity list` shows what is open, with its"
    " number.",
    "dossier.stale": "Run `comity inbox`, read what came, then decide again.",
    "dossier.illegal-move": "`comity kinds DOSSIER` lists what may be sent now, and on which measures.",
    "message.malformed-act": "`comity kinds DOSSIER`, or `comity kinds PROFILE` before it is opened, shows what belongs"
    " there.",
    "message.unknown-kind": "`comity kinds DOSSIER` lists what may be sent now; `comity kinds PROFILE` all of it.",
    "message.unknown-profile": "The profiles are mla-request, preservation, police-request and spontaneous.",
    "dossier.ground-missing": "Give --ground CODE and --reasons TEXT (or `reasons` in --body FILE).",
    "message.incomplete-body": "Fill in the fields named above; nothing was sealed or sent.",
    "message.unknown-recipient": "Is the id right? `comity instruments CODE` shows the authorities that it names.",
    "envelope.expired": "Send it again: it gets a new id and new dates.",
    "envelope.future-dated": "Set the clock of this machine, then repeat the command.",
    "envelope.too-large": "Send fewer or smaller attachments, in several messages if need be.",
    "keys.comparison-unreadable": "Give what `comity keys show` prints on the other side: 40 digits, or its QR code.",
    "keys.event-refused": "Nothing changed. Give --operator-key once for each operator of the quorum.",
    "keys.passphrase-wrong": "Set COMITY_PASSPHRASE or COMITY_PASSPHRASE_FILE, or type it when asked.",
    "keys.module-unusable": "docs/guide/authority.md, `Keys in a token`, has its settings: COMITY_PKCS11_….",
    "keys.still-needed": "Run `comity keys rewrap`; docs/guide/authority.md says when a key may go: `Old keys`.",
    "proof.malformed": "Ask for the file again, byte for byte as it was made; nothing in it is believed.",
    "proof.checkpoint-invalid": _PROVES_NOTHING,
    "proof.envelope-invalid": _PROVES_NOTHING,
    "proof.receipt-invalid": _PROVES_NOTHING,
    "proof.key-event-invalid": _PROVES_NOTHING,
    "proof.decision-invalid": _PROVES_NOTHING,
    "proof.evidence-invalid": _PROVES_NOTHING,
    "proof.wrong-exchange": "Give the trust file of the exchange that the bundle names: --trust FILE.",
    "proof.part-invalid": "Ask for the sealed bytes again: they lie in the bundle, or beside it as FILE.PART.sealed.",
    "keys.trust-file-invalid": "Is it the trust file of your exchange? If so, have the operators hand it to you again.",
    "ledger.copy-older": "`comity ledger export` brings it up to date, `comity audit verify` says more. With a --keep"
    " FOLDER of its own it is read by itself.",
    "ledger.forked": "Do not start it again by force. docs/guide/operator.md says how to go on: `The ledger halted`.",
    "operator.backup-refused": "docs/guide/operator.md, `Backup and restore`, says what belongs together.",
    "ledger.quorum-missing": "Keep what you were shown; docs/guide/witness.md says whom to ask, and what.",
    "client.audit-busy": "Wait for it, or keep this audit elsewhere: --keep FOLDER.",
    "client.audit-file-unusable": "Make room, or keep the audit elsewhere: --keep FOLDER. The ledger is read anew.",
    "ledger.invalid": "Keep a copy of what you verified: it is evidence.",
}


def advice_for(error: ComityError) -> str | None:
    return ADVICE.get(error.code)


def exit_code_of(error: ComityError) -> int:
    if isinstance(error, Transient):
        return UNREACHABLE
    if error.code in _UNVERIFIED:
        return UNVERIFIED
    return WRONG_USE if error.code in _WRONG_USE else REFUSED
