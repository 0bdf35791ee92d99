"""Versions: the registry, and who answers users."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query

from winnow.api.access import ADMIN, VIEWER, ServiceName, UseAudit, UseWorkspace, as_answer, refusals
from winnow.api.schemas import PromoteRequest, ShortPage, VersionNumber
from winnow.client.answers import Promotion, Version, VersionsPage

router = APIRouter(tags=["versions"])


@router.get("/services/{service}/versions", responses=refusals(404, 422, 503), dependencies=[VIEWER])
def list_versions(
    service: ServiceName, workspace: UseWorkspace, query: Annotated[ShortPage, Query()]
) -> VersionsPage:
    """The newest versions and changes of champion first."""
    return VersionsPage(
        tuple(as_answer(Version, version) for version in workspace.versions(service, query.n)),
        tuple(as_answer(Promotion, promotion) for promotion in workspace.promotions(service, query.n)),
    )


@router.post(
    "/services/{service}/versions/{version}/promote", responses=refusals(404, 409, 422, 503), dependencies=[ADMIN]
)
def promote(
    service: ServiceName,
    version: Annotated[VersionNumber, Path(description="Number of the version.")],
    workspace: UseWorkspace,
    audit: UseAudit,
    request: PromoteRequest | None = None,
) -> Promotion:
    """Make a version champion. Refused where it misses a gate, unless `force`."""
    force = bool(request and request.force)
    with audit("promote", service=service, subject=f"version {version}", force=force):
        return as_answer(Promotion, workspace.promote(service, version, force=force))


@router.post("/services/{service}/rollback", responses=refusals(404, 409, 503), dependencies=[ADMIN])
def rollback(service: ServiceName, workspace: UseWorkspace, audit: UseAudit) -> Promotion:
    """Give the place back to the champion before this one."""
    with audit("rollback", service=service):
        return as_answer(Promotion, workspace.rollback(service))
