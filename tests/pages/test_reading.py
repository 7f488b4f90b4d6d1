"""What somebody sees who reads: the viewers' page in a real browser, on a real service."""

from __future__ import annotations

from tests.browser import Browser, Page
from tests.pages.looks import AT_END, FRESH, NAMES, STATE, TEXTS, opened, shown
from tests.pages.site import Site

LIMIT = 200


async def test_comments_come_and_go_as_they_do_for_all(page: Page, site: Site) -> None:
    _, second = await site.say("one", "two")
    await opened(page, site)
    await page.until(TEXTS, ["one", "two"])
    await site.say("three", author="Zoë")
    await page.until(TEXTS, ["one", "two", "three"])
    await page.until(NAMES, ["bob", "bob", "Zoë"])
    await site.moderate("DELETE", f"comments/{second}")
    await page.until(TEXTS, ["one", "three"])
    await site.moderate("POST", f"comments/{second}/restore")
    await page.until(TEXTS, ["one", "two", "three"])
    assert page.troubles == []


async def test_a_video_without_comments_says_so(page: Page, site: Site) -> None:
    await opened(page, site)
    await page.until("document.getElementById('empty').innerText", "No comments yet.")
    await site.say("first")
    await page.until(shown("empty"), wanted=False)


async def test_who_scrolls_up_reads_in_peace_and_is_told_what_is_new(
    page: Page, site: Site
) -> None:
    await page.look_like(360, 500)
    await site.say(*(f"comment {n}" for n in range(30)))
    await opened(page, site)
    await page.until(f"{TEXTS}.length", 30)
    await page.until(AT_END)
    await page.evaluate("document.getElementById('log').scrollTop = 200")
    await page.until(FRESH, "Newest comments")
    await site.say("new 1", "new 2")
    await page.until(FRESH, "2 new comments")
    assert await page.evaluate("document.getElementById('log').scrollTop") == 200
    await page.evaluate("document.getElementById('fresh').click()")
    await page.until(AT_END)
    await page.until(f"{TEXTS}.at(-1)", "new 2")
    await page.until(FRESH, "")


async def test_older_comments_are_read_when_somebody_scrolls_to_the_top(
    page: Page, site: Site
) -> None:
    await page.look_like(360, 500)
    await site.say(*(f"comment {n}" for n in range(70)))
    await opened(page, site)
    await page.until(f"{TEXTS}[0]", "comment 20")
    await page.evaluate("document.getElementById('log').scrollTop = 300")
    await page.until(FRESH, "Newest comments")
    await page.evaluate("document.getElementById('log').scrollTop = 10")
    await page.until(f"{TEXTS}[0]", "comment 0")
    # What was at the top is still there, not what is older.
    assert await page.evaluate("document.getElementById('log').scrollTop") > 1000


async def test_no_more_than_200_are_kept_and_the_newest_stays_in_sight(
    page: Page, site: Site
) -> None:
    await page.look_like(360, 500)
    await opened(page, site)
    await site.say(*(f"comment {n}" for n in range(LIMIT + 30)))
    await page.until(f"{TEXTS}.at(-1)", f"comment {LIMIT + 29}")
    assert await page.evaluate(f"{TEXTS}.length") == LIMIT
    assert await page.evaluate(AT_END)


async def test_the_pinned_comment_stands_above_until_it_is_hidden_or_removed(
    page: Page, site: Site
) -> None:
    pin = "document.querySelector('#pin .said')?.textContent ?? ''"
    first, second = await site.say("one", "two")
    await site.moderate("PUT", "pin", {"seq": first})
    await opened(page, site)
    await page.until(pin, "one")
    await site.moderate("DELETE", f"comments/{first}")
    await page.until(shown("pin"), wanted=False)
    await site.moderate("PUT", "pin", {"seq": second})
    await page.until(pin, "two")
    await page.evaluate("document.querySelector('#pin .hide').click()")
    assert not await page.evaluate(shown("pin"))


async def test_how_many_watch_is_told_to_all(browser: Browser, page: Page, site: Site) -> None:
    watching = "document.getElementById('viewers').innerText.trim()"
    await opened(page, site)
    await page.until(watching, "1 watching")
    other = await browser.open("about:blank", apart=True)
    await opened(other, site)
    for each in (page, other):
        await each.until(watching, "2 watching")
    await browser.call("Target.closeTarget", targetId=other.target_id)
    await page.until(watching, "1 watching")


async def test_an_outage_is_told_and_nothing_is_missed_or_doubled(page: Page, site: Site) -> None:
    await site.say("before")
    await opened(page, site)
    await page.until(TEXTS, ["before"])
    await site.stop()
    await page.until(STATE, "recovering")
    await page.until("document.getElementById('state').textContent", "Reconnecting…")
    await site.start()
    await site.say("after")
    await page.until(STATE, "live")
    await page.until(TEXTS, ["before", "after"])


async def test_new_comments_are_read_aloud_only_if_somebody_wants_it(
    page: Page, site: Site
) -> None:
    live = "document.getElementById('log').getAttribute('aria-live')"
    await opened(page, site)
    assert await page.evaluate("document.getElementById('log').getAttribute('role')") == "log"
    assert await page.evaluate(live) == "off"
    await page.evaluate("document.getElementById('aloud').click()")
    assert await page.evaluate(live) == "polite"
    await page.go_to(site.page())
    await page.until(live, "polite")
