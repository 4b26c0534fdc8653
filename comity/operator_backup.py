"""`comity operator backup` and `restore`: the embedded exchange's database, with the ledger's root beside it.

Rules:
1. A backup holds the database, the trust file, the roster and the settings. It holds no key: those are kept apart.
2. Nor does it hold `ledger-head.json`, nor `directory-*.json`: what services remember must not be set back with it.
3. A backup is restored into a directory without a database, and never behind what was signed: neither behind what that
   directory remembers, nor behind a checkpoint that somebody else holds.
"""

from __future__ import annotations

import hashlib
import json as jsonlib
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from comity.home import now
from comity.options import Json
from comity.output import reporting, say
from comity.words import _, _n

if TYPE_CHECKING:
    from shared.keys.trust import Trust
    from shared.ports.ledger import KeptHead

DATABASE: Final = "exchange.sqlite3"
MANIFEST: Final = "manifest.json"
BESIDE: Final = ("trust.json", "roster.json", "comity.toml")
DataDir = Annotated[Path, typer.Option("--data", help="Directory of the embedded exchange.")]


def backup(
    data: DataDir,
    directory: Annotated[Path, typer.Option("--to", help="A new directory for the backup.")],
    json: Json = False,
) -> None:
    """Copy the embedded exchange's database while it runs, with the size and root of its ledger.

    No key is copied: keep `keys/` apart, once. On PostgreSQL use pg_dump or a base backup; see the operator's guide.
    """
    with reporting(json) as output:
        import asyncio

        from shared.adapters.keyfiles import load_trust
        from shared.adapters.sql.backup import copy_database, read_head
        from shared.domain.ids import encode_time
        from shared.errors import BackupRefused
        from shared.keys.base64url import encode_b64u

        trust = load_trust(data)
        if not (data / DATABASE).exists():
            raise BackupRefused(why=f"there is no {data / DATABASE}: is this an exchange on PostgreSQL?")
        try:
            directory.mkdir(parents=True, mode=0o700)
        except FileExistsError:
            raise BackupRefused(why=f"{directory} exists already") from None
        copy_database(data / DATABASE, directory / DATABASE)
        head = asyncio.run(read_head(directory / DATABASE))
        for name in BESIDE:
            if (data / name).exists():
                shutil.copy(data / name, directory / name)
        manifest = {
            "v": 1,
            "origin": trust.origin,
            "made_at": encode_time(now()),
            "size": 0 if head is None else head.size,
            "root": None if head is None else encode_b64u(head.root),
            "sha256": _sha256(directory / DATABASE),
        }
        (directory / MANIFEST).write_text(jsonlib.dumps(manifest, indent=2) + "\n", encoding="utf-8")

        def render(console: Any) -> None:
            say(console, _what_it_holds(directory, trust.origin, manifest))
            say(console, _("No key was copied: keep {keys} apart, in two places.", keys=data / "keys"))

        output.show({"directory": str(directory), **manifest}, render)


def restore(
    source: Annotated[Path, typer.Argument(help="Directory of the backup.")],
    data: DataDir,
    checkpoint: Annotated[
        Path | None, typer.Option(help="The newest checkpoint that an auditor, an authority or a witness holds.")
    ] = None,
    json: Json = False,
) -> None:
    """Put a backup into an exchange directory that has no database, if it is not behind what was signed.

    Without its `ledger-head.json` the directory does not know what was signed last: give the newest --checkpoint that
    anybody holds. It is verified, compared with the backup, and remembered.
    """
    with reporting(json) as output:
        import asyncio

        from shared.adapters.keyfiles import load_trust
        from shared.adapters.sql.backup import check_database, sync_file
        from shared.errors import BackupRefused

        trust, copy = load_trust(source), source / DATABASE
        manifest = _read_manifest(source / MANIFEST, trust)
        # Its companions too: SQLite would replay an old write-ahead log into the database that is put back.
        for there in sorted(data.glob(f"{DATABASE}*")):
            raise BackupRefused(
                why=f"{there} is there; stop the exchange and move {DATABASE}* away, do not delete them"
            )
        if _sha256(copy) != manifest["sha256"]:
            raise BackupRefused(why=f"{copy} is not the file that the manifest names")
        check_database(copy)
        data.mkdir(parents=True, exist_ok=True, mode=0o700)
        # Into its place under another name, judged there, and renamed: the backup itself is only read.
        draft = data / f"{DATABASE}.restoring"
        shutil.copy(copy, draft)
        try:
            knows = asyncio.run(_judge(draft, manifest, trust, data, checkpoint))
        except BaseException:
            for half in data.glob(f"{draft.name}*"):
                half.unlink()
            raise
        sync_file(draft)
        draft.rename(data / DATABASE)
        for name in BESIDE:
            if (source / name).exists() and not (data / name).exists():
                shutil.copy(source / name, data / name)
        document = {"data": str(data), "size": manifest["size"], "root": manifest["root"], "compared": knows}
        document["keys_missing"] = not (data / "keys").exists()

        def render(console: Any) -> None:
            say(console, _what_it_holds(data, trust.origin, manifest))
            if not knows:
                say(
                    console,
                    _(
                        "NOT COMPARED with anything signed later. If anybody holds a checkpoint of more entries, do not"
                        " start: the log would fork."
                    ),
                    style="bold red",
                )
            if document["keys_missing"]:
                say(console, _("Put the keys back: {keys}", keys=data / "keys"))
            say(console, _("Start it: comity serve all --data {data}. Then: comity audit verify URL", data=data))

        output.show(document, render)


