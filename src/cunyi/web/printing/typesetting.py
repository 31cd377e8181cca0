"""Sheets as PDF: typst compiles a template of the package with data from memory; nothing of a patient touches the disk."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from cunyi.web.printing.glyphs import Glyphs

if TYPE_CHECKING:
    import typst

Paper = Literal["a5", "a4"]
_HERE = Path(__file__).parent


class Typesetter:
    """Sets the sheets of a node (排版). One compiler for each template is kept, as reading the font takes longest."""

    def __init__(self) -> None:
        self._compilers: dict[str, typst.Compiler] = {}
        self._turn = threading.Lock()

    def pdf(self, template: str, paper: Paper, values: Mapping[str, Any]) -> bytes:
        """A document from `<template>.typ`. Texts of `values` are printed literally: they reach typst as strings, never as markup."""
        glyphs = Glyphs()
        shown = glyphs.all_of(values)
        data = msgspec.json.encode({**shown, "paper": paper, "notes": glyphs.notes}).decode()
        # A compiler holds the data it was given last, so only one thread may use it.
        with self._turn:
            made = self._compiler(template).compile(format="pdf", sys_inputs={"data": data})
        if not isinstance(made, bytes):
            raise TypeError("typst gave no single document")
        return made

    def _compiler(self, template: str) -> typst.Compiler:
        if template not in self._compilers:
            import typst
            from pylopdf_fonts_zh_cn import sans_path

            self._compilers[template] = typst.Compiler(
                str(_HERE / f"{template}.typ"),
                root=str(_HERE),
                font_paths=[str(Path(sans_path()).parent)],
                ignore_system_fonts=True,
            )
        return self._compilers[template]
