"""A program's output, planted with secrets, as the command deployer reads it from its file."""

from pathlib import Path

import pytest

from tests.attacks.canaries import Canary, canaries
from tools.deployers import output


@pytest.mark.parametrize("canary", canaries(), ids=lambda c: c.name)
@pytest.mark.parametrize("lines_after", [0, 19, 40])
def test_no_line_shows_a_secret_whatever_of_it_is_read(
    tmp_path: Path, canary: Canary, lines_after: int
) -> None:
    log = tmp_path / "log"
    log.write_text(f"building\n{canary.text}\n" + "testing\n" * lines_after)
    assert canary.shows_in("".join(output.tail(log, []))) == ""


def test_a_secret_that_is_being_written_does_not_show_half(tmp_path: Path) -> None:
    log, secret = tmp_path / "log", "hunter2-hunter2"
    log.write_text(f"step 1\n10%\r20%\rkey is {secret[:10]}")
    assert output.tail(log, [secret], ended=False) == ("step 1", "20%")
    log.write_text(f"step 1\n10%\r20%\rkey is {secret}\n")
    assert output.tail(log, [secret], ended=False) == ("step 1", "key is [redacted]")


def test_the_last_words_of_a_program_need_no_line_break(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text("step 1\nkilled")
    assert output.tail(log, []) == ("step 1", "killed")


def test_names_of_tests_are_read_to_their_end_or_so_far_that_nobody_reads_on(
    tmp_path: Path,
) -> None:
    report = tmp_path / "junit.xml"
    case = '<testcase name="token=%s"><failure/></testcase>'
    report.write_text(f"<s>{case % ('a1b2' * 9)}{case % ('x' * 900_000)}</s>")
    assert output.failing_tests(report, []) == ("token=[secret]", "token=[secret]")


def test_a_secret_that_a_line_break_cuts_in_a_tests_name_is_masked(tmp_path: Path) -> None:
    secret = "wl6C4kYAt9Wove4MQ1e9fCwJ4f4S99n2u04w"
    report = tmp_path / "junit.xml"
    name = f"logs in with ghp_{secret[:16]}&#10;{secret[16:]} twice"
    report.write_text(f'<s><testcase name="{name}"><failure/></testcase></s>')
    assert output.failing_tests(report, []) == ("logs in with [secret] [secret] twice",)
