"""The ledger of a simulated township: what it keeps of trouble."""

from cunyi.simulation.ledger import Ledger


def test_trouble_is_told_without_the_numbers_of_people():
    ledger = Ledger()
    for number in ("01a217c7-2ce0-7b66-af53-82422b5b01f9", "01a217c7-33fb-7429-a87a-b5de0f4a61a3"):
        ledger.trouble(f"visit: /people/{number}/encounter 409: 这份病历已经签过")
    assert dict(ledger.troubles) == {"visit: /people/…/encounter 409: 这份病历已经签过": 2}
