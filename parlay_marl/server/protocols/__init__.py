"""The protocols of the server: OpenEnv's, and that of the first Parlay server."""
