"""Service to service: seal what travels on the bus, authenticate and open what comes. Called by the pump only."""
