"""The moderators' page with Tab, arrows, Space and Enter alone: nothing here acts by a script."""

from __future__ import annotations

import asyncio

import pytest

from tests.browser import Page
from tests.pages.looks import FOCUS, STATE
from tests.pages.moderating import CONFLICT, MO, ROWS, TERMS, done, keys, said_by
from tests.pages.site import Site
from tests.support import TIMEOUT_FACTOR

WIDE, MEDIUM, NARROW = (1440, 900), (768, 700), (360, 640)
MOST_STEPS = 60  # from one end of the page to the other
VISIBLE = """(({ top, bottom, left, right }) => top < innerHeight && bottom > 0
    && left < innerWidth && right > 0)(document.activeElement.getBoundingClientRect())"""
LISTED = "[...document.querySelectorAll('#sanctions .name')].map((e) => e.textContent)"
CALLS = "[...document.querySelectorAll('#calls .name')].map((e) => e.textContent)"

every_size = pytest.mark.parametrize(
    "size", [NARROW, MEDIUM, WIDE], ids=lambda size: f"{size[0]}x{size[1]}"
)


async def go_to(page: Page, wanted: str, *, back: bool = False) -> None:
    """Press Tab until this is true of what has the focus, which can always be seen."""
    steps = []
    for _ in range(MOST_STEPS):
        await page.press("Tab", shift=back)
        if await page.evaluate("document.hasFocus() && document.activeElement !== document.body"):
            assert await page.evaluate(VISIBLE), await page.evaluate(FOCUS)
        if await page.evaluate(wanted):
            return
        steps.append(await page.evaluate("document.activeElement.outerHTML.slice(0, 60)"))
    raise AssertionError(f"{wanted} is not reached by Tab: {steps}")


async def go_to_id(page: Page, element_id: str, *, back: bool = False) -> None:
    await go_to(page, f"document.activeElement.id === '{element_id}'", back=back)


async def go_to_pane(page: Page, name: str) -> None:
    """By the tabs: Tab to the one that is chosen, then the arrows."""
    await go_to(page, "document.activeElement.role === 'tab'")
    async with asyncio.timeout(20 * TIMEOUT_FACTOR):
        while await page.evaluate(FOCUS) != f"tab_{name}":
            await page.press("ArrowRight")
    await page.until(f"document.getElementById('{name}').checkVisibility()")


async def entered(page: Page, site: Site, size: tuple[int, int]) -> None:
    await page.look_like(*size)
    await page.note_troubles()
    await page.go_to(site.page("moderate"))
    await page.until(FOCUS, "token")
    await page.type(site.token("moderator", **MO))
    await page.press("Enter")
    await page.until(STATE, "live")
    await page.until(FOCUS, "log")


@every_size
async def test_settings_are_saved(page: Page, site: Site, size: tuple[int, int]) -> None:
    await entered(page, site, size)
    await go_to_pane(page, "rules")
    await page.until("document.getElementById('slow_mode_s').options.length > 0")
    await go_to_id(page, "slow_mode_s")
    await keys(page, "ArrowDown", "ArrowDown")
    await go_to_id(page, "members_only")
    await page.press(" ")
    await page.until(CONFLICT, "Not saved yet: slow mode off → 5 seconds, members only off → on")
    await go_to_id(page, "save")
    await page.press("Enter")
    await done(page, "Settings saved: slow mode off → 5 seconds, members only off → on")
    found = await site.call("GET", "settings")
    assert (found["slow_mode_s"], found["members_only"]) == (5, True)
    await go_to_id(page, "undo")
    await page.press(" ")
    await page.until("document.getElementById('outcome').textContent.startsWith('Undone')")
    found = await site.call("GET", "settings")
    assert (found["slow_mode_s"], found["members_only"]) == (0, False)


@every_size
async def test_a_filter_of_another_kind_is_added_tried_and_deleted(
    page: Page, site: Site, size: tuple[int, int]
) -> None:
    await entered(page, site, size)
    await go_to_pane(page, "terms")
    await go_to_id(page, "term")
    await page.type("[0-9]{6,}")
    await go_to_id(page, "kind")
    await keys(page, "ArrowDown", "ArrowDown")
    await go_to_id(page, "action")
    await page.press("ArrowDown")
    await go_to_id(page, "put")
    await page.press(" ")
    await done(page, "Filter saved: [0-9]{6,}")
    (term,) = (await site.moderate("GET", "filters"))["terms"]
    assert (term["kind"], term["action"]) == ("pattern", "block")
    await go_to_id(page, "sample")
    await page.type("call 5551234567")
    await page.press("Enter")
    await page.until(
        "document.getElementById('verdict').textContent",
        "It would be refused. Found: [0-9]{6,}",
    )
    await go_to(page, "document.activeElement.closest('#list') !== null")
    await page.press("Enter")
    await done(page, "Filter deleted: [0-9]{6,}")
    await page.until(TERMS, [])


@every_size
async def test_a_ban_is_lifted_and_the_audit_is_opened(
    page: Page, site: Site, size: tuple[int, int]
) -> None:
    (comment,) = await said_by(site, "bob", "one")
    await entered(page, site, size)
    await site.moderate("PUT", f"sanctions/{comment['author_id']}", {"reason": "spam"})
    await go_to_pane(page, "bans")
    await page.until(LISTED, ["bob"])
    await go_to(page, "document.activeElement.closest('#sanctions') !== null")
    await page.press(" ")
    await done(page, "bob may comment again")
    await page.until(LISTED, [])
    assert (await site.moderate("GET", "sanctions"))["sanctions"] == []
    await go_to(page, "document.activeElement.role === 'tab'", back=True)
    await keys(page, "ArrowRight", "ArrowRight")
    await page.until(FOCUS, "tab_audit")
    await page.until(CALLS, ["Ban or time-out"] * 2)


async def test_the_audit_is_read_to_its_end(page: Page, site: Site) -> None:
    for n in range(60):
        await site.moderate("PATCH", "settings", {"slow_mode_s": 3 + n % 2})
    await entered(page, site, NARROW)
    await go_to_pane(page, "audit")
    await page.until(f"{CALLS}.length", 50)
    await go_to_id(page, "more_calls")
    await page.press("Enter")
    await page.until(f"{CALLS}.length", 60)
    scrolled = "document.querySelector('#audit .roll').scrollTop"
    await go_to(page, "document.activeElement.matches('#audit .roll')", back=True)
    await page.press("Home")
    await page.until(scrolled, 0)
    await page.press("ArrowDown")
    await page.until(f"{scrolled} > 0")


@every_size
async def test_comments_are_chosen_removed_and_brought_back_by_buttons(
    page: Page, site: Site, size: tuple[int, int]
) -> None:
    await said_by(site, "bob", "one", "two")
    await entered(page, site, size)
    await page.until(ROWS, ["one", "two"])
    await keys(page, "ArrowDown", "ArrowUp")
    await page.until("document.querySelector('[aria-current] .said')?.textContent", "one")
    await go_to(page, "document.activeElement.dataset.act === 'remove'")
    await page.press(" ")
    await done(page, "Removed: bob, “one”")
    await page.press(" ")
    await done(page, "Restored: bob, “one”")
    await go_to(page, "document.activeElement.dataset.act === 'timeout'")
    await page.press("Enter")
    await page.until("document.querySelectorAll('dialog[open]').length", 1)
    await keys(page, "Tab", "Enter")
    await done(page, "bob is timed out for 10 minutes")
    await page.until("document.activeElement.dataset.act", "timeout")
