"""Codes for a phone's camera, as drawings that stand in pages and on sheets."""

from __future__ import annotations

from io import BytesIO

import segno


def qr_svg(words: str) -> str:
    """A QR code as SVG with its quiet zone; up to a quarter of it may be dirty or torn."""
    drawn = BytesIO()
    segno.make(words, error="q", micro=False).save(
        drawn, kind="svg", xmldecl=False, svgns=True, border=4, scale=8, omitsize=True
    )
    return drawn.getvalue().decode()
