"""The HTTP server: OpenAI's API over the local model, and ALEN's own over the engine."""
