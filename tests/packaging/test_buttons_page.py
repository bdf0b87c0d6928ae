"""The page about buttons names each button that a message can have."""

import re

from app.core.offers import KEEP, WAIT
from app.slack.messages.ahead import LABEL
from tests.packaging.files import ROOT

PAGE = (ROOT / "docs" / "buttons.md").read_text()
_LITERAL = re.compile(r'blocks\.button\(\s*"([^"]+)"')


def test_every_button_is_on_the_page() -> None:
    messages = (ROOT / "app" / "slack" / "messages").glob("*.py")
    labels = {label for file in messages for label in _LITERAL.findall(file.read_text())}
    assert {"Approve", "Roll back", "Not now"} <= labels
    missing = [label for label in {*labels, KEEP, WAIT, LABEL} if f"*{label}*" not in PAGE]
    assert missing == []
