"""The debates of the demo."""

from __future__ import annotations

from typing import Any

__all__ = ["DEBATES", "OUTCOMES", "QUESTIONS"]

QUESTIONS = (
    "Rate limiting for the public API",
    "Where should user sessions be stored?",
    "café menu in München",
)

_AGENTS = ["claude", "gpt4", "gemini"]


def _debate(
    debate_id: str,
    topic: str,
    conclusion: str,
    *,
    strength: str,
    confidence: float,
    domain: str,
    agreeing: list[str],
    rounds: int,
    seconds: float,
    critiques: list[dict[str, Any]],
    dissents: list[dict[str, Any]],
    tags: list[str],
) -> dict[str, Any]:
    return {
        "result": {
            "debate_id": debate_id,
            "task": topic,
            "final_answer": conclusion,
            "consensus_reached": confidence >= 0.6,
            "confidence": confidence,
            "rounds_used": rounds,
            "duration_seconds": seconds,
            "critiques": critiques,
        },
        "consensus": {
            "topic": topic,
            "conclusion": conclusion,
            "strength": strength,
            "confidence": confidence,
            "participating_agents": _AGENTS,
            "agreeing_agents": agreeing,
            "dissenting_agents": [agent for agent in _AGENTS if agent not in agreeing],
            "domain": domain,
            "tags": tags,
            "rounds": rounds,
            "debate_duration": seconds,
        },
        "dissents": dissents,
        # Who agreed with the conclusion gets a point, and the critics half of one.
        "scores": {
            agent: 1.0
            if agent in agreeing
            else 0.5 * any(critique["agent"] == agent for critique in critiques)
            for agent in _AGENTS
        },
    }


DEBATES: list[dict[str, Any]] = [
    _debate(
        "debate-101",
        "Rate limiting approach for the public API",
        "Use a token bucket per API key, with the counters in Redis.",
        strength="strong",
        confidence=0.85,
        domain="architecture",
        agreeing=["claude", "gpt4"],
        rounds=3,
        seconds=74.25,
        tags=["api", "scaling"],
        critiques=[
            {
                "agent": "gemini",
                "target_agent": "claude",
                "issues": ["Missing error handling when Redis is down", "Slow first request"],
                "suggestions": ["Fail open with a local bucket"],
                "severity": 6.5,
                "reasoning": "An outage of the counter must not be an outage of the API.",
                "expected_usefulness": 0.8,
            },
            {
                "agent": "gpt4",
                "target_agent": "claude",
                "issues": ["Unclear naming of the limits"],
                "suggestions": ["Name limits by plan"],
                "severity": 2.0,
            },
        ],
        dissents=[
            {
                "agent_id": "gemini",
                "dissent_type": "risk_warning",
                "content": "Bursts of one tenant can starve the shared Redis.",
                "reasoning": "All counters live on one node.",
                "confidence": 0.7,
            }
        ],
    ),
    _debate(
        "debate-102",
        "Rate limiting of login attempts",
        "Slide a window of ten minutes per account and per address.",
        strength="unanimous",
        confidence=0.97,
        domain="security",
        agreeing=_AGENTS,
        rounds=2,
        seconds=41.0,
        tags=["security"],
        critiques=[
            {
                "agent": "claude",
                "target_agent": "gpt4",
                "issues": ["Permission check comes after the counter"],
                "suggestions": ["Count first"],
                "severity": 7.0,
            }
        ],
        dissents=[],
    ),
    _debate(
        "debate-103",
        "Where should user sessions be stored: cookies or server side?",
        "Signed cookies for identity, the rest on the server.",
        strength="moderate",
        confidence=0.64,
        domain="security",
        agreeing=["claude", "gemini"],
        rounds=4,
        seconds=118.5,
        tags=["sessions"],
        critiques=[
            {
                "agent": "gpt4",
                "target_agent": "gemini",
                "issues": ["Missing error handling when Redis is down"],
                "suggestions": ["Keep a short-lived copy in the cookie"],
                "severity": 5.0,
            }
        ],
        dissents=[
            {
                "agent_id": "gpt4",
                "dissent_type": "fundamental_disagreement",
                "content": "Stateless tokens would need no session store at all.",
                "reasoning": "Revocation is rare.",
                "confidence": 0.6,
            }
        ],
    ),
    _debate(
        "debate-104",
        "Choosing a database for the session store",
        "PostgreSQL until the load says otherwise.",
        strength="weak",
        confidence=0.55,
        domain="architecture",
        agreeing=["gpt4"],
        rounds=5,
        seconds=203.75,
        tags=["database", "sessions"],
        critiques=[],
        dissents=[
            {
                "agent_id": "claude",
                "dissent_type": "edge_case_concern",
                "content": "Vacuum has to keep up with millions of short sessions.",
                "reasoning": "Every expiry is a dead row.",
                "confidence": 0.5,
            }
        ],
    ),
    _debate(
        "debate-105",
        "Café-Menü für das Büro in München",
        "Zwei Gerichte am Tag, eines davon vegan.",
        strength="split",
        confidence=0.4,
        domain="office",
        agreeing=["claude"],
        rounds=1,
        seconds=12.0,
        tags=["büro", "essen"],
        critiques=[],
        dissents=[],
    ),
]

OUTCOMES: dict[str, Any] = {
    "failed_issues": ["Unclear naming of the limits"],
    "reputation": [
        *[
            {"agent_name": name, "proposal_made": True, "proposal_accepted": accepted}
            for name, accepted in (("claude", True), ("claude", True), ("gpt4", True))
        ],
        {"agent_name": "gemini", "proposal_made": True},
        *[
            {"agent_name": name, "critique_given": True, "critique_valuable": valuable}
            for name, valuable in (("gemini", True), ("gpt4", False), ("claude", True))
        ],
    ],
}
