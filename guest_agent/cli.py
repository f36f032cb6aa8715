"""The command ``samemachine-guest``: serve, report, check. It exits and prints."""

import argparse
import json
import os
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Optional

from guest_agent import __version__, virtio_port
from guest_agent.config import DEFAULT_PATH, Config, load
from guest_agent.errors import GuestAgentError, PortError

if TYPE_CHECKING:
    from samemachine.v1 import guest_pb2

EXAMPLES = {
    "": """examples:
  samemachine-guest check             what of this machine can be reported, and why not the rest
  samemachine-guest report            the report that a host would get, as JSON
  samemachine-guest serve             wait for the host to ask (the service's own command)
""",
    "serve": """examples:
  samemachine-guest serve
  samemachine-guest serve --refresh-fw-cfg    see the destination's tables after a live migration
  samemachine-guest serve --socket /run/samemachine-guest.sock
""",
    "report": """examples:
  samemachine-guest report | jq .dmi
  samemachine-guest report --group dmi --group boot
  samemachine-guest report --explain     every field: what for, from where, is it an identifier
""",
    "check": """examples:
  samemachine-guest check
  samemachine-guest check --require dmi,smbios_live    for image pipelines: exit 1 unless both

exit codes: 0 all that this machine has can be read, or all that is required · 1 something can't ·
2 usage or configuration. What is switched off is wrong only where it is required.
""",
    "check-config": """examples:
  samemachine-guest check-config
  samemachine-guest check-config ./guest.conf     before it goes into an image

exit codes: 0 it can be used · 2 it can't: the line and the key are named
""",
}
"""What the help of each command ends with; '': that of the program."""


