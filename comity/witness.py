"""`comity witness`: a witness that anybody can run. It needs nothing of an exchange but its trust file.

A witness is one directory: its name and keys, the logs that it watches, and what it cosigned of each last.
"""

from __future__ import annotations

import asyncio
import json as jsonlib
import signal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from comity.options import Json
from comity.output import reporting, say
from comity.words import _, _n

if TYPE_CHECKING:
    import socket

DEFAULT_PORT: Final = 8480
Data = Annotated[Path, typer.Option("--data", help="Directory of this witness.", envvar="COMITY_WITNESS_DATA")]

app = typer.Typer(no_args_is_help=True, help="Run a witness, which cosigns ledgers that only grow.")


@app.command()
def init(
    name: Annotated[str, typer.Option(help="Its name for ever: an address without scheme, as witness.example/w1.")],
    data: Data = Path("var/witness"),
    json: Json = False,
) -> None:
    """Make the keys of a new witness, and print the lines by which a policy names it."""
    with reporting(json) as output:
        from witness.keys import init_witness

        made = init_witness(data, name)
        document = {"data": str(data), "name": name, "vkeys": made.vkeys}

        def render(console: Any) -> None:
            say(
                console,
                _(
                    "{name}: keys in {data}, which nobody else may read and no backup may bring back",
                    name=name,
                    data=data,
                ),
            )
            _say_vkeys(console, made.vkeys)
            say(console, _("Next, for each ledger to watch: comity witness add TRUST_FILE --data {data}", data=data))

        output.show(document, render)


@app.command()
def add(
    trust: Annotated[Path | None, typer.Argument(help="The trust file of an exchange.")] = None,
    vkey: Annotated[list[str] | None, typer.Option(help="Or the verifier keys of any log; all must sign.")] = None,
    checkpoint: Annotated[
        Path | None, typer.Option(help="Begin at this checkpoint of a log that runs already, checked by another road.")
    ] = None,
    data: Data = Path("var/witness"),
    json: Json = False,
) -> None:
    """Watch a ledger. A server that runs already knows it from its next request on."""
    if (trust is None) == (not vkey):
        raise typer.BadParameter("give the trust file of an exchange, or the verifier keys of a log with --vkey")
    with reporting(json) as output:
        from comity.home import load_trust
        from shared.audit.notes import parse_vkey
        from shared.errors import SettingsRefused
        from witness.memory import add_log

        keys = [parse_vkey(text) for text in (load_trust(trust).log_vkeys if trust is not None else vkey or [])]
        if len({key.name for key in keys}) != 1:
            raise SettingsRefused(why="the keys of a log bear its origin as their name, and these bear different ones")
        note = None if checkpoint is None else _read_checkpoint(checkpoint)
        log = add_log(data, keys[0].name, keys, note)
        document = {"origin": log.origin, "size": log.size}
        output.show(
            document,
            lambda console: say(
                console, _("{origin} is watched from {size} entries on", origin=log.origin, size=log.size)
            ),
        )


@app.command()
def renew(
    trust: Annotated[Path, typer.Argument(help="The new trust file of an exchange whose log has new keys.")],
    data: Data = Path("var/witness"),
    json: Json = False,
) -> None:
    """Watch a ledger on under its new keys. Stop the server before, and start it afterwards.

    The file comes from person to person, as the first one did. It names the keys that are known here as former.
    """
    with reporting(json) as output:
        from comity.home import load_trust
        from shared.adapters.owned_directory import own_directory
        from shared.audit.notes import parse_vkey
        from shared.errors import SettingsRefused
        from witness.memory import renew_log

        believed = load_trust(trust)
        if not believed.former_log_keys:
            raise SettingsRefused(why=f"{trust} does not say that the keys of {believed.origin} were changed")
        keys = [parse_vkey(text) for text in believed.log_vkeys]
        former = [[parse_vkey(text) for text in pair.vkeys] for pair in believed.former_log_keys]
        with own_directory(data, "serves the witness"):
            log = renew_log(data, believed.origin, keys, former)
        document = {"origin": log.origin, "size": log.size}
        told = _("{origin} is watched under its new keys, from {size} entries on", origin=log.origin, size=log.size)
        output.show(document, lambda console: say(console, told))


