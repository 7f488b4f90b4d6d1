"""The live log of the moderators' page, with keys alone, on a real service."""

from __future__ import annotations

from tests.browser import Page
from tests.pages.looks import AT_END
from tests.pages.moderating import (
    BADGES,
    CHOSEN,
    FRESH,
    GONE,
    IN_LOG,
    KIND,
    OUTCOME,
    ROWS,
    done,
    entered,
    keys,
    late,
    said_by,
)
from tests.pages.site import Site

STRUCK = """[...document.querySelectorAll('#log .said')]
    .filter((e) => getComputedStyle(e).textDecorationLine === 'line-through')
    .map((e) => e.textContent)"""
ENABLED = """[...document.querySelectorAll('#acts [aria-disabled=false]')]
    .map((e) => e.dataset.act)"""


async def shown(site: Site) -> list[str]:
    """What viewers read."""
    return [comment["text"] for comment in (await site.call("GET", "comments"))["comments"]]


async def test_a_comment_is_removed_with_a_key_and_comes_back_with_another(
    page: Page, site: Site
) -> None:
    await said_by(site, "bob", "one", "two", "three")
    await entered(page, site)
    await page.until(ROWS, ["one", "two", "three"])
    assert await page.evaluate("document.activeElement.id") == "log"
    await page.until("document.getElementById('viewers').textContent", "1 watching")
    await keys(page, "j", "k")
    await page.until(CHOSEN, "two")
    await page.press("d")
    await done(page, "Removed: bob, “two”")
    await page.until(GONE, ["two"])
    assert await shown(site) == ["one", "three"]
    assert await page.evaluate(CHOSEN) == "two"
    assert await page.evaluate(IN_LOG)
    await page.press("u")
    await done(page, "Undone: Removed: bob, “two”")
    await page.until(GONE, [])
    assert await shown(site) == ["one", "two", "three"]
    await keys(page, "d")
    await done(page, "Removed: bob, “two”")  # until then the key is not heard again
    await page.until(GONE, ["two"])
    await keys(page, "d")
    await done(page, "Restored: bob, “two”")
    await page.until(GONE, [])
    assert page.troubles == []


async def test_what_others_remove_stays_and_can_be_restored_also_by_who_comes_later(
    page: Page, site: Site
) -> None:
    first, second = await site.say("before", "after")
    await site.call(
        "DELETE", f"comments/{first}", {"reason": "spam"}, token=site.token("moderator", name="Eve")
    )
    await entered(page, site)
    await page.until(BADGES, ["Removed: spam"])
    await page.until(f"{ROWS}[0]", "Removed before you came. It is shown again if you restore it.")
    await page.until(STRUCK, [])
    assert await page.evaluate("document.querySelector('#log .face').textContent") == ""
    await site.moderate("DELETE", f"comments/{second}")
    await page.until(f"{GONE}.length", 2)
    await page.until(f"{GONE}[1]", "after")
    await page.until(STRUCK, ["after"])
    await keys(page, "Home", "d")
    await page.until(f"{ROWS}[0]", "before")
    await page.until(GONE, ["after"])


async def test_a_comment_is_one_row_however_often_it_was_removed_and_restored(
    page: Page, site: Site
) -> None:
    numbers = "[...document.querySelectorAll('#log .comment')].map((row) => row.dataset.seq)"
    first, second = await site.say("one", "two")
    await site.moderate("PUT", "pin", {"seq": first})
    for _ in range(2):
        await site.moderate("DELETE", f"comments/{first}", {"reason": "spam"})
        await site.moderate("POST", f"comments/{first}/restore")
    await site.moderate("DELETE", f"comments/{first}", {"reason": "at last"})
    (third,) = await site.say("three")
    entries = (await site.call("GET", "entries"))["entries"]
    tombstones = [entry["seq"] for entry in entries if entry.get("type") == "tombstone"]
    assert len(tombstones) == 4, "of the comment, and of what has shown it: a pin, and two restored"
    await entered(page, site)
    await page.until(BADGES, ["Removed: at last"])
    await page.until(numbers, [str(seq) for seq in (first, second, third)])
    await keys(page, "Home", "d")
    await page.until(ROWS, ["one", "two", "three"])
    assert await shown(site) == ["one", "two", "three"]
    await site.moderate("DELETE", f"comments/{first}")
    await page.until(GONE, ["one"])
    await page.until(numbers, [str(seq) for seq in (first, second, third)])


