"""The outside: pipeline, HTTP, CLI, demo."""
