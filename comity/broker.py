"""`comity broker`: what a RabbitMQ is given before any service connects."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from comity.output import reporting

app = typer.Typer(no_args_is_help=True, help="The users, rights and queues of a RabbitMQ.")


@app.callback()
def _broker() -> None:
    """The users, rights and queues of a RabbitMQ."""


@app.command()
def definitions(
    passwords: Annotated[Path, typer.Option(help="Directory with one file for each user, named like the user.")],
    user_prefix: Annotated[str, typer.Option(help="What the names of the services' users begin with.")] = "comity_",
    queue_prefix: Annotated[
        str, typer.Option(help="What the names of queues begin with; the services' setting queue_prefix.")
    ] = "comity.",
    administrator: Annotated[
        str | None, typer.Option(help="A user who may do everything; a broker that starts with this has no other.")
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="A file, readable by its owner only; else standard output.")
    ] = None,
) -> None:
    """Write RabbitMQ's definitions: a user for each service with its rights only, queues, exchanges, bindings.

    For `load_definitions` in rabbitmq.conf, or `rabbitmqctl import_definitions`. It holds salted hashes of passwords.
    """
    with reporting(as_json=False):
        import json

        from shared.adapters.amqp.definitions import broker_definitions
        from shared.contracts.topology import SERVICES

        known = {service: _password(passwords / f"{user_prefix}{service}") for service in SERVICES}
        chief = None if administrator is None else (administrator, _password(passwords / administrator))
        document = json.dumps(broker_definitions(known, queue_prefix, user_prefix, chief), indent=2) + "\n"
        if output is None:
            sys.stdout.write(document)
            return
        with os.fdopen(os.open(output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            file.write(document)


def _password(file: Path) -> str:
    """Raises SettingsRefused."""
    from shared.adapters.amqp.definitions import SHORTEST_PASSWORD
    from shared.errors import SettingsRefused

    if not file.is_file():
        raise SettingsRefused(why=f"no password for {file.name}: put one into {file}")
    password = file.read_text().strip()
    if len(password) < SHORTEST_PASSWORD:
        raise SettingsRefused(why=f"the password in {file} is shorter than {SHORTEST_PASSWORD} characters")
    return password