def _what_it_holds(place: Path, origin: str, manifest: dict[str, Any]) -> str:
    return _n(
        "{directory}: {origin}, {count} entry, root {root}",
        "{directory}: {origin}, {count} entries, root {root}",
        manifest["size"],
        directory=place,
        origin=origin,
        root=manifest["root"],
    )


async def _judge(file: Path, manifest: dict[str, Any], trust: Trust, data: Path, checkpoint: Path | None) -> bool:
    """Whether the copy could be compared with what was signed. Raises BackupRefused where it is behind or another."""
    from shared.adapters.directory_memory import KEEPERS, kept_events
    from shared.adapters.head_memory import FileHeadMemory
    from shared.adapters.sql.backup import read_head, read_key_events, read_root
    from shared.errors import BackupRefused
    from shared.keys.base64url import encode_b64u
    from shared.runtime.settings import load_settings

    head = await read_head(file)
    size, root = (0, None) if head is None else (head.size, encode_b64u(head.root))
    if (size, root) != (manifest["size"], manifest["root"]):
        raise BackupRefused(why=f"its ledger has {size} entries with the root {root}; the manifest says otherwise")
    state = load_settings(data=data).state_directory
    events = await read_key_events(file)
    for service in KEEPERS:
        kept = kept_events(state, service, trust.origin)
        if kept > events:
            raise BackupRefused(why=f"it holds {events} key events, {service} has judged by {kept}; find a newer copy")
    memory = FileHeadMemory(state, trust.origin)
    signed = [one for one in (memory.last(), _checkpoint(checkpoint, trust)) if one is not None]
    for one in signed:
        if one.size > size:
            raise BackupRefused(
                why=f"it holds {size} entries, {one.size} were signed; find a newer copy, or the log would fork"
            )
        if await read_root(file, one.size) != one.root:
            raise BackupRefused(why=f"its first {one.size} entries are not those that were signed")
    if signed and head is not None:
        await memory.keep(max(signed, key=lambda one: one.size), memory.last())
    return bool(signed)


def _checkpoint(file: Path | None, trust: Trust) -> KeptHead | None:
    from shared.audit.quorum import rule_of
    from shared.errors import BackupRefused
    from shared.ports.ledger import KeptHead

    if file is None:
        return None
    try:
        note = file.read_bytes()
    except OSError as broken:
        raise BackupRefused(why=f"{file} cannot be read: {broken.strerror}") from None
    head = rule_of(trust).read(note).head
    return KeptHead(head.size, head.root)


def _read_manifest(file: Path, trust: Trust) -> dict[str, Any]:
    from shared.errors import BackupRefused

    try:
        manifest: dict[str, Any] = jsonlib.loads(file.read_bytes())
        known = {name: manifest[name] for name in ("v", "origin", "size", "root", "sha256")}
    except (OSError, ValueError, KeyError, TypeError):
        raise BackupRefused(why=f"{file} is missing or cannot be read") from None
    if known["v"] != 1 or known["origin"] != trust.origin:
        raise BackupRefused(why=f"{file} is of another exchange or another version")
    return known


def _sha256(file: Path) -> str:
    from shared.errors import BackupRefused

    try:
        with file.open("rb") as opened:
            return hashlib.file_digest(opened, "sha256").hexdigest()
    except OSError as broken:
        raise BackupRefused(why=f"{file} cannot be read: {broken.strerror}") from None
