"""Instruments over scenarios."""
