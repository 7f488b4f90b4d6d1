"""The pages that people see: `/` says what there is, `/embed/{video}` is for viewers,
`/moderate/{video}` for moderators; and what they are made of, under `/assets/`. Served by writers
and by the single process.

There is no build step: what is in `static/` is what a browser gets. How a page is made:

1. `static/<page>.html` is its document. Three words in it are replaced at the start of the process
   (`documents.py`): `@assets` by the folder of the assets, `@script` by the address of the page's
   script, `@origins` by who may frame it. It holds no script and no style of its own: the
   Content-Security-Policy (`policy.py`) lets nothing run but files of `/assets/`.
2. `static/<page>.js` is its script, an ES module. It reads the video id with `videoId` of
   `place.js`, and imports the client by `./client/index.js` (`static/client` is a link to
   `clients/js/src`). A browser gets it and all modules that it needs as one file, which is put
   together at the start of the process (`joined.py` says which forms of import and export it
   understands), of at most MAX_SCRIPT_BYTES on the line. The modules are served one by one too.
3. `static/<page>.css` is what is special about it. Colours, distances, buttons, fields and the dark
   theme are tokens and classes of `base.css`, which every page links first: no other file names a
   colour.
4. Modules for all pages: `dom.js` (elements; text is text, there is no way to give it markup),
   `messages.js` (every sentence that a person reads, by key), `problems.js` (what a refusal means),
   `clock.js` (times), `memory.js` (what a page remembers, also where storage is forbidden).
5. A new page is an entry of PAGES in `documents.py` (`home` has no script, so it is none), and a
   route of `routes.py`; the gateway forwards the paths that `compose/haproxy.cfg.in` names.
"""
