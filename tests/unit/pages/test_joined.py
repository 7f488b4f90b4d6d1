from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from pages.assets import read_files
from pages.documents import PAGES
from pages.joined import joined, needed

FORMS = {
    "page.js": 'import { twice, Base as Other } from "./a.js";\n'
    'import {\n  SIZE,\n  handed,\n} from "./deep/b.js";\n'
    "// a line\n  /* a\n part */\nconst text = `\n  export not a form`; // behind\n"
    '/** @type {import("./types.js").T} */\n'
    "console.log(twice(SIZE), new Other().name, handed(), text.trim());\n",
    "a.js": 'import { one } from "./c.js";\n'
    "export function twice(n) {\n  return 2 * n * one;\n}\n"
    'export class Base {\n  name = "base";\n}\n// no new line at the end',
    "c.js": "export const one = 1;\n",
    "deep/b.js": 'export { one as first, one } from "../c.js";\n'
    'export const SIZE = 21;\nexport async function later() {}\nexport const handed = () => "b";\n',
}


def test_each_module_comes_once_after_those_that_it_needs() -> None:
    assert needed(FORMS, "page.js") == ["c.js", "a.js", "deep/b.js", "page.js"]


@pytest.mark.skipif(shutil.which("node") is None, reason="no Node")
def test_all_forms_mean_the_same_as_before(tmp_path: Path) -> None:
    path = tmp_path / "joined.mjs"
    path.write_text(joined(FORMS, "page.js"))
    done = subprocess.run(["node", str(path)], capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("42 base b export not a form\n", "")
    assert "a line" not in path.read_text()
    assert "part" not in path.read_text()


@pytest.mark.parametrize(
    "line",
    [
        'import all from "./c.js";',
        'import * as all from "./c.js";',
        'export * from "./c.js";',
        "export default 1;",
        "export let changing = 1;",
        'import "./c.js";',
        'import { one } from "package";',
    ],
)
def test_another_form_is_an_error(line: str) -> None:
    with pytest.raises(ValueError, match=r"page.js: not understood"):
        joined({"page.js": f"{line}\n", "c.js": "export const one = 1;\n"}, "page.js")


def test_a_module_that_is_missing_and_a_circle_are_errors() -> None:
    with pytest.raises(KeyError):
        needed({"page.js": 'import { a } from "./gone.js";'}, "page.js")
    circle = {"a.js": 'import { b } from "./b.js";', "b.js": 'import { a } from "./a.js";'}
    with pytest.raises(ValueError, match=r"need each other: a.js b.js a.js"):
        needed(circle, "a.js")


@pytest.mark.parametrize("page", PAGES)
def test_the_scripts_of_the_pages_can_be_joined(page: str) -> None:
    sources = {name: body.decode() for name, body in read_files().items() if name.endswith(".js")}
    text = joined(sources, f"{page}.js")
    for name in needed(sources, f"{page}.js"):
        assert text.count(f"{{ // {name}\n") == 1
