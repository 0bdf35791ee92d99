"""Versions: the registry, and who answers users."""

from __future__ import annotations

from fastapi import APIRouter

from winnow.api.access import Limit, UseWorkspace, refusals
from winnow.api.schemas import PromoteRequest, PromotionOut, VersionsPage

router = APIRouter(tags=["versions"])


@router.get("/services/{service}/versions", responses=refusals(404))
def list_versions(service: str, workspace: UseWorkspace, n: Limit = 20) -> VersionsPage:
    """The newest versions and changes of champion first."""
    return VersionsPage.model_validate(
        {"versions": workspace.versions(service, n), "promotions": workspace.promotions(service, n)}
    )


@router.post("/services/{service}/versions/{version}/promote", responses=refusals(404, 409, 422))
def promote(
    service: str, version: int, workspace: UseWorkspace, request: PromoteRequest | None = None
) -> PromotionOut:
    """Make a version champion. Refused where it misses a gate, unless `force`."""
    return PromotionOut.model_validate(workspace.promote(service, version, force=bool(request and request.force)))


@router.post("/services/{service}/rollback", responses=refusals(404, 409))
def rollback(service: str, workspace: UseWorkspace) -> PromotionOut:
    """Give the place back to the champion before this one."""
    return PromotionOut.model_validate(workspace.rollback(service))
