"""What earlier debates have to say against a position, for the preparation of a new one."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from aragora_sql.stores.consensus.records import DissentRecord, DissentType
from aragora_sql.stores.consensus.store import ConsensusMemory
from aragora_sql.stores.records import Record

__all__ = ["DebatePreparation", "DissentRetriever"]


@dataclass(frozen=True, slots=True)
class DebatePreparation(Record):
    """What is known before a debate on a topic begins."""

    similar_debates: list[dict[str, Any]] = field(default_factory=list)
    relevant_dissents: list[DissentRecord] = field(default_factory=list)
    dissent_by_type: dict[str, list[DissentRecord]] = field(default_factory=dict)
    unacknowledged_dissents: list[DissentRecord] = field(default_factory=list)
    total_similar: int = 0
    total_dissents: int = 0


class DissentRetriever:
    """Finds what earlier debates have to say against a position."""

    def __init__(self, memory: ConsensusMemory) -> None:
        self._memory = memory

    async def retrieve_for_new_debate(
        self, topic: str, domain: str | None = None
    ) -> DebatePreparation:
        """Return up to 5 similar debates and 10 dissents, of one domain or of all."""
        async with self._memory.database.read():
            similar = await self._memory.find_similar_debates(topic, domain, limit=5)
            dissents = await self._memory.find_relevant_dissent(topic, limit=10, domain=domain)
        by_type: dict[str, list[DissentRecord]] = {}
        for dissent in dissents:
            by_type.setdefault(dissent.dissent_type, []).append(dissent)
        return DebatePreparation(
            similar_debates=[
                {
                    "topic": debate.consensus.topic,
                    "conclusion": debate.consensus.conclusion,
                    "strength": debate.consensus.strength,
                    "similarity": debate.similarity_score,
                    "dissent_count": len(debate.dissents),
                }
                for debate in similar
            ],
            relevant_dissents=dissents,
            dissent_by_type=by_type,
            unacknowledged_dissents=[d for d in dissents if not d.acknowledged],
            total_similar=len(similar),
            total_dissents=len(dissents),
        )

    async def find_contrarian_views(
        self, consensus_position: str, domain: str | None = None, limit: int = 5
    ) -> list[DissentRecord]:
        """Return fundamental disagreements and alternatives, the most confident first."""
        return await self._memory.find_relevant_dissent(
            consensus_position,
            (DissentType.FUNDAMENTAL_DISAGREEMENT, DissentType.ALTERNATIVE_APPROACH),
            limit=limit,
            domain=domain,
        )

    async def find_risk_warnings(
        self, topic: str, domain: str | None = None, limit: int = 5
    ) -> list[DissentRecord]:
        """Return risk warnings and concerns about edge cases, the most confident first."""
        return await self._memory.find_relevant_dissent(
            topic,
            (DissentType.RISK_WARNING, DissentType.EDGE_CASE_CONCERN),
            limit=limit,
            domain=domain,
        )

    async def get_debate_preparation_context(self, topic: str, domain: str | None = None) -> str:
        """Return the same in Markdown, for a prompt: 3 similar debates, 3 open dissents."""
        found = await self.retrieve_for_new_debate(topic, domain)
        lines = ["# Historical context"]
        if found.similar_debates:
            lines += ["", "## Similar debates"]
            for debate in found.similar_debates[:3]:
                lines.append(
                    f"- **{_shortened(debate['topic'])}** ({debate['strength']}, "
                    f"{debate['similarity']:.0%} similar): {_shortened(debate['conclusion'])}"
                )
        if found.unacknowledged_dissents:
            lines += ["", "## Dissents without an answer"]
            for dissent in found.unacknowledged_dissents[:3]:
                lines.append(
                    f"- [{dissent.dissent_type}] {dissent.agent_id}: {_shortened(dissent.content)}"
                )
        lines += [
            "",
            f"{found.total_similar} similar debates, {found.total_dissents} relevant dissents.",
        ]
        return "\n".join(lines)


def _shortened(text: str, longest: int = 100) -> str:
    """Cut a text, if it can be at the end of a sentence past half, or at a blank past 70 %."""
    text = " ".join(text.split())
    if len(text) <= longest:
        return text
    head = text[:longest]
    sentence = max(head.rfind(mark) for mark in (". ", "! ", "? "))
    if sentence > longest * 0.5:
        return head[: sentence + 1]
    blank = head.rfind(" ")
    return head[: blank if blank > longest * 0.7 else longest].rstrip() + "…"
