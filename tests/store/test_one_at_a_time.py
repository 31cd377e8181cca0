"""What only one program may do at a time, on either database."""

from cunyi.store.one_at_a_time import only_one


def test_one_has_it_until_it_gives_it_back(desk):
    folder = desk.folder.path if desk.folder else None
    with only_one(desk.store, folder) as first:
        assert first
        with only_one(desk.store, folder) as second:
            assert not second
        with only_one(desk.store, folder) as third:
            assert not third
    with only_one(desk.store, folder) as again:
        assert again
