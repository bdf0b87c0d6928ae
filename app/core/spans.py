"""How long the spans are that people write: "2h", "1h 30m", "half an hour", "two days"."""

import re

LONGEST_DAYS = 30
_MINUTE = 60
_UNITS = {"s": 1, "m": _MINUTE, "h": 60 * _MINUTE, "d": 24 * 60 * _MINUTE, "w": 7 * 24 * 3600}
_COUNTED = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
_HALVES = {
    "half an hour": 30 * _MINUTE,
    "a half hour": 30 * _MINUTE,
    "an hour and a half": 90 * _MINUTE,
    "one hour and a half": 90 * _MINUTE,
}
_UNIT = r"(?:minutes?|mins?|hours?|hrs?|days?|weeks?|[smhdw])"
_PART = rf"(?:\d{{1,7}} ?|(?:an?|{'|'.join(_COUNTED)}) ){_UNIT}"
SPAN = rf"(?:{'|'.join(_HALVES)}|{_PART}(?: ?(?:, ?)?(?:and )?{_PART}){{0,2}})"
_WHOLE = re.compile(SPAN)
_PARTS = re.compile(rf"(?P<count>\d+|[a-z]+) ?(?P<unit>{_UNIT})")


def milliseconds(text: str) -> int:
    """Return how long a span is; raise `ValueError` for none, and for one of over 30 days."""
    said = text.lower()
    if not _WHOLE.fullmatch(said):
        raise ValueError(text)
    seconds = _HALVES.get(said) or _sum(said)
    if not 0 < seconds <= LONGEST_DAYS * _UNITS["d"]:
        raise ValueError(text)
    return seconds * 1000


def _sum(said: str) -> int:
    parts = _PARTS.finditer(re.sub(r",|\band\b", " ", said))
    return sum(_count(part["count"]) * _UNITS[part["unit"][0]] for part in parts)


def _count(word: str) -> int:
    if word.isdigit():
        return int(word)
    return _COUNTED.index(word) + 1 if word in _COUNTED else 1
