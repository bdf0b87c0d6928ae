"""Whether a thread's lines are those that were written; knows nothing of what they say.

append.lua hashes each line with the link of the line before it (the first: with the thread's id),
and keeps the last link beside the log. SHA-1 is what Redis gives its scripts: it finds what was
changed by hand. Who may write to Redis could build a new chain, so keep an exported one elsewhere.
"""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass

_LINKED = re.compile(r'\{"link":"([0-9a-f]{40})",')


@dataclass(frozen=True, slots=True)
class Chain:
    """What became of a chain: its end, a sentence for each break, and the lines before it began."""

    end: str
    breaks: tuple[str, ...]
    unlinked: int


def check(thread_id: str, lines: Sequence[str], head: str | None) -> Chain:
    """Follow the chain of a thread's lines to the end that the store has kept for it."""
    breaks: list[str] = []
    link, unlinked = thread_id, 0
    for number, line in enumerate(lines, 1):
        stated = _LINKED.match(line)
        if stated is None:
            unlinked += link == thread_id
            if link != thread_id:
                breaks.append(f"Line {number} is outside the chain: it was put in.")
            continue
        rest = line[stated.end() :]
        if hashlib.sha1((link + rest).encode(errors="surrogatepass")).hexdigest() != stated[1]:
            breaks.append(
                f"Line {number} was changed, or a line was taken out or put in before it."
            )
        link = stated[1]
    if link != (head or thread_id):
        breaks.append("The last line is not the one that was written last.")
    return Chain(link, tuple(breaks), unlinked)
