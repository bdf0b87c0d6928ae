"""The committed pictures: one for each state, each small; what they show is looked at by people."""

from tests.browser.asking import thread
from tests.browser.pictures import Said
from tests.browser.screens import FOLDER, WORDS, contents, words
from tests.browser.states import screens


async def test_there_is_a_picture_of_every_state_and_of_nothing_else() -> None:
    made = await screens()
    assert sorted(path.stem for path in FOLDER.glob("*.png")) == sorted(s.name for s in made)
    assert (FOLDER / "README.md").read_text() == contents(made)


async def test_the_pictures_say_what_the_messages_say_now() -> None:
    now = words([*await screens(), await thread()])
    assert now == WORDS.read_text(), "other messages: `make screenshots` draws them"


def test_the_pictures_are_few_and_small() -> None:
    sizes = [path.stat().st_size for path in FOLDER.glob("*.png")]
    assert len(sizes) <= 40
    assert max(sizes) <= 60_000


async def test_every_picture_shows_messages_that_its_thread_has() -> None:
    for screen in await screens():
        slots = {part for part in screen.shows if not isinstance(part, Said)}
        assert slots <= screen.messages.keys(), screen.name
