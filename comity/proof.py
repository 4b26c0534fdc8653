"""`comity proof MESSAGE` and `comity proof verify FILE`: what a message is worth as evidence, now and years later."""

from __future__ import annotations

import hashlib
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup
from typing_extensions import override

from comity.advice import UNVERIFIED
from comity.home import find_home, now
from comity.options import HomeDir, Json, PageLanguage, TrustFile, Url, pairs
from comity.output import local_time, reporting, say
from comity.proof_verdict import extract, show_verdict, write_page
from comity.reading import Message, find_message
from comity.stamp_roots import StampRoot, read_roots
from comity.words import _, _n, page_language, retold
from shared.errors import SettingsRefused
from shared.texts.catalogue import mark

if TYPE_CHECKING:
    from client.correspondence import Correspondence
    from client.proof_bundle import Bundle
    from client.time_authority import TimeAuthority
    from shared.audit.time_stamps import StampRoots

_OF = "of"


class _ByMessage(TyperGroup):
    """`comity proof MESSAGE` is `comity proof of MESSAGE`: no message is called like a command."""

    @override
    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        named = args and (args[0] in self.commands or args[0] == "--help")
        return super().parse_args(ctx, args if named or not args else [_OF, *args])


app = typer.Typer(
    cls=_ByMessage,
    no_args_is_help=True,
    help="The proofs of one message. `comity proof MESSAGE` shows them; with -o they become one file for a court.",
)

OpenPart = Annotated[
    list[str] | None,
    typer.Option("--open-part", help="Disclose this part (body, p1, p2 …) to whoever gets the file; no other part."),
]
Page = Annotated[Path | None, typer.Option("--page", help="Write a page that explains it, for printing (HTML).")]


@app.command(_OF)
def of_message(
    message: Message,
    out: Annotated[Path | None, typer.Option("-o", "--out", help="Write the proof bundle, one file.")] = None,
    open_part: OpenPart = None,
    beside: Annotated[
        bool, typer.Option("--beside", help="Write sealed bytes of disclosed parts into files beside the bundle.")
    ] = False,
    stamp: Annotated[
        str | None,
        typer.Option("--stamp", help="Address of an RFC 3161 authority to ask; else a stamp that the exchange keeps."),
    ] = None,
    stamp_root: StampRoot = None,
    page: Page = None,
    language: PageLanguage = None,
    home: HomeDir = None,
    url: Url = None,
    json: Json = False,
) -> None:
    """The receipt and the evidences of one message, each verified against the trust file. Exit code 4 if one fails.

    With -o, everything that proves it goes into one file, which verifies years later with the trust file alone.
    """
    with reporting(json) as output:
        if out is None and (open_part or beside or page or stamp):
            raise SettingsRefused(why="give -o FILE too: it is the file that is disclosed, or explained")
        words = page_language(language)
        with find_home(home, url).correspondence() as own:
            roots = read_roots(stamp_root)
            wanted = find_message(own, message)
            document = _prove(own, wanted)
            if out is not None:
                document |= _bundle(
                    own, wanted, out, open_part or [], beside, _stamping(stamp, own, roots), roots, page, words
                )
        output.show(document, lambda console: _render(console, document))
        if document["receipt"] == "does not verify" or any(one["why"] for one in document["evidences"]):
            raise typer.Exit(UNVERIFIED)


@app.command()
def verify(
    file: Annotated[Path, typer.Argument(help="The proof bundle.")],
    trust: TrustFile = None,
    sealed: Annotated[
        list[str] | None,
        typer.Option(
            "--sealed", help="PART=FILE, sealed bytes beside the bundle; else FILE.PART.sealed is looked for."
        ),
    ] = None,
    stamp_root: StampRoot = None,
    out: Annotated[
        Path | None, typer.Option("-o", "--out", help="Write disclosed documents and what other programs verify here.")
    ] = None,
    page: Page = None,
    language: PageLanguage = None,
    home: HomeDir = None,
    json: Json = False,
) -> None:
    """Verify a proof bundle offline, with the trust file alone, and say what it proves and what not.

    Exit code 4 when it does not verify, or when who signed the message is in doubt.
    """
    with reporting(json) as output:
        from client.proof_bundle import parse_bundle
        from client.proof_verification import verify_bundle

        words = page_language(language)
        believed = find_home(home).trust(trust)
        raw = _read(file)
        bundle = parse_bundle(raw)
        proven = verify_bundle(bundle, believed, _sealed(bundle, file, sealed or []), read_roots(stamp_root))
        written = [] if out is None else extract(bundle, proven, out)
        written += [] if page is None else [write_page(page, proven, file, raw, words)]
        show_verdict(output, proven, file, raw, written)
        if not proven.is_sender_proven:
            raise typer.Exit(UNVERIFIED)


# --- making ----------------------------------------------------------------------------------------------------------


