# Copyright 2026 samemachine maintainers
# SPDX-License-Identifier: Apache-2.0
"""Ansible inventory: domains by their verdict."""

from __future__ import annotations

DOCUMENTATION = r"""
name: domains
short_description: Domains of KVM hosts, grouped by whether they are the machine that was declared
version_added: 0.1.0
description:
  - Each domain is a host of the inventory, in one of the groups C(verified), C(mismatch),
    C(unverified) and C(not_running), as C(samemachine audit) judges it. The audit is run on the
    controller, which reaches hypervisors by libvirt's own connections, or was run before and is
    read from a file.
  - A domain is called by its name. Where two have the same one it is NAME.HOST, and where that is
    not of letters, digits, dots, hyphens and underscores alone, its UUID.
  - What an audit says comes in part from guests, and is never read as a template.
  - A configuration's file must end with C(samemachine.yml) or C(samemachine.yaml).
author: samemachine maintainers (@samemachine)
extends_documentation_fragment:
  - constructed
options:
  plugin:
    description: The name of this plugin.
    type: str
    required: true
    choices: [samemachine.samemachine.domains]
  file:
    description:
      - A document that C(samemachine audit --format json) wrote. With it nothing is run.
      - A path that is not absolute begins at the folder of the configuration.
    type: path
  connect:
    description: Libvirt connections. None are what the controller's own configuration says.
    type: list
    elements: str
    default: []
  domains:
    description: Names or UUIDs of domains. None are all of them, running or not.
    type: list
    elements: str
    default: []
  timeout:
    description: Seconds that one guest may take to answer.
    type: float
  probe:
    description: Whether to ask QEMU itself what it builds for each domain.
    type: bool
  executable:
    description: The command on the controller, by its name or its path.
    type: str
    default: samemachine
  give_up:
    description: Seconds after which an audit that has not ended is given up.
    type: int
    default: 600
"""

EXAMPLES = r"""
# domains.samemachine.yml
plugin: samemachine.samemachine.domains
connect:
  - qemu+ssh://node1/system
  - qemu+ssh://node2/system
# A group for each machine type, such as machine_pc_q35_7_2.
keyed_groups:
  - key: samemachine_machine
    prefix: machine

---
# nightly.samemachine.yml, of an audit that was run before
plugin: samemachine.samemachine.domains
file: nightly.json
"""

import pathlib
import re
import shutil
import subprocess
import uuid
from collections import Counter

from ansible.errors import AnsibleParserError
from ansible.plugins.inventory import BaseInventoryPlugin, Constructable
from ansible.utils.unsafe_proxy import wrap_var
from ansible_collections.samemachine.samemachine.plugins.module_utils.command import (
    CommandError,
    absent,
    audit_command,
    document,
    domains_of,
)

GROUPS = {
    "verified": "verified",
    "mismatch": "mismatch",
    "unverified": "unverified",
    "not running": "not_running",
}
_PLAIN = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")


def named(domains):
    """Return a name for each domain, by which Ansible knows it."""
    counted = Counter(one["name"] for one in domains)
    return [_name(one, counted[one["name"]] > 1) for one in domains]


def _name(domain, several):
    name = f"{domain['name']}.{domain['host']}" if several else domain["name"]
    return name if _PLAIN.fullmatch(name) else str(uuid.UUID(domain["uuid"]))


class InventoryModule(BaseInventoryPlugin, Constructable):
    """Domains by their verdict."""

    NAME = "samemachine.samemachine.domains"

    def verify_file(self, path):
        """Tell whether a file is a configuration of ours, by its name."""
        return super().verify_file(path) and path.endswith(("samemachine.yml", "samemachine.yaml"))

    def parse(self, inventory, loader, path, cache=True):
        """Fill the inventory."""
        super().parse(inventory, loader, path, cache)
        self._read_config_data(path)
        for group in GROUPS.values():
            self.inventory.add_group(group)
        try:
            domains = domains_of(self._audit(path))
            for name, domain in zip(named(domains), domains, strict=True):
                self._add(name, domain)
        except (CommandError, KeyError, TypeError, ValueError, AttributeError) as error:
            said = error if isinstance(error, CommandError) else f"no audit's document: {error!r}"
            raise AnsibleParserError(f"{path}: {said}") from error

    def _audit(self, path):
        if self.get_option("file"):
            return self._saved(pathlib.Path(path).parent / self.get_option("file"))
        executable = self.get_option("executable")
        command = shutil.which(executable)
        if command is None:
            raise CommandError(absent(executable))
        names = ("connect", "domains", "timeout", "probe")
        words = audit_command(command, {name: self.get_option(name) for name in names})
        try:
            done = subprocess.run(
                words,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                check=False,
                timeout=self.get_option("give_up"),
            )
        except subprocess.TimeoutExpired as error:
            raise CommandError(f"'{' '.join(words)}' did not end: give_up") from error
        except OSError as error:
            raise CommandError(f"{command} can't be run: {error}") from error
        out, err = (text.decode("utf-8", "replace") for text in (done.stdout, done.stderr))
        audit = document(words, "audit", done.returncode, out, err)
        for uri in audit["unreachable"]:
            self.display.warning(f"{uri} can't be reached; its domains are not here")
        return audit

    def _saved(self, file):
        try:
            text = file.read_text(encoding="utf-8")
        except (OSError, ValueError) as error:
            raise CommandError(f"{file} can't be read: {error}") from error
        return document(["read", str(file)], "audit", 0, text, "")

    def _add(self, name, domain):
        self.inventory.add_host(name, group=GROUPS[domain["verdict"]])
        facts = {f"samemachine_{key}": wrap_var(value) for key, value in domain.items()}
        for key, value in facts.items():
            self.inventory.set_variable(name, key, value)
        strict = self.get_option("strict")
        self._set_composite_vars(self.get_option("compose"), facts, name, strict=strict)
        self._add_host_to_composed_groups(self.get_option("groups"), facts, name, strict=strict)
        self._add_host_to_keyed_groups(self.get_option("keyed_groups"), facts, name, strict=strict)
