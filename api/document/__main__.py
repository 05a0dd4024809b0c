"""Prints the JSON Schema: ``python -m crossmargin.api.document > api/schema/portfolio-1.json``."""

from __future__ import annotations

import json
import sys

from .schema import json_schema

sys.stdout.write(json.dumps(json_schema(), indent=1, ensure_ascii=False) + "\n")