@app.command()
def show(data: Data = Path("var/witness"), json: Json = False) -> None:
    """Who this witness is, and what it cosigned of each ledger last."""
    with reporting(json) as output:
        from shared.audit.witness_protocol import place_of
        from witness.keys import read_name
        from witness.memory import evidence_of, read_logs

        name, vkeys = read_name(data)
        logs: list[dict[str, Any]] = [
            {
                "origin": one.origin,
                "size": one.size,
                "root": one.root.hex(),
                "evidence": evidence_of(data, one.origin),
                "path": f"/{place_of(one.origin)}/checkpoint",
            }
            for one in read_logs(data)
        ]

        def render(console: Any) -> None:
            say(console, name)
            _say_vkeys(console, vkeys)
            for one in logs:
                about = {"origin": one["origin"], "root": one["root"]}
                say(
                    console,
                    _n(
                        "{origin}: {count} entry, root {root}",
                        "{origin}: {count} entries, root {root}",
                        one["size"],
                        **about,
                    ),
                )
                if one["evidence"]:
                    told = _n(
                        "{count} signed checkpoint in {folder} was not shown to continue it: docs/guide/witness.md says"
                        " what it proves",
                        "{count} signed checkpoints in {folder} were not shown to continue it: docs/guide/witness.md"
                        " says what they prove",
                        one["evidence"],
                        folder=data / "evidence",
                    )
                    say(console, f"  {told}", style="bold red")

        output.show({"name": name, "vkeys": vkeys, "logs": logs}, render)


@app.command()
def serve(
    data: Data = Path("var/witness"),
    host: Annotated[str, typer.Option(help="Address to listen on.", envvar="COMITY_WITNESS_HOST")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="0 takes a free one.", envvar="COMITY_WITNESS_PORT")] = DEFAULT_PORT,
) -> None:
    """Answer logs until SIGTERM or Ctrl-C. Once ready it prints a line of JSON: {"ready": true, "service": "witness",
    "url": …}. Exit code 0 after a clean stop, 1 otherwise.
    """
    import structlog

    from shared.errors import ComityError
    from shared.runtime.http_server import listen
    from shared.runtime.logs import configure_logs

    configure_logs("info", "witness")
    try:
        with listen(host, port) as listener:
            asyncio.run(_serve_until_stopped(data, listener, host))
    except ComityError as refused:
        structlog.get_logger().error("ends", code=refused.code, why=str(refused))
        raise typer.Exit(1) from None


async def _serve_until_stopped(data: Path, listener: socket.socket, host: str) -> None:
    from prometheus_client import CollectorRegistry

    from comity.home import now
    from witness.keys import load_witness
    from witness.memory import WitnessMemory
    from witness.server import WitnessServer

    keys = load_witness(data)
    memory = WitnessMemory(data)
    stop = asyncio.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(name, stop.set)
    server = WitnessServer(keys, memory, now, CollectorRegistry())
    try:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(server.run(stop, listener))
            tasks.create_task(_announce(server, f"http://{host}:{listener.getsockname()[1]}", stop))
    finally:
        memory.close()


async def _announce(server: Any, url: str, stop: asyncio.Event) -> None:
    while not stop.is_set():
        if server.is_ready:
            print(jsonlib.dumps({"ready": True, "service": "witness", "url": url}), flush=True)
            return
        await asyncio.sleep(0.02)


def _say_vkeys(console: Any, vkeys: list[str]) -> None:
    say(console, _("In a witness policy, by the key that outlasts a quantum computer (a name of yours for NAME):"))
    say(console, f"  witness NAME {vkeys[0]} https://…")
    say(console, _("or, for readers that know Ed25519 alone:"))
    say(console, f"  witness NAME {vkeys[1]} https://…")


def _read_checkpoint(file: Path) -> bytes:
    """A file that is none is a mistake of whoever types, and no evidence. Raises SettingsRefused."""
    from shared.audit.checkpoint import parse_checkpoint
    from shared.errors import LedgerInvalid, SettingsRefused

    try:
        note = file.read_bytes()
        parse_checkpoint(note)
        return note
    except OSError as broken:
        raise SettingsRefused(why=f"{file} cannot be read: {broken.strerror}") from None
    except LedgerInvalid as other:
        raise SettingsRefused(why=f"{file} is no checkpoint: {other.facts['why']}") from None
