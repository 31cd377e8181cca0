"""Measurements and cards as tables on a terminal."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

from cunyi import app
from cunyi.config import read_config
from cunyi.devices.transports.line_state import LineState
from cunyi.domain.errors import UserError
from cunyi.domain.identity import mask

if TYPE_CHECKING:
    from cunyi.devices.driver import Driver, Heard
    from cunyi.domain.measurement import IdentityCard, Measurement
    from cunyi.reasoning.prepared import Knowledge

OUT = Console(highlight=False)
_LINES = {
    LineState.SEARCHING: "正在找……",
    LineState.CONNECTING: "正在连接……",
    LineState.LISTENING: "已连接",
    LineState.LOST: "连接断了，正在重连……",
    LineState.NOT_ALLOWED: "打不开：没有蓝牙、没有权限，或者被别的程序占用；正在再试……",
}
_SEX = {"male": "男", "female": "女", None: ""}


def knowledge_or_none() -> Knowledge | None:
    """The knowledge for the names of items; without it their ids are shown."""
    try:
        return app.load_knowledge(read_config().knowledge)
    except UserError:
        return None


def print_line(state: LineState) -> None:
    """How the connection stands, beside the results."""
    print(_LINES[state], file=sys.stderr)


def print_heard(heard: Heard, driver: Driver, knowledge: Knowledge | None, *, show: bool) -> bool:
    """Prints what was heard; whether a final measurement or a card was among it."""
    words = driver.description
    for told, known in ((heard.state, words.states), (heard.trouble, words.troubles)):
        if told and (words_of := known.get(told)):
            print(words_of.zh, file=sys.stderr)
    for measurement in heard.measurements:
        print_measurement(measurement, driver, knowledge)
    for card in heard.cards:
        print_card(card, show=show)
    return bool(heard.cards) or any(measurement.final for measurement in heard.measurements)


def print_measurement(measurement: Measurement, driver: Driver, knowledge: Knowledge | None) -> None:
    """A measurement as a table, and what the instrument remarked."""
    table = Table("项目", "值", "单位", "仪器原值")
    for value in measurement.values:
        item = knowledge.content.items.get(value.item) if knowledge else None
        shown = "—" if value.value is None else f"{value.value:.10g}" if isinstance(value.value, float) else value.value
        table.add_row(item.name if item else value.item, str(shown), value.unit, value.raw)
    OUT.print(table)
    remarks = [words.zh if (words := driver.description.flags.get(flag)) else flag for flag in measurement.flags]
    if measurement.control_solution:
        remarks.append("质控液，不是病人的结果")
    if not measurement.final:
        remarks.append("测量还在进行")
    if measurement.conclusion:
        remarks.append(f"结论：{measurement.conclusion}")
    if measurement.clock_at is not None:
        remarks.append(f"仪器时间 {measurement.clock_at:%Y-%m-%d %H:%M:%S}")
    if measurement.sequence is not None:
        remarks.append(f"第 {measurement.sequence} 条")
    for remark in remarks:
        OUT.print(f"  · {remark}", markup=False)


def print_card(card: IdentityCard, *, show: bool) -> None:
    """A card as a table; who it is only where that was asked for."""

    def hidden(words: str) -> str:
        return words if show else words[:1] + "*" * (len(words) - 1)

    table = Table("证件", "内容")
    table.add_row("号码", card.number if show else mask(card.number))
    table.add_row("姓名", hidden(card.name))
    if card.name_en:
        table.add_row("英文姓名", hidden(card.name_en))
    table.add_row("性别", _SEX[card.sex])
    table.add_row("出生日期", f"{card.birth_on or ''}" if show else f"{card.birth_on.year if card.birth_on else ''}")
    for name, words in (("民族", card.ethnic_group), ("国籍", card.nationality), ("签发机关", card.issuer)):
        if words:
            table.add_row(name, words)
    if card.address:
        table.add_row("住址", hidden(card.address))
    table.add_row("有效期", f"{card.valid_from or ''} – {card.valid_until or '长期'}")
    OUT.print(table)
