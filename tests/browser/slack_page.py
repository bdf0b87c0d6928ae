"""The local Slack's page, as somebody in the workspace uses it; knows no deploys."""

import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

from app.demo.local_slack import LocalSlack
from tests.browser.chromium import Page, page
from tests.waiting import until

CHANNEL, THREAD = ".messages", ".thread-pane"


class SlackPage:
    """A page with a channel and one open thread beside it."""

    def __init__(self, page: Page) -> None:
        """Use a page that shows the local Slack."""
        self.page = page

    async def act_as(self, name: str) -> None:
        """Be somebody from here on."""
        await self.page.choose("document.querySelector('.actas select')", name)

    async def open_thread(self, words: str) -> None:
        """Open the thread of the channel's message that has these words."""

        async def opened() -> bool:
            if any(words in message for message in await self.messages()):
                return True
            # While the page is being set up it may close what was opened.
            await self.page.click(f"{_message(words, CHANNEL)}?.querySelector('.thread-summary')")
            return False

        await until(opened, 30)

    async def sees(self, words: str, where: str = THREAD, seconds: float = 30) -> str:
        """Wait until a message shows these words, and return all that the newest such one shows."""
        found: list[str] = []

        async def shown() -> bool:
            found[:] = [m for m in await self.messages(where) if words in m]
            return bool(found)

        try:
            await until(shown, seconds)
        except AssertionError:
            shows = "\n---\n".join(await self.messages(where))
            raise AssertionError(f"no message with {words!r}; there are:\n{shows}") from None
        return found[-1]

    async def messages(self, where: str = THREAD) -> list[str]:
        """Return what each message shows, the oldest first."""
        every = f"[...document.querySelectorAll('{where} .msg')]"
        return list(await self.page.evaluate(f"{every}.map(message => message.innerText)"))

    async def buttons(self, words: str) -> list[str]:
        """Return the buttons that the newest message with these words has, once there is one."""
        await self.sees(words)
        found = f"{_message(words, THREAD)}.querySelectorAll('.bk-button')"
        return list(await self.page.evaluate(f"[...{found}].map(button => button.innerText)"))

    async def press(self, button: str, words: str) -> None:
        """Click a button of the newest message with these words."""
        await self.sees(words)
        await self.page.click(_labelled(_message(words, THREAD), ".bk-button", button))

    async def reply(self, words: str) -> None:
        """Write in the thread."""
        await self.page.click(f"document.querySelector('{THREAD} textarea.composer-input')")
        await self.page.write(words)
        await self.sees(words)

    async def answer_modal(self, words: str, button: str) -> None:
        """Fill in the one field of the modal that comes up, and press a button of it."""
        await self.page.click("document.querySelector('.modal .bk-plain-input')")
        await self.page.write(words)
        await self.page.click(_labelled("document", ".modal .modal-btn", button))


@asynccontextmanager
async def slack_page(slack: LocalSlack, folder: Path) -> AsyncGenerator[SlackPage]:
    """Open a local Slack in a browser that keeps its files in a folder."""
    async with page(folder, slack.url) as shown:
        yield SlackPage(shown)


def _message(words: str, where: str) -> str:
    every = f"[...document.querySelectorAll('{where} .msg')]"
    return f"{every}.filter(message => message.innerText.includes({json.dumps(words)})).at(-1)"


def _labelled(element: str, selector: str, label: str) -> str:
    found = f"[...({element}?.querySelectorAll('{selector}') ?? [])]"
    return f"{found}.find(button => button.innerText === {json.dumps(label)})"
