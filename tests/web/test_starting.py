"""Starting a node: its configuration, its knowledge, and what is said when either cannot be used."""

import pytest

from cunyi.app import create_app, load_knowledge
from cunyi.config import Config, read_config
from cunyi.domain.errors import KnowledgeError, UserError


def test_the_defaults_are_loopback():
    assert read_config({}) == Config(host="127.0.0.1", port=8321, knowledge=None)


def test_the_environment_is_read(tmp_path):
    given = {"CUNYI_HOST": "::1", "CUNYI_PORT": "9000", "CUNYI_KNOWLEDGE": str(tmp_path)}
    assert read_config(given) == Config(host="::1", port=9000, knowledge=tmp_path)


@pytest.mark.parametrize("port", ["http", "0", "65536", "-1", "８０"])
def test_a_port_that_cannot_be_is_named(port):
    with pytest.raises(UserError) as refused:
        read_config({"CUNYI_PORT": port})
    assert refused.value.field == "CUNYI_PORT"


def test_missing_knowledge_says_what_to_do(tmp_path):
    with pytest.raises(KnowledgeError, match="cunyi knowledge build"):
        create_app(Config(knowledge=tmp_path / "none.json"))


@pytest.mark.parametrize("data", [b"", b"{}", b'{"format": 3}', b'{"format": 3, "findings": [{}], "language": {}}'])
def test_knowledge_that_cannot_be_read_says_so(tmp_path, data):
    path = tmp_path / "knowledge.json"
    path.write_bytes(data)
    with pytest.raises(KnowledgeError):
        load_knowledge(path)


def test_the_package_offers_the_two_names():
    import cunyi

    assert callable(cunyi.assess) and callable(cunyi.load_knowledge)
    with pytest.raises(AttributeError):
        _ = cunyi.no_such_name
