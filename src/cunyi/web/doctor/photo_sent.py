"""A photograph as a form sends it, taken from the request in memory: the framework would write large files to disk in plain."""

from __future__ import annotations

import re

from cunyi.domain.errors import UserError

_BOUNDARY = re.compile(r'boundary="?([^";,]{1,70})"?', re.IGNORECASE)
_NAME = re.compile(rb'(?:^|[;\s])name="([^"]*)"', re.IGNORECASE)
_BLANK = b"\r\n\r\n"


def file_in(body: bytes, content_type: str, field: str) -> bytes:
    """The first file chosen in the fields of this name of a multipart form; empty where there is none. UserError for another body."""
    boundary = _BOUNDARY.search(content_type)
    if not content_type.lower().startswith("multipart/form-data") or boundary is None:
        raise UserError("没有收到照片；请先拍照或选一张图片", field=field)
    for part in body.split(b"--" + boundary.group(1).encode("latin-1", "replace")):
        head, blank, content = part.partition(_BLANK)
        name = _NAME.search(head)
        chosen = content.removesuffix(b"\r\n")
        if blank and chosen and name is not None and name.group(1) == field.encode():
            return chosen
    return b""
