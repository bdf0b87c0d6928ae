"""Credentials that are hidden in an encoding or cut by a line break are masked as well."""

import base64

from app.core.untrusted import masked

TOKEN = "ghp_" + "a1B2c3D4e5" * 4


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def test_a_token_in_base64() -> None:
    assert encoded(TOKEN)[:20] not in masked(f"it is {encoded(TOKEN)} ok")


def test_a_password_in_base64() -> None:
    hidden = encoded("postgres://shop:hunter2-hunter2@db/shop")
    assert hidden[:20] not in masked(f"it is {hidden} ok")


def test_words_in_base64_stay() -> None:
    plain = encoded("nothing to see here, only words and more words")
    assert masked(f"it is {plain} ok") == f"it is {plain} ok"


def test_a_token_that_a_line_break_cut_in_two() -> None:
    assert TOKEN[20:] not in masked(f"it is {TOKEN[:20]}\n{TOKEN[20:]} ok")
