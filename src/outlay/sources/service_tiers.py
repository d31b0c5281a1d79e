"""One name for each service tier, whatever the provider calls it."""

from __future__ import annotations

#: Tiers as providers write them (lower case, `-` as `_`), to the ledger's default, batch, flex and priority.
_TIERS = {
    "default": "default", "standard": "default", "auto": "default", "on_demand": "default", "standard_only": "default",
    "batch": "batch", "flex": "flex", "flex_discount": "flex",
    "priority": "priority", "priority_on_demand": "priority",
}


def service_tier(name: str | None, *, batch: bool | None = None) -> str | None:
    """The ledger's tier; a name that is not known is kept, in lower case. `batch`: the row says that it was a batch."""
    if batch:
        return "batch"
    if name is None:
        return None
    return _TIERS.get(_key(name), _key(name))


def tier_tag(name: str | None) -> dict[str, str]:
    """The provider's own name as a tag where several of its tiers share one of ours, so that buckets stay apart."""
    return {"service_tier": _key(name)} if name and _key(name) not in ("default", "standard", *_TIERS.values()) else {}


def _key(name: str) -> str:
    return name.strip().lower().replace("-", "_")
