"""The machines on the cloud bill of the sample month, by the hour."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal

from outlay.sample.cluster import Cluster
from outlay.sample.endpoints import Endpoint
from outlay.sample.focus_rows import Issuer, Line
from outlay.sample.scenario import HOURS, PER_HOUR, Node, Scenario
from outlay.sample.slurm import CPU_NODES

_COMPUTE = "Amazon Elastic Compute Cloud"


def issuer(scenario: Scenario) -> Issuer:
    return Issuer(
        provider="AWS",
        company="Amazon Web Services, Inc.",
        account="104729104729",
        account_name="Halyard",
        period=(scenario.since, scenario.until),
    )


def compute_lines(scenario: Scenario, cluster: Cluster, endpoints: tuple[Endpoint, ...]) -> Iterator[Line]:
    """Every GPU and CPU node by the hour that it stood, then the reservation that pays for some of them."""
    reserved = []
    for node in scenario.slurm_nodes:
        held = cluster.board.held(node.name).reshape(HOURS, PER_HOUR).max(axis=1)
        always = node.market == "reserved" or node.name == cluster.idle_node
        lines = [
            _node_hour(scenario, node, hour, {"team": "platform", "owner": scenario.person("platform", "fleet").login})
            for hour in range(HOURS)
            if always or held[hour]
        ]
        reserved += [line for line in lines if line.commitment]
        yield from lines
    for endpoint in endpoints:
        tags = {
            "team": endpoint.team,
            "owner": endpoint.owner.login,
            "environment": endpoint.environment,
            "project": endpoint.name,
            "purpose": "serving",
        }
        for node in endpoint.nodes:
            yield from (_node_hour(scenario, node, hour, tags) for hour in range(HOURS) if endpoint.billed[hour])
    instance = scenario.instances["m7i.16xlarge"]
    for name in CPU_NODES:
        node = Node(name, instance, "cpu", "on_demand", instance.usd_h)
        yield from (
            _node_hour(scenario, node, hour, {"team": "platform", "project": "pipelines"}) for hour in range(HOURS)
        )
    yield Line(
        start=scenario.since,
        end=scenario.until,
        quantity=sum((line.quantity for line in reserved), Decimal(0)),
        price=reserved[0].price,
        unit="Hours",
        service=_COMPUTE,
        category="Compute",
        subcategory="Virtual Machines",
        meter="Reservation:p5.48xlarge",
        description="Monthly fee of the reservation north-1",
        charge="Purchase",
        region=scenario.plan["region"],
        commitment="north-1",
        tags={"team": "platform"},
    )


def _node_hour(scenario: Scenario, node: Node, hour: int, tags: dict[str, str]) -> Line:
    start = scenario.since + timedelta(hours=hour)
    return Line(
        start=start,
        end=start + timedelta(hours=1),
        quantity=Decimal(1),
        price=node.usd_h,
        list_price=node.instance.usd_h,
        unit="Hours",
        service=_COMPUTE,
        category="Compute",
        subcategory="Virtual Machines",
        meter=f"{'SpotUsage' if node.market == 'spot' else 'BoxUsage'}:{node.instance.name}",
        description=f"{node.instance.name} instance hour",
        resource=node.name,
        resource_type=node.instance.name,
        region=scenario.plan["region"],
        commitment="north-1" if node.market == "reserved" else None,
        spot=node.market == "spot",
        tags=tags,
    )
