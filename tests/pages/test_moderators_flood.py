"""Very many comments on the moderators' page: what is looked at stays, and nothing piles up."""

from __future__ import annotations

from tests.browser import Page
from tests.pages.looks import AT_END
from tests.pages.moderating import CHOSEN, FRESH, GONE, ROWS, entered, keys, said_by
from tests.pages.site import Site

LIMIT = 200
MANY = 1500
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
    await page.until(f"{GONE}.length", 0)
    assert len((await site.call("GET", "comments?limit=200"))["comments"]) == 100
