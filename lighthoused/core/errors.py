"""Expected refusals, each with the code that clients see; anything else that escapes is a bug.

Translated once per edge: errno in the mount, error code in the RPC server, exit code in the command line.
"""


class LighthouseError(Exception):
    """An expected refusal: a sentence for people, a code for programs and, where it helps, what to do next."""

    code = "internal"

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class Invalid(LighthouseError):
    """The request itself is wrong: its form, a value out of range, a name that cannot be."""

    code = "invalid"


class NotFound(LighthouseError):
    """What was named does not exist (or did not, at the moment asked for)."""

    code = "not_found"


class AlreadyExists(LighthouseError):
    """What was to be made is there already."""

    code = "already_exists"


class Conflict(LighthouseError):
    """An expected stream version is not the current one, or later changes stand in the way."""

    code = "conflict"


class Denied(LighthouseError):
    """The peer's identity or rights do not allow this."""

    code = "denied"


class Unauthenticated(LighthouseError):
    """The token is wrong, expired or revoked."""

    code = "unauthenticated"


class Overloaded(LighthouseError):
    """A bounded queue is full; try again shortly."""

    code = "overloaded"


class TooLarge(LighthouseError):
    """A frame, event, value or file is over its limit."""

    code = "too_large"


class StoreFull(LighthouseError):
    """The store refuses appends: the disk or the map is full. Nothing acknowledged is lost."""

    code = "store_full"


class StoreFailed(LighthouseError):
    """The store could not write or read for a reason other than room."""

    code = "store_failed"


class Degraded(LighthouseError):
    """No new work is taken: something essential is lost, or was and is not approved yet."""

    code = "degraded"


class DeadlineExceeded(LighthouseError):
    """The answer was not there in time."""

    code = "deadline_exceeded"


class Cancelled(LighthouseError):
    """The client cancelled the request, or the daemon is stopping."""

    code = "cancelled"


class Corrupt(LighthouseError):
    """Stored data contradicts itself: a hash, a chain link, an index."""

    code = "corrupt"
