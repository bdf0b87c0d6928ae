"""Changes genuine input at random: bytes, text and JSON; the same seed makes the same changes."""

import copy
import json
import random
from collections.abc import Sequence
from typing import Any, TypeVar, cast

T = TypeVar("T")
Json = dict[str, Any]

# What parsers trip over: edges of numbers and encodings, and the syntax of what we read and write.
TOKENS = (
    *("", "\0", "\x1b[31m", "\x7f", "\u00e9", "e\u0301", "\u202e", "\u200b", "\ufeff", "\ud800"),
    *("\U0001f4a5", "\u2028", "\r", "\n", "\t", '"', "'", "\\", "\\u0000", "<", ">", "&", "«", "»"),
    *("<!channel>", "<@U01ALICE>", "<@U01ALICE|x>", "<https://a|b>", "&amp;lt;", "*_~`", "```"),
    *("0", "-1", "1e309", "9" * 25, "NaN", "true", "null", "[]", "{}", "%00", "%ff", "+", "../"),
    *("acme/shop", "main", "stop", "ship it", "4af9ec0", "f" * 40, "U01ALICE", "C01DEPLOYS"),
    *("$(reboot)", "{sha}", "{{7*7}}", "${x}", "-----BEGIN RSA PRIVATE KEY-----", "ghp_", "xoxb-"),
)
VALUES: tuple[Any, ...] = (
    *(None, True, False, 0, 1, -1, 2**31, 2**63, 2**70, 0.5, 1e308, "", " ", "0", "x" * 300),
    *([], {}, [[]], [{}], {"": ""}, [None], "\ud800", "\0", "null", "U01ALICE", "C01DEPLOYS"),
)


class Mutation(random.Random):
    """Randomness that also knows how to spoil what it is given."""

    def data(self, whole: bytes, most: int = 4) -> bytes:
        """Return the bytes with up to `most` changes."""
        body = bytearray(whole)
        for _ in range(self.randint(0, most)):
            at = self.randint(0, len(body))
            match self.randrange(6):
                case 0 if body:
                    body[at % len(body)] ^= 1 << self.randrange(8)
                case 1:
                    body[at:at] = self.choice(TOKENS).encode(errors="surrogatepass")
                case 2:
                    del body[at : at + self._length()]
                case 3:
                    body[at:at] = body[at : at + self._length()] * self.randint(1, 4)
                case 4:
                    body[at:at] = self.randbytes(self._length())
                case _:
                    del body[at if self.random() < 0.1 else len(body) :]
        return bytes(body)

    def text(self, whole: str, most: int = 4) -> str:
        """Return the text with up to `most` changes."""
        for _ in range(self.randint(0, most)):
            at, length = self.randint(0, len(whole)), self._length()
            before, after = whole[:at], whole[at:]
            match self.randrange(4):
                case 0:
                    whole = before + self.choice(TOKENS) + after
                case 1:
                    whole = before + after[length:]
                case 2:
                    whole = before + after[:length] * self.randint(1, 30) + after
                case _:
                    whole = before + chr(self.randrange(0x11000)) + after
        return whole

    def value(self, whole: T, most: int = 4) -> T:
        """Return a copy of a JSON value with one to `most` changes somewhere inside."""
        spoilt: Any = {"": copy.deepcopy(whole)}
        for _ in range(self.randint(1, most)):
            places = _places(spoilt)
            holder, key = self.choice(places)
            self._spoil(holder, key, places)
        return spoilt.get("")

    def _spoil(self, holder: Any, key: Any, places: Sequence[tuple[Any, Any]]) -> None:
        match self.randrange(6):
            case 0:
                holder[key] = copy.deepcopy(self.choice(VALUES))
            case 1 if key != "":
                del holder[key]
            case 2 if isinstance(holder[key], str):
                holder[key] = self.text(holder[key])
            case 3:
                other, name = self.choice(places)
                holder[key] = copy.deepcopy(other[name])
            case 4 if isinstance(holder[key], int | float):
                holder[key] = holder[key] * self.choice((-1, 0.1, 10, 10**15))
            case 5 if isinstance(holder, list):
                several = cast("list[Any]", holder)
                several += copy.deepcopy(several[:3])
            case _:
                holder[key] = [holder[key]] if self.random() < 0.5 else {"value": holder[key]}

    def _length(self) -> int:
        return self.choice((1, 1, 2, 4, 16, 64))


def encoded(value: object) -> bytes:
    """Return a value as JSON, also where it holds half characters."""
    return json.dumps(value).encode()


def _places(value: object) -> list[tuple[Any, Any]]:
    """Return every holder of a value and the value's key in it, however deep."""
    found: list[tuple[Any, Any]] = []
    waiting: list[object] = [value]
    while waiting:
        holder = waiting.pop()
        if isinstance(holder, dict):
            pairs: list[tuple[Any, Any]] = list(cast("Json", holder).items())
        elif isinstance(holder, list):
            pairs = list(enumerate(cast("list[Any]", holder)))
        else:
            continue
        found += [(holder, key) for key, _ in pairs]
        waiting += [inner for _, inner in pairs]
    return found