def _prove(own: Correspondence, message: str) -> dict[str, Any]:
    from client.callers import check_receipts
    from client.proving import prove_message
    from shared.errors import NotInRegister, ReceiptInvalid

    kept = own.register.message(message)
    if kept is None:
        raise NotInRegister(fragment=message)
    receipt = own.register.receipt(message)
    state = mark("none here")
    if receipt is not None:
        try:
            check_receipts(own.trust, own.keys.authority)(receipt, message, kept.digest)
            state = mark("verified")
        except ReceiptInvalid:
            state = mark("does not verify")
    decision = own.register.decision(message)
    evidences = prove_message(own, kept, now())
    return {
        "message": message,
        "digest": kept.digest,
        "receipt": state,
        "decision": decision.decision if decision else None,
        "decided_at": decision.decided_at if decision else None,
        "evidences": [{**asdict(one), "state": one.state} for one in evidences],
    }


def _bundle(
    own: Correspondence,
    message: str,
    out: Path,
    parts: list[str],
    beside: bool,
    authority: TimeAuthority | None,
    roots: StampRoots | None,
    page: Path | None,
    language: str,
) -> dict[str, Any]:
    from client.proof_bundle import encode_bundle
    from client.proof_making import make_bundle
    from comity.written_files import write_new_file

    made = make_bundle(own, message, parts, beside, None if authority is None else authority.stamp, roots)
    raw = encode_bundle(made.bundle)
    write_new_file(out, raw)
    for part, ct in made.beside.items():
        write_new_file(_beside(out, part), ct)
    if page is not None:
        write_page(page, made.proven, out, raw, language)
    return {
        "bundle": str(out),
        "sha256": hashlib.sha256(raw).hexdigest(),
        "disclosed": [one.part for one in made.proven.documents],
        "pending": made.pending,
    }


def _stamping(url: str | None, own: Correspondence, given: StampRoots | None) -> TimeAuthority | None:
    if url is None:
        return None
    from client.proof_stamps import stamp_roots
    from client.time_authority import TimeAuthority

    roots = stamp_roots(own.trust, given)
    if roots is None:
        raise SettingsRefused(why="give --stamp-root too: a stamp that nobody believes proves nothing")
    return TimeAuthority(url, roots)


def _beside(bundle: Path, part: str) -> Path:
    return bundle.with_name(f"{bundle.name}.{part}.sealed")


def _render(console: Any, document: dict[str, Any]) -> None:
    say(console, _("{message}, envelope {digest}", message=document["message"], digest=document["digest"]))
    say(console, "  " + _("receipt: {receipt}", receipt=_(document["receipt"])))
    if document["decision"]:
        say(
            console,
            "  "
            + _(
                "decision: {decision} {decided_at}",
                decision=_(document["decision"]),
                decided_at=local_time(document["decided_at"]),
            ),
        )
    for one in document["evidences"]:
        place = (
            _(
                ", entry {leaf_index}, logged {logged_at}",
                leaf_index=one["leaf_index"],
                logged_at=local_time(one["logged_at"]),
            )
            if one["logged_at"]
            else ""
        )
        whom = f" {one['recipient']}" if one["recipient"] else ""
        at = f" {local_time(one['at'])}" if one["at"] else ""
        say(console, f"  {_(one['kind'])}{whom}{at}: {_(one['state'])}{place}")
        if one["why"]:
            say(console, f"    {retold(one['why'])}", style="bold red")
    if "bundle" in document:
        say(console, _("written: {bundle}, SHA-256 {sha256}", bundle=document["bundle"], sha256=document["sha256"]))
        if document["disclosed"]:
            say(
                console,
                _("Whoever has the file reads: {disclosed}.", disclosed=", ".join(document["disclosed"])),
                style="bold",
            )
        if document["pending"]:
            told = _n(
                "{count} evidence is not in the ledger yet: made later, it proves more.",
                "{count} evidences are not in the ledger yet: made later, it proves more.",
                document["pending"],
            )
            say(console, told)


# --- verifying -------------------------------------------------------------------------------------------------------


def _read(file: Path) -> bytes:
    from client.proof_bundle import MAX_BUNDLE_BYTES
    from client.request_file import read_given
    from shared.errors import ProofTooLarge

    raw = read_given(file, MAX_BUNDLE_BYTES + 1)
    if len(raw) > MAX_BUNDLE_BYTES:
        raise ProofTooLarge(limit=MAX_BUNDLE_BYTES)
    return raw


def _sealed(bundle: Bundle, file: Path, named: list[str]) -> dict[str, bytes]:
    given = {part: _read(Path(path)) for part, path in pairs(named, "PART=FILE").items()}
    absent = [one.name for one in bundle.parts if one.ct is None and one.name not in given]
    return given | {part: _read(_beside(file, part)) for part in absent if _beside(file, part).exists()}
