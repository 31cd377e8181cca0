"""An expert opinion put into a language model's words, where one is configured; used only where it changes nothing."""

from __future__ import annotations

import logging
from typing import Protocol

from cunyi.domain.opinion import ExpertOpinion, WordedOpinion, WordingRefusedError
from cunyi.reasoning.prepared import Knowledge
from cunyi.reasoning.wording_guard import accepted_wording, to_be_worded

_LOG = logging.getLogger("cunyi.opinion")


class Writer(Protocol):
    """Somebody who puts a text into other words (措辞者)."""

    @property
    def name(self) -> str:
        """What is shown as the author of the words."""

    def reply(self, instruction: str, text: str) -> str:
        """The answer to a text under an instruction. WordingRefusedError where there is none."""


def word_opinion(opinion: ExpertOpinion, knowledge: Knowledge, writer: Writer) -> WordedOpinion:
    """The opinion in the writer's words, or why they are not used; the opinion itself stands beside them unchanged.

    The writer is given the sentences of the opinion, no name, number or record of the patient.
    """
    words = knowledge.content.opinion
    if words is None:
        raise LookupError("opinion.yaml")
    try:
        reply = writer.reply(words.guard.text, to_be_worded(opinion))
        return WordedOpinion(writer.name, accepted_wording(reply, opinion, knowledge, words), None)
    except WordingRefusedError as error:
        _LOG.warning("wording not used: %s", error.refusal.value)
        return WordedOpinion(writer.name, {}, error.refusal)
