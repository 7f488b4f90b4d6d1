"""Each state of the viewers' page in frames of all sizes, light and dark: axe-core finds nothing,
nothing is wider than its place, and what is needed can be seen.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from tests.browser import Page
from tests.pages.looks import FIELD, HINT, OUTCOME, STATE, TEXTS, found, shown, write
from tests.pages.scripted import EPOCH, MINUTES_S, Refusal, Scripted
from tests.support import eventually, started

SIZES = [(280, 260), (360, 640), (768, 560), (1440, 900)]
SOON = "2099-01-01T00:00:00Z"
ROWS = [
    ("Max-Sebastian-von-und-zu-Hohenlohe-Waldenburg-Schillingsfürst", "x" * 500),
    ("أمينة الزهراء", "مساء الخير من الدار البيضاء! هل الصوت جيد؟"),
    ("דנה", "שלום לכולם — the countdown is at T-11"),
    ("W" * 64, "\ufdfd" * 80),
    ("👩‍👩‍👧‍👦🏳️‍🌈", "🚀" * 120),
    ("Zoë", "e\u0301\u0302\u0303" * 120),
    ("ann", "one\ntwo\nthree"),
] * 3
# What sticks out of its place, or cannot be seen: the composer in a low frame, or the comments.
WRONG = """'html body .embed #log #pin #composer #outcome .note #empty'.split(' ')
    .map((each) => document.querySelector(each))
    .filter((each) => each?.checkVisibility() && each.scrollWidth > each.clientWidth)
    .map((each) => each.outerHTML.slice(0, 80))
    .concat(document.documentElement.scrollHeight > innerHeight ? ['the page scrolls'] : [])
    .concat(document.getElementById('send').getBoundingClientRect().bottom > innerHeight
        ? ['the button is below'] : [])
    .concat(document.getElementById('log').clientHeight < 40 ? ['no room for comments'] : [])"""
PENDING = "document.querySelectorAll('.comment.pending').length"

Act = Callable[[Page, Scripted], Awaitable[None]]


async def refused(page: Page, scripted: Scripted, code: str, status: int = 403) -> None:
    """Somebody writes who may not."""
    scripted.refusals.append(Refusal(status, code, MINUTES_S))
    await write(page, "hello " * 20, author="Rui")
    await page.until(f"{OUTCOME} !== ''")


async def recovering(page: Page, scripted: Scripted) -> None:
    scripted.open.clear()
    scripted.drop()
    await page.until(STATE, "recovering")


async def held(page: Page, scripted: Scripted) -> None:
    scripted.held_until = SOON
    await write(page, "call me", author="Rui")
    await page.until(f"{OUTCOME}.startsWith('A moderator looks at your comment first.')")


async def counting_down(page: Page, scripted: Scripted) -> None:
    await scripted.rule(slow_mode_s=600)
    await refused(page, scripted, "slow_mode", 429)
    await page.until(f"{HINT}.startsWith('Slow mode: you can comment again in ')")


async def timed_out(page: Page, scripted: Scripted) -> None:
    await refused(page, scripted, "timed_out")
    await page.until("document.getElementById('send').getAttribute('aria-disabled')", "true")


async def gap(page: Page, scripted: Scripted) -> None:
    await scripted.tell(
        "gap", {"from": len(ROWS) + 1, "to": 1500, "reason": "retention"}, f"{EPOCH}-1500"
    )
    await scripted.say(1501, "after")
    await page.until("document.querySelectorAll('.gap').length", 1)


async def banned(page: Page, scripted: Scripted) -> None:
    await refused(page, scripted, "banned")
    await page.until("document.getElementById('text').readOnly")


async def members_only(page: Page, scripted: Scripted) -> None:
    await scripted.rule(members_only=True)
    await page.until("document.getElementById('text').readOnly")


async def name_reserved(page: Page, scripted: Scripted) -> None:
    await refused(page, scripted, "name_reserved", 422)


async def too_many_requests(page: Page, scripted: Scripted) -> None:
    await refused(page, scripted, "too_many_requests", 429)


async def pending(page: Page, scripted: Scripted) -> None:
    scripted.silent = True
    await write(page, "patience", author="Rui")
    await page.until(PENDING, 1)
    await page.until(f"{OUTCOME}.startsWith('There is no connection.')")


async def pinned(page: Page, scripted: Scripted) -> None:
    welcome = {"author": "Mo", "text": "Welcome. " * 40, "badges": ["moderator"]}
    about = {"id": f"{EPOCH}-7", "video_id": "v1", "seq": 7, "created_at": SOON, **welcome}
    await scripted.tell("state", {"pinned": about})
    await scripted.tell("viewers", {"now": 1_234_567, "peak": 2_000_000})
    await page.until(shown("viewers"))
    await page.until("document.querySelectorAll('#pin .plain').length", 2)


async def uncertain(page: Page, scripted: Scripted) -> None:
    await pinned(page, scripted)
    await refused(page, scripted, "store_unavailable", 503)


async def reading_back(page: Page, scripted: Scripted) -> None:
    await pinned(page, scripted)
    await page.evaluate("[...document.querySelectorAll('#pin .plain')].at(-1).click()")
    await page.evaluate("document.getElementById('log').scrollTop = 10")
    await page.until(shown("fresh"))


STATES: list[Act] = [
    recovering,
    held,
    counting_down,
    timed_out,
    gap,
    banned,
    members_only,
    name_reserved,
    too_many_requests,
    pending,
    pinned,
    uncertain,
    reading_back,
]


@pytest.fixture
async def scripted() -> AsyncIterator[Scripted]:
    async with started(Scripted()) as scripted:
        yield scripted


async def looked_at(page: Page, axe: str, size: tuple[int, int]) -> None:
    """In both themes; a theme changes no size."""
    assert await page.evaluate(WRONG) == []
    for dark in (False, True):
        await page.look_like(*size, dark=dark)
        await page.evaluate("document.getAnimations().forEach((each) => each.cancel())")
        assert await found(page, axe) == [], "dark" if dark else "light"


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize("act", STATES, ids=lambda act: act.__name__)
async def test_each_state_can_be_read_and_used(
    page: Page, scripted: Scripted, axe: str, act: Act, size: tuple[int, int]
) -> None:
    await page.look_like(*size)
    await page.go_to(f"{scripted.url}/embed/v1")
    await page.until(STATE, "live")
    await eventually(lambda: scripted.viewers == 1)
    for seq, (author, text) in enumerate(ROWS, 1):
        await scripted.say(seq, text, author=author, guest=seq % 2 == 0)
    await page.until(f"{TEXTS}.length", len(ROWS))
    await act(page, scripted)
    await looked_at(page, axe, size)


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
async def test_who_has_nothing_to_read_yet_is_told_why(
    page: Page, scripted: Scripted, axe: str, size: tuple[int, int]
) -> None:
    scripted.open.clear()
    await page.look_like(*size)
    await page.go_to(f"{scripted.url}/embed/v1")
    await page.until(STATE, "connecting")
    await looked_at(page, axe, size)
    scripted.needs_token = True
    scripted.open.set()
    await page.until(STATE, "closed")
    await page.until("document.getElementById('empty').innerText", "Sign in to read the comments.")
    await looked_at(page, axe, size)


async def test_a_comment_that_waits_is_in_the_order_of_a_queue(
    page: Page, scripted: Scripted
) -> None:
    """What is sent stands last, and what comes meanwhile above it."""
    scripted.silent = True
    await page.go_to(f"{scripted.url}/embed/v1")
    await page.until(STATE, "live")
    await eventually(lambda: scripted.viewers == 1)
    await write(page, "patience", author="Rui")
    await page.until(PENDING, 1)
    await asyncio.gather(*(scripted.say(seq, f"comment {seq}") for seq in (1, 2)))
    await page.until(TEXTS, ["comment 1", "comment 2", "patience"])
    assert await page.evaluate(FIELD) == ""
