"""The HTTP edge: authenticates calls, bounds them, answers from what the services wrote. Holds no state of its own."""
