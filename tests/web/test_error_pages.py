"""What does not work is told as a page in its reader's language, whatever the status."""

import json
from pathlib import Path

import pytest

import web
from bridge.errors import StoreError
from bridge.store.sessions import Sessions
from tests.loop import in_loop
from tests.web.town import URL, Town

WORDS = {
    tag: json.loads((Path(web.__path__[0]) / "templates" / "words" / f"{tag}.json").read_text())["errors"]
    for tag in ("de", "en")
}


@pytest.mark.parametrize("tag", WORDS)
def test_no_error_page_mixes_languages(town: Town, tag: str, monkeypatch: pytest.MonkeyPatch) -> None:
    @in_loop
    async def story() -> None:
        words, asked = WORDS[tag], {"Accept-Language": tag}
        async with town.client() as client:
            for method, address, status in (
                ("GET", "/nowhere", 404),
                ("POST", "/login", 405),
                ("GET", "https://evil.test/", 421),
            ):
                answer = await client.request(method, address, headers=asked)
                assert answer.status_code == status
                assert words[str(status)].replace("{url}", URL) in answer.text, status

            def fail(*_: object) -> None:
                raise StoreError("disk")

            monkeypatch.setattr(Sessions, "user", fail)
            client.cookies.set("aftertone", "x" * 43)
            answer = await client.get("/", headers=asked)
            assert (answer.status_code, words["503"] in answer.text) == (503, True)
            assert answer.headers["retry-after"] == "5"

    story()
