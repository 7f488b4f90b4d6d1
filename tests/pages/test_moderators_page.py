"""The moderators' page as a whole: accessible, safe from what is typed, framed by nobody."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.browser import Browser, Page
from tests.pages.host_page import HostPage
from tests.pages.looks import STATE, found
from tests.pages.moderating import MO, ROWS, WAITING, entered, keys, pane, said_by, sign_in
from tests.pages.site import Site
from tests.pages.test_hostile import HOSTILE, RAN
from tests.support import eventually, started

WIDE, NARROW = (1440, 900), (360, 640)
LONG = "W" * 64
# What an application does that opens the page.
ANSWER = """addEventListener('message', ({{ data, source, origin }}) =>
    data.type === 'livecomments:ready' &&
    source.postMessage({{ type: 'livecomments:token', token: '{token}' }}, origin)); 0"""


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("size", [NARROW, WIDE], ids=["narrow", "wide"])
async def test_it_is_accessible_in_all_its_states(
    page: Page, site: Site, axe: str, size: tuple[int, int], dark: bool
) -> None:
    await page.look_like(*size, dark=dark)
    await page.go_to(site.page("moderate"))
    await page.until("document.getElementById('entry').open")
    assert await found(page, axe) == [], "the field for the token"
    await _fill(site)
    await sign_in(page, site.token("moderator", **MO))
    await page.until(STATE, "live")
    await page.until(f"{WAITING}.length", 2)
    await page.until(f"{ROWS}.length", 23)
    await keys(page, "j", "k", "d", "k", "b")
    await page.until("document.querySelectorAll('#log .gone').length", 2)
    await page.until("document.getElementById('outcome').className", "done")
    await page.until("document.querySelectorAll('#log .pending').length", 0)
    assert await found(page, axe) == [], "one is chosen, others are removed"
    await keys(page, "t")
    assert await found(page, axe) == [], "a question"
    await keys(page, "Escape")
    for name in ("held", "rules", "bans", "terms", "audit"):
        if size == NARROW or name != "held":
            await pane(page, name)
            await page.until(
                f"document.querySelectorAll('#{name} :is(.item, .comment, option)').length > 0"
            )
            assert await found(page, axe) == [], name
    await page.evaluate("document.getElementById('help').click()")
    assert await found(page, axe) == [], "the keys"


async def _fill(site: Site) -> None:
    terms = [{"term": "call", "action": "hold"}, {"term": "coins", "action": "block"}]
    await site.moderate("PUT", "filters", {"terms": terms})
    await said_by(site, "bob", *(f"comment {n}" for n in range(20)), "call me", "call us")
    (welcome,) = await said_by(site, LONG, "x" * 300)
    await site.moderate("PUT", "pin", {"seq": welcome["seq"]})
    await site.moderate("DELETE", "comments/3", {"reason": "spam"})
    await said_by(site, "Zoë", "hello", "again")


@pytest.mark.parametrize("width", [360, 768, 1440])
async def test_nothing_is_wider_than_its_place(page: Page, site: Site, width: int) -> None:
    await page.look_like(width, 700)
    await _fill(site)
    await site.say("\ufdfd" * 80, "e\u0301\u0302\u0303" * 120, author=LONG)
    await entered(page, site)
    await page.until(f"{ROWS}.length > 20")
    await keys(page, "j", "d")
    await page.until("document.getElementById('outcome').className", "done")
    names = ["live", "held", "rules", "bans", "terms", "audit"]
    for name in names:
        await pane(page, name)
        wide = (
            f"['html', '#columns', '#{name}', '#{name} .log', '#{name} .roll', '#footer', '.bar']"
            ".map((each) => document.querySelector(each)).filter((each) => each"
            " && each.scrollWidth > each.clientWidth).map((each) => each.outerHTML.slice(0, 80))"
        )
        assert await page.evaluate(wide) == [], name
    assert not await page.evaluate("document.documentElement.scrollHeight > innerHeight")


async def test_hostile_names_and_texts_are_shown_and_run_nothing(page: Page, site: Site) -> None:
    await site.moderate("PUT", "filters", {"terms": [{"term": "call", "action": "hold"}]})
    comments = [(await said_by(site, text.strip()[:64], text))[0] for text in HOSTILE]
    await said_by(site, HOSTILE[1][:64], f"call {HOSTILE[0]}")
    await site.moderate("PUT", "pin", {"seq": comments[0]["seq"]})
    await site.moderate("DELETE", f"comments/{comments[1]['seq']}", {"reason": HOSTILE[1]})
    await site.moderate("PUT", f"sanctions/{comments[2]['author_id']}", {"reason": HOSTILE[0]})
    terms = [{"term": term, "kind": "literal", "action": "hold"} for term in HOSTILE[:4]]
    await site.moderate("PUT", "filters", {"terms": terms})
    await entered(page, site)
    await page.until(f"{ROWS}.length", len(HOSTILE))
    await page.until(WAITING, [f"call {HOSTILE[0]}"])
    for key in ("j", "d", "t"):
        await keys(page, key)
    await page.until("document.querySelectorAll('dialog[open]').length", 1)
    await keys(page, "1")
    await page.until("document.getElementById('outcome').className", "done")
    for name in ("bans", "terms", "audit"):
        await pane(page, name)
        await page.until(f"document.querySelectorAll('#{name} .item').length > 0")
    assert await page.evaluate(RAN) == 0
    strange = "document.querySelectorAll('a, iframe, img, base, style, body script').length"
    assert await page.evaluate(strange) == 0
    assert page.troubles == []
    asked = {url for url in page.answers if not url.startswith(site.url)}
    assert asked <= {"about:blank"}, "nothing was fetched from elsewhere"


async def test_no_page_has_it_in_a_frame(page: Page, site: Site) -> None:
    async with started(HostPage(site.page("moderate"), site.token("moderator"))) as host:
        await page.note_troubles()
        await page.go_to(host.url())
        await page.until("window.asked", 0)
        await eventually(lambda: any("rame" in each for each in page.troubles))


async def test_an_application_that_opens_it_signs_its_moderator_in(
    browser: Browser, page: Page, tmp_path: Path
) -> None:
    async with started(Site(tmp_path)) as site:
        token = site.token("moderator", **MO)
        async with started(HostPage("about:blank")) as host:
            await page.go_to(host.url())
            await page.evaluate(ANSWER.format(token=token))
            opened = f"window.opened = window.open('{site.page('moderate')}'); 0"
            await page.call("Runtime.evaluate", expression=opened, userGesture=True)
            tab = await browser.adopt(site.page("moderate"))
            await tab.until(STATE, "live")
            await tab.until("document.getElementById('me').textContent", "Mo")
            assert await tab.evaluate("sessionStorage.length") == 0
