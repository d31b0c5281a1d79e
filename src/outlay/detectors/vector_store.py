"""F6: indexes of embeddings that are kept and never asked."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal

from outlay.accounting.figures import day, period
from outlay.accounting.money import dollars
from outlay.detectors.base import Context, Detector
from outlay.detectors.billmoney import BillMoney, kept_on_purpose
from outlay.detectors.endcommand import delete_index
from outlay.facts.finding import Confidence, Finding
from outlay.questions.billed_resources import BilledResource, vector_indexes


class UnusedVectorStore(Detector):
    """A vector store that is never queried.

    **It finds** indexes of embeddings (by resource type, meter or service: vector indexes of the clouds, Pinecone,
    Qdrant, Weaviate, Milvus, Chroma, turbopuffer) that the bill charges storage for, and no read or query.

    **It costs** because vectors are kept where they can be searched at once, at more than ten times the price of the
    objects that they were made from, and can be made from them again.

    **The dollars** are the index's storage in the window. A month: so far x 730 / the hours that its lines cover; 0
    for one that the bill no longer lists.

    **It leaves alone** indexes with any query in the window; those younger than a week, which are still being built;
    those with a note or purpose of standby, backup or archive; and services whose bills list no query of any index,
    since nothing can be concluded from them.

    **End it** by deleting the index. Where it may be needed again, keep the documents and the name of the embedding
    model: it can be rebuilt.
    """

    code = "vector-store"
    title = "Vector stores that are never queried"
    capability = "F6"
    needs = ("charge",)
    missing = "Import a bill in FOCUS that lists storage and queries of each index."

    def find(self, context: Context) -> Iterator[Finding]:
        limit = context.thresholds
        money = BillMoney(context, limit["ended_days"])
        built = context.window.until - timedelta(days=limit["min_days"])
        for index in vector_indexes(context.ask, context.window, Decimal(limit["min_so_far"])):
            asked = index.reads or not index.reads_listed
            if not asked and index.seen <= built and not kept_on_purpose(index):
                yield _finding(context, money, index)


def _finding(context: Context, money: BillMoney, index: BilledResource) -> Finding:
    command = delete_index(index)
    return Finding(
        code=UnusedVectorStore.code, capability=UnusedVectorStore.capability, subject=f"vector index {index.resource}",
        title=f"Vector index {index.resource} cost {dollars(index.stored)} to keep, and nothing asked it.",
        owner=index.owner, team=index.team,
        evidence=(
            ("Service", index.service or "unknown"),
            ("Environment", index.environment or "unknown"),
            ("Billed since", day(index.seen)),
            ("Queries on the bill", "none"),
            ("Storage", dollars(index.stored)),
            ("Period", period(context.window)),
        ),
        period=context.window,
        claims=(money.claim(index, index.stored),),
        confidence=Confidence.HIGH,
        action="Delete the index; it can be built again from its documents.",
        command=command,
        change="" if command else f"index {index.resource} deleted in {index.service or 'its service'}",
    )
