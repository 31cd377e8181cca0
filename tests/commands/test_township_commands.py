"""The commands of a township: a node is enrolled, given serials, opened with the key in the hub's safe, and taken out."""

import re

import pytest
from node_for_tests import CHEAP, LOGIN, PASSWORD, Clock
from township_for_tests import HUB_LOGIN, UPPER, UPPER_CLINIC, a_hub

from cunyi.cli import main
from cunyi.domain.organisation import NodeState
from cunyi.interop import hub_http
from cunyi.journeys.seat import Seat
from cunyi.store.folder import Folder
from cunyi.store.known_nodes import known_nodes
from cunyi.store.links import current_epoch


@pytest.fixture
def password(tmp_path):
    path = tmp_path / "password"
    path.write_text(PASSWORD, encoding="utf-8")
    return path


def opening(folder, login, password):
    return ["--data", str(folder), "--login", login, "--password-file", str(password)]


def test_a_node_from_its_code_to_its_end(tmp_path, password, capsys, monkeypatch):
    with a_hub(tmp_path / "hub", Clock()) as hub:
        # The line to the hub, without a network.
        monkeypatch.setattr(hub_http.HubLine, "send", lambda line, message: hub.answer(message))
        monkeypatch.setattr("cunyi.store.passwords.Cost", lambda: CHEAP)
        at_hub = opening(tmp_path / "hub", HUB_LOGIN, password)
        assert main(["node", "enrol-code", "--facility", UPPER_CLINIC, "--serials", "200", *at_hub]) == 0
        code = re.search(r"(?:[0-9A-Z]{4}-){3}[0-9A-Z]{4}", capsys.readouterr().out)[0]

        where = ["--data", str(tmp_path / "kit"), "--login", LOGIN, "--password-file", str(password)]
        joining = ["--hub", "https://hub.example", "--code", code, "--name", "李建国", "--role", "village_doctor"]
        assert main(["init", *joining, *where]) == 0
        printed = capsys.readouterr().out
        assert "上坪村卫生室" in printed and "恢复码" in printed
        assert main(["init", *joining, *where]) == 2
        assert "已经有一个节点" in capsys.readouterr().err

        with hub.store.reading() as connection:
            (node,) = known_nodes(connection, hub.store.node.organisation)
        assert main(["node", "serials", node.id[:12], UPPER, "--count", "50", *at_hub]) == 0
        assert "201–250" in capsys.readouterr().out

        key = tmp_path / "key.txt"
        assert main(["node", "escrow", node.id, "--out", str(key), *at_hub]) == 0
        assert key.stat().st_mode & 0o077 == 0 and key.read_text().strip() not in capsys.readouterr().out
        assert main(["node", "escrow", node.id, "--out", str(key), *at_hub]) == 2
        with hub.store.reading() as connection:
            before = current_epoch(connection, hub.store.node.organisation)
        assert main(["node", "restored", *at_hub]) == 0
        with hub.store.reading() as connection:
            after = current_epoch(connection, hub.store.node.organisation)
        assert after.number == before.number + 1 and after.mark != before.mark
        assert main(["node", "restored", *where]) == 2
        assert "这台不是中心" in capsys.readouterr().err
        new = tmp_path / "new"
        new.write_text("river-bridge-77", encoding="utf-8")
        reopening = ["--data", str(tmp_path / "kit"), "--login", LOGIN, "--password-file", str(new)]
        assert main(["node", "reopen", "--key-file", str(key), *reopening]) == 0
        seat = Seat(clock=Clock(), cost=CHEAP, folder=Folder(tmp_path / "kit"))
        seat.sign_in(LOGIN, "river-bridge-77")
        seat.close()

        capsys.readouterr()
        assert main(["node", "revoke", node.id, "--reason", "遗失", *at_hub]) == 0
        assert main(["node", "list", *at_hub]) == 0
        assert "已停用" in capsys.readouterr().out
        with hub.store.reading() as connection:
            assert known_nodes(connection, hub.store.node.organisation)[0].state is NodeState.REVOKED
        assert main(["node", "revoke", "0", "--reason", "遗失", *at_hub]) == 2


def test_what_a_command_needs_is_told(tmp_path, password, capsys):
    where = opening(tmp_path / "new", LOGIN, password)
    for arguments, told in (
        (["init", "--name", "x"], "没有写；加入中心的电脑写 --hub 和 --code"),
        (["init", "--name", "x", "--role", "hub"], "没有写"),
        (["init", "--name", "x", "--role", "hub", "--hub", "https://a", "--code", "x"], "中心不加入别的中心"),
        (["init", "--name", "x", "--hub", "https://a"], "--code 登记码"),
        (["node", "list"], "没有节点"),
    ):
        assert main([*arguments, *where]) == 2
        assert told in capsys.readouterr().err
