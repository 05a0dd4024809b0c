"""Chain access and one package per venue."""
