"""Takes the viewers' page's pictures of docs/ again: `python -m tests.pages.pictures`.
With `all FOLDER` also those that nobody needs but who looks whether it is still good.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
from pathlib import Path

from tests.browser import Browser, Page, running_browser
from tests.pages.looks import FRESH, OUTCOME, STATE, TEXTS, opened, shown, write
from tests.pages.site import Site

PICTURES = Path(__file__).resolve().parents[2] / "docs" / "pictures"
SAID = [
    ("Maya", "Good evening everyone, the stream is crystal clear from Lisbon."),
    ("Tomás Oliveira", "Same here. What time does the launch window open?"),
    ("ann", "In about 12 minutes if the weather holds 🌤️"),
    ("أمينة الزهراء", "مساء الخير من الدار البيضاء! هل الصوت جيد؟"),
    ("דנה", "שלום לכולם — the countdown is at T-11"),
    ("Max-Sebastian-von-und-zu-Hohenlohe-Waldenburg-Schillingsfürst", "x" * 90),
    ("Robert'); --", "<img src=x onerror=alert(1)> is just what I typed"),
    ("Maya", "Ignition sequence started"),
    ("Priya", "Goosebumps every single time. My kids are up past their bedtime, and no regrets."),
    ("Maya", "Liftoff! 🚀"),
]
WELCOME = (
    "Welcome! Please keep it friendly: we read along, and pin the best questions. Advertisements"
    " and links to other streams are removed."
)
LINKED = {
    "embed-360-light": (360, 640),
    "embed-360-dark-refused": (360, 640),
    "embed-768-light-reading": (768, 560),
    "embed-1440-dark": (1440, 700),
}
LOOKED_AT = {
    "embed-768-dark": (768, 560),
    "embed-1440-light": (1440, 700),
    "embed-280-light-refused": (280, 260),
    "embed-280-dark": (280, 260),
    "embed-360-light-closed": (360, 640),
    "embed-360-light-flood": (360, 640),  # leaves 3,000 comments
    "embed-360-dark-away": (360, 640),  # leaves no service
}


async def take(
    browser: Browser, site: Site, folder: Path, name: str, size: tuple[int, int]
) -> None:
    """One picture; its name says the theme and what is done before."""
    page = await browser.open("about:blank", apart=True)
    await page.look_like(*size, dark="dark" in name)
    await opened(page, site)
    await page.until(f"{TEXTS}.length > {len(SAID)}")
    await page.until(shown("viewers"))
    if "refused" in name:
        await write(page, "Buy my coins", author="Bob")
        await page.until(f"{OUTCOME} !== ''")
    elif "reading" in name:
        await _read_back(page, site)
    elif "closed" in name:
        await site.moderate("PATCH", "settings", {"closed": True})
        await page.until("document.getElementById('text').readOnly")
    elif "flood" in name:
        await site.moderate("PATCH", "settings", {"slow_mode_s": 0, "closed": False})
        await _flood(page, site)
    elif "away" in name:
        await _lose(page, site)
    await page.evaluate("document.activeElement.blur()")
    await page.screenshot(folder / f"{name}.png")
    await browser.call("Target.closeTarget", targetId=page.target_id)


async def _read_back(page: Page, site: Site) -> None:
    await page.evaluate("document.getElementById('log').scrollTop = 60")
    await page.until(shown("fresh"))
    seqs = await site.say("Look at that plume", author="Kenji")
    seqs += await site.say("Max Q", author="Rui")
    await page.until(FRESH, "2 new comments")
    for seq in seqs:
        await site.moderate("DELETE", f"comments/{seq}")


async def _flood(page: Page, site: Site) -> None:
    """As fast as this service takes them, from twenty people at once."""
    texts = [text for _, text in SAID]
    await asyncio.gather(
        *(site.say(*(texts * 15), author=f"{SAID[n % len(SAID)][0][:40]} {n}") for n in range(20))
    )
    await page.until(f"{TEXTS}.length", 200)


async def _lose(page: Page, site: Site) -> None:
    await write(page, "Is anybody there?", author="Bob")
    await site.stop()
    await page.until(STATE, "recovering")
    await write(page, "Hello?")
    await page.until(f"{OUTCOME}.startsWith('There is no connection')")


async def fill(site: Site) -> None:
    """What all pictures show."""
    for author, text in SAID:
        await site.say(text, author=author)
    moderator = site.token("moderator", sub="mo-1", name="Ann")
    pinned = await site.call("POST", "comments", {"text": WELCOME}, token=moderator)
    await site.moderate("PUT", "pin", {"seq": pinned["seq"]})
    terms = [{"term": "coins", "action": "block"}]
    await site.moderate("PUT", "filters", {"terms": terms})
    await site.moderate("PATCH", "settings", {"slow_mode_s": 10})


async def main(arguments: list[str]) -> None:
    """See the module."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        async with running_browser(folder / "profile") as browser:
            site = Site(folder)
            await site.start()
            await fill(site)
            for picture, size in LINKED.items():
                await take(browser, site, PICTURES, picture, size)
            if arguments[:1] == ["all"]:
                for picture, size in LOOKED_AT.items():
                    await take(browser, site, Path(arguments[1]), picture, size)
            else:
                await site.stop()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1:]))
