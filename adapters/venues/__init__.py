"""One package per venue."""
