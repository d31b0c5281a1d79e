"""F6: indexes of embeddings that nothing asks."""

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest
from made_bill import daily

from made_ledger import found, made_ledger, window
from outlay.detectors.vector_store import UnusedVectorStore
from outlay.facts import Fact
from outlay.facts.finding import Confidence, Finding


def of(path: Path, *facts: Fact) -> tuple[Finding, ...]:
    with made_ledger(path, facts) as store:
        return found(store, UnusedVectorStore(), window(30))


def index(name: str, service: str = "Amazon OpenSearch Service", *, since: float = 0, asked: bool = False,
          storage: str = "VectorStorage-ByteHrs", query: str = "VectorReadUnits", **tags: str) -> Iterator[Fact]:
    columns = {"resource_type": "Vector index", "tags": {"team": "search", "owner": "ana"} | tags}
    yield from daily(name, "4", meter=storage, service=service, since=since, **columns)
    if asked:
        yield from daily(name, "1", meter=query, service=service, since=since, **columns)


def test_an_index_that_is_never_asked_is_found_with_its_storage(tmp_path: Path) -> None:
    written = daily("docs-v1", "0.10", meter="VectorWriteUnits", service="Amazon OpenSearch Service")
    (finding,) = of(tmp_path, *index("docs-v1"), *written, *index("docs-v3", asked=True))
    assert finding.subject == "vector index docs-v1"
    assert finding.so_far == Decimal("120")
    assert finding.month.quantize(Decimal("0.01")) == Decimal("121.67")
    assert finding.claims[0].pot_so_far == Decimal("123")
    assert (finding.owner, finding.team, finding.confidence) == ("ana", "search", Confidence.HIGH)
    assert (finding.command, finding.change) == ("", "index docs-v1 deleted in Amazon OpenSearch Service")


@pytest.mark.parametrize(("service", "storage", "query"), [
    ("Pinecone", "Serverless storage", "Read units"), ("Qdrant Cloud", "Disk storage", "Queries"),
    ("S3 Vectors", "Vectors-TimedStorage-ByteHrs", "Vectors-QueryAPI query requests")])
def test_other_stores_are_known_by_their_service(tmp_path: Path, service: str, storage: str, query: str) -> None:
    facts = [*index("old", service, storage=storage), *index("new", service, storage=storage, query=query, asked=True)]
    assert [finding.subject for finding in of(tmp_path, *facts)] == ["vector index old"]


def test_decoys(tmp_path: Path) -> None:
    facts = [
        *index("asked", asked=True),
        *index("young", since=25),
        *index("standby", note="failover of asked"),
        *index("silent", "Weaviate Cloud"),  # its bill lists no query of any index
        *daily("bucket", "9"),
    ]
    assert of(tmp_path, *facts) == ()
