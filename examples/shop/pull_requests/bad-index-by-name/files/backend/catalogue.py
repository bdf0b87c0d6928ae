"""The products of one environment, read once at start and indexed by name."""

import json
from pathlib import Path


def load(path):
    """Return the catalogue's rows, each a product."""
    return json.loads(Path(path).read_text(encoding="utf-8"))


def listed(rows):
    """Return the products that are for sale."""
    by_name = {row["name"]: row for row in rows if row["price_cents"] > 0}
    return list(by_name.values())
