"""Sets up, runs, tests and measures the project: `python scripts/dev.py run`. `make run` calls the same.

Standard library only, on Linux, macOS and Windows. Everything is installed into `.venv` beside this project, pinned by
`requirements/*.txt`; nothing outside the project folder is touched.
"""

from __future__ import annotations

import sys

if sys.version_info < (3, 11):  # noqa: UP036  # this is where an older one is told
    found = ".".join(map(str, sys.version_info[:2]))
    sys.exit(
        f"Cunyi 需要 Python 3.11 或更新的版本，这里是 {found}（{sys.executable}）。\n"
        f"Cunyi needs Python 3.11 or newer, this is {found}. With make: make run PYTHON=python3.12"
    )

import argparse
import hashlib
import os
import shutil
import subprocess
import tempfile
import tomllib
import venv
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from page_assets import NODE_PACKAGE

ROOT = Path(__file__).resolve().parents[1]
VENV = ROOT / ".venv"
PYTHON = VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
REQUIREMENTS = ROOT / "requirements"
MADE = ("build", "dist", "node_modules", "src/cunyi/data", "src/cunyi/web/static/vendor", ".venv")
LINT_IMPORTS = "from importlinter.cli import lint_imports_command as lint; lint()"
CHECKS = (
    ("ruff check", ("-m", "ruff", "check", ".")),
    ("ruff format", ("-m", "ruff", "format", "--check", "--quiet", ".")),
    ("mypy", ("-m", "mypy")),
    (
        "import-linter",
        ("-c", LINT_IMPORTS, "--no-cache"),
    ),
)
# The set-up compiles the knowledge and has it checked; by itself it is checked anew.
KNOWLEDGE = ("knowledge", ("-m", "cunyi.cli", "knowledge", "check"))
DEMONSTRATION = ".demonstration"
CACHES = (".hypothesis", ".import_linter_cache", ".mypy_cache", ".pytest_cache", ".ruff_cache")


def main() -> int:
    """Runs one task and gives its exit status."""
    parser = argparse.ArgumentParser(prog="dev.py", description=__doc__)
    tasks = parser.add_subparsers(dest="task", required=True)
    for name, (_, explained) in TASKS.items():
        tasks.add_parser(name, help=explained, description=explained, add_help=False)
    options, rest = parser.parse_known_args()
    try:
        return TASKS[options.task][0](rest)
    except subprocess.CalledProcessError as error:
        print(f"失败 failed: {' '.join(map(str, error.cmd))}", file=sys.stderr)
        return error.returncode or 1
    except KeyboardInterrupt:
        return 130


def run(rest: list[str]) -> int:
    """Serves a demonstration on this machine, or what `ARGS` say."""
    set_up("build", "runtime", "kit")
    return _status("-m", "cunyi.cli", "serve", *(rest or ["--demonstration", "--data", DEMONSTRATION]))


def test(rest: list[str]) -> int:
    """Every check, then the tests. All of them run; the exit status says whether each was content."""
    set_up("dev")
    _call(PYTHON, "scripts/page_assets.py")
    if rest:
        return _steps(*CHECKS, ("pytest", ("-m", "pytest", *rest)))
    # Pages wait for a browser and nodes for each other: more processes than processors keep all of these at work.
    workers = (os.cpu_count() or 1) + 2
    several = ("-n", str(workers), "--dist", "loadfile", "--no-loadscope-reorder")
    with ThreadPoolExecutor(1) as beside:
        # The checks take one processor now and then; the tests leave as much.
        checked = beside.submit(lambda: [(name, _heard(*command)) for name, command in CHECKS])
        failed = _failed(("pytest", ("-m", "pytest", "-p", "no:cacheprovider", *several)))
        for name, (status, said) in checked.result():
            print(f"== {name}\n{said}", end="", flush=True)
            failed += [name] * (status != 0)
    return _told(failed)


def lint(rest: list[str]) -> int:
    """Every check, without the tests."""
    set_up("dev")
    return _steps(*CHECKS, KNOWLEDGE)


def fix(rest: list[str]) -> int:
    """Formats the code and repairs what ruff can repair."""
    set_up("dev")
    repaired = _status("-m", "ruff", "check", "--fix", *(rest or ["."]))
    return _status("-m", "ruff", "format", *(rest or ["."])) or repaired


def bench(rest: list[str]) -> int:
    """Measures time and memory."""
    set_up("build", "runtime", "bench")
    return _status("-m", "benchmarks", *rest)


def knowledge(rest: list[str]) -> int:
    """Checks the knowledge base; for clinicians, without the programmers' tools."""
    set_up("build", "runtime", project=False)
    return _status("-m", "cunyi.cli", "knowledge", *(rest or ["check"]), source=True)


def wheel(rest: list[str]) -> int:
    """Builds the wheel into dist/."""
    set_up("build", "runtime")
    return _status("-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--wheel-dir", "dist", ".")


