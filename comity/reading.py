"""`comity open` and `comity proof`: one message, and what it is worth as evidence."""

from __future__ import annotations

import json as jsonlib
import os
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from comity.advice import UNVERIFIED
from comity.home import find_home
from comity.options import HomeDir, Json, Url
from comity.output import local_time, reporting, say

if TYPE_CHECKING:
    from client.correspondence import Correspondence
    from client.opening import OpenedMessage

Message = Annotated[str, typer.Argument(help="Id, or the beginning or end of one.")]


def open_message(
    message: Message,
    out: Annotated[
        Path | None, typer.Option("-o", "--out", help="Write the content and the attachments into this directory.")
    ] = None,
    home: HomeDir = None,
    url: Url = None,
    json: Json = False,
) -> None:
    """Fetch a message, verify it in full, open it and show its content. Nothing is shown of what does not verify."""
    with reporting(json) as output:
        with find_home(home, url).correspondence() as own:
            opened = own.mailbox.open(_find(own, message))
            logged_at = own.register.places.logged_at(opened.header.id)
        files = [] if out is None else write_files(opened, out)
        header = opened.header
        document = {
            "message": header.id,
            "dossier": header.dossier,
            "kind": header.kind,
            "sender": header.sender,
            "recipients": list(header.recipients),
            "sent_at": header.sent_at,
            "logged_at": logged_at,
            "urgency": header.urgency,
            "handling": list(header.handling),
            "measures": header.measures,
            "act": header.act,
            "content": opened.content,
            "attachments": [
                {"part": one.part, "name": one.name, "media_type": one.media_type, "size": len(one.data)}
                for one in opened.attachments
            ],
            "files": [str(file) for file in files],
        }
        output.show(document, lambda console: _render_message(console, document))


def write_files(opened: OpenedMessage, directory: Path) -> list[Path]:
    """`content.json` and each attachment under its own name, for the owner's eyes; no file is replaced.

    Names were checked when the body was read: no path and no control character. One that would be hidden, or read by a
    shell at its next start, goes under the name of its part. Raises RequestFileInvalid.
    """
    from shared.errors import RequestFileInvalid

    try:
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as broken:
        raise RequestFileInvalid(file=directory, why=broken.strerror) from None
    content = jsonlib.dumps(dict(opened.content), ensure_ascii=False, indent=2).encode()
    files = [("content.json", content)]
    for one in opened.attachments:
        taken = {name for name, _ in files}
        is_plain = one.name not in taken and not one.name.startswith((".", "-"))
        files.append((one.name if is_plain else f"{one.part}-{one.name}", one.data))
    written = []
    for name, data in files:
        path = directory / name
        try:
            with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                file.write(data)
        except OSError as broken:
            raise RequestFileInvalid(file=path, why=broken.strerror) from None
        written.append(path)
    return written


def proof(
    message: Message,
    out: Annotated[
        Path | None, typer.Option("-o", "--out", help="Keep receipt, envelope, entries and proofs in this directory.")
    ] = None,
    home: HomeDir = None,
    url: Url = None,
    json: Json = False,
) -> None:
    """The receipt and the evidences of one message, each verified against the trust file. Exit code 4 if one fails."""
    with reporting(json) as output:
        with find_home(home, url).correspondence() as own:
            document = _prove(own, _find(own, message), out)
        output.show(document, lambda console: _render_proof(console, document))
        if document["receipt"] == "does not verify" or any(one["why"] for one in document["evidences"]):
            raise typer.Exit(UNVERIFIED)


def _prove(own: Correspondence, message: str, out: Path | None) -> dict[str, Any]:
    from client.callers import check_receipts
    from client.proving import prove_evidences
    from shared.errors import NotInRegister, NotThere, ReceiptInvalid

    kept = own.register.message(message)
    if kept is None:
        raise NotInRegister(fragment=message)
    receipt = own.register.receipt(message)
    state = "none here"
    if receipt is not None:
        try:
            check_receipts(own.trust, own.keys.authority)(receipt, message, kept.digest)
            state = "verified"
        except ReceiptInvalid:
            state = "does not verify"
    decision = own.register.decision(message)
    try:
        items = own.exchange.evidences(message).items
    except NotThere:
        items = ()  # nothing is decided yet; the receipt is what there is, and it may be what is needed
    evidences = prove_evidences(items, message, kept.digest, own.trust)
    if out is not None:
        _keep(out, kept.jws, receipt, evidences)
    return {
        "message": message,
        "digest": kept.digest,
        "receipt": state,
        "decision": decision.decision if decision else None,
        "decided_at": decision.decided_at if decision else None,
        "evidences": [{**asdict(one), "state": one.state} for one in evidences],
    }


def _keep(directory: Path, jws: bytes, receipt: str | None, evidences: list[Any]) -> None:
    """Files that other people's software verifies; each `*.tlog-proof` carries the entry that it is about."""

    directory.mkdir(parents=True, exist_ok=True)
    (directory / "envelope.jws.json").write_bytes(jws)
    if receipt is not None:
        (directory / "receipt.jws").write_text(receipt + "\n", encoding="ascii")
    for one in evidences:
        if one.proof is not None and one.why is None:
            stem = f"{one.kind}-{one.recipient or 'exchange'}"
            (directory / f"{stem}.tlog-proof").write_text(one.proof, encoding="utf-8")


def _find(own: Correspondence, fragment: str) -> str:
    from shared.domain.ids import is_uuid7

    return fragment if is_uuid7(fragment) else own.register.find_message(fragment)


def _render_message(console: Any, document: dict[str, Any]) -> None:
    say(console, f"{document['kind']} from {document['sender']} to {', '.join(document['recipients'])}", style="bold")
    say(console, f"sent {local_time(document['sent_at'])}, {document['urgency']}, message {document['message']}")
    if document["logged_at"] is None:
        told = (
            "Not in the ledger yet: judged by the keys of now. `comity inbox` asks again, and says if that was wrong."
        )
        say(console, told, style="bold")
    else:
        say(console, f"in the ledger since {local_time(document['logged_at'])}")
    for name, value in document["act"].items():
        say(console, f"{name}: {value if isinstance(value, str | int) else jsonlib.dumps(value)}")
    for name, value in document["content"].items():
        text = value if isinstance(value, str) else jsonlib.dumps(value, ensure_ascii=False, indent=2)
        say(console, f"{name}: {text}")
    for one in document["attachments"]:
        say(console, f"attached: {one['name']} ({one['media_type']}, {one['size']} bytes)")
    for file in document["files"]:
        say(console, f"written: {file}")


def _render_proof(console: Any, document: dict[str, Any]) -> None:
    say(console, f"{document['message']}, envelope {document['digest']}")
    say(console, f"  receipt: {document['receipt']}")
    if document["decision"]:
        say(console, f"  decision: {document['decision']} {local_time(document['decided_at'])}")
    for one in document["evidences"]:
        place = f", entry {one['leaf_index']}, logged {local_time(one['logged_at'])}" if one["logged_at"] else ""
        whom = f" {one['recipient']}" if one["recipient"] else ""
        say(console, f"  {one['kind']}{whom} {local_time(one['at'])}: {one['state']}{place}")
        if one["why"]:
            say(console, f"    {one['why']}", style="bold red")
