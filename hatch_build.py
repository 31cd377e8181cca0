"""The build hook: compiles the knowledge and fetches the page assets before a wheel or an editable install is made."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

sys.path.insert(0, str(Path(__file__).parent / "scripts"))

import compile_knowledge
import page_assets


class CunyiBuildHook(BuildHookInterface[Any]):
    """Makes what the wheel carries and the repository does not. What is up to date is left alone."""

    def dependencies(self) -> list[str]:
        """Node from a Python package, where this machine has none and the assets are not there yet."""
        root = Path(self.root)
        if page_assets.is_current(root) or page_assets.npm_command():
            return []
        return [page_assets.NODE_PACKAGE]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Runs before the files are packed."""
        root = Path(self.root)
        try:
            compile_knowledge.compile_knowledge(root)
            page_assets.copy_assets(root)
        except compile_knowledge.KnowledgeRefusedError as refused:
            self.app.abort(f"知识库有错误，不能生成（先改正，再运行 cunyi knowledge check 核对）：\n{refused}")
        except page_assets.AssetsError as failed:
            self.app.abort(str(failed))
