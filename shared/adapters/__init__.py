"""What the ports are in this world: databases, broker, key files, clock. Each keeps its port's promises."""
