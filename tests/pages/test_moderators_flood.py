"""Very many comments on the moderators' page: what is looked at stays, and nothing piles up."""

from __future__ import annotations

import asyncio

import pytest

from tests.browser import Page
from tests.pages.looks import AT_END
from tests.pages.moderating import CHOSEN, FRESH, GONE, ROWS, entered, keys, said_by
from tests.pages.site import Site
from tests.support import TIMEOUT_FACTOR

LIMIT = 200
MANY = 1500
# Which comments were chosen, one after the other.
NOTE_CHOSEN = f"""window.chosen = [{CHOSEN}];
new MutationObserver(() => {{
    const text = {CHOSEN};
    if (text && text !== chosen.at(-1)) chosen.push(text);
}}).observe(document.getElementById('log'), {{ subtree: true, attributes: true }}); 0
"""
TOP = "document.querySelector('[aria-current]').getBoundingClientRect().top"


async def test_a_flood_moves_nothing_and_only_the_newest_are_kept(page: Page, site: Site) -> None:
    await page.look_like(1440, 700)
    await said_by(site, "bob", *(f"comment {n}" for n in range(50)))
    await entered(page, site)
    await page.until(f"{ROWS}.length", 50)
    await keys(page, "j", "k", "k")
    await page.until(CHOSEN, "comment 47")
    before = await page.evaluate(TOP)
    texts = [f"flood {n}" for n in range(MANY)]
    await said_by(site, "ann", *texts)
    await page.until(FRESH, f"{MANY:,} new comments")
    assert await page.evaluate(TOP) == before
    assert await page.evaluate(f"{ROWS}.length") == 50
    await keys(page, "d")
    await page.until(GONE, ["comment 47"])
    assert await page.evaluate(TOP) == before
    await keys(page, "End")
    await page.until(f"{ROWS}.at(-1)", texts[-1])
    assert await page.evaluate(f"{ROWS}.length") <= LIMIT * 3
    await keys(page, "Escape")
    await page.until(f"{ROWS}.length", LIMIT)
    await page.until(AT_END)
    assert await page.evaluate(ROWS) == texts[-LIMIT:]


async def test_going_on_past_the_end_skips_nothing_however_many_have_come(
    page: Page, site: Site
) -> None:
    await page.look_like(1440, 700)
    known = [f"comment {n}" for n in range(50)]
    await said_by(site, "bob", *known)
    await entered(page, site)
    await page.until(f"{ROWS}.length", 50)
    await keys(page, "Home")
    await page.until(CHOSEN, known[0])
    await page.evaluate(NOTE_CHOSEN)
    texts = [f"flood {n}" for n in range(MANY)]
    posted = await said_by(site, "ann", *texts)
    await page.until(FRESH, f"{MANY:,} new comments")
    await site.moderate("DELETE", f"comments/{posted[500]['seq']}")
    await go_on(page, "j", texts[-1])
    texts[500] = "Removed before you came. It is shown again if you restore it."
    assert await page.evaluate("chosen") == [*known, *texts]
    await page.until(FRESH, "")
    assert await page.evaluate(f"{ROWS}.length") <= LIMIT * 3
    await go_on(page, "Home", known[0])
    await page.until(FRESH, "Newest comments")
    await keys(page, "End")
    await page.until(CHOSEN, texts[-1])
    rows = await page.evaluate(ROWS)  # who is near the first row has more of what is older
    assert LIMIT <= len(rows) <= LIMIT * 3
    assert rows == texts[-len(rows) :]


async def go_on(page: Page, key: str, text: str) -> None:
    """Strike a key again and again, until the comment of this text is chosen."""
    async with asyncio.timeout(120 * TIMEOUT_FACTOR):
        while await page.evaluate(CHOSEN) != text:
            await keys(page, key)


@pytest.mark.parametrize("way", ["Escape", "End", "mouse"])
async def test_who_goes_to_the_newest_finds_the_others_above_them(
    page: Page, site: Site, way: str
) -> None:
    await page.look_like(1440, 700)
    await said_by(site, "bob", *(f"comment {n}" for n in range(50)))
    await entered(page, site)
    await page.until(f"{ROWS}.length", 50)
    await keys(page, "j")
    texts = [f"flood {n}" for n in range(450)]
    await said_by(site, "ann", *texts)
    await page.until(FRESH, "450 new comments")
    if way == "mouse":
        await page.evaluate("document.getElementById('fresh').click()")
    else:
        await keys(page, way)
    await page.until(f"{ROWS}.at(-1)", texts[-1])
    await page.until(FRESH, "")
    await go_on(page, "Home", "comment 0")
    assert await page.evaluate(ROWS) == [f"comment {n}" for n in range(50)] + texts


async def test_who_scrolls_reads_on_where_others_were_not_kept(page: Page, site: Site) -> None:
    await page.look_like(1440, 700)
    await said_by(site, "bob", *(f"comment {n}" for n in range(50)))
    await entered(page, site)
    await page.until(f"{ROWS}.length", 50)
    await page.evaluate("document.getElementById('log').scrollTop = 300")
    await page.until(FRESH, "Newest comments")
    texts = [f"flood {n}" for n in range(320)]
    await said_by(site, "ann", *texts)
    await page.until(FRESH, "320 new comments")
    await page.evaluate("document.getElementById('log').scrollTop = 1e6")
    await page.until(f"{ROWS}.slice(0, 52)", [f"comment {n}" for n in range(50)] + texts[:2])


async def test_an_author_of_many_comments_is_purged_and_they_come_back(
    page: Page, site: Site
) -> None:
    await page.look_like(1440, 700)
    await said_by(site, "bob", *(f"spam {n}" for n in range(120)))
    await entered(page, site)
    await page.until(f"{ROWS}.length", 100)
    await keys(page, "j", "p")
    await page.until("document.activeElement.textContent.startsWith('Ban and purge')")
    await keys(page, "Enter")
    await page.until(f"{GONE}.length", 100)
    assert (await site.call("GET", "comments"))["comments"] == []
    await keys(page, "u")
    for left in (75, 50, 25, 0):  # one call after the other
        await page.until(f"{GONE}.length <= {left}")
    assert len((await site.call("GET", "comments?limit=200"))["comments"]) == 100
