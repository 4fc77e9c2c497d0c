"""Members of archives from outside: none may reach out of its folder, and damage is told."""

from __future__ import annotations

from dataset_script.cubes.faults import refuse_passing
from dataset_script.problems import Problem, ProblemError


def check_member(name: str, regular: bool, path: str) -> None:
    """Refuse an archive member that could reach outside its folder.

    Args:
        name: Member name.
        regular: Whether it is a plain file or folder, not a link or a device.
        path: The archive, for the error message.

    Raises:
        DataError: If the name is absolute or climbs with `..`, or the member is not plain.
    """
    drive = name[1:2] == ":"
    if name.startswith("/") or ".." in name.split("/") or "\\" in name or drive:
        what = f"unsafe member name {name!r}"
    elif not regular:
        what = f"member {name!r} is a link or a device"
    else:
        return
    raise ProblemError(Problem(what, "do not trust this archive", path))


def damaged(path: str, error: object) -> ProblemError:
    """The error for an archive that cannot be read to its end."""
    if isinstance(error, BaseException):
        refuse_passing(error, path)
    return ProblemError(Problem(f"truncated or damaged archive ({error})", "fetch it again", path))
