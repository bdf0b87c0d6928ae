"""Durations as people write them in the configuration: "90s", "10m", "24h", "7d"."""

import re

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 24 * 3600}


def seconds(text: str, longest: int = 30 * 24 * 3600) -> int:
    """Return the seconds of a duration; raise `ValueError` saying what is wrong with it."""
    match = re.fullmatch(r"([1-9][0-9]{0,6})([smhd])", text)
    if not match:
        raise ValueError(f"{text!r} is no duration like '90s', '10m', '24h' or '7d'")
    value = int(match[1]) * _UNITS[match[2]]
    if value > longest:
        days = longest // _UNITS["d"]
        most = f"{days} days" if days > 1 else f"{longest // 3600}h"
        raise ValueError(f"{text!r} is longer than {most}")
    return value
