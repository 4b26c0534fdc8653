"""`comity keys rewrap`, `destroy`, `discard` and `passphrase`: keys that go, and the file that all keys lie in."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from comity.home import find_home
from comity.options import HomeDir, Json, Url
from comity.output import console as console_of
from comity.output import reporting, say
from comity.words import _, _n, retold
from shared.texts.catalogue import mark

if TYPE_CHECKING:
    from client.archive import Archive, Rewrapping


_AFTERWARDS: Final = mark("Destroy copies of that file, and back up register.sqlite3: it opens the old messages now.")


def rewrap(home: HomeDir = None, url: Url = None, json: Json = False) -> None:
    """Make every message of the archive readable with the present sealing key, so that former ones can be destroyed.

    Broken off, it goes on where it was. Exit code 1 when a message could not be moved: those are named.
    """
    with reporting(json) as output:
        with find_home(home, url).correspondence() as own:
            done = _with_progress(own.archive(), json)
            former = [key.kid(own.keys.authority) for key in own.keys.former_sealing]
        document = {"moved": done.moved, "stood": done.stood, "failed": done.failed, "former": former}

        def render(console: Any) -> None:
            say(
                console,
                _(
                    "{moved} messages moved to the present sealing key, {stood} were readable with it",
                    moved=done.moved,
                    stood=done.stood,
                ),
            )
            for message, why in done.failed.items():
                say(
                    console,
                    "  " + _("{message} was not moved: {why}", message=message, why=retold(why)),
                    style="bold red",
                )
            for kid in former:
                say(console, "  " + _("former key {kid}: comity keys destroy '{kid}'", kid=kid))

        output.show(document, render)
        if done.failed:
            raise typer.Exit(1)


def destroy(
    kid: Annotated[
        str, typer.Argument(help="Key id of a former sealing key, as `comity keys show` prints it in JSON.")
    ],
    give_up: Annotated[
        list[str] | None, typer.Option("--give-up", help="A message that may be lost with it; repeat it.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    home: HomeDir = None,
    url: Url = None,
    json: Json = False,
) -> None:
    """Destroy a former sealing key, once nothing needs it: see `comity keys rewrap`.

    Refused while a message can be read with it alone, while others may still seal to it, and for 30 days after the
    last message sealed to it expired. Copies of the key file are yours to destroy.
    """
    with reporting(json) as output:
        from client.keystore import destroy_sealing_key

        place = find_home(home, url)
        passphrase = place.passphrase()
        with place.correspondence(passphrase) as own:
            sealed = own.archive().check_destroyable(kid, own.directory(anew=True), give_up or ())
        if not yes and not json:
            typer.confirm(
                _n(
                    "{count} message was sealed to it, and opens without it. Destroy {kid}?",
                    "{count} messages were sealed to it, and open without it. Destroy {kid}?",
                    sealed,
                    kid=kid,
                ),
                abort=True,
                err=True,
            )
        destroy_sealing_key(place.keys, passphrase, kid)
        document = {"destroyed": kid, "file": str(place.keys), "messages": sealed, "given_up": give_up or []}
        output.show(
            document,
            lambda console: say(
                console, _("{kid} is gone from {keys}.", kid=kid, keys=place.keys) + " " + _(_AFTERWARDS)
            ),
        )


def discard(
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False, home: HomeDir = None, json: Json = False
) -> None:
    """Forget new keys whose rotation or recovery was given up, so that others can be made. Keys that act stay."""
    with reporting(json) as output:
        from client.keystore import discard_staged_keys

        place = find_home(home)
        if not yes and not json:
            typer.confirm(
                _("Their event must never be admitted, or nobody can act for you. Forget them?"), abort=True, err=True
            )
        discard_staged_keys(place.keys, place.passphrase(), place.key_module())
        output.show(
            {"file": str(place.keys)}, lambda console: say(console, _("{keys} holds no keys to come", keys=place.keys))
        )


def passphrase(
    file: Annotated[
        Path | None, typer.Option("--file", help="Another key file, such as an operator's.", show_default=False)
    ] = None,
    home: HomeDir = None,
    json: Json = False,
) -> None:
    """Seal the key file under a new passphrase, asked for or given as COMITY_NEW_PASSPHRASE or its file.

    Copies of the file still open with the old one.
    """
    with reporting(json) as output:
        from client.keystore import change_passphrase

        place = find_home(home)
        path = file or place.keys
        change_passphrase(path, place.passphrase(path), place.new_passphrase(path), place.key_cost)
        output.show({"file": str(path)}, lambda console: say(console, _("{path} has a new passphrase", path=path)))


def _with_progress(archive: Archive, quiet: bool) -> Rewrapping:
    if quiet:
        return archive.rewrap()
    from rich.progress import Progress

    console = console_of(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("re-wrapping", total=None)
        return archive.rewrap(lambda done, of: progress.update(task, completed=done, total=of))
