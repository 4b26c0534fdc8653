"""`comity ledger`: a copy of the ledger that other people's software reads, and proofs made and checked with it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from comity.home import find_home
from comity.ledger_sources import is_address, open_source, progress_bar
from comity.options import HomeDir, Json, TrustFile, Url
from comity.output import local_time, reporting, say
from comity.words import _, _n, reader_language
from comity.written_files import write_new_file
from shared.errors import CopyOlder, LedgerInvalid, NotThere, RequestFileInvalid

if TYPE_CHECKING:
    from client.ledger_source import LedgerSource
    from shared.keys.trust import Trust

Source = Annotated[str, typer.Argument(help="Directory of an exported ledger, or address of an exchange.")]
app = typer.Typer(no_args_is_help=True, help="Keep a copy of the ledger; make and check proofs.")


@app.callback()
def ledger() -> None:
    """Keep a copy of the ledger; make and check proofs."""


@app.command()
def export(
    directory: Annotated[Path, typer.Argument(help="Where the copy grows: checkpoint, tile/…")],
    home: HomeDir = None,
    url: Url = None,
    json: Json = False,
) -> None:
    """Bring a static tlog-tiles directory up to the exchange's checkpoint. Needs an auditor's key.

    Only what is new is fetched, and a ledger that does not continue the copy is refused.
    """
    with reporting(json) as output:
        from client.ledger_export import export_ledger
        from client.ledger_stamps import export_stamps

        place = find_home(home, url)
        trust = place.trust()
        source = open_source(place.require_url(), place, trust)
        with progress_bar(output) as progress, _writing(directory):
            written = export_ledger(source, directory, trust, progress)
            stamps = export_stamps(source, directory, trust)
        document = {
            "directory": str(directory),
            "old_size": written.old_size,
            "size": written.size,
            "files": written.files,
            "time_stamps": stamps,
        }
        text = _n(
            "{directory}: {old_size} → {count} entry",
            "{directory}: {old_size} → {count} entries",
            written.size,
            directory=directory,
            old_size=written.old_size,
        )
        text += ", " + _n("{count} file written", "{count} files written", written.files)
        text += ", " + _n("{count} time-stamp", "{count} time-stamps", stamps) if stamps else ""
        output.show(document, lambda console: say(console, text))


@app.command()
def prove(
    entry: Annotated[int, typer.Argument(help="Number of the entry; the first is 0.", min=0)],
    source: Source,
    out: Annotated[Path, typer.Option("-o", "--out", help="Where to write the proof, a new file (.tlog-proof).")],
    trust: TrustFile = None,
    home: HomeDir = None,
    json: Json = False,
) -> None:
    """Prove that one entry stands in the ledger: a tlog-proof file, which verifies offline, made from the tiles."""
    with reporting(json) as output:
        from client.ledger_proofs import check_entry_proof, prove_entry
        from shared.audit.proofs import parse_proof

        place = find_home(home)
        believed = place.trust(trust)
        with _whole(source):
            raw = prove_entry(open_source(source, place, believed), believed, entry)
        write_new_file(out, raw)
        size = check_entry_proof(parse_proof(raw), believed).checkpoint.head.size
        document = {"file": str(out), "entry": entry, "size": size}
        output.show(
            document, lambda console: say(console, _("{out}: entry {entry} of {size}", out=out, entry=entry, size=size))
        )


@app.command()
def check(
    proof: Annotated[
        Path, typer.Argument(help="A .tlog-proof file with its entry in it.", exists=True, dir_okay=False)
    ],
    trust: TrustFile = None,
    home: HomeDir = None,
    json: Json = False,
) -> None:
    """Check a tlog-proof file, offline, with the trust file alone. Exit code 4 if it proves nothing."""
    with reporting(json) as output:
        from client.entry_words import entry_word
        from client.ledger_proofs import check_entry_proof
        from client.request_file import read_given
        from shared.audit.leaves import parse_entry
        from shared.audit.proofs import MAX_PROOF_BYTES, parse_proof
        from shared.domain.ids import encode_time

        believed = find_home(home).trust(trust)
        raw = read_given(proof, MAX_PROOF_BYTES + 1)
        try:
            parsed = parse_proof(raw)
        except LedgerInvalid as other:
            raise LedgerInvalid(why=f"{proof} is no proof of an entry: {other.facts['why']}") from None
        proven = check_entry_proof(parsed, believed)
        logged_at, leaf = parse_entry(proven.entry)
        head = proven.checkpoint.head
        document = {
            "origin": head.origin,
            "entry": proven.index,
            "size": head.size,
            "logged_at": encode_time(logged_at),
            "type": leaf.type,
            "fields": dict(leaf.fields),
        }
        when = local_time(encode_time(logged_at))
        text = _(
            "{origin}: entry {index} of {size}, {type}, logged {when}",
            origin=head.origin,
            index=proven.index,
            size=head.size,
            type=entry_word(leaf.type, reader_language()),
            when=when,
        )
        output.show(document, lambda console: say(console, text))


@app.command()
def compare(
    checkpoint: Annotated[Path, typer.Argument(help="A checkpoint that was kept.", exists=True, dir_okay=False)],
    source: Source,
    trust: TrustFile = None,
    home: HomeDir = None,
    json: Json = False,
) -> None:
    """Prove that the ledger continues a checkpoint that was kept, by consistency. Exit code 4 if it does not."""
    with reporting(json) as output:
        from client.ledger_proofs import prove_continued
        from comity.audit_options import read_checkpoint

        place = find_home(home)
        believed = place.trust(trust)
        kept = read_checkpoint(checkpoint, believed)
        reading = open_source(source, place, believed)
        with _whole(source):
            if not is_address(source):
                _require_as_new(reading, believed, kept.head.size, checkpoint)
            proven = prove_continued(reading, believed, kept.note)
        document = {
            "origin": proven.new.origin,
            "old_size": proven.old.size,
            "size": proven.new.size,
            "proof": [one.hex() for one in proven.hashes],
        }
        text = _(
            "{origin}: the tree of {size} entries is the beginning of that of {size2}",
            origin=proven.new.origin,
            size=proven.old.size,
            size2=proven.new.size,
        )
        output.show(document, lambda console: say(console, text))


def _require_as_new(copy: LedgerSource, trust: Trust, size: int, kept: Path) -> None:
    """A copy with fewer entries than the kept checkpoint was made earlier, or was cut: it convicts nobody. Raises
    CopyOlder, LedgerInvalid, NotThere."""
    from shared.audit.quorum import rule_of

    here = rule_of(trust).read(copy.read("checkpoint")).head.size
    if here < size:
        raise CopyOlder(why=f"it has {here} entries, and {kept} is of {size}: bring it up to date, then compare")


@contextmanager
def _whole(source: str) -> Iterator[None]:
    try:
        yield
    except NotThere:
        raise LedgerInvalid(
            why=f"{source} lacks a file of a ledger; `comity ledger export` makes a whole copy"
        ) from None


@contextmanager
def _writing(directory: Path) -> Iterator[None]:
    try:
        yield
    except FileExistsError as other:
        raise RequestFileInvalid(file=other.filename or directory, why="it is no folder") from other
    except OSError as failed:
        raise RequestFileInvalid(file=failed.filename or directory, why=failed.strerror) from failed
