"""Derive v2."""

from types import SimpleNamespace

from .cases import SUITES

ADAPTER = SimpleNamespace(name="derive-v2", suites=SUITES)
