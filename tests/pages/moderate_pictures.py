"""Takes the pictures of the moderators' page again: `python -m tests.pages.moderate_pictures`."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path

from tests.browser import Browser, running_browser
from tests.pages.moderating import GONE, KIND, ROWS, WAITING, entered, keys, pane, said_by
from tests.pages.pictures import PICTURES, SAID, WELCOME
from tests.pages.site import Site
from tests.support import started

TERMS = [
    {"term": "coins", "action": "block"},
    {"term": "[0-9]{6,}", "kind": "pattern", "action": "hold"},
    {"term": "followers", "action": "hold"},
]


async def take(browser: Browser, site: Site, name: str, width: int, height: int) -> None:
    """One picture; its name says the theme and the pane."""
    page = await browser.open("about:blank", apart=True)
    await page.look_like(width, height, dark="dark" in name)
    await entered(page, site)
    await page.until(f"{ROWS}.length > 10")
    await page.until(f"{WAITING}.length", 2)
    if "held" in name:
        await pane(page, "held")
        await keys(page, "h")
    else:
        await keys(page, "j", "k", "k", "d")
        await page.until(KIND, "done")
        await page.until(f"{GONE}.length", 1)
    await page.screenshot(PICTURES / f"{name}.png")
    await keys(page, "u")
    await page.until(f"{GONE}.length", 0)
    await browser.call("Target.closeTarget", targetId=page.target_id)


async def main() -> None:
    """Both pictures."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        async with started(Site(folder)) as site, running_browser(folder / "profile") as browser:
            for author, text in SAID:
                await said_by(site, author, text)
            await said_by(site, "Kenji", "Follow my channel, every day a new one!")
            await said_by(site, "Priya", "Welcome to orbit!", "What a night.")
            moderator = site.token("moderator", sub="mo-1", name="Mo")
            pinned = await site.call("POST", "comments", {"text": WELCOME}, token=moderator)
            await site.moderate("PUT", "pin", {"seq": pinned["seq"]})
            await site.moderate("PUT", "filters", {"terms": TERMS})
            await said_by(site, "Kenji", "Call 555123456 for a free ticket")
            await said_by(site, "Rui", "Do more followers mean more launches?")
            await take(browser, site, "moderate-1280-light", 1280, 720)
            await take(browser, site, "moderate-360-dark-held", 360, 640)


if __name__ == "__main__":
    asyncio.run(main())
