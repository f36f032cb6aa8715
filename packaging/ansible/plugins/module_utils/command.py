# Copyright 2026 samemachine maintainers
# SPDX-License-Identifier: Apache-2.0
"""What the modules and the inventory of this collection share: command lines, and their JSON.

Pure: nothing is run here.
"""

from __future__ import annotations

import json

_SAID = 500
"""Characters of what a command printed that an error repeats."""
_SCHEMA = 1


class CommandError(Exception):
    """The command gave no document; the sentence says why, and what to do next."""


def audit_command(command, options):
    """Return the command line of an audit; ``options`` as the audit module has them."""
    words = [command, "audit", "--format", "json"]
    for uri in options.get("connect") or ():
        words += ["--connect", uri]
    if options.get("timeout") is not None:
        words += ["--timeout", str(options["timeout"])]
    if options.get("probe") is not None:
        words.append("--probe" if options["probe"] else "--no-probe")
    if options.get("rehearse"):
        words.append("--rehearse")
    for file in options.get("waive") or ():
        words += ["--waive", file]
    return [*words, *_names(options.get("domains"))]


def stage_command(command, options, dry_run):
    """Return the command line that stages upgrades, or only looks at them."""
    words = [command, "upgrade", "--stage", "--format", "json"]
    words.append("--dry-run" if dry_run else "--yes")
    for uri in options.get("connect") or ():
        words += ["--connect", uri]
    for name in ("to", "change", "pool"):
        if options.get(name):
            words += ["--" + name, options[name]]
    return [*words, *_names(options.get("domains"))]


def _names(domains):
    # A name may begin with a hyphen.
    return ["--", *domains] if domains else []


def absent(command):
    """Return the sentence for a command that is not there."""
    return (
        f"the command {command} is not there; install samemachine-host (role "
        "samemachine.samemachine.install), or say where it is with executable"
    )


def document(words, kind, code, out, err):
    """Return the JSON document that a command printed, or raise ``CommandError``.

    ``kind`` is the name of its schema: audit, upgrade.
    """
    line = " ".join(words)
    try:
        found = json.loads(out)
    except ValueError as error:
        said = (err.strip() or out.strip())[-_SAID:] or "nothing"
        raise CommandError(f"'{line}' ended with {code} and gave no JSON: {said}") from error
    if not isinstance(found, dict) or not str(found.get("$schema", "")).startswith(
        f"urn:samemachine:schema:{kind}:"
    ):
        raise CommandError(f"'{line}' gave JSON that is no document of samemachine {kind}")
    if found.get("schema") != _SCHEMA:
        raise CommandError(
            f"'{line}' gave a document of schema {found.get('schema')}, and this collection knows "
            f"{_SCHEMA}: update the collection"
        )
    return found


def domains_of(audit):
    """Return all domains of an audit's document, each with its host; findings that need a look.

    A domain that could not be looked at is unverified: its ``findings`` say why.
    """
    return [
        _domain(host, domain) for host in audit["hosts"] for domain in host.get("domains") or ()
    ]


def _domain(host, domain):
    failed = domain["verdict"] == "failed"
    findings = [
        {name: one.get(name) for name in ("check", "outcome", "sentence", "remedy")}
        for one in domain.get("findings") or ()
        if one["outcome"] in ("fail", "warn", "unknown")
    ]
    if failed:
        said = {"check": "audit", "outcome": "unknown", "sentence": domain["error"], "remedy": None}
        findings = [said]
    declared = (domain.get("evidence") or {}).get("declared") or {}
    return {
        "name": domain["name"],
        "uuid": domain["uuid"],
        "host": host["name"],
        "uri": host["uri"],
        "state": domain.get("state"),
        "machine": declared.get("active_machine") or declared.get("persistent_machine"),
        "verdict": "unverified" if failed else domain["verdict"] or "not running",
        "depth": domain.get("depth"),
        "findings": findings,
    }
