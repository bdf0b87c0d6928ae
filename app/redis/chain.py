"""Whether a thread's lines are those that were written; knows nothing of what they say.

append.lua hashes each line with the link of the line before it (the first: with the thread's id),
and keeps the number of lines and the last link beside the log. A line without a link is hashed
whole. SHA-1 is what Redis gives its scripts: it finds what was changed by hand. Who may write to
Redis could build a new chain and a new end, so keep an exported end elsewhere.
"""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass

_LINKED = re.compile(r'\{"link":"([0-9a-f]{40})",')


@dataclass(frozen=True, slots=True)
class Stored:
    """A thread as it is stored; `listed` says that the repository's list of threads has it.

    `digests` are those of the stored bytes, a line each: what is no text reads like other text.
    """

    thread_id: str
    lines: Sequence[str]
    digests: Sequence[str]
    head: str | None
    listed: bool


@dataclass(frozen=True, slots=True)
class Chain:
    """What became of a chain: its end, a sentence for each break, and the lines without a link."""

    end: str
    breaks: tuple[str, ...]
    unlinked: tuple[int, ...]


def check(stored: Stored) -> Chain:
    """Follow the chain of a thread's lines to the end that the store has kept for it."""
    breaks: list[str] = []
    unlinked: list[int] = []
    link, head = stored.thread_id, None
    for number, (line, digest) in enumerate(zip(stored.lines, stored.digests, strict=True), 1):
        if _sha1(line) != digest:
            breaks.append(f"Line {number} was changed: some of its bytes are no text.")
        stated = _LINKED.match(line)
        if stated is None:
            unlinked.append(number)
            link = _sha1(link + line)
            continue
        if _sha1(link + line[stated.end() :]) != stated[1]:
            breaks.append(
                f"Line {number} was changed, or a line was taken out or put in before it."
            )
        link, head = stated[1], f"{number}:{stated[1]}"
    if not stored.lines:
        breaks.append("The thread is listed, and its lines are gone.")
    elif stored.head != head:
        breaks.append("The last line is not the one that was written last.")
    return Chain(link, tuple(breaks), tuple(unlinked))


def _sha1(text: str) -> str:
    return hashlib.sha1(text.encode(errors="surrogatepass")).hexdigest()
