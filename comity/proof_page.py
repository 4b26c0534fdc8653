"""A page for a judge: what a bundle proves, what not, and each check. One file, no script, nothing fetched."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from client.proof_claims import Proven

_STYLE: Final = """
body { font: 11pt/1.5 Georgia, "Times New Roman", serif; max-width: 44em; margin: 2em auto;
  padding: 0 1em; color: #111 }
h1 { font-size: 1.5em; margin-bottom: .2em }
h2 { font-size: 1.15em; margin: 1.6em 0 .4em; border-bottom: 1px solid #999 }
p.about { margin-top: 0; color: #444 } li { margin: .35em 0 } ol.checks { font-size: .93em }
table { border-collapse: collapse; width: 100%; font-size: .93em }
th { text-align: left; width: 11em; font-weight: normal }
td, th { border: 1px solid #bbb; padding: .3em .6em; vertical-align: top } code, td { overflow-wrap: anywhere }
code { font: .88em "DejaVu Sans Mono", monospace }
.doubt { border: 3px double #900; padding: .2em 1em; font-weight: bold }
@media print { body { margin: 0; max-width: none } h2 { break-after: avoid } li, tr { break-inside: avoid } }
"""


def proof_page(proven: Proven, file_name: str, file_sha256: str) -> str:
    """The whole page. Everything from the bundle is escaped, and control characters are written out."""
    from client.proof_words import claims_of, named, when

    claims, header = claims_of(proven), proven.header
    decision = proven.decision
    outcome = "not decided, as far as this shows"
    if decision is not None:
        outcome = "admitted" if decision.code is None else f"rejected: {decision.code}"
    facts = [
        ("Message", header.id),
        ("Dossier", header.dossier),
        ("From", named(proven, header.sender)),
        ("To", "; ".join(named(proven, one) for one in header.recipients)),
        ("Decision", outcome),
        ("In the ledger since", "–" if decision is None else f"{when(decision.logged_at)} (entry {decision.index})"),
        ("Exchange", proven.head.origin),
    ]
    prints = [
        ("This bundle, the file", f"{file_name}, SHA-256 {file_sha256}"),
        ("The signed message", f"SHA-256 (base64url) {proven.digest}"),
        ("Signed under", "; ".join(proven.signers or ("–",))),
        ("The ledger", f"{proven.head.size} entries, root {proven.head.root.hex()}"),
        *((f"Document {one.part}", f"{one.name or '–'}, SHA-256 {one.sha256}") for one in proven.documents),
    ]
    command = "comity proof verify BUNDLE --trust TRUST-FILE"
    return "\n".join(
        [
            '<!doctype html><html lang="en"><head><meta charset="utf-8">',
            "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">",
            '<meta name="viewport" content="width=device-width"><meta name="referrer" content="no-referrer">',
            f"<title>{_safe(f'Proof of message {header.id}')}</title><style>{_STYLE}</style></head><body>",
            "<h1>Proof of a message</h1>",
            '<p class="about">Sent through an exchange for mutual legal assistance whose records no operator can change'
            " unseen. This page is a translation into words: the proof is the file named below.</p>",
            f'<div class="doubt">{_listed("ul", claims.doubts)}</div>' if claims.doubts else "",
            _table(facts),
            "<h2>What is proven</h2>",
            _listed("ul", claims.proves),
            "<h2>What is not proven</h2>",
            _listed("ul", claims.not_proves),
            "<h2>How it was checked</h2>",
            "<p>Each step was made on the reader's own machine, with the file and the trust file of the exchange, and"
            " without asking anybody. A step that does not hold would have ended it: then there is no such page.</p>",
            '<ol class="checks">',
            *(f'<li value="{step.number}">{_safe(step.found)}</li>' for step in proven.steps),
            "</ol>",
            "<h2>Fingerprints</h2>",
            _table(prints),
            "<h2>How to check it again</h2>",
            f"<p>On any machine, with the free program: <code>{_safe(command)}</code>. The trust file names the"
            " exchange's public keys and is handed over from person to person. The whole proof rests on it: take it"
            " from somebody you trust, and not from whoever gave you the bundle. The numbers above are those of the"
            " published specification of the file, from which another program can be written.</p>",
            "</body></html>",
            "",
        ]
    )


def _safe(text: str) -> str:
    from comity.output import visible

    return escape(visible(text))


def _listed(tag: str, lines: Iterable[str]) -> str:
    return f"<{tag}>{''.join(f'<li>{_safe(line)}</li>' for line in lines)}</{tag}>"


def _table(rows: Iterable[tuple[str, str]]) -> str:
    cells = "".join(f"<tr><th>{_safe(name)}</th><td>{_safe(value)}</td></tr>" for name, value in rows)
    return f"<table>{cells}</table>"
