"""What happens to computers: one breaks and is brought back from yesterday's backup, one is lost, revoked, and replaced."""

from __future__ import annotations

import random
import re
import shutil

from cunyi.simulation.clinic import Clinic
from cunyi.simulation.founding import add_people_who_work, found_kit
from cunyi.simulation.ledger import Ledger
from cunyi.simulation.line import GOOD
from cunyi.simulation.nodes import CommandError, Machine
from cunyi.simulation.plan import Plan

_BACKUP = "backup.cunyi"
_TRIES = 5
_NODE = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


def back_up(clinic: Clinic) -> None:
    """The kit is backed up while its program runs."""
    clinic.machine.run("backup", str(clinic.machine.place / _BACKUP), *clinic.machine.opening)


def break_and_restore(clinic: Clinic) -> str:
    """The kit's disk is gone; it comes back as it was at the backup, and fetches from the hub what it had sent since. Tells of it."""
    machine = clinic.machine
    _send_everything(clinic)
    machine.kill()
    shutil.rmtree(machine.data)
    machine.run("restore", str(machine.place / _BACKUP), *machine.opening)
    machine.start()
    clinic.come_back(machine, clinic.doctors)
    clinic.synchronise()
    return f"{machine.name} broke after a synchronisation and was restored from the backup of the day before"


def lose_and_replace(clinic: Clinic, plan: Plan, hub: Machine, ledger: Ledger, draw: random.Random) -> str:
    """The kit is lost and revoked, destroys its data at the next contact, and another one takes its place. Tells of it."""
    lost = clinic.machine
    _send_everything(clinic)
    hub.run("node", "revoke", _node_of(hub, clinic.village), "--reason", "遗失", *hub.opening)
    try:
        clinic.press_synchronise()
    finally:
        left = _left_after(lost)
    logins = [doctor.login for doctor in clinic.doctors]
    lost.stop()
    kit = found_kit(f"{lost.name}-new", plan, hub, clinic.line, clinic.village, 1_000)
    kit.start()
    clinic.come_back(kit, add_people_who_work(kit, logins, "village_doctor", clinic.village, ledger, draw))
    clinic.synchronise()
    return f"{lost.name} was lost and revoked; {left}; {kit.name} took its place and fetched the village"


def _send_everything(clinic: Clinic) -> None:
    """The kit's last contact goes well: what lies on a broken disk alone would be gone."""
    clinic.line.weather = GOOD
    for _ in range(_TRIES):
        state = clinic.synchronise()
        if state is not None and not state.waiting and not state.problem:
            return
    raise CommandError(f"{clinic.name} cannot send everything: {state}")


def _left_after(machine: Machine) -> str:
    """What is left of the data of a revoked kit once it was in contact with the hub."""
    database = machine.data / "cunyi.db"
    keyring = machine.data / "keyring.json"
    if not machine.wait_until(lambda: not keyring.exists() and not database.exists()):
        raise CommandError(f"{machine.name} was revoked and its data is still there: {sorted(machine.data.iterdir())}")
    return "at its next contact it destroyed its key and its data"


def _node_of(hub: Machine, village: str) -> str:
    """The id of the node of a village that is not revoked yet, as the hub's command lists it."""
    for line in hub.run("node", "list", *hub.opening).splitlines():
        if village in line and "已停用" not in line and (found := _NODE.search(line)):
            return found[0]
    raise CommandError(f"no node of {village}")