def lock(rest: list[str]) -> int:
    """Pins the requirements anew from pyproject.toml. `--upgrade` takes newer versions."""
    set_up("dev", project=False)
    with tempfile.TemporaryDirectory() as folder:
        build, node = Path(folder, "build.in"), Path(folder, "node.in")
        project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
        build.write_text("\n".join(project["build-system"]["requires"]), encoding="utf-8")
        node.write_text(NODE_PACKAGE, encoding="utf-8")
        runtime = str(REQUIREMENTS / "runtime.txt")
        _pin("runtime", "pyproject.toml", *rest)
        _pin("build", str(build), "--constraints", runtime, *rest)
        _pin("dev", "pyproject.toml", str(build), "--extra", "dev", "--constraints", runtime, *rest)
        _pin("kit", "pyproject.toml", "--extra", "ocr", "--extra", "simulation", "--constraints", runtime, *rest)
        _pin("bench", "pyproject.toml", "--extra", "bench", "--constraints", runtime, *rest)
        _pin("node", str(node), *rest)
    return 0


def clean(rest: list[str]) -> int:
    """Deletes everything that these tasks made."""
    for name in (*MADE, *CACHES, DEMONSTRATION):
        shutil.rmtree(ROOT / name, ignore_errors=True)
    for folder in (ROOT / "src", ROOT / "tests", ROOT / "scripts"):
        for cache in folder.rglob("__pycache__"):
            shutil.rmtree(cache, ignore_errors=True)
    return 0


def set_up(*names: str, project: bool = True) -> None:
    """Brings `.venv` to the pinned requirements, and the project with its knowledge and page assets into it."""
    _make_environment()
    if project and not (shutil.which("node") and shutil.which("npm")):
        names = (*names, "node")
    for name in names:
        _install(REQUIREMENTS / f"{name}.txt")
    if project:
        print("生成知识库和页面资源 building the knowledge base and page assets …", flush=True)
        _pip("--no-build-isolation", "--no-deps", "--editable", ".")


def _make_environment() -> None:
    if PYTHON.is_file() and subprocess.run([PYTHON, "-m", "pip", "--version"], capture_output=True).returncode == 0:
        return
    print("建立运行环境 creating .venv …", flush=True)
    try:
        venv.create(VENV, clear=True, with_pip=True)
    except subprocess.CalledProcessError:
        shutil.rmtree(VENV, ignore_errors=True)
        sys.exit("这个 Python 缺少 venv（Debian、Ubuntu：apt install python3-venv）。This Python has no ensurepip.")


def _install(requirements: Path) -> None:
    wanted = hashlib.sha256(requirements.read_bytes()).hexdigest()
    stamp = VENV / f"installed-{requirements.stem}.sha256"
    if stamp.is_file() and stamp.read_text() == wanted:
        return
    print(f"安装依赖 installing {requirements.stem} …", flush=True)
    _pip("--require-hashes", "--requirement", str(requirements))
    stamp.write_text(wanted)


def _pip(*options: str) -> None:
    # Twice quiet: only what went wrong.
    _call(PYTHON, "-m", "pip", "install", "--quiet", "--quiet", "--disable-pip-version-check", *options)


def _pin(name: str, *options: str) -> None:
    target = str(REQUIREMENTS / f"{name}.txt")
    fixed = ("--quiet", "--no-config", "--universal", "--python-version", "3.11", "--generate-hashes", "--no-header")
    _call(PYTHON, "-m", "uv", "pip", "compile", *fixed, "--no-annotate", "--output-file", target, *options)


def _steps(*steps: tuple[str, tuple[str, ...]]) -> int:
    return _told(_failed(*steps))


def _failed(*steps: tuple[str, tuple[str, ...]]) -> list[str]:
    failed = []
    for name, command in steps:
        print(f"== {name}", flush=True)
        if _status(*command) != 0:
            failed.append(name)
    return failed


def _told(failed: list[str]) -> int:
    if failed:
        print(f"未通过 failed: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


def _status(*command: str, source: bool = False) -> int:
    environment = {**os.environ, "PYTHONUTF8": "1"}
    if source:
        environment["PYTHONPATH"] = str(ROOT / "src")
    return subprocess.run([PYTHON, *command], cwd=ROOT, env=environment).returncode


def _heard(*command: str) -> tuple[int, str]:
    """The exit status of a step and all that it said."""
    environment = {**os.environ, "PYTHONUTF8": "1"}
    ended = subprocess.run(
        [PYTHON, *command],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
    )
    return ended.returncode, ended.stdout


def _call(*command: str | Path) -> None:
    subprocess.run(command, cwd=ROOT, check=True)


TASKS = {
    "run": (run, "打开演示 serve a demonstration on this machine (arguments: those of `cunyi serve`)"),
    "test": (test, "检查并测试全部 every check, then the tests"),
    "lint": (lint, "只做检查 every check, without the tests"),
    "fix": (fix, "整理代码格式 format the code"),
    "knowledge": (knowledge, "检查知识库 check the knowledge base (arguments: those of `cunyi knowledge`)"),
    "bench": (bench, "测速度和内存 measure time and memory"),
    "wheel": (wheel, "打成安装包 build the wheel into dist/"),
    "lock": (lock, "重新固定依赖版本 pin the requirements anew (--upgrade)"),
    "clean": (clean, "清除生成的文件 delete everything that was made"),
}

if __name__ == "__main__":
    sys.exit(main())
