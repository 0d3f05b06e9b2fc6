"""The network in a `.zip` of Stable-Baselines3, read without running code in it."""

from __future__ import annotations

import io
import json
import re
import zipfile
import zlib
from pathlib import Path
from typing import Any

from parlay_marl.errors import MissingExtraError
from parlay_marl.policies.layers import LARGEST_STATE, Network, Tensors, chain, layer, refuse_others

LIBRARY = "an MlpPolicy of PPO or MaskablePPO over discrete actions"
WEIGHTS, FACTS = "policy.pth", "data"
LARGEST_FACTS = 16 * 2**20
OLDEST_TORCH = (2, 10)
_KNOWN = ("mlp_extractor.policy_net.", "mlp_extractor.value_net.", "action_net.", "value_net.")
_CLASS = re.compile(r"<class '(?:[a-z_]+\.)*(\w+)'>")
_ACTIVATIONS = {"Tanh": "tanh", "ReLU": "relu"}
_PLAIN_PACKING = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)


def read_sb3(path: Path) -> Network:
    """Return the policy network of a file that `save` of Stable-Baselines3 wrote; raise `ValueError` where it has none.

    The pickles among its facts are never loaded; the activation is read where it stands there as text.
    """
    if path.stat().st_size > LARGEST_STATE:
        raise ValueError(f"it is larger than {LARGEST_STATE // 2**20} MiB; save a smaller network")
    try:
        with zipfile.ZipFile(path) as archive:
            weights = _member(archive, WEIGHTS, LARGEST_STATE)
            facts = _member(archive, FACTS, LARGEST_FACTS)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, UnicodeDecodeError) as error:
        raise ValueError(f"it is no whole zip file ({error}); save the model again") from None
    tensors = _tensors(weights)
    refuse_others(tensors, _KNOWN, LIBRARY)
    layers = [*chain(tensors, "mlp_extractor.policy_net."), layer(tensors, "action_net.")]
    return Network(layers, _activation(facts))


def _member(archive: zipfile.ZipFile, name: str, limit: int) -> bytes:
    """Return a member of an archive; refuse one that is larger than it may be, or than it declares."""
    found = [info for info in archive.infolist() if info.filename == name]
    if len(found) != 1:
        raise ValueError(f"it holds {len(found)} members {name!r}, not one; give a file that SB3's `save` wrote")
    if found[0].file_size > limit or found[0].compress_type not in _PLAIN_PACKING:
        raise ValueError(f"its member {name!r} is too large or oddly packed; give a file that SB3's `save` wrote")
    with archive.open(found[0]) as file:
        content = file.read(limit + 1)
    if len(content) > limit:
        raise ValueError(f"its member {name!r} is larger than it says; give a file that SB3's `save` wrote")
    return content


def _tensors(content: bytes) -> Tensors:
    """Return the arrays of a state dict, read by torch in the mode that loads weights and calls nothing."""
    torch = _torch()
    _check_packing(content)
    try:
        state = torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
        return {name: _as_array(torch, value) for name, value in state.items()}
    except Exception as error:  # the content can make parts of torch raise any error
        reason = " ".join(str(error).split())
        raise ValueError(f"torch finds no plain weights in its {WEIGHTS} ({reason:.160}); save it again") from None


def _torch() -> Any:
    """Return torch, of a version without a known way round `weights_only` (CVE-2025-32434, CVE-2026-24747)."""
    try:
        import torch
    except ImportError:
        torch = None
    if torch is None or tuple(map(int, torch.__version__.split(".")[:2])) < OLDEST_TORCH:
        version = ".".join(map(str, OLDEST_TORCH))
        raise MissingExtraError(
            f'files of Stable-Baselines3 are read with torch {version} or later; pip install "parlay-marl[train]"'
        )
    return torch


def _check_packing(content: bytes) -> None:
    """Refuse weights in another form than torch has written since 2020, or packed smaller than they are."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            members = archive.infolist()
    except (zipfile.BadZipFile, UnicodeDecodeError, NotImplementedError):
        members = []
    if not members or any(info.compress_type != zipfile.ZIP_STORED for info in members):
        raise ValueError(f"its {WEIGHTS} is not in the form that torch writes; save the model again")


def _as_array(torch: Any, value: Any) -> Any:
    """Return a plain tensor as an array without a copy, or None for anything else."""
    is_plain = type(value) in (torch.Tensor, torch.nn.Parameter) and value.layout == torch.strided
    return value.detach().numpy() if is_plain and value.dtype == torch.float32 else None


def _activation(content: bytes) -> str | None:
    """Return the activation that the facts name as text, nothing where they name none."""
    try:
        facts = json.loads(content)
    except (ValueError, RecursionError):
        raise ValueError(f"its member {FACTS!r} is no JSON; save the model again") from None
    arguments = facts.get("policy_kwargs") if isinstance(facts, dict) else None
    named = arguments.get("activation_fn") if isinstance(arguments, dict) else None
    if named is None:
        return None
    match = _CLASS.fullmatch(named) if isinstance(named, str) else None
    if match is None or match[1] not in _ACTIVATIONS:
        raise ValueError(f"its activation is {named!r:.80}; train with torch.nn.Tanh or torch.nn.ReLU")
    return _ACTIVATIONS[match[1]]