async def test_authors_are_timed_out_banned_and_purged_and_each_is_undone(
    page: Page, site: Site
) -> None:
    await said_by(site, "bob", "one", "two")
    await said_by(site, "ann", "three")
    await entered(page, site)
    await page.until(f"{ROWS}.length", 3)
    await keys(page, "j", "k")
    await page.until(CHOSEN, "two")
    await keys(page, "t")
    await page.until("document.querySelector('dialog[open] h2').textContent", "Time out bob")
    await keys(page, "2")
    await done(page, "bob is timed out for 10 minutes")
    await page.until(f"{BADGES}.every((text) => text.startsWith('Timed out until '))")
    await page.until(IN_LOG)
    await keys(page, "b")
    await done(page, "bob is banned")
    await page.until(BADGES, ["Banned", "Banned"])
    await keys(page, "u")
    await page.until(f"{BADGES}.every((text) => text.startsWith('Timed out until '))")
    await keys(page, "u")
    await page.until(BADGES, [])
    assert (await site.moderate("GET", "sanctions"))["sanctions"] == []
    await keys(page, "p")
    await page.until("document.activeElement.textContent.startsWith('Ban and purge')")
    await keys(page, "Enter")
    await done(page, "bob is banned, and all comments are removed")
    await page.until(GONE, ["one", "two"])
    assert await shown(site) == ["three"]
    await keys(page, "u")
    await page.until(f"{OUTCOME}.startsWith('Undone')")
    await page.until(GONE, [])
    assert await shown(site) == ["one", "two", "three"]
    assert (await site.moderate("GET", "sanctions"))["sanctions"] == []


async def test_escape_is_no_answer_and_the_focus_comes_back(page: Page, site: Site) -> None:
    await said_by(site, "bob", "one")
    await entered(page, site)
    await page.until(ROWS, ["one"])
    await keys(page, "j", "p")
    await page.until("document.querySelectorAll('dialog[open]').length", 1)
    await keys(page, "Escape")
    await page.until("document.querySelectorAll('dialog[open]').length", 0)
    await page.until(IN_LOG)
    await keys(page, "?")
    await page.until("document.querySelector('dialog[open] h2').textContent", "Keys")
    await keys(page, "Escape")
    await page.until(IN_LOG)
    assert await shown(site) == ["one"]


async def test_a_comment_is_pinned_and_the_one_before_comes_back(page: Page, site: Site) -> None:
    pinned = "document.querySelector('#pin .said')?.textContent ?? ''"
    await said_by(site, "bob", "one", "two")
    await entered(page, site)
    await page.until(f"{ROWS}.length", 2)
    await keys(page, "j", "n")
    await page.until(pinned, "two")
    await keys(page, "k", "n")
    await page.until(pinned, "one")
    await keys(page, "u")
    await page.until(pinned, "two")
    await keys(page, "u")
    await page.until(pinned, "")


async def test_who_may_not_be_touched_is_explained(page: Page, site: Site) -> None:
    owner = site.token("owner", sub="boss", name="Boss")
    await site.call("POST", "comments", {"text": "hello"}, token=owner)
    await site.say("from a guest")
    await entered(page, site)
    await page.until(f"{ROWS}.length", 2)
    await keys(page, "j", "b")
    await page.until(f"{OUTCOME}.startsWith('This comment came without a token')")
    assert await page.evaluate(ENABLED) == ["remove", "pin"]
    why = "[...document.querySelectorAll('#acts [aria-disabled=true]')].map((e) => e.title)"
    assert await page.evaluate(why) == [await page.evaluate(OUTCOME)] * 3
    await keys(page, "k")
    await page.until(ENABLED, ["remove", "timeout", "ban", "purge", "pin"])
    assert (
        await page.evaluate("document.querySelectorAll('#acts [title]:not([title=\"\"])').length")
        == 0
    )
    await keys(page, "b")
    await page.until(f"{OUTCOME}.startsWith('You may not do this')")
    assert await page.evaluate(KIND) == "bad"
    await keys(page, "j")
    await page.until(OUTCOME, "")


