"""The committed pictures: one for each state, each small; what they show is looked at by people."""

from tests.browser.screens import FOLDER, contents
from tests.browser.states import Said, screens


def test_there_is_a_picture_of_every_state_and_of_nothing_else() -> None:
    assert sorted(path.stem for path in FOLDER.glob("*.png")) == sorted(s.name for s in screens())
    assert (FOLDER / "README.md").read_text() == contents()


def test_the_pictures_are_few_and_small() -> None:
    sizes = [path.stat().st_size for path in FOLDER.glob("*.png")]
    assert len(sizes) <= 40
    assert max(sizes) <= 60_000


def test_every_picture_shows_messages_that_its_thread_has() -> None:
    for screen in screens():
        slots = {part for part in screen.shows if not isinstance(part, Said)}
        assert slots <= screen.story.show().keys(), screen.name
