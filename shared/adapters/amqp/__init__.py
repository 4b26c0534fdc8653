"""`ports.Bus` and `ports.Wakeups` on RabbitMQ (3.10 and later), by aio-pika.

Parts: `link` one connection and its loss, `topology` what is declared, `publisher` confirms, `subscription` what the
broker pushes, `consumer` acknowledgements, `wakeups` the lossy fanout, `bus` all of them behind the ports.
"""

from shared.adapters.amqp.bus import AmqpBus

__all__ = ["AmqpBus"]
