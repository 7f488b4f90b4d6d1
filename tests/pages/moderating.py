"""What a test does and looks for on the moderators' page."""

from __future__ import annotations

from typing import Any

from tests.browser import Page
from tests.pages.looks import STATE
from tests.pages.site import VIDEO, Site

MO = {"sub": "mo-1", "name": "Mo"}
ROWS = "[...document.querySelectorAll('#log .comment .said')].map((e) => e.textContent)"
GONE = "[...document.querySelectorAll('#log .gone .said')].map((e) => e.textContent)"
WAITING = "[...document.querySelectorAll('#queue .comment .said')].map((e) => e.textContent)"
CHOSEN = "document.querySelector('#log [aria-current] .said')?.textContent ?? ''"
BADGES = "[...document.querySelectorAll('#log .badge')].map((e) => e.textContent)"
OUTCOME = "document.getElementById('outcome').textContent"
KIND = "document.getElementById('outcome').className"
FRESH = "document.getElementById('fresh').hidden ? '' : document.getElementById('fresh').innerText"
ERROR = (
    "document.getElementById('entry_error').hidden ? ''"
    " : document.getElementById('entry_error').textContent"
)
CONFLICT = "document.getElementById('conflict').textContent"
TERMS = "[...document.querySelectorAll('#list .name')].map((e) => e.textContent)"
IN_LOG = "document.activeElement.closest('#log') !== null"


async def entered(page: Page, site: Site, token: str = "", video: str = VIDEO) -> Page:
    """The moderators' page, live; signed in as Mo unless another token is given."""
    await page.note_troubles()
    await page.go_to(site.page("moderate", video=video))
    await sign_in(page, token or site.token("moderator", **MO))
    await page.until(STATE, "live")
    return page


async def sign_in(page: Page, token: str) -> None:
    """With keys, as somebody who pastes it."""
    await page.until("document.getElementById('entry')?.open ?? null")
    await page.until("document.activeElement.id", "token")
    await page.evaluate("document.getElementById('token').select()")
    await page.type(token)
    await page.press("Enter")


async def keys(page: Page, *names: str) -> None:
    """Strike them one after the other."""
    for name in names:
        await page.press(name)


async def done(page: Page, text: str) -> None:
    """What the page says of what was done."""
    await page.until(OUTCOME, text)


async def said_by(site: Site, name: str, *texts: str) -> list[dict[str, Any]]:
    """Comments of somebody with a token: what is replied."""
    token = site.token(sub=name, name=name)
    return [await site.call("POST", "comments", {"text": text}, token=token) for text in texts]


async def pane(page: Page, name: str) -> None:
    """Look at one of the panes that share a place."""
    await page.evaluate(f"document.getElementById('tab_{name}').click()")


def late(path: str) -> str:
    """Lets the next reply of this path wait: `window.late` when it is there, `window.answer()`
    lets it through.
    """
    return f"""window.late = false; const {{ fetch }} = window; window.fetch = async (...all) => {{
        const reply = await fetch(...all);
        if (window.late || !String(all[0]).endsWith('/{path}')) return reply;
        window.late = true;
        await new Promise((done) => {{ window.answer = done }});
        return reply;
    }}; 0"""
