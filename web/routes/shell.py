"""What makes the inbox installable and lets it open without a connection: worker, empty page, manifest.

Nothing here is anybody's: the same for everyone, with or without a session.
"""

import json

from fastapi import Request, Response

from web.house import Here

MINE = "js/worker.js"
"""The worker's source among the static files; pages have no use for it."""


LATE = "js/vendor/age-"
"""Needed for exports alone, which a page without a connection cannot make; larger than all the rest of it."""


async def worker(house: Here) -> Response:
    """Serve the service worker. It names the files of this version, so a new version is a new worker.

    It stands at the root because a worker serves only what is below its own address (Service Workers,
    scope matching).
    """
    source = house.statics.files[MINE][0].decode()
    files = [
        f"{house.statics.prefix}/{path}"
        for path in house.statics.files
        if path != MINE and not path.startswith(LATE)
    ]
    told = json.dumps({"prefix": house.statics.prefix, "files": files})
    text = f"self.SHELL = {told};\n{source}"
    return Response(text, media_type="text/javascript; charset=utf-8", headers={"Cache-Control": "no-cache"})


async def page(request: Request, house: Here) -> Response:
    """Show the inbox without a row; its script fills it from what the browser keeps."""
    return house.pages.page("inbox", request.scope, {"rows": [], "shell": True})


async def manifest(request: Request, house: Here) -> Response:
    """Return the web app manifest, in the reader's language."""
    told = {
        "id": "/",
        "name": "Aftertone",
        "short_name": "Aftertone",
        "lang": house.pages.language(request.scope),
        "start_url": "/",
        "scope": "/",
        "display": "standalone",
        "background_color": "#f5f2ec",
        "theme_color": "#f5f2ec",
        "icons": [{"src": f"{house.statics.prefix}/css/lamp.svg", "sizes": "any", "type": "image/svg+xml"}],
    }
    headers = {"Cache-Control": "no-cache", "Vary": "Accept-Language, Cookie"}
    return Response(json.dumps(told), media_type="application/manifest+json", headers=headers)
