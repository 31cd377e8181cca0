"""What the documents promise is there: tasks, commands, settings, links, pins; and nothing that does not belong."""

import re
import subprocess
import tomllib
from functools import cache
from pathlib import Path

import pytest

from cunyi.cli import main

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]
READMES = [ROOT / "README.md", ROOT / "README.en.md"]
TARGETS = re.findall(r"^([a-z ]+):\n\t@", (ROOT / "Makefile").read_text(encoding="utf-8"), re.M)[0].split()
# Written in pieces, so that this file does not hold what it forbids.
REGISTRIES = [
    "pypi" + ".org",
    "pythonhosted" + ".org",
    "npmjs" + ".org",
    "npmjs" + ".com",
    "npmmirror" + ".com",
    "tsinghua" + ".edu.cn",
    "aliyun" + ".com",
    "yarnpkg" + ".com",
]
MACHINE_PATHS = ["/" + place + "/" for place in ("work", "opt", "root", "home")]
LOCKS = sorted((ROOT / "requirements").glob("*.txt"))


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@cache
def tracked_texts() -> list[tuple[Path, str]]:
    """Every file that is in the repository or would be added to it."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    try:
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, encoding="utf-8", check=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("not a git checkout")
    texts = []
    for path in (ROOT / line for line in done.stdout.split("\0") if line):
        if path.is_file() and b"\0" not in (data := path.read_bytes()):
            texts.append((path, data.decode("utf-8")))
    return texts


@pytest.mark.parametrize("document", DOCUMENTS, ids=name)
def test_every_make_target_that_a_document_names_exists(document):
    named = re.findall(r"(?:^|`)make ([a-z]+)", document.read_text(encoding="utf-8"), re.M)
    assert set(named) <= set(TARGETS)


@pytest.mark.parametrize("readme", READMES, ids=name)
def test_the_readmes_give_the_two_commands_on_every_system(readme):
    text = readme.read_text(encoding="utf-8")
    for command in ("make run", "make test", "python scripts/dev.py run", "python scripts/dev.py test"):
        assert command in text


@pytest.mark.parametrize("document", DOCUMENTS, ids=name)
def test_every_command_that_a_document_names_exists(document, capsys):
    named = set(
        re.findall(r"(?:^|`)cunyi ((?:knowledge|audit) [a-z]+|[a-z-]+)", document.read_text(encoding="utf-8"), re.M)
    )
    for command in sorted(named):
        with pytest.raises(SystemExit) as left:
            main([*command.split(), "--help"])
        assert left.value.code == 0, command
    capsys.readouterr()


def test_the_makefile_and_the_script_know_the_same_tasks():
    script = (ROOT / "scripts/dev.py").read_text(encoding="utf-8")
    tasks = re.findall(r'^    "([a-z]+)": \(', script, re.M)
    assert sorted(tasks) == sorted(TARGETS)


@pytest.mark.parametrize("readme", READMES, ids=name)
def test_the_readmes_explain_every_setting(readme):
    settings = set(re.findall(r"CUNYI_[A-Z_]+", (ROOT / "src/cunyi/config.py").read_text(encoding="utf-8")))
    assert [setting for setting in sorted(settings) if setting not in readme.read_text(encoding="utf-8")] == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=name)
def test_every_link_inside_the_project_leads_somewhere(document):
    targets = re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", document.read_text(encoding="utf-8"))
    local = [target for target in targets if "://" not in target and not target.startswith("mailto:")]
    assert [target for target in local if not (document.parent / target).exists()] == []


def test_no_file_names_a_registry_or_a_path_of_one_machine():
    forbidden = re.compile("|".join(re.escape(word) for word in (*REGISTRIES, *MACHINE_PATHS)))
    found = [
        f"{name(path)}: {match[0]}"
        for path, text in tracked_texts()
        for match in forbidden.finditer(text)
        if not text[: match.start()].endswith(("/usr", "http:/", "https:/"))
    ]
    assert found == []


@pytest.mark.parametrize("lock", LOCKS, ids=name)
def test_every_pinned_requirement_has_hashes_and_no_address(lock):
    text = lock.read_text(encoding="utf-8")
    requirements = re.split(r"\n(?=[a-z])", text.strip())
    assert all("==" in line and "--hash=sha256:" in line for line in requirements)
    assert "://" not in text and "--index" not in text and "--find-links" not in text


@pytest.mark.parametrize("lock", ["runtime", "build", "dev", "bench"])
def test_the_pins_cover_what_the_project_asks_for(lock):
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    project = declared["project"]
    wanted = {
        "runtime": project["dependencies"],
        "build": declared["build-system"]["requires"],
        "dev": project["dependencies"] + project["optional-dependencies"]["dev"] + declared["build-system"]["requires"],
        "bench": project["dependencies"] + project["optional-dependencies"]["bench"],
    }[lock]
    pinned = set(re.findall(r"^([a-z0-9.-]+)==", (ROOT / f"requirements/{lock}.txt").read_text(encoding="utf-8"), re.M))
    asked = {re.match(r"[A-Za-z0-9.-]+", requirement)[0].lower() for requirement in wanted}
    assert asked <= pinned, "run: make lock"
