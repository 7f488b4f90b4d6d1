"""The viewers' page in a frame of somebody else's page: who may, and how it gets a token."""

from __future__ import annotations

from pathlib import Path

from tests.browser import Page
from tests.pages.host_page import HostPage, inside
from tests.pages.looks import HINT, NAMES, STATE, TEXTS, shown
from tests.pages.site import Site
from tests.support import eventually, started

REFUSED = "Framing"


async def test_a_page_of_an_allowed_origin_frames_it_and_signs_its_reader_in(
    page: Page, tmp_path: Path
) -> None:
    host = HostPage("", Site.token())
    async with started(Site(tmp_path, AUTH="jwt")) as site, started(host):
        host.frame = site.page()
        await page.go_to(host.url())
        frame = await inside(page)
        await page.until(STATE, "live", **frame)
        await page.until(HINT, "You comment as Ann.", **frame)
        assert not await page.evaluate(shown("who"), **frame)
        await page.evaluate("document.getElementById('text').value = 'hello'", **frame)
        await page.evaluate("document.getElementById('composer').requestSubmit()", **frame)
        await page.until(TEXTS, ["hello"], **frame)
        await page.until(NAMES, ["Ann"], **frame)


async def test_an_own_comment_has_the_colour_of_its_author_also_when_it_had_to_wait(
    page: Page, tmp_path: Path
) -> None:
    host = HostPage("", Site.token())
    async with started(Site(tmp_path, AUTH="jwt")) as site, started(host):
        host.frame = site.page()
        await page.go_to(host.url())
        frame = await inside(page)
        await page.until(HINT, "You comment as Ann.", **frame)
        await site.stop()
        await page.evaluate("document.getElementById('text').value = 'patience'", **frame)
        await page.evaluate("document.getElementById('composer').requestSubmit()", **frame)
        await page.until("document.querySelectorAll('.comment.pending').length", 1, **frame)
        await site.start()
        await page.until("document.querySelectorAll('.comment.pending').length", 0, **frame)
        await site.call("POST", "comments", {"text": "from elsewhere"}, token=site.token())
        await page.until(TEXTS, ["patience", "from elsewhere"], **frame)
        faces = "new Set([...document.querySelectorAll('.face')].map((e) => e.className)).size"
        await page.until(faces, 1, **frame)


async def test_where_reading_needs_a_token_the_frame_reads_with_that_of_its_page(
    page: Page, tmp_path: Path
) -> None:
    (tmp_path / "tickets.key").write_text("k" * 32)
    needs = {"READ_AUTH": "required", "TICKET_KEY_FILE": str(tmp_path / "tickets.key")}
    async with started(Site(tmp_path, AUTH="jwt", **needs)) as site:
        token = site.token("member")
        await site.call("POST", "comments", {"text": "members only"}, token=token)
        await page.go_to(site.page())
        await page.until(
            "document.getElementById('empty').innerText", "Sign in to read the comments."
        )
        async with started(HostPage(site.page(), token)) as host:
            await page.go_to(host.url())
            frame = await inside(page)
            await page.until(TEXTS, ["members only"], **frame)


async def test_who_signs_in_or_out_later_is_another_writer_at_once(page: Page, site: Site) -> None:
    async with started(HostPage(site.page())) as host:
        await page.go_to(host.url())
        frame = await inside(page)
        await page.until(STATE, "live", **frame)
        assert await page.evaluate("window.asked") == 1
        assert await page.evaluate(shown("who"), **frame)
        await page.evaluate(f"tell('{site.token()}')")
        await page.until(HINT, "You comment as Ann.", **frame)
        await page.evaluate("tell(null)")
        await page.until(shown("who"), **frame)


async def test_nobody_else_is_heard(page: Page, site: Site) -> None:
    """A frame in the page, or a page of another origin, cannot say who somebody is."""
    async with started(HostPage(site.page())) as host:
        await page.go_to(host.url())
        frame = await inside(page)
        await page.until(STATE, "live", **frame)
        token = f"{{ type: 'livecomments:token', token: '{site.token()}' }}"
        await page.evaluate(f"window.postMessage({token}, '*')", **frame)  # from itself
        await page.evaluate(
            "window.dispatchEvent(new MessageEvent('message', "
            f"{{ data: {token}, source: parent, origin: 'https://evil.example' }}))",
            **frame,
        )
        await page.evaluate("new Promise((done) => setTimeout(done, 0))", **frame)
        assert await page.evaluate(shown("who"), **frame)


async def test_only_named_origins_frame_it(page: Page, tmp_path: Path) -> None:
    host = HostPage("")
    async with started(host):
        origins = f"https://watch.example,http://127.0.0.1:{host.port}"
        async with started(Site(tmp_path, EMBED_ORIGINS=origins)) as site:
            host.frame = site.page()
            await page.note_troubles()
            await page.go_to(host.url())
            await page.until(STATE, "live", **await inside(page))
            assert not any(REFUSED in each for each in page.troubles)
            await page.go_to(host.url("localhost"))
            await eventually(lambda: any(REFUSED in each for each in page.troubles))


async def test_the_moderators_page_is_framed_by_nobody(page: Page, site: Site) -> None:
    async with started(HostPage(site.page("moderate"))) as host:
        await page.note_troubles()
        await page.go_to(host.url())
        await eventually(lambda: any(REFUSED in each for each in page.troubles))
