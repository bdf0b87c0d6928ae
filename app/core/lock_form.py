"""The form of locking words, and what is answered to words that are not of it."""

from app.core.errors import UserError

FORM = (
    "Say it like `lock backend until 15:00 because load test`, `lock backend and frontend for 2h`, "
    "`lock all until tomorrow` or `unlock backend`; a day is written `until monday` or "
    "`until 2026-12-31 15:00`."
)
ENDS = ("until", "till", "til", "'til", "for")
ALL = ("all", "everything")
BOTH = "both"


class NotOfTheForm(UserError):
    """Words that only begin like a lock; `near` tells whether one was meant, as far as one sees."""

    def __init__(self, sentence: str = FORM, *, near: bool = True) -> None:
        super().__init__(sentence)
        self.near = near
