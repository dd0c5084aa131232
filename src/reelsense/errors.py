"""The error hierarchy: every error a user can cause says what is wrong, with which input, and what to do.

ReelsenseError
├── SettingsError     a key, value or file of the configuration
├── InputError        a text, file or column that can't be read
│   ├── TooLarge        more than a limit of the settings allows
│   └── NotThere        a film, review, job, version or key that does not exist
├── SourceError       a review site or file source
│   ├── SourceOff       the settings do not allow to crawl the source, or it is switched off
│   ├── SourceBlocked   the site refused us (401/403/429 or robots.txt): stop, do not work around
│   └── SourceUnreadable  an answer that can't be parsed, after retries
├── StoreError        the review store
├── ModelError        a model that can't be loaded, trained or used
├── RegistryError     MLflow, its aliases or artifacts
├── ServiceAway       the inference service or Slack does not answer
└── RefusedError      a request that a service does not take
    ├── Unauthorized    no key, or one that is not known
    ├── Forbidden       a key without the scope
    ├── RateLimited     a key that asks too often
    ├── Overloaded      more work than the machine can do in time
    ├── TimedOut        work that took longer than the settings allow
    └── Conflict        what is asked for no longer fits what is there
"""


class ReelsenseError(Exception):
    """Base of all errors that are reported without a traceback."""


class SettingsError(ReelsenseError):
    """A configuration key or value is wrong."""


class InputError(ReelsenseError):
    """A text, file or column given by the user can't be used."""


class SourceError(ReelsenseError):
    """A review source failed."""


class SourceOff(SourceError):  # noqa: N818 - reads as the state it reports
    """The settings do not allow to crawl this source, or an administrator switched it off."""


class SourceBlocked(SourceError):  # noqa: N818 - reads as the state it reports
    """The site refused us; the source's circuit breaker is open."""


class SourceUnreadable(SourceError):  # noqa: N818 - reads as the state it reports
    """A page could not be parsed, even after retries."""


class StoreError(ReelsenseError):
    """The review store can't be opened, migrated or written."""


class ModelError(ReelsenseError):
    """A model can't be loaded, trained or used."""


class RegistryError(ReelsenseError):
    """The model registry can't be reached or refuses the request."""


class ServiceAway(ReelsenseError):  # noqa: N818 - reads as the state it reports
    """Another service of the platform, or Slack, does not answer."""


class TooLarge(InputError):  # noqa: N818 - reads as the state it reports
    """More than a limit of the settings allows."""


class NotThere(InputError):  # noqa: N818
    """What was asked for does not exist."""


class RefusedError(ReelsenseError):
    """A service does not take the request. `retry_after` is in seconds, where waiting helps."""

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class Unauthorized(RefusedError):  # noqa: N818
    """No key, or one that is not known."""


class Forbidden(RefusedError):  # noqa: N818
    """The key lacks the scope."""


class RateLimited(RefusedError):  # noqa: N818
    """The key asks too often."""


class Overloaded(RefusedError):  # noqa: N818
    """More work than the machine can do in time."""


class TimedOut(RefusedError):  # noqa: N818
    """The work took longer than the settings allow."""


class Conflict(RefusedError):  # noqa: N818
    """What is asked for no longer fits what is there."""


def installing(extra: str) -> str:
    """What to type, in the folder of reelsense, for the packages of an extra: it lies in no package index."""
    return f"pip install -c requirements.txt -e '.[{extra}]'"
