"""The settings of synchronising: how the hub is reached, how often."""

import pytest

from cunyi.config import read_config
from cunyi.domain.errors import UserError
from cunyi.interop.hub_http import LineSettings


def test_the_settings_are_read(tmp_path):
    authority = tmp_path / "authority.pem"
    authority.write_text("x")
    config = read_config({"CUNYI_HUB_CA_FILE": str(authority), "CUNYI_HUB_TIMEOUT": "30", "CUNYI_SYNC_EVERY": "600"})
    assert config.line == LineSettings(ca_file=authority, timeout_s=30) and config.sync_every_s == 600
    usual = read_config({})
    assert usual.line == LineSettings() and usual.sync_every_s == 60


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("CUNYI_HUB_CA_FILE", "/no/such/file.pem"),
        ("CUNYI_HUB_TIMEOUT", "0"),
        ("CUNYI_HUB_TIMEOUT", "long"),
        ("CUNYI_SYNC_EVERY", "-5"),
        ("CUNYI_SYNC_EVERY", "86401"),
    ],
)
def test_one_that_cannot_be_used_is_named(name, value):
    with pytest.raises(UserError) as refused:
        read_config({name: value})
    assert refused.value.field == name
