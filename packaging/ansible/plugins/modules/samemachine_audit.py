#!/usr/bin/python
# Copyright 2026 samemachine maintainers
# SPDX-License-Identifier: Apache-2.0
"""Ansible module: samemachine audit."""

from __future__ import annotations

DOCUMENTATION = r"""
module: samemachine_audit
short_description: Audit whether KVM guests see the machine that libvirt declares
version_added: 0.1.0
description:
  - Runs C(samemachine audit) on the host and returns a verdict for each domain.
  - It only reads, so nothing is ever changed, and check mode does the same.
author: samemachine maintainers (@samemachine)
attributes:
  check_mode:
    description: It only reads.
    support: full
  diff_mode:
    description: Nothing is changed that a difference could be shown of.
    support: none
options:
  domains:
    description: Names or UUIDs of domains. None are all of them, running or not.
    type: list
    elements: str
    default: []
  connect:
    description: Libvirt connections. None are what the host's own configuration says.
    type: list
    elements: str
    default: []
  timeout:
    description: Seconds that one guest may take to answer.
    type: float
  probe:
    description: Whether to ask QEMU itself what it builds for each domain.
    type: bool
  rehearse:
    description: Whether to run the firmware on each domain's devices, and to compare more by it.
    type: bool
    default: false
  waive:
    description: Files on the host with warnings that are accepted for now.
    type: list
    elements: path
    default: []
  fail_on:
    description:
      - What makes the task fail.
      - A domain that could not be looked at is C(unverified). C(unreachable) is a connection that
        can't be opened.
      - An empty list lets the play judge the result itself.
    type: list
    elements: str
    choices: [mismatch, unverified, unreachable]
    default: [mismatch, unreachable]
  full:
    description: Whether to return the whole document of the audit as well.
    type: bool
    default: false
  executable:
    description: The command, by its name or its path.
    type: str
    default: samemachine
seealso:
  - module: samemachine.samemachine.samemachine_stage
  - plugin: samemachine.samemachine.domains
    plugin_type: inventory
"""

EXAMPLES = r"""
- name: No guest sees another machine than the one that was declared
  samemachine.samemachine.samemachine_audit:
  become: true

- name: Two domains must be verified, by their own guests
  samemachine.samemachine.samemachine_audit:
    domains: [vm1, vm2]
    fail_on: [mismatch, unverified, unreachable]
  register: audit
  failed_when: audit is failed or audit.domains | rejectattr('depth', 'equalto', 'guest') | list

- name: Look, and go on whatever it is
  samemachine.samemachine.samemachine_audit:
    fail_on: []
  register: audit

- name: Say what needs a look
  ansible.builtin.debug:
    msg: "{{ audit.domains | rejectattr('verdict', 'equalto', 'verified') }}"
"""

RETURN = r"""
verdict:
  description:
    - The worst of all domains.
    - C(unreachable) where a connection could not be opened and no domain is a mismatch.
  type: str
  returned: success
  sample: verified
exit_code:
  description: The exit code of the command, as its manual page has it.
  type: int
  returned: success
  sample: 0
counts:
  description: How many domains there are of each verdict.
  type: dict
  returned: success
  sample: {mismatch: 1, not running: 2, unverified: 0, verified: 12}
domains:
  description: Every domain, in the order of the audit.
  type: list
  elements: dict
  returned: success
  contains:
    name:
      description: Libvirt's name.
      type: str
    uuid:
      description: Libvirt's UUID.
      type: str
    host:
      description: The host that has it.
      type: str
    uri:
      description: The connection by which it was found.
      type: str
    state:
      description: Libvirt's word for what it does. Null where it could not be looked at.
      type: str
    machine:
      description: The declared machine type. Null where none is declared.
      type: str
    verdict:
      description: One of C(verified), C(mismatch), C(unverified), C(not running).
      type: str
    depth:
      description: By what evidence, C(guest), C(memory) or C(host). Null where nothing was asked.
      type: str
    findings:
      description: What fails, warns or is unknown, with check, outcome, sentence and remedy.
      type: list
      elements: dict
unreachable:
  description: Connections that could not be opened.
  type: list
  elements: str
  returned: success
document:
  description: The whole document. C(samemachine schema audit) prints its schema.
  type: dict
  returned: when full is true
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.samemachine.samemachine.plugins.module_utils.command import (
    CommandError,
    absent,
    audit_command,
    document,
    domains_of,
)

VERDICTS = ("mismatch", "unverified", "verified", "not running")
_BY_CODE = {0: "verified", 1: "mismatch", 3: "unverified", 4: "unreachable"}
_NAMED = 5
"""How many domains a failure names."""


def judged(found, fail_on):
    """Return why the task fails after an audit; None: it does not."""
    wrong = [one for one in found["domains"] if one["verdict"] in fail_on]
    parts = [_one(one) for one in wrong[:_NAMED]]
    if len(wrong) > _NAMED:
        parts.append(f"and {len(wrong) - _NAMED} more")
    if "unreachable" in fail_on:
        parts += [f"{uri} can't be reached" for uri in found["unreachable"]]
    return "; ".join(parts) or None


def _one(domain):
    wanted = "fail" if domain["verdict"] == "mismatch" else "unknown"
    said = [one["sentence"] for one in domain["findings"] if one["outcome"] == wanted]
    why = f": {said[0]}" if said else ""
    return f"{domain['name']} on {domain['host']} is {domain['verdict']}{why}"


def main():
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "domains": {"type": "list", "elements": "str", "default": []},
            "connect": {"type": "list", "elements": "str", "default": []},
            "timeout": {"type": "float"},
            "probe": {"type": "bool"},
            "rehearse": {"type": "bool", "default": False},
            "waive": {"type": "list", "elements": "path", "default": []},
            "fail_on": {
                "type": "list",
                "elements": "str",
                "choices": ["mismatch", "unverified", "unreachable"],
                "default": ["mismatch", "unreachable"],
            },
            "full": {"type": "bool", "default": False},
            "executable": {"type": "str", "default": "samemachine"},
        },
        supports_check_mode=True,
    )
    command = module.get_bin_path(module.params["executable"])
    if command is None:
        module.fail_json(msg=absent(module.params["executable"]))
    words = audit_command(command, module.params)
    code, out, err = module.run_command(words)
    try:
        audit = document(words, "audit", code, out, err)
    except CommandError as error:
        module.fail_json(msg=str(error), rc=code)
    domains = domains_of(audit)
    found = {
        "changed": False,
        "exit_code": audit["exit_code"],
        "verdict": _BY_CODE.get(audit["exit_code"], "unverified"),
        "domains": domains,
        "counts": {word: sum(one["verdict"] == word for one in domains) for word in VERDICTS},
        "unreachable": audit["unreachable"],
    }
    if module.params["full"]:
        found["document"] = audit
    why = judged(found, module.params["fail_on"])
    if why is not None:
        module.fail_json(msg=why, **found)
    module.exit_json(**found)


if __name__ == "__main__":
    main()