async def test_the_chosen_comment_stays_where_it_is_and_new_ones_wait_below(
    page: Page, site: Site
) -> None:
    top = "document.querySelector('[aria-current]').getBoundingClientRect().top"
    await page.look_like(1440, 600)
    await said_by(site, "bob", *(f"comment {n}" for n in range(30)))
    await entered(page, site)
    await page.until(f"{ROWS}.length", 30)
    await keys(page, "j")
    await page.until(CHOSEN, "comment 29")
    before = await page.evaluate(top)
    await said_by(site, "ann", *(f"new {n}" for n in range(40)))
    await page.until(FRESH, "40 new comments")
    assert await page.evaluate(top) == before
    assert await page.evaluate(f"{ROWS}.length") == 30
    await keys(page, "j")
    await page.until(CHOSEN, "new 0")
    await keys(page, "k")
    await page.until(CHOSEN, "comment 29")
    await keys(page, "Escape")
    await page.until(AT_END)
    await page.until(FRESH, "")
    await said_by(site, "ann", "newest")
    await page.until(f"{ROWS}.at(-1)", "newest")
    await page.until(AT_END)


async def test_nothing_moves_while_the_mouse_is_over_the_comments(page: Page, site: Site) -> None:
    async def mouse(x: int, y: int) -> None:
        await page.call("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y)

    await page.look_like(1440, 600)
    await said_by(site, "bob", *(f"comment {n}" for n in range(30)))
    await entered(page, site)
    await page.until(f"{ROWS}.length", 30)
    await mouse(300, 300)
    await said_by(site, "bob", "new")
    await page.until(FRESH, "1 new comment")
    await mouse(1300, 300)
    await page.until(f"{ROWS}.at(-1)", "new")
    await page.until(AT_END)
    await mouse(300, 300)
    await page.evaluate("document.querySelector('#log .comment:hover .act').click()")
    await page.until(f"{GONE}.length", 1)


async def test_older_comments_come_when_somebody_goes_up(page: Page, site: Site) -> None:
    await page.look_like(1440, 600)
    await said_by(site, "bob", *(f"comment {n}" for n in range(120)))
    await entered(page, site)
    await page.until(f"{ROWS}[0]", "comment 20")
    await keys(page, "Home")
    await page.until(CHOSEN, "comment 20")
    await page.until(f"{ROWS}[0]", "comment 0")
    assert await page.evaluate(CHOSEN) == "comment 20"


async def test_single_keys_can_be_switched_off(page: Page, site: Site) -> None:
    await said_by(site, "bob", "one")
    await entered(page, site)
    await page.until(ROWS, ["one"])
    await keys(page, "?")
    await page.until("document.querySelectorAll('#single').length", 1)
    await page.evaluate("document.getElementById('single').click()")
    await keys(page, "Escape")
    await page.until(IN_LOG.replace("closest('#log') !== null", "id === 'log'"))
    await keys(page, "ArrowUp")
    await page.until(CHOSEN, "one")
    await keys(page, "d", "Escape")
    await page.until(CHOSEN, "")
    assert await shown(site) == ["one"]


async def test_undo_waits_for_what_is_under_way_and_takes_back_one_after_the_other(
    page: Page, site: Site
) -> None:
    await said_by(site, "bob", "one", "two", "three")
    await entered(page, site)
    await page.until(f"{ROWS}.length", 3)
    await keys(page, "j", "d", "k", "d", "k", "d", "u", "u")
    await page.until(OUTCOME, "Undone: Removed: bob, “two”")
    await page.until(GONE, ["three"])
    assert await shown(site) == ["one", "two"]


async def test_undo_takes_back_what_was_begun_last_also_if_another_call_ended_later(
    page: Page, site: Site
) -> None:
    await said_by(site, "bob", "one", "two")
    await entered(page, site)
    await page.until(f"{ROWS}.length", 2)
    await page.evaluate(late("removals"))
    await keys(page, "j", "d")
    await page.until("window.late")
    await keys(page, "k", "d")
    await done(page, "Removed: bob, “one”")
    await page.evaluate("window.answer()")
    await done(page, "Removed: bob, “two”")
    await keys(page, "u")
    await done(page, "Undone: Removed: bob, “one”")
    await keys(page, "u")
    await done(page, "Undone: Removed: bob, “two”")
    assert await shown(site) == ["one", "two"]
