"""LangGraph's own conformance suite, on both engines."""

from __future__ import annotations

from collections.abc import AsyncIterator

from langgraph.checkpoint.conformance import checkpointer_test, validate
from langgraph.checkpoint.conformance.capabilities import ALL_CAPABILITIES
from langgraph.checkpoint.conformance.report import CapabilityReport

from aragora_sql.stores.langgraph.saver import LangGraphSaver


def describe(report: CapabilityReport, engine: str) -> str:
    lines = [f"{engine}: {report.conformance_level()}"]
    for name, result in report.results.items():
        verdict = "passed" if result.passed else "FAILED"
        total = result.tests_passed + result.tests_failed
        lines.append(f"  {name:16} {verdict} {result.tests_passed} of {total}")
        lines += [f"    {failure}" for failure in result.failures]
    return "\n".join(lines)


async def test_the_saver_passes_every_capability(
    saver: LangGraphSaver, engine: str, conformance_reports: list[str]
) -> None:
    @checkpointer_test(name=f"LangGraphSaver on {engine}")
    async def registered() -> AsyncIterator[LangGraphSaver]:
        yield saver

    report = await validate(registered)
    conformance_reports.append(describe(report, engine))
    failures = {name: result.failures for name, result in report.results.items() if result.failures}
    assert failures == {}
    assert set(report.results) == {capability.value for capability in ALL_CAPABILITIES}
    assert all(result.detected and result.passed for result in report.results.values())
    assert report.conformance_level() == "FULL"
    assert sum(result.tests_passed for result in report.results.values()) >= 80
