"""Building: same knowledge, same bytes; the wheel carries everything and works from any folder."""

import hashlib
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
COMPILE = """
import hashlib, pathlib
from cunyi.authoring.build import compile_library, to_bytes
from cunyi.authoring.load import load_library
print(hashlib.sha256(to_bytes(compile_library(load_library(pathlib.Path("knowledge"))))).hexdigest())
"""


def run(*command, cwd=ROOT, **environment):
    done = subprocess.run(
        [sys.executable, *map(str, command)],
        cwd=cwd,
        env={**os.environ, "PYTHONUTF8": "1", **environment},
        capture_output=True,
        text=True,
        encoding="utf-8",
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    run("-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--wheel-dir", folder, ROOT)
    return next(folder.glob("*.whl"))


def test_the_same_knowledge_compiles_to_the_same_bytes():
    # What make test has built is the other time, under a hash seed of its own.
    compiled = run("-c", COMPILE, PYTHONHASHSEED="1", PYTHONPATH=str(ROOT / "src"))
    built = hashlib.sha256((ROOT / "src/cunyi/data/knowledge.json").read_bytes()).hexdigest()
    assert compiled == built + "\n", "src/cunyi/data/knowledge.json is out of date; make test builds it anew"


def test_the_wheel_carries_knowledge_pages_and_languages(wheel):
    packed = set(zipfile.ZipFile(wheel).namelist())
    wanted = {"cunyi/data/knowledge.json", "cunyi/py.typed"}
    wanted |= {f"cunyi/web/locale/{language}/LC_MESSAGES/messages.po" for language in ("zh_CN", "en")}
    pages = (path for path in (ROOT / "src/cunyi/web").rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    wanted |= {path.relative_to(ROOT / "src").as_posix() for path in pages}
    assert wanted <= packed
    assert any(name.startswith("cunyi/web/static/vendor/") for name in packed)


def test_the_wheel_carries_nothing_else(wheel):
    packed = zipfile.ZipFile(wheel).namelist()
    assert {name.split("/")[0].partition("-")[0] for name in packed} == {"cunyi"}
    assert [name for name in packed if "__pycache__" in name or name.endswith(".partial")] == []


def test_an_installed_wheel_works_from_any_folder(wheel, tmp_path):
    site, elsewhere = tmp_path / "site", tmp_path / "elsewhere"
    elsewhere.mkdir()
    run("-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--target", site, wheel)
    case = elsewhere / "case.json"
    case.write_text('{"id": "1", "chief_complaint": "咳嗽、发热3天"}', encoding="utf-8")
    where = {"cwd": elsewhere, "PYTHONPATH": str(site)}
    assert str(site) in run("-c", "import cunyi; print(cunyi.__file__)", **where)
    assert '"differential"' in run("-m", "cunyi.cli", "assess", "case.json", "--json", **where)
    assert run("-m", "cunyi.cli", "knowledge", "list", **where).strip()
