"""`winnow import`: a classifier of images that was trained elsewhere becomes a version."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from winnow.cli.command import ServiceName, Session, command
from winnow.cli.output import Grid, count, styled

if TYPE_CHECKING:
    from winnow.lifecycle.importing import Imported

_Three = tuple[float, float, float]


@command
def import_(  # noqa: PLR0913, PLR0917  (each is an option of the command)
    session: Session,
    service: ServiceName,
    model: Annotated[
        Path, typer.Argument(metavar="MODEL", exists=True, dir_okay=False, help="A classifier of images, in ONNX.")
    ],
    labels: Annotated[
        Path,
        typer.Option(
            metavar="FILE", exists=True, dir_okay=False, help="JSON with the label of each output, in their order."
        ),
    ],
    name: Annotated[
        str | None, typer.Option(metavar="NAME", help="By which it can be asked for; by default the file's.")
    ] = None,
    resize: Annotated[
        int | None, typer.Option(min=1, help="Pixels of an image's shorter side; by default 8/7 of the crop.")
    ] = None,
    crop: Annotated[
        int | None, typer.Option(min=1, help="Pixels a side of its middle; by default the model's, or 224.")
    ] = None,
    mean: Annotated[
        _Three | None,
        typer.Option(metavar="R G B", help="Mean of the colours, from 0 to 1; by default ImageNet's."),
    ] = None,
    deviation: Annotated[
        _Three | None,
        typer.Option(metavar="R G B", help="Standard deviation of the colours; by default ImageNet's."),
    ] = None,
    image: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", exists=True, dir_okay=False, help="Image to try it on; by default one is found."
        ),
    ] = None,
    promote: Annotated[
        bool, typer.Option("--promote", help="Make it the champion, although the service has one.")
    ] = False,
) -> None:
    """Make a version of a network that was trained elsewhere.

    It has to answer an image first, and its most probable labels are shown. Where the service has no champion it
    becomes the champion. Gates are not asked: no example was put to it.
    """
    from winnow.lifecycle.importing import TrainedElsewhere  # noqa: PLC0415  (it needs numpy)

    colours = {key: value for key, value in (("mean", mean), ("deviation", deviation)) if value is not None}
    offered = TrainedElsewhere(model, labels, (name or model.stem).strip(), resize, crop, **colours)
    with session.workspace() as workspace:
        workspace.config(service)
        with session.audit(workspace)("import", service=service, subject=offered.name, promote=promote):
            done = workspace.import_model(service, offered, image, promote=promote)
    _show(session, service, done)


def _show(session: Session, service: str, done: Imported) -> None:
    ranked = done.answer["scores"].items()
    place = "the champion now" if done.champion else f"not the champion: `winnow promote {service} {done.version}`"
    session.out.result(
        done,
        f"Most probable of {count(done.labels, 'label')} for {done.image}:",
        Grid(["label", "score"], [[label, f"{score:.3f}"] for label, score in ranked], numbers=["score"]),
        styled(f"Version {done.version} of {service}, {done.name}, is {place}", "bold green"),
        *(f"  - {reason}" for reason in done.reasons),
    )
