"""Style and scripts under ``/static/<hash of all>/``: one changed byte moves every address.

The whole tree is read once and served from memory: a path is a key of a table and never touches a disk.
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from fastapi import Request, Response

from web.answers import not_found

FOLDERS = ("css", "js")
TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".wasm": "application/wasm",
    ".woff2": "font/woff2",
}
"""What is served; notes for developers, types and licences that lie beside it are not."""

FOREVER = "public, max-age=31536000, immutable"
"""A year (RFC 8246): what this address gives can never change."""


@dataclass(frozen=True, slots=True)
class Statics:
    """The files by path below their folder, and the prefix of their addresses."""

    prefix: str
    files: dict[str, tuple[bytes, str]]

    def answer(self, digest: str, path: str) -> Response:
        """Return a file. Raises ApiError 404, also for an address of another version."""
        found = self.files.get(path)
        if found is None or self.prefix != f"/static/{digest}":
            raise not_found()
        return Response(found[0], media_type=found[1], headers={"Cache-Control": FOREVER})


def read_statics(root: Path) -> Statics:
    """Read ``css`` and ``js`` below ``root``; the hash covers names and contents."""
    files = {}
    for folder in FOLDERS:
        for path in sorted((root / folder).rglob("*")):
            if path.suffix in TYPES and not path.name.endswith(".test.js") and path.is_file():
                files[path.relative_to(root).as_posix()] = (path.read_bytes(), TYPES[path.suffix])
    digest = hashlib.sha256()
    for name, (content, _) in sorted(files.items()):
        digest.update(f"{name}\0{len(content)}\0".encode())
        digest.update(content)
    return Statics(f"/static/{digest.hexdigest()[:16]}", files)


async def static(request: Request, digest: str, path: str) -> Response:
    """Serve one file."""
    statics: Statics = request.app.state.house.statics
    return statics.answer(digest, path)
