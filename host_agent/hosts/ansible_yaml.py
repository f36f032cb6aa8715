"""YAML as Ansible has it: what is in a vault stays there. Pure."""

from typing import Any

import yaml

from host_agent.errors import UsageError


class _Loader(yaml.SafeLoader):  # type: ignore[misc]  # it has no types
    """Plain values alone."""


def _as_it_is(loader: _Loader, node: yaml.Node) -> object:
    return loader.construct_scalar(node) if isinstance(node, yaml.ScalarNode) else ()


# No text and no number: whoever needs it says that it is not there.
_Loader.add_multi_constructor("", lambda *_: ())
_Loader.add_constructor("!unsafe", _as_it_is)


def document(text: str, source: str) -> Any:
    """Return what a text says; raises ``UsageError``. Of its tags ``!unsafe`` alone is obeyed."""
    try:
        return yaml.load(text, _Loader)  # noqa: S506 - a SafeLoader
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        said = " ".join(str(error).split()) or "it is nested too deep"
        raise UsageError(f"{source} is no YAML: {said}") from error