def argument_parser() -> argparse.ArgumentParser:
    """Return what reads the command line."""
    raw = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(
        prog="samemachine-guest",
        description="Says what this guest's firmware and kernel see as the hardware.",
        epilog=EXAMPLES[""],
        formatter_class=raw,
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument(
        "--config",
        type=Path,
        metavar="FILE",
        help="configuration (default: /etc/samemachine/guest.conf, if it is there)",
    )
    common.add_argument(
        "--refresh-fw-cfg",
        action="store_true",
        help="reload the module qemu_fw_cfg where its directory is stale; needs root",
    )
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    serve = commands.add_parser(
        "serve",
        parents=[common],
        help="wait for the host to ask",
        epilog=EXAMPLES["serve"],
        formatter_class=raw,
    )
    where = serve.add_mutually_exclusive_group()
    where.add_argument("--port", metavar="NAME", help="virtio-serial port to wait on, by name")
    where.add_argument("--socket", type=Path, metavar="PATH", help="wait on a unix socket instead")
    report = commands.add_parser(
        "report",
        parents=[common],
        help="print the report as JSON",
        epilog=EXAMPLES["report"],
        formatter_class=raw,
    )
    report.add_argument(
        "--group", action="append", default=[], metavar="NAME", help="only this group; repeatable"
    )
    report.add_argument(
        "--explain",
        action="store_true",
        help="read nothing; say of every field what it is for, where it comes from, and whether it "
        "identifies a thing",
    )
    check = commands.add_parser(
        "check",
        parents=[common],
        help="say what can and cannot be read, and why",
        epilog=EXAMPLES["check"],
        formatter_class=raw,
    )
    check.add_argument(
        "--require", default="", metavar="GROUP,…", help="exit 1 unless these groups can be read"
    )
    check_config = commands.add_parser(
        "check-config",
        help="say whether the configuration can be used",
        epilog=EXAMPLES["check-config"],
        formatter_class=raw,
    )
    check_config.add_argument(
        "file", nargs="?", type=Path, metavar="FILE", help=f"default: {DEFAULT_PATH}"
    )
    return parser


def main(arguments: Optional[Sequence[str]] = None) -> None:
    """Run the command and exit: 0 done, 1 failed, 2 usage or configuration."""
    options = argument_parser().parse_args(arguments)
    try:
        if options.command == "check-config":
            sys.exit(_check_config(options.file))
        config = load(options.config)
    except GuestAgentError as error:
        sys.exit(_complain(error, 2))
    if options.refresh_fw_cfg:
        config = replace(config, refresh_fw_cfg=True)
    try:
        sys.exit(_COMMANDS[options.command](options, config))
    except GuestAgentError as error:
        sys.exit(_complain(error, 1))
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:
        # Whoever read our output has had enough; Python must not complain when it flushes.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)


def _complain(error: Exception, code: int) -> int:
    print(f"samemachine-guest: {error}", file=sys.stderr)
    return code


def _check_config(file: Optional[Path]) -> int:
    if file is None and not DEFAULT_PATH.exists():
        print(f"{DEFAULT_PATH} is not there: everything has its default")
        return 0
    config = load(file or DEFAULT_PATH)
    chosen = [
        name.replace("_", "-")
        for name, value in vars(config).items()
        if value != getattr(Config(), name)
    ]
    what = f"it changes {', '.join(chosen)}" if chosen else "it changes nothing"
    print(f"{file or DEFAULT_PATH} can be used; {what}")
    return 0


def _serve(options: argparse.Namespace, config: Config) -> int:
    from guest_agent import serve

    if options.socket:
        serve.serve_socket(options.socket, config)
    serve.serve_port(replace(config, port=options.port) if options.port else config)


def _report(options: argparse.Namespace, config: Config) -> int:
    if options.explain:
        from guest_agent import explanations

        print("\n".join(explanations.lines(config.off)))
        return 0
    # protobuf is imported where it is needed: other commands live without it.
    from google.protobuf.json_format import MessageToDict

    from guest_agent.report import gather, readers

    wanted = _numbers(options.group)
    if wanted is None:
        return 2
    report = gather(
        os.urandom(16), readers(refresh_fw_cfg=config.refresh_fw_cfg), wanted, config.off
    )
    as_json = MessageToDict(report, preserving_proto_field_name=True)
    print(json.dumps(as_json, indent=2, ensure_ascii=True))
    return 0


def _check(options: argparse.Namespace, config: Config) -> int:
    from guest_agent.report import GROUPS, field_of, gather, readers
    from samemachine.v1 import guest_pb2

    required = [name.strip() for name in options.require.split(",") if name.strip()]
    if _numbers(required) is None:
        return 2
    report = gather(os.urandom(16), readers(refresh_fw_cfg=config.refresh_fw_cfg), (), config.off)
    missing = {absence.group: absence for absence in report.absences}
    bad = False
    for group, number in GROUPS.items():
        field = field_of(group)
        absence = missing.get(number)  # type: ignore[call-overload]  # an int is what it holds
        if absence is None:
            print(f"{field:15} {_found(report, field)}")
            continue
        off = field in config.off
        reason = guest_pb2.AbsenceReason.Name(absence.reason)[len("ABSENCE_REASON_") :].lower()
        print(f"{field:15} {'off' if off else reason}: {absence.detail}")
        # What the administrator chose is right, unless somebody requires it.
        wrong = not (required or off) and reason in {"unreadable", "failed"}
        bad = bad or field in required or wrong
    port_ok = _check_port(config)
    return 1 if bad or not (port_ok or required) else 0


def _found(report: "guest_pb2.Report", field: str) -> str:
    without = report.cpu.live_cpuid_absence.detail if field == "cpu" else ""
    return f"ok, without live CPUID: {without}" if without else "ok"


def _check_port(config: Config) -> bool:
    try:
        device = virtio_port.find(config.port)
    except PortError as error:
        print(f"{'port':15} absent: {error}")
        return False
    print(f"{'port':15} ok: {device}")
    return True


def _numbers(names: Sequence[str]) -> "Optional[list[int]]":
    from guest_agent.report import GROUPS, field_of

    known = {field_of(group): number for group, number in GROUPS.items()}
    for name in names:
        if name not in known:
            unknown = f"there is no group {name!r}; there are: {', '.join(known)}"
            _complain(GuestAgentError(unknown), 2)
            return None
    return [known[name] for name in names]


_COMMANDS = {"serve": _serve, "report": _report, "check": _check}
