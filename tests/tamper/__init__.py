"""An adversary with full control of the broker against the exchange's services: `python -m tests.tamper`."""
