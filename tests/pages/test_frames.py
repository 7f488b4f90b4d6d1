"""The viewers' page in a frame of somebody else's page: who may, and how it gets a token."""

from __future__ import annotations

from pathlib import Path

from tests.browser import Page, running_browser
from tests.pages.host_page import HostPage, inside
from tests.pages.looks import HINT, NAMES, STATE, TEXTS, UNSENT, shown
from tests.pages.site import Site
from tests.support import eventually, started

REFUSED = "Framing"
STORAGE = "(() => { try { return localStorage.length } catch ({ name }) { return name } })()"
# What is written on the button from now on, other than that one may send.
NOTE_SEND = """window.sends = []; new MutationObserver(() => {
    const text = document.getElementById('send').textContent;
    if (text !== 'Send') sends.push(text);
}).observe(document.getElementById('send'), { childList: true, subtree: true }); 0"""


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


async def test_a_page_whose_script_is_later_than_the_frame_is_asked_again(
    page: Page, tmp_path: Path
) -> None:
    host = HostPage("", Site.token(), late=True)
    async with started(Site(tmp_path, AUTH="jwt")) as site, started(host):
        host.frame = site.page()
        await page.go_to(host.url())
        frame = await inside(page)
        await page.until(STATE, "live", **frame)
        await page.evaluate(f"{host.script}; 0")
        await page.until(HINT, "You comment as Ann.", **frame)


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
        await page.until(UNSENT, 1, **frame)
        await site.start()
        await page.until(UNSENT, 0, **frame)
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
        assert await page.evaluate("window.asked") >= 1
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


async def test_a_frame_in_a_sandbox_needs_scripts_and_its_own_origin(
    page: Page, tmp_path: Path
) -> None:
    host = HostPage("", Site.token(), sandbox="allow-scripts allow-same-origin")
    async with started(Site(tmp_path, AUTH="jwt")) as site, started(host):
        host.frame = site.page()
        await page.note_troubles()
        await page.go_to(host.url())
        await writes_and_reads(page, site)
        assert page.troubles == []


async def test_a_frame_without_storage_works_and_remembers_until_it_is_closed(
    tmp_path: Path,
) -> None:
    """A browser that lets no site keep anything: every access to storage throws."""
    nothing_kept = {"profile": {"default_content_setting_values": {"cookies": 2}}}
    host = HostPage("", Site.token())
    async with (
        started(Site(tmp_path, AUTH="jwt")) as site,
        started(host),
        running_browser(tmp_path / "profile", preferences=nothing_kept) as browser,
    ):
        host.frame = site.page()
        page = await browser.open("about:blank")
        await page.note_troubles()
        await page.go_to(host.url())
        frame = await inside(page)
        assert await page.evaluate(STORAGE, **frame) == "SecurityError"
        await writes_and_reads(page, site)
        assert page.troubles == []


async def writes_and_reads(page: Page, site: Site) -> None:
    """In the frame, as somebody who is signed in."""
    frame = await inside(page)
    await page.until(STATE, "live", **frame)
    await page.until(HINT, "You comment as Ann.", **frame)
    await page.evaluate("document.getElementById('aloud').click()", **frame)
    await page.evaluate("document.getElementById('text').value = 'hello'", **frame)
    await page.evaluate("document.getElementById('send').click()", **frame)
    await page.until(TEXTS, ["hello"], **frame)
    await page.until(UNSENT, 0, **frame)
    await site.call("POST", "comments", {"text": "hi"}, token=site.token(sub="bob", name="Bob"))
    await page.until(NAMES, ["Ann", "Bob"], **frame)


async def test_a_name_that_has_changed_since_the_frame_was_loaded_is_no_obstacle(
    page: Page, tmp_path: Path
) -> None:
    host = HostPage("", Site.hour_token())
    async with started(Site(tmp_path, AUTH="jwt")) as site, started(host):
        host.frame = site.page()
        await page.go_to(host.url())
        frame = await inside(page)
        await page.until(HINT, "You comment as Ann.", **frame)
        site.pass_an_hour()
        await page.evaluate(f"window.token = '{site.token(name='Ann Smith')}'")
        await page.evaluate("document.getElementById('text').value = 'hello'", **frame)
        await page.evaluate("document.getElementById('composer').requestSubmit()", **frame)
        await page.until(NAMES, ["Ann Smith"], **frame)


async def test_a_token_that_the_page_gave_early_takes_the_place_of_one_that_has_ended(
    page: Page, tmp_path: Path
) -> None:
    host = HostPage("", Site.hour_token())
    async with started(Site(tmp_path, AUTH="jwt")) as site, started(host):
        host.frame = site.page()
        await page.go_to(host.url())
        frame = await inside(page)
        await page.until(STATE, "live", **frame)
        await page.until(HINT, "You comment as Ann.", **frame)
        asked = await page.evaluate("window.asked")
        site.pass_an_hour()
        await page.evaluate(f"tell('{site.token()}'); window.token = null; 0")
        await page.evaluate("document.getElementById('text').value = 'hello'", **frame)
        await page.evaluate("document.getElementById('composer').requestSubmit()", **frame)
        await page.until(TEXTS, ["hello"], **frame)
        assert await page.evaluate("window.asked") == asked, "it had been told before it asked"


async def test_who_signs_in_during_a_pause_is_not_held_back_by_what_was_before(
    page: Page, site: Site
) -> None:
    """The composer of the guest has a countdown, which is the guest's."""
    send = "document.getElementById('send').textContent"
    await site.moderate("PATCH", "settings", {"slow_mode_s": 600})
    async with started(HostPage(site.page())) as host:
        await page.go_to(host.url())
        frame = await inside(page)
        await page.until(STATE, "live", **frame)
        await page.evaluate("document.getElementById('author').value = 'Rui'", **frame)
        await page.evaluate("document.getElementById('text').value = 'hello'", **frame)
        await page.evaluate("document.getElementById('composer').requestSubmit()", **frame)
        await page.until(f"{send} !== 'Send'", **frame)
        await page.evaluate(f"tell('{site.token()}')")
        await page.until(HINT, "Slow mode: one comment every 10 minutes.", **frame)
        await page.evaluate(NOTE_SEND, **frame)
        await page.evaluate("new Promise((done) => setTimeout(done, 1500))", **frame)
        assert await page.evaluate("window.sends", **frame) == []


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
