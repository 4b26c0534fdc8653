"""How the users and queues of the guarded RabbitMQ are called."""

from deploy.local import PrivateRabbitMQ

USER_PREFIX = "comity_"
QUEUE_PREFIX = "comity."
PASSWORD = "the same for all, in a test"


def url_of(server: PrivateRabbitMQ, service: str, tls: bool = False) -> str:
    return server.url_of(f"{USER_PREFIX}{service}", PASSWORD.replace(" ", "%20"), tls)
