"""What a picture is: messages of a thread as it has come to be, and which of them it shows."""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from app.slack.blocks import Message
from tests.browser.scene import Scene
from tests.day.showing import shown


@dataclass(frozen=True)
class Said:
    """What somebody wrote, as part of a picture."""

    user: str
    text: str


@dataclass(frozen=True)
class Screen:
    """One picture: its file's name, a line about it, its messages, and which of them it shows.

    The word before a slot's colon stands for the newest such slot; `first card` for the first card.
    """

    name: str
    line: str
    messages: Mapping[str, Message]
    shows: tuple[str | Said, ...]

    @property
    def title(self) -> str:
        """Return the words that its thread begins with."""
        status = self.messages["status"]
        return shown(status.text, status.blocks).partition("\n")[0]

    @property
    def words(self) -> str:
        """Return all that the picture says."""
        parts = (
            f"{part.user}: {part.text}"
            if isinstance(part, Said)
            else shown(self.messages[part].text, self.messages[part].blocks)
            for part in self.shows
        )
        return "\n".join(parts)


def _renumbered(message: Message, hashes: dict[str, str]) -> Message:
    """Give each hash a number of its own: they are new each time, and pictures should not be."""

    def numbered(found: re.Match[str]) -> str:
        new = hashlib.sha256(str(len(hashes)).encode()).hexdigest()[:8]
        return f"run `{hashes.setdefault(found[1], new)}`"

    blocks = re.sub(r"run `([0-9a-f]{8})`", numbered, json.dumps(list(message.blocks)))
    return replace(message, blocks=tuple(json.loads(blocks)))


async def picture(name: str, line: str, box: Scene, *shows: str | Said) -> Screen:
    """Take a picture of the thread as it is; without anything named it shows the newest card."""
    hashes: dict[str, str] = {}
    messages = {slot: _renumbered(each, hashes) for slot, each in (await box.shows()).items()}
    cards = [slot for slot in messages if slot.startswith("card:")]
    named = {slot.partition(":")[0]: slot for slot in messages}
    named |= {"first card": cards[0]} if cards else {}
    parts = tuple(s if isinstance(s, Said) else named.get(s, s) for s in shows or ("card",))
    return Screen(name, line, messages, parts)
