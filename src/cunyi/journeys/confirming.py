"""What a contact with the hub means for the accounts of a kit: they may be used offline for as long again."""

from __future__ import annotations

from datetime import timedelta

import msgspec

from cunyi.domain.audit import Action
from cunyi.store.accounts import every_account, replace_account
from cunyi.store.unit import SYSTEM, Store

# Once a day is enough for a rule that counts in days.
_OFTEN = timedelta(hours=20)


def confirm_after_contact(store: Store) -> int:
    """Confirms every account in use, at most once a day; how many. An administrator's "stopped" stays as it is."""
    with store.reading() as connection:
        due = [
            account
            for account in every_account(connection, store.node.organisation)
            if account.active and store.clock() - account.confirmed_at > _OFTEN
        ]
    if not due:
        return 0
    with store.writing(SYSTEM) as writing:
        # Looked at again: somebody may have stopped one meanwhile.
        now = {account.id: account for account in every_account(writing.connection, writing.organisation)}
        confirmed = [now[each.id] for each in due if each.id in now and now[each.id].active]
        for account in confirmed:
            replace_account(writing, msgspec.structs.replace(account, confirmed_at=writing.latest))
        writing.audit(Action.CHANGE_ACCOUNT, detail=f"联系到中心，{len(confirmed)} 个账号可继续离线使用")
    return len(confirmed)
