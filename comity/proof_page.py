"""A page for a judge: what a bundle proves, what not, and each check. One file, no script, nothing fetched."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from typing import TYPE_CHECKING, Final

from shared.texts.catalogue import RIGHT_TO_LEFT
from shared.texts.catalogue import mark as _
from shared.texts.sentence import Sentence

if TYPE_CHECKING:
    from client.proof_claims import Proven, ProvenDecision

_ABOUT: Final = _(
    "Sent through an exchange for mutual legal assistance whose records no operator can change unseen. This page is a"
    " translation into words: the proof is the file named below."
)
_CHECKED: Final = _(
    "Each step was made on the reader's own machine, with the file and the trust file of the exchange, and without"
    " asking anybody. A step that does not hold would have ended it: then there is no such page."
)
_AGAIN: Final = _(
    "On any machine, with the free program: {command}. The trust file names the exchange's public keys and is handed"
    " over from person to person. The whole proof rests on it: take it from somebody you trust, and not from whoever"
    " gave you the bundle. The numbers above are those of the published specification of the file, from which another"
    " program can be written."
)

_STYLE: Final = """
body { font: 11pt/1.5 Georgia, "Times New Roman", serif; max-width: 44em; margin: 2em auto;
  padding: 0 1em; color: #111 }
h1 { font-size: 1.5em; margin-bottom: .2em }
h2 { font-size: 1.15em; margin: 1.6em 0 .4em; border-bottom: 1px solid #999 }
p.about { margin-top: 0; color: #444 } li { margin: .35em 0 } ol.checks { font-size: .93em }
table { border-collapse: collapse; width: 100%; font-size: .93em }
:lang(ar) { font-family: "Amiri", "Noto Naskh Arabic", "DejaVu Sans", sans-serif }
html:lang(ar) body { font-size: 12.5pt }
th { text-align: start; width: 11em; font-weight: normal }
td { text-align: start } [dir=rtl] td { text-align: right }
td, th { border: 1px solid #bbb; padding: .3em .6em; vertical-align: top }
li, p, td { overflow-wrap: anywhere }
.doubt { border: 3px double #900; padding: .2em 1em; font-weight: bold }
@media print { body { margin: 0; max-width: none } h2 { break-after: avoid } li, tr { break-inside: avoid } }
"""


def proof_page(proven: Proven, file_name: str, file_sha256: str, language: str) -> str:
    """The whole page, in this language. Everything from the bundle is escaped, and control characters are written
    out; on a page that runs from right to left, too, it stands in a direction of its own."""
    from client.proof_words import claims_of, named

    def told(sentence: Sentence | str) -> str:
        found = Sentence(sentence) if isinstance(sentence, str) else sentence
        return escape(found.told(language, _apart))

    def listed(sentences: Iterable[Sentence]) -> str:
        return f"<ul>{''.join(f'<li>{told(one)}</li>' for one in sentences)}</ul>"

    claims, header, decision = claims_of(proven), proven.header, proven.decision
    no_place = Sentence("–")
    place = (
        Sentence(_("{at} (entry {index})"), {"at": decision.logged_at, "index": decision.index}) if decision else None
    )
    facts = [
        (_("Message"), _quoted(header.id)),
        (_("Dossier"), _quoted(header.dossier)),
        (_("From"), _quoted(named(proven, header.sender))),
        (_("To"), _quoted("; ".join(named(proven, one) for one in header.recipients))),
        (_("Decision"), _outcome(decision)),
        (_("In the ledger since"), place or no_place),
        (_("Exchange"), _quoted(proven.head.origin)),
    ]
    tree = _("{size} entries, root {root}")
    prints: list[tuple[str | Sentence, Sentence]] = [
        (_("This bundle, the file"), _quoted(f"{file_name}, SHA-256 {file_sha256}")),
        (_("The signed message"), _quoted(f"SHA-256 (base64url) {proven.digest}")),
        (_("Signed under"), _quoted("; ".join(proven.signers or ("–",)))),
        (_("The ledger"), Sentence(tree, {"size": proven.head.size, "root": proven.head.root.hex()})),
    ]
    for one in proven.documents:
        label = Sentence(_("Document {part}"), {"part": one.part})
        prints.append((label, _quoted(f"{one.name or '–'}, SHA-256 {one.sha256}")))
    again = Sentence(_AGAIN, {"command": "comity proof verify BUNDLE --trust TRUST-FILE"})
    title = Sentence(_("Proof of message {message}"), {"message": header.id})
    direction = "rtl" if language in RIGHT_TO_LEFT else "ltr"

    def table(rows: Iterable[tuple[str | Sentence, Sentence]]) -> str:
        cells = "".join(f'<tr><th>{told(name)}</th><td dir="auto">{told(value)}</td></tr>' for name, value in rows)
        return f"<table>{cells}</table>"

    return "\n".join(
        [
            f'<!doctype html><html lang="{language}" dir="{direction}"><head><meta charset="utf-8">',
            "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">",
            '<meta name="viewport" content="width=device-width"><meta name="referrer" content="no-referrer">',
            f"<title>{told(title)}</title><style>{_STYLE}</style></head><body>",
            f"<h1>{told(_('Proof of a message'))}</h1>",
            f'<p class="about">{told(_ABOUT)}</p>',
            f'<div class="doubt">{listed(claims.doubts)}</div>' if claims.doubts else "",
            table(facts),
            f"<h2>{told(_('What is proven'))}</h2>",
            listed(claims.proves),
            f"<h2>{told(_('What is not proven'))}</h2>",
            listed(claims.not_proves),
            f"<h2>{told(_('How it was checked'))}</h2>",
            f"<p>{told(_CHECKED)}</p>",
            '<ol class="checks">',
            *(f'<li value="{step.number}">{told(step.found)}</li>' for step in proven.steps),
            "</ol>",
            f"<h2>{told(_('Fingerprints'))}</h2>",
            table(prints),
            f"<h2>{told(_('How to check it again'))}</h2>",
            f"<p>{told(again)}</p>",
            "</body></html>",
            "",
        ]
    )


def _outcome(decision: ProvenDecision | None) -> Sentence:
    from client.entry_words import error_said

    if decision is None:
        return Sentence(_("not decided, as far as this shows"))
    return (
        Sentence(_("admitted"))
        if decision.code is None
        else Sentence(_("rejected: {why}"), {"why": error_said(decision.code)})
    )


def _quoted(text: str) -> Sentence:
    return Sentence("{text}", {"text": text})


def _apart(text: str) -> str:
    """What fills a sentence, in a direction of its own (U+2068, U+2069): an id stays whole in an Arabic sentence."""
    from comity.output import visible

    return f"\u2068{visible(text)}\u2069"
