"""The addresses of the API, one module per concept. Each gets its ports from `Gateway` and opens no connection
itself."""
