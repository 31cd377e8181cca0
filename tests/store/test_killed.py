"""The program is killed at any moment: what it acknowledged is there, and nothing is there by half."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest
from clinic_day import Desk, in_folder, misfits
from node_for_tests import LOGIN, PASSWORD, Clock

from cunyi.store import schema
from cunyi.store.drafts import drafts_of_account

ROUNDS = int(os.environ.get("CUNYI_TEST_KILLS", "10"))
HERE = Path(__file__).parent
ROOT = HERE.parents[1]


@pytest.mark.parametrize("writers", [1, 2])
def test_what_was_acknowledged_outlives_the_kill(tmp_path: Path, writers: int) -> None:
    made = in_folder(tmp_path / "node", Clock())
    for name in ("曾小明", "曾大山", "曾秀英", "曾建国"):
        made.register(name)
    made.seat.close()
    environment = os.environ | {"PYTHONPATH": f"{ROOT / 'src'}:{HERE.parent}"}
    chance = random.Random(writers)
    acknowledged: set[str] = set()
    drafts: dict[str, int] = {}
    for _ in range(max(1, ROUNDS // writers)):
        running = [
            subprocess.Popen(
                [sys.executable, str(HERE / "writing_until_killed.py"), str(tmp_path / "node"), str(index)],
                env=environment,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
            for index in range(writers)
        ]
        said = [process.stdout.readline() for process in running]
        time.sleep(chance.uniform(0, 0.4))
        for process in running:
            process.kill()
        for process, first in zip(running, said, strict=True):
            out, err = process.communicate()
            assert first, err
            lines = [line.split() for line in (first + out).splitlines(keepends=True) if line.endswith("\n")]
            acknowledged |= {words[1] for words in lines if words[0] == "signed"}
            drafts |= {words[1]: int(words[2]) for words in lines if words[0] == "draft"}
        check(made, acknowledged, drafts)


def check(made: Desk, acknowledged: set[str], revisions: dict[str, int]) -> None:
    store = made.folder.open(made.folder.keyring().open(LOGIN, PASSWORD), clock=made.clock)
    try:
        with store.reading() as connection:
            there = {row.id for row in connection.execute(schema.document.select())}
            drafts = drafts_of_account(connection, made.account.organisation, made.account.id)
        assert acknowledged <= there
        there_now = {draft.id: draft.revision for draft in drafts}
        assert all(there_now.get(draft, 0) >= revision for draft, revision in revisions.items())
        assert misfits(store, made.folder) == []
    finally:
        store.close()
