"""Shell commands that end what a bill lists or a scheduler runs, with its own name and id.

Each function returns the command as it can be typed, one a line, or "" where no command line tool of its provider is
known to end it: then the finding says in words what to change. Ids are taken as the providers write them into FOCUS
(ARNs, resource names of Google, resource ids of Azure). Sources: the command references of aws, gcloud, az, kubectl,
Slurm, Ray and pc (Pinecone).
"""

from __future__ import annotations

import re
import shlex
from datetime import timedelta

from outlay.facts.window import Window
from outlay.questions.billed_resources import BilledResource

#: What a bucket may be called; other names are no bucket, and must not reach a JSON document in a command.
_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
#: How a question asks for what has no value.
NOBODY = "none"
_REGION = re.compile(r"[a-z0-9-]+")
_SNAPSHOT = re.compile(r"\bsnap-[0-9a-f]{8,17}\b")
_INSTANCE = re.compile(r"\bi-[0-9a-f]{8,17}\b")
#: Empties a bucket within days, old versions too, at no charge; `aws s3 rb --force` leaves old versions, and the target
#: of a replication always keeps versions.
_EMPTY = ('{"Rules":[{"ID":"empty-unused-replica","Status":"Enabled","Filter":{"Prefix":""},"Expiration":{"Days":1},'
          '"NoncurrentVersionExpiration":{"NoncurrentDays":1},'
          '"AbortIncompleteMultipartUpload":{"DaysAfterInitiation":1}}]}')


def stop_run(scheduler: str | None, run_id: str, name: str | None, kind: str | None) -> str:
    """Ends a run of Slurm, Ray or Kubernetes."""
    system = (scheduler or "").split("/")[0]
    if system == "slurm":
        return f"scancel {shlex.quote(run_id)}"
    if system == "ray":
        return f"ray job stop {shlex.quote(run_id)}"
    if system == "kubernetes":
        return f"kubectl delete {'pod' if kind == 'notebook' else 'job'} {shlex.quote(name or run_id)}"
    return ""


def stop_endpoint(scheduler: str | None, name: str, run_id: str) -> str:
    """Takes an endpoint down: no machine is held for it any more."""
    system = (scheduler or "").split("/")[0]
    if system == "kubernetes":
        return f"kubectl scale deployment {shlex.quote(name)} --replicas=0"
    if system == "sagemaker":
        return f"aws sagemaker delete-endpoint --endpoint-name {shlex.quote(name)}"
    return stop_run(scheduler, run_id, name, "endpoint")


def return_node(scheduler: str | None, node: str, resource_id: str | None, region: str | None) -> str:
    """Gives a machine back: by its scheduler where that starts and stops machines, else by its provider."""
    system = (scheduler or "").split("/")[0]
    if system == "slurm":
        return f"scontrol update NodeName={shlex.quote(node)} State=POWER_DOWN"
    if system == "kubernetes":
        name = shlex.quote(node)
        return f"kubectl drain {name} --ignore-daemonsets --delete-emptydir-data\nkubectl delete node {name}"
    return _stop_machine(resource_id or node, region)


def _stop_machine(machine: str, region: str | None) -> str:
    if instance := _INSTANCE.search(machine):
        return f"aws ec2 stop-instances{_in(region)} --instance-ids {instance[0]}"
    if google := re.search(r"projects/([\w.:-]+)/zones/([\w-]+)/instances/([\w.-]+)", machine):
        project, zone, name = google.groups()
        return f"gcloud compute instances stop {name} --zone={zone} --project={project}"
    if _is_azure(machine):
        return f"az vm deallocate --ids {shlex.quote(machine)}"
    return ""


def end_replication(copy: BilledResource) -> str:
    """Turns off what fills a copy where its source is known, and empties or deletes the copy."""
    service, resource_id = (copy.service or "").lower(), copy.resource_id or ""
    if copy.provider == "aws":
        bucket = resource_id.removeprefix("arn:aws:s3:::") if resource_id.startswith("arn:aws:s3:") else copy.resource
        if "relational database" in service or resource_id.startswith("arn:aws:rds:"):
            return (f"aws rds delete-db-instance{_in(copy.region)} --db-instance-identifier "
                    f"{shlex.quote(copy.resource)} --skip-final-snapshot")
        if not _is_objects(service, resource_id) or not _BUCKET.fullmatch(bucket):
            return ""
        source = copy.replica_of or ""
        lines = [_disable_rule(source, bucket)] if _BUCKET.fullmatch(source) else []
        lines.append(f"aws s3api put-bucket-lifecycle-configuration --bucket {bucket} "
                     f"--lifecycle-configuration '{_EMPTY}'")
        return "\n".join(lines)
    if copy.provider == "gcp" and "storage" in service and _BUCKET.fullmatch(copy.resource):
        return f"gcloud storage rm --recursive gs://{copy.resource}"
    return f"az resource delete --ids {shlex.quote(resource_id)}" if _is_azure(resource_id) else ""


