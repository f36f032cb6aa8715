#!/usr/bin/python
# Copyright 2026 samemachine maintainers
# SPDX-License-Identifier: Apache-2.0
"""Ansible module: samemachine upgrade --stage."""

from __future__ import annotations

DOCUMENTATION = r"""
module: samemachine_stage
short_description: Raise the machine type of KVM guests at their next full stop
version_added: 0.1.0
description:
  - Runs C(samemachine upgrade --stage) on the host. The definition of each domain is saved, and
    then names the newer machine type; no guest is stopped. The next full stop and start apply it, a
    reboot in the guest does not.
  - A domain for which that is done already, or whose machine type is the newest, is left as it is.
  - Check mode looks at everything and changes nothing (C(--dry-run)); a domain that can't be raised
    fails then, too.
author: samemachine maintainers (@samemachine)
attributes:
  check_mode:
    description: What stands in the way is looked at, nothing is changed.
    support: full
  diff_mode:
    description: The lines of each domain's XML that change, before and after.
    support: full
options:
  domains:
    description: Names or UUIDs of domains.
    type: list
    elements: str
    required: true
  to:
    description: This machine type. None is the newest that every host offers.
    type: str
  connect:
    description:
      - Libvirt connections. The first has the domains; each one more is a host that must offer the
        machine type too. A domain raised too far can never move back, so name them all.
    type: list
    elements: str
    default: []
  pool:
    description: A file on the host with further such hosts, a connection a line.
    type: path
  change:
    description: Your number for it, kept in journal and history.
    type: str
  executable:
    description: The command, by its name or its path.
    type: str
    default: samemachine
seealso:
  - module: samemachine.samemachine.samemachine_audit
"""

EXAMPLES = r"""
- name: Raise two domains at their next stop, no newer than both hosts offer
  samemachine.samemachine.samemachine_stage:
    domains: [vm1, vm2]
    connect: ["qemu:///system", "qemu+ssh://node2/system"]
    change: CHG17
  become: true

- name: See what would change in the XML
  samemachine.samemachine.samemachine_stage:
    domains: [vm1]
  check_mode: true
  diff: true
"""

RETURN = r"""
domains:
  description: Every domain, with what became of it.
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
    outcome:
      description: C(staged), C(nothing to do), in check mode C(planned); else it was not done.
      type: str
    current:
      description: The machine type that it is defined with.
      type: str
    target:
      description: The machine type that it is raised to. Null where there is none.
      type: str
    why:
      description: Why it was not done. Null where it was.
      type: str
    preflight:
      description: What was looked at, with check, outcome, sentence and remedy.
      type: list
      elements: dict
exit_code:
  description: The exit code of the command, as its manual page has it.
  type: int
  returned: success
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.samemachine.samemachine.plugins.module_utils.command import (
    CommandError,
    absent,
    document,
    stage_command,
)

_DONE = ("staged", "planned")
_WELL = (*_DONE, "nothing to do")
_KEPT = ("name", "uuid", "outcome", "current", "target", "why", "preflight")


def difference(domain):
    """Return what of a domain's XML changes, as Ansible shows it."""
    lines = domain.get("xml") or ()
    header = f"{domain['name']} ({domain['uuid']})"
    return {
        "before_header": header,
        "after_header": header,
        "before": "".join(f"{one['before']}\n" for one in lines),
        "after": "".join(f"{one['after']}\n" for one in lines),
    }


def hindered(domain):
    """Return why a domain was not raised, in words."""
    blocks = [one for one in domain["preflight"] if one["outcome"] == "fail"]
    said = [
        f"{one['sentence']} ({one['remedy']})" if one.get("remedy") else one["sentence"]
        for one in blocks
    ]
    why = "; ".join([*([domain["why"]] if domain["why"] else []), *said])
    return f"{domain['name']}: {domain['outcome']}" + (f": {why}" if why else "")


def main():
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "domains": {"type": "list", "elements": "str", "required": True},
            "to": {"type": "str"},
            "connect": {"type": "list", "elements": "str", "default": []},
            "pool": {"type": "path"},
            "change": {"type": "str"},
            "executable": {"type": "str", "default": "samemachine"},
        },
        supports_check_mode=True,
    )
    if not module.params["domains"]:
        module.exit_json(changed=False, domains=[], exit_code=0)
    command = module.get_bin_path(module.params["executable"])
    if command is None:
        module.fail_json(msg=absent(module.params["executable"]))
    words = stage_command(command, module.params, module.check_mode)
    code, out, err = module.run_command(words)
    try:
        report = document(words, "upgrade", code, out, err)
    except CommandError as error:
        module.fail_json(msg=str(error), rc=code)
    done = [one for one in report["domains"] if one["outcome"] in _DONE]
    found = {
        "changed": bool(done),
        "exit_code": report["exit_code"],
        "domains": [{name: one[name] for name in _KEPT} for one in report["domains"]],
        "diff": [difference(one) for one in done],
    }
    wrong = [one for one in report["domains"] if one["outcome"] not in _WELL]
    if wrong or report["exit_code"]:
        why = "; ".join(hindered(one) for one in wrong)
        module.fail_json(msg=why or f"the command ended with {code}", **found)
    module.exit_json(**found)


if __name__ == "__main__":
    main()
