"""The forms that other programs have fixed: for pipelines and for monitoring."""

from collections.abc import Sequence

from host_agent.output.shared.of_hosts import OfHost

FORMS = "junit", "nagios"


def page(
    form: str, hosts: Sequence[OfHost], unreachable: Sequence[str], code: int
) -> tuple[str, int]:
    """Return the text in one of ``FORMS``, and its exit code: ``code``, or the form's own."""
    # One is asked for, and the others are not loaded.
    if form == "junit":
        from host_agent.output import junit  # noqa: PLC0415

        return junit.render(hosts, unreachable), code
    from host_agent.output import nagios  # noqa: PLC0415

    return nagios.render(hosts, unreachable), nagios.state(hosts, len(unreachable))