def _disable_rule(source: str, target: str) -> str:
    """Disables one rule: the same bucket may be replicated for other reasons, too."""
    rule = f'(.Rules[] | select(.Destination.Bucket == "arn:aws:s3:::{target}")).Status = "Disabled"'
    read = f"aws s3api get-bucket-replication --bucket {source} --query ReplicationConfiguration --output json"
    return (f"aws s3api put-bucket-replication --bucket {source} "
            f"--replication-configuration \"$({read} | jq '{rule}')\"")


def delete_version(version: BilledResource) -> str:
    """Deletes a snapshot, checkpoint or version."""
    resource_id = version.resource_id or ""
    if snapshot := _SNAPSHOT.search(resource_id) or _SNAPSHOT.search(version.resource):
        return f"aws ec2 delete-snapshot{_in(version.region)} --snapshot-id {snapshot[0]}"
    if named := re.fullmatch(r"arn:aws:rds:[^:]*:\d*:snapshot:([\w:-]+)", resource_id):
        return f"aws rds delete-db-snapshot{_in(version.region)} --db-snapshot-identifier {named[1]}"
    if prefix := re.fullmatch(r"(?:arn:aws:s3:::|s3://)([a-z0-9.-]+/.+)", resource_id):
        return f"aws s3 rm --recursive {shlex.quote(f's3://{prefix[1].rstrip(chr(47))}/')}"
    if prefix := re.fullmatch(r"gs://([a-z0-9._-]+/.+)", resource_id):
        return f"gcloud storage rm --recursive {shlex.quote(f'gs://{prefix[1].rstrip(chr(47))}/')}"
    if google := re.search(r"projects/([\w.:-]+)/global/snapshots/([\w.-]+)", resource_id):
        return f"gcloud compute snapshots delete {google[2]} --project={google[1]} --quiet"
    return f"az resource delete --ids {shlex.quote(resource_id)}" if _is_azure(resource_id) else ""


def delete_index(index: BilledResource) -> str:
    """Deletes an index of embeddings."""
    service, resource_id = (index.service or "").lower(), index.resource_id or ""
    if collection := re.fullmatch(r"arn:aws:aoss:[^:]*:\d*:collection/([a-z0-9]+)", resource_id):
        return f"aws opensearchserverless delete-collection{_in(index.region)} --id {collection[1]}"
    if resource_id.startswith("arn:aws:s3vectors:") and "/index/" in resource_id:
        return f"aws s3vectors delete-index{_in(index.region)} --index-arn {shlex.quote(resource_id)}"
    if google := re.search(r"projects/([\w.:-]+)/locations/([\w-]+)/indexes/(\d+)", resource_id):
        return f"gcloud ai indexes delete {google[3]} --region={google[2]} --project={google[1]}"
    if "pinecone" in service or index.provider == "pinecone":
        return f"pc index delete --name {shlex.quote(index.resource)}"
    return f"az resource delete --ids {shlex.quote(resource_id)}" if _is_azure(resource_id) else ""


def costs_shown(by: str, window: Window, **where: str | None) -> str:
    """`outlay costs` over the whole days of a window; a dimension that is None is asked for as `none`."""
    since = window.since.replace(hour=0, minute=0, second=0, microsecond=0)
    until = window.until - timedelta(microseconds=1) + timedelta(days=1)
    asked = " ".join(f"--where {shlex.quote(f'{name}={value or NOBODY}')}" for name, value in where.items())
    return f"outlay costs --by {by} {asked} --since {since:%Y-%m-%d} --until {until:%Y-%m-%d}"


def _is_objects(service: str, resource_id: str) -> bool:
    return "simple storage service" in service or service in ("s3", "amazon s3") or resource_id.startswith(
        "arn:aws:s3:")


def _is_azure(resource_id: str) -> bool:
    return resource_id.lower().startswith("/subscriptions/")


def _in(region: str | None) -> str:
    return f" --region {region}" if region and _REGION.fullmatch(region) else ""
