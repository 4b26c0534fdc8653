"""The kustomization that turns a directory of secret files into the Secrets and the ConfigMap that the manifests name.

JSON is YAML, and kustomize reads it as such: nothing here needs a YAML library.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Final

NAMESPACE: Final = "comity"
_ADMINISTRATOR: Final = ("default_user.conf", "host", "password", "port", "provider", "type", "username")


def describe_secrets(keys: Mapping[str, Sequence[str]], owner: str, prefix: str, public_url: str) -> str:
    """`keys` are the key files of each service; `prefix` is what the names of roles begin with.

    No name of a Secret ends in a hash: the manifests name them as they are.
    """
    services = list(keys)
    document = {
        "apiVersion": "kustomize.config.k8s.io/v1beta1",
        "kind": "Kustomization",
        "namespace": NAMESPACE,
        "generatorOptions": {"disableNameSuffixHash": True},
        "configMapGenerator": [
            {
                "name": "comity-exchange",
                "files": ["trust.json", "roster.json"],
                "literals": [f"public_url={public_url}"],
            }
        ],
        "secretGenerator": [
            *(_service(service, keys[service]) for service in services),
            {"name": f"comity-{owner}", "files": [f"{owner}/comity_database"]},
            *(_role(role, f"{prefix}{role}") for role in (owner, *services)),
            {
                "name": "comity-rabbitmq-tls",
                "type": "kubernetes.io/tls",
                "files": ["rabbitmq/tls.crt", "rabbitmq/tls.key"],
            },
            {"name": "comity-rabbitmq-ca", "files": ["ca.crt=ca.pem"]},
            {"name": "comity-rabbitmq-definitions", "files": ["rabbitmq/definitions.json"]},
            {"name": "comity-rabbitmq-admin", "files": [f"rabbitmq/{file}" for file in _ADMINISTRATOR]},
        ],
    }
    return json.dumps(document, indent=2)


def describe_administrator(user: str, password: str, address: str) -> dict[str, str]:
    """The files of the Secret by which the broker's operator knows its administrator: without them it would make one up
    that the imported definitions do not have.
    """
    host, _, port = address.partition(":")
    texts = (f"default_user = {user}\ndefault_pass = {password}\n", host, password, port, "rabbitmq", "rabbitmq", user)
    return dict(zip(_ADMINISTRATOR, texts, strict=True))


def _service(service: str, keys: Sequence[str]) -> dict[str, object]:
    """What a service is given: its addresses with its passwords, and its keys."""
    files = ["comity_database", "comity_broker", *keys]
    return {"name": f"comity-{service}", "files": [f"{service}/{file}" for file in files]}


def _role(role: str, name: str) -> dict[str, object]:
    """What the database's operator is given: a role's name and password, taken up again when they change."""
    return {
        "name": f"comity-database-{role}",
        "type": "kubernetes.io/basic-auth",
        "literals": [f"username={name}"],
        "files": [f"password=passwords/database/{name}"],
        "options": {"labels": {"cnpg.io/reload": "true"}},
    }
