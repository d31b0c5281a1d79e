"""Commands that end something: real ones, with the subject's own id, or none at all."""

from datetime import datetime
from decimal import Decimal

import pytest

from outlay.detectors.endcommand import (
    costs_shown,
    delete_index,
    delete_version,
    end_replication,
    return_node,
    stop_endpoint,
    stop_run,
)
from outlay.facts.window import Window
from outlay.questions.billed_resources import BilledResource

VM = "/subscriptions/0000/resourceGroups/ml/providers/Microsoft.Compute/virtualMachines/gpu-1"


def resource(name: str, resource_id: str | None = None, **more: object) -> BilledResource:
    day = datetime(2026, 9, 1)
    texts = dict.fromkeys(
        ("account", "service", "resource_type", "team", "owner", "project", "environment", "purpose", "replica_of",
         "kind", "created", "source", "note", "retain"))
    values = {"provider": "aws", "region": "eu-west-1", **texts, "cost": Decimal(1), "across": Decimal(0),
              "internet": Decimal(0), "stored": Decimal(1), "moved_days": 0, "reads": False, "reads_listed": True,
              "first": day, "last": day, "seen": day} | more
    return BilledResource(resource=name, resource_id=resource_id, **values)  # type: ignore[arg-type]


@pytest.mark.parametrize(("scheduler", "command"), [
    ("slurm/north", "scancel 4711"), ("ray/east", "ray job stop 4711"), ("kubernetes/serve", "kubectl delete job sft"),
    ("nobody-knows", ""), (None, ""),
])
def test_a_run_ends_by_its_scheduler(scheduler: str | None, command: str) -> None:
    assert stop_run(scheduler, "4711", "sft", "training") == command


def test_an_endpoint_goes_down_by_what_serves_it() -> None:
    assert stop_endpoint("kubernetes/serve", "demo", "serve-demo") == "kubectl scale deployment demo --replicas=0"
    assert stop_endpoint("sagemaker", "demo", "x") == "aws sagemaker delete-endpoint --endpoint-name demo"
    assert stop_endpoint("slurm/north", "demo", "4711") == "scancel 4711"
    assert stop_endpoint("kubernetes/serve", "a;b", "x") == "kubectl scale deployment 'a;b' --replicas=0"


@pytest.mark.parametrize(("scheduler", "machine", "command"), [
    ("slurm/north", None, "scontrol update NodeName=n1 State=POWER_DOWN"),
    ("kubernetes/serve", None, "kubectl drain n1 --ignore-daemonsets --delete-emptydir-data\nkubectl delete node n1"),
    (None, "arn:aws:ec2:eu-west-1:1:instance/i-0123456789abcdef0",
     "aws ec2 stop-instances --region eu-west-1 --instance-ids i-0123456789abcdef0"),
    (None, "//compute.googleapis.com/projects/ml/zones/europe-west4-a/instances/n1",
     "gcloud compute instances stop n1 --zone=europe-west4-a --project=ml"),
    (None, VM, f"az vm deallocate --ids {VM}"),
    (None, None, ""),
])
def test_a_machine_is_given_back(scheduler: str | None, machine: str | None, command: str) -> None:
    assert return_node(scheduler, "n1", machine, "eu-west-1") == command


@pytest.mark.parametrize(("resource_id", "command"), [
    ("snap-0123456789abcdef0", "aws ec2 delete-snapshot --region eu-west-1 --snapshot-id snap-0123456789abcdef0"),
    ("arn:aws:rds:eu-west-1:1234:snapshot:nightly-3",
     "aws rds delete-db-snapshot --region eu-west-1 --db-snapshot-identifier nightly-3"),
    ("arn:aws:s3:::models/lm/step-4000", "aws s3 rm --recursive s3://models/lm/step-4000/"),
    ("gs://models/lm/step 4000/", "gcloud storage rm --recursive 'gs://models/lm/step 4000/'"),
    ("//compute.googleapis.com/projects/ml/global/snapshots/disk-3",
     "gcloud compute snapshots delete disk-3 --project=ml --quiet"),
    ("/subscriptions/0/resourceGroups/ml/providers/Microsoft.Compute/snapshots/disk-3",
     "az resource delete --ids /subscriptions/0/resourceGroups/ml/providers/Microsoft.Compute/snapshots/disk-3"),
    (None, ""),
])
def test_a_version_is_deleted_by_its_id(resource_id: str | None, command: str) -> None:
    assert delete_version(resource("disk-3", resource_id)) == command


def test_a_read_replica_and_a_copy_of_objects_end_differently() -> None:
    database = resource("orders-copy", service="Amazon Relational Database Service", replica_of="orders")
    assert end_replication(database) == (
        "aws rds delete-db-instance --region eu-west-1 --db-instance-identifier orders-copy --skip-final-snapshot")
    bucket = resource("sets-copy", "gs://sets-copy", provider="gcp", service="Cloud Storage")
    assert end_replication(bucket) == "gcloud storage rm --recursive gs://sets-copy"
    assert end_replication(resource("x", service="Amazon DynamoDB")) == ""


def test_an_index_is_deleted_where_its_service_can() -> None:
    assert delete_index(resource("docs", "arn:aws:aoss:eu-west-1:1234:collection/07tjusf2h91cunochc")) == (
        "aws opensearchserverless delete-collection --region eu-west-1 --id 07tjusf2h91cunochc")
    assert delete_index(resource("docs v1", service="Pinecone")) == "pc index delete --name 'docs v1'"
    assert delete_index(resource("docs", service="Amazon OpenSearch Service")) == ""


def test_a_question_names_whole_days_and_who_nobody_is() -> None:
    window = Window(datetime(2026, 9, 1, 7), datetime(2026, 9, 2, 5))
    assert costs_shown("run", window, team=None, project="a b") == (
        "outlay costs --by run --where team=none --where 'project=a b' --since 2026-09-01 --until 2026-09-03")
