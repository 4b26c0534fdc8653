"""What runs the services: settings, the pump, the relay, and the choice of adapters."""
