"""Scenarios, tail, margin and health."""
