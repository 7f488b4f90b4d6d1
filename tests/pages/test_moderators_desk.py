"""What else a moderator does: sign in, decide on what waits, settings, bans, filters, audit."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

from tests.browser import Browser, Page
from tests.pages.looks import STATE
from tests.pages.moderating import (
    CONFLICT,
    ERROR,
    GONE,
    MO,
    OUTCOME,
    ROWS,
    TERMS,
    WAITING,
    done,
    entered,
    keys,
    late,
    pane,
    said_by,
    sign_in,
)
from tests.pages.site import Site
from tests.support import started

HOLD = {"terms": [{"term": "call", "action": "hold"}]}
# By whom a ban is, comes with the list alone, and not with the entry of the stream.
READ_AGAIN = """[...document.querySelectorAll('#sanctions .item')]
    .filter((e) => e.textContent.includes('Mo')).length"""
OPEN = "document.getElementById('entry')?.open ?? null"


async def test_only_a_moderators_token_opens_it_and_it_stays_in_this_tab(
    page: Page, site: Site
) -> None:
    await page.note_troubles()
    await page.go_to(site.page("moderate"))
    command = "document.getElementById('command').textContent"
    assert "--sub mod --name Mod --role moderator:v1 --dev" in await page.evaluate(command)
    await keys(page, "Escape")
    await page.until(
        "document.getElementById('entry').open && document.activeElement.id", "token"
    )  # there is nothing behind it
    await keys(page, "Enter")
    await page.until(ERROR, "Enter a token first.")
    await sign_in(page, "rubbish")
    await page.until(f"{ERROR}.startsWith('This is no token that counts here')")
    await sign_in(page, site.token("member"))
    await page.until(ERROR, "This token is good, but not that of a moderator of this video.")
    await sign_in(page, site.token("moderator", exp=int(time.time()) - 60))
    await page.until(ERROR, "This token has ended. Make another one.")
    await sign_in(page, site.token("moderator", **MO))
    await page.until(STATE, "live")
    await page.until("document.getElementById('me').textContent", "Mo")
    assert await page.evaluate("location.search + location.hash") == ""
    assert await page.evaluate("Object.keys(localStorage).length") == 0
    await page.go_to(site.page("moderate"))
    await page.until(STATE, "live")
    await page.go_by("document.getElementById('leave').click()")
    await page.until(OPEN)
    await page.until("sessionStorage.length", 0)


async def test_a_token_that_has_ended_is_asked_for_and_what_was_done_goes_on(
    page: Page, site: Site
) -> None:
    await said_by(site, "bob", "one")
    await entered(page, site, site.hour_token("moderator", **MO))
    await page.until(ROWS, ["one"])
    site.pass_an_hour()
    await page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    await page.until(OPEN)
    await sign_in(page, site.token("moderator", **MO))
    await page.until(OPEN, wanted=False)
    await keys(page, "l", "j", "d")
    await page.until(GONE, ["one"])


async def test_after_a_question_for_a_token_that_was_dismissed_all_goes_on_with_the_next_one(
    page: Page, tmp_path: Path
) -> None:
    key = tmp_path / "tickets.key"
    key.write_text("k" * 32)
    needs = {"READ_AUTH": "required", "TICKET_KEY_FILE": str(key)}
    async with started(Site(tmp_path, AUTH="jwt", **needs)) as site:
        await page.look_like(1440, 900)
        await site.moderate("PUT", "filters", HOLD)
        await said_by(site, "bob", "one")
        await entered(page, site, site.hour_token("moderator", **MO))
        await page.until(ROWS, ["one"])
        site.pass_an_hour()
        await dismissed(page)  # of the list of what waits, which is not asked for any more
        await site.stop()
        key.write_text("l" * 32)
        await site.start()
        await dismissed(page)  # of the stream, whose ticket does not count any more
        await page.until(STATE, "closed")
        await keys(page, "l", "j", "d")
        await page.until(OPEN)
        await said_by(site, "bob", "call me", "two")
        await sign_in(page, site.token("moderator", **MO))
        await page.until(GONE, ["one"])
        await page.until(STATE, "live")
        await page.until(WAITING, ["call me"])
        await keys(page, "Escape")
        await page.until(f"{ROWS}.at(-1)", "two")


async def dismissed(page: Page) -> None:
    """The next question for a token."""
    await page.until(OPEN)
    await keys(page, "Escape")
    await page.until(OPEN, wanted=False)


async def test_a_token_that_no_header_can_hold_is_no_token(page: Page, site: Site) -> None:
    await page.go_to(site.page("moderate"))
    for token in ("\u0416\u0416", "a b\u2028c", "x" * 100_000):
        await sign_in(page, token)
        await page.until(f"{ERROR} !== ''")
        await page.until("document.getElementById('enter').textContent", "Open")
    await sign_in(page, site.token("moderator", **MO))
    await page.until(STATE, "live")


async def test_what_waits_is_approved_or_denied_and_who_is_second_is_told(
    browser: Browser, page: Page, site: Site
) -> None:
    await site.moderate("PUT", "filters", HOLD)
    await said_by(site, "bob", "call one", "call two", "call three")
    other = await browser.open("about:blank", apart=True)
    eve = site.token("moderator", sub="eve", name="Eve")
    for each, token in ((page, ""), (other, eve)):
        await each.look_like(1440, 900)
        await entered(each, site, token)
        await each.until(WAITING, ["call one", "call two", "call three"])
        await keys(each, "h")
        await each.until("document.activeElement.closest('#queue') !== null")
    await asyncio.gather(keys(page, "a"), keys(other, "x"))
    for each in (page, other):
        await each.until(WAITING, ["call two", "call three"])
        await each.until(f"{OUTCOME}.includes('call one')")
    told = {await page.evaluate(OUTCOME), await other.evaluate(OUTCOME)}
    approved = {
        "Approved: bob, “call one”",
        "Another moderator has approved it: bob, “call one”",
    }
    denied = {
        "Denied: bob, “call one”. This is final.",
        "Another moderator has denied it: bob, “call one”",
    }
    assert told in (approved, denied)
    await page.until("document.activeElement.querySelector('.said').textContent", "call two")
    await keys(page, "x")
    await done(page, "Denied: bob, “call two”. This is final.")
    await keys(page, "a")
    await done(page, "Approved: bob, “call three”")
    await page.until(f"{ROWS}.at(-1)", "call three")
    await page.until("document.activeElement.id", "queue")
    await keys(page, "u")
    await page.until(GONE, ["call three"])


async def test_an_approval_that_is_refused_leaves_it_waiting(page: Page, site: Site) -> None:
    await site.moderate("PUT", "filters", HOLD)
    await said_by(site, "bob", "call one")
    await said_by(site, "bob", "hello")
    await page.look_like(1440, 900)
    await entered(page, site)
    await page.until(ROWS, ["hello"])
    await keys(page, "j", "b")
    await done(page, "bob is banned")
    await page.until(WAITING, ["call one"])
    await keys(page, "h", "a")
    await page.until(f"{OUTCOME}.startsWith('Its author is banned')")
    await page.until(WAITING, ["call one"])


async def test_settings_are_saved_and_a_change_of_somebody_else_is_shown_first(
    page: Page, site: Site
) -> None:
    closed = "document.getElementById('closed').checked"
    await entered(page, site)
    await pane(page, "rules")
    await page.until("document.getElementById('slow_mode_s').options.length > 0")
    await page.evaluate("document.getElementById('closed').focus()")
    await keys(page, " ")
    await page.until(CONFLICT, "Not saved yet: closed off → on")
    await site.moderate("PATCH", "settings", {"slow_mode_s": 45, "links": False})
    await page.evaluate("document.getElementById('save').focus()")
    await keys(page, "Enter")
    await page.until(
        CONFLICT,
        "Somebody has changed the settings meanwhile: slow mode off → 45 seconds, links on → off."
        " Yours are not saved. Look at them, and save again or discard them.",
    )
    assert not (await site.call("GET", "settings"))["closed"]
    assert await page.evaluate(closed)
    assert await page.evaluate("document.getElementById('slow_mode_s').value") == "45"
    await keys(page, "Enter")
    await done(page, "Settings saved: closed off → on")
    found = await site.call("GET", "settings")
    assert (found["closed"], found["slow_mode_s"], found["links"]) == (True, 45, False)
    await page.evaluate("document.activeElement.blur()")
    await keys(page, "u")
    await page.until(closed, wanted=False)
    assert not (await site.call("GET", "settings"))["closed"]
    await site.moderate("PATCH", "settings", {"members_only": True})
    await page.until("document.getElementById('members_only').checked")


async def test_what_is_set_while_the_settings_are_being_read_stays_set(
    page: Page, site: Site
) -> None:
    await page.look_like(1440, 900)
    await entered(page, site)
    await page.until("document.getElementById('slow_mode_s').options.length > 0")
    await page.evaluate(late("settings"))
    await site.moderate("PATCH", "settings", {"links": False})
    await page.until("window.late")
    await page.evaluate("document.getElementById('closed').click()")
    await page.evaluate("window.answer()")
    await page.until("document.getElementById('links').checked", wanted=False)
    assert await page.evaluate("document.getElementById('closed').checked")
    assert await page.evaluate(CONFLICT) == "Not saved yet: closed off → on"


async def test_a_filter_is_added_tried_deleted_and_comes_back(page: Page, site: Site) -> None:
    verdict = "document.getElementById('verdict').textContent"
    await site.moderate("PUT", "filters", HOLD)
    await entered(page, site)
    await pane(page, "terms")
    await page.until(TERMS, ["call"])
    await page.evaluate("document.getElementById('action').value = 'block'")
    await page.evaluate("document.getElementById('term').focus()")
    await page.type("coins")
    await keys(page, "Enter")
    await done(page, "Filter saved: coins")
    await page.until(TERMS, ["call", "coins"])
    await page.evaluate("document.getElementById('sample').focus()")
    await page.type("Buy my C\u041eINS, call me")  # a Cyrillic letter
    await keys(page, "Enter")
    await page.until(verdict, "It would be refused. Found: call, coins")
    await site.moderate("PUT", "filters", {"terms": [*HOLD["terms"]]})
    await page.evaluate("document.getElementById('term').focus()")
    await page.type("spam")
    await keys(page, "Enter")
    await page.until(f"{OUTCOME}.startsWith('Somebody has changed the filters meanwhile')")
    await page.until(TERMS, ["call"])
    await keys(page, "Enter")
    await page.until(TERMS, ["call", "spam"])
    await page.evaluate("document.getElementById('kind').value = 'pattern'")
    await page.evaluate("document.getElementById('term').focus()")
    await page.type("a(")
    await keys(page, "Enter")
    await page.until("document.getElementById('outcome').className", "bad")
    await page.evaluate("document.querySelector('#list button').focus()")
    await keys(page, "Enter")
    await done(page, "Filter deleted: call")
    await page.until(TERMS, ["spam"])
    assert await page.evaluate("document.activeElement.closest('#list') !== null")
    await keys(page, "u")
    await page.until(TERMS, ["spam", "call"])


async def test_bans_are_listed_and_lifted_and_the_audit_has_it_all(page: Page, site: Site) -> None:
    listed = "[...document.querySelectorAll('#sanctions .name')].map((e) => e.textContent)"
    audit = "[...document.querySelectorAll('#calls .name')].map((e) => e.textContent)"
    (comment,) = await said_by(site, "bob", "one")
    await entered(page, site)
    await page.until(ROWS, ["one"])
    await site.moderate("PUT", f"sanctions/{comment['author_id']}", {"reason": "spam"})
    await pane(page, "bans")
    await page.until(listed, ["bob"])
    await page.evaluate("document.querySelector('#sanctions button').focus()")
    await keys(page, "Enter")
    await done(page, "bob may comment again")
    await page.until(listed, [])
    await keys(page, "u")
    await page.until(listed, ["bob"])
    await page.evaluate("document.getElementById('tab_bans').focus()")
    await keys(page, "ArrowRight", "ArrowRight")
    await page.until("document.activeElement.id", "tab_audit")
    await page.until(audit, ["Ban or time-out"] * 3)


async def test_the_focus_stays_on_a_ban_while_the_list_is_read_again(
    page: Page, site: Site
) -> None:
    authors = [(await said_by(site, name, "hi"))[0]["author_id"] for name in ("ann", "bob", "eve")]
    names = "[...document.querySelectorAll('#sanctions .name')].map((e) => e.textContent)"
    await entered(page, site)
    await page.until(f"{ROWS}.length", 3)
    await pane(page, "bans")
    for at, author_id in enumerate(authors):
        await site.moderate("PUT", f"sanctions/{author_id}")
        if at == 1:
            await page.until(names, ["bob", "ann"])
            await page.until(READ_AGAIN, 2)
            await page.evaluate(
                "window.lift = document.querySelector('#sanctions .item:last-child button');"
                "window.lift.focus()"
            )
    await page.until(names, ["eve", "bob", "ann"])
    await page.until(READ_AGAIN, 3)
    assert await page.evaluate("document.activeElement === window.lift")
    assert await page.evaluate("window.lift.getAttribute('aria-label')") == "Lift: ann"


async def test_where_reading_needs_a_token_too_a_moderator_reads(
    page: Page, tmp_path: Path
) -> None:
    (tmp_path / "tickets.key").write_text("k" * 32)
    needs = {"READ_AUTH": "required", "TICKET_KEY_FILE": str(tmp_path / "tickets.key")}
    async with started(Site(tmp_path, AUTH="jwt", **needs)) as site:
        await said_by(site, "bob", "one")
        await entered(page, site)
        await page.until(ROWS, ["one"])
        await keys(page, "j", "d")
        await page.until(GONE, ["one"])


async def test_what_is_done_during_an_outage_is_done_when_it_is_over(
    page: Page, site: Site
) -> None:
    await said_by(site, "bob", "one")
    await entered(page, site)
    await page.until(ROWS, ["one"])
    await site.stop()
    await page.until(STATE, "recovering")
    await keys(page, "j", "d")
    await page.until("document.querySelectorAll('#log .pending').length", 1)
    await site.start()
    await page.until(GONE, ["one"])
    await done(page, "Removed: bob, “one”")
    await page.until(STATE, "live")
