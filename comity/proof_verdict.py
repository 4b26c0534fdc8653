"""What `comity proof verify` tells and writes: the verdict in words, the disclosed documents, the page for a judge."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from comity.output import Output, say
from comity.words import _, reader_language

if TYPE_CHECKING:
    from client.proof_bundle import Bundle
    from client.proof_claims import Proven


def extract(bundle: Bundle, proven: Proven, directory: Path) -> list[Path]:
    """Disclosed documents, and the pieces in the forms that other people's software reads."""
    from comity.written_files import named_documents, write_new_files
    from shared.audit.tree_head import TreeHead, encode_tree_head

    pieces = [("checkpoint", bundle.checkpoint), ("envelope.jws.json", bundle.jws)]
    if bundle.receipt is not None:
        pieces.append(("receipt.jws", f"{bundle.receipt}\n".encode()))
    for one in bundle.entries:
        pieces.append((f"entry-{one.index}.tlog-proof", one.as_tlog_proof(bundle.checkpoint)))
    if bundle.time_stamp is not None:  # openssl ts -verify -in time-stamp.tsr -data time-stamp.head -CAfile ROOT.pem
        older = TreeHead(bundle.origin, bundle.time_stamp.size, bundle.time_stamp.root)
        stamped = encode_tree_head(older).encode()
        pieces += [("time-stamp.tsr", bundle.time_stamp.token), ("time-stamp.head", stamped)]
    documents = [(one.part, one.name, one.data) for one in proven.documents]
    return write_new_files(directory, [*pieces, *named_documents(documents, [name for name, _ in pieces])])


def write_page(page: Path, proven: Proven, file: Path, raw: bytes, language: str) -> Path:
    from comity.proof_page import proof_page
    from comity.written_files import write_new_file

    write_new_file(page, proof_page(proven, file.name, hashlib.sha256(raw).hexdigest(), language).encode())
    return page


def show_verdict(output: Output, proven: Proven, file: Path, raw: bytes, written: list[Path]) -> None:
    from client.proof_words import claims_of

    claims = claims_of(proven)
    decision = proven.decision
    document: Mapping[str, Any] = {
        "file": str(file),
        "sha256": hashlib.sha256(raw).hexdigest(),
        "origin": proven.head.origin,
        "message": proven.header.id,
        "digest": proven.digest,
        "dossier": proven.header.dossier,
        "sender": proven.header.sender,
        "is_sender_proven": proven.is_sender_proven,
        "recipients": list(proven.header.recipients),
        "decision": None if decision is None else ("accepted" if decision.code is None else "rejected"),
        "code": None if decision is None else decision.code,
        "disclosed": [{"part": one.part, "name": one.name, "sha256": one.sha256} for one in proven.documents],
        "doubts": [str(one) for one in claims.doubts],
        "proves": [str(one) for one in claims.proves],
        "does_not_prove": [str(one) for one in claims.not_proves],
        "checks": [{"number": one.number, "found": str(one.found)} for one in proven.steps],
        "files": [str(one) for one in written],
    }

    def render(console: Any) -> None:
        language = reader_language()
        for doubt in claims.doubts:
            say(console, doubt.told(language), style="bold red")
        say(console, _("It proves:"), style="bold")
        for line in claims.proves:
            say(console, f"  + {line.told(language)}")
        say(console, _("It does not prove:"), style="bold")
        for line in claims.not_proves:
            say(console, f"  - {line.told(language)}")
        say(console, _("Checked:"), style="bold")
        for one in proven.steps:
            say(console, f"  {one.number:>2}  {one.found.told(language)}")
        for path in written:
            say(console, _("written: {path}", path=path))
        say(console, _("{name}, SHA-256 {sha256}: verifies.", name=file.name, sha256=document["sha256"]), style="green")

    output.show(document, render)
