"""What a service says only to a crowd, or after a long while: counts, gaps, floods, badges."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.browser import Page
from tests.pages.looks import AT_END, STATE, TEXTS, shown
from tests.pages.scripted import EPOCH, Scripted
from tests.support import eventually, started

VIEWERS = "document.getElementById('viewers').innerText.trim()"
IN_ORDER = """[...document.getElementById('log').children]
    .map((row) => row.querySelector('.said')?.textContent ?? row.className)"""
BADGES = """[...document.querySelectorAll('.comment')]
    .map((row) => row.querySelector('.badge')?.innerText ?? '')"""


@pytest.fixture
async def scripted(page: Page) -> AsyncIterator[Scripted]:
    """With the page open on it."""
    async with started(Scripted()) as scripted:
        await page.look_like(360, 640)
        await page.note_troubles()
        await page.go_to(f"{scripted.url}/embed/v1")
        await page.until(STATE, "live")
        await eventually(lambda: scripted.viewers == 1)
        yield scripted


async def test_how_many_watch_is_shown_when_it_is_known(page: Page, scripted: Scripted) -> None:
    assert not await page.evaluate(shown("viewers"))
    await scripted.tell("viewers", {"now": 12_345, "peak": 20_000})
    await page.until(VIEWERS, "12,345 watching")
    await scripted.tell("viewers", {"now": 1, "peak": 20_000})
    await page.until(VIEWERS, "1 watching")


async def test_where_comments_are_missing_there_is_a_mark(page: Page, scripted: Scripted) -> None:
    await scripted.say(1, "before")
    await page.until(TEXTS, ["before"])
    await scripted.tell("gap", {"from": 2, "to": 1500, "reason": "retention"}, f"{EPOCH}-1500")
    await scripted.say(1501, "after")
    await page.until(f"{IN_ORDER}.slice(-2)", ["gap", "after"])
    assert await page.evaluate("document.querySelector('.gap').textContent") == (
        "Some comments are missing here"
    )


async def test_a_reset_begins_anew(page: Page, scripted: Scripted) -> None:
    await scripted.say(1, "of another store")
    await page.until(TEXTS, ["of another store"])
    await scripted.tell("reset", {"reason": "epoch"}, f"{EPOCH}-0")
    await scripted.say(1, "new")
    await page.until(TEXTS, ["new"])


async def test_who_has_a_role_wears_it_and_words_that_are_not_known_are_left_out(
    page: Page, scripted: Scripted
) -> None:
    await scripted.say(1, "hi", badges=["owner", "moderator"], author_id="u_x")
    await scripted.say(2, "ho", badges=["emperor"])
    await scripted.say(3, "he", guest=True)
    await page.until(BADGES, ["Owner", "", "Guest"])


async def test_events_and_members_that_a_later_version_adds_are_ignored(
    page: Page, scripted: Scripted
) -> None:
    await scripted.tell("celebration", {"confetti": True}, f"{EPOCH}-1")
    await scripted.say(2, "hi", mood="good")
    await page.until(TEXTS, ["hi"])
    assert page.troubles == []


async def test_a_flood_leaves_the_newest_and_the_page_answers(
    page: Page, scripted: Scripted
) -> None:
    for n in range(1, 3001):
        await scripted.say(n, f"comment {n} " + "word " * (n % 30))
    await page.until(f"{TEXTS}.at(-1)?.split(' ')[1]", "3000")
    assert await page.evaluate(f"{TEXTS}.length") == 200
    await page.until(AT_END)
    await page.evaluate("document.getElementById('log').scrollTop = 500")
    await page.until(shown("fresh"))
