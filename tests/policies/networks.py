"""Small networks with random weights, to sit in seats and to be written into files."""

from __future__ import annotations

import json
import struct
from typing import Any

import numpy as np

from parlay_marl.catalogue.personas import Persona, load_persona
from parlay_marl.catalogue.scenarios import load_scenario, scenario_names
from parlay_marl.core.moves import n_actions
from parlay_marl.core.observation import width
from parlay_marl.players.persona import PersonaPlayer
from parlay_marl.policies.policy import Policy

ROOM = max(load_scenario(name).n_packages for name in scenario_names())
"""Packages of the catalogue's largest scenario."""


def network(hidden: tuple[int, ...] = (8,), seed: int = 0, packages: int = 1, **facts: Any) -> Policy:
    """Return a policy with weights of the usual size; facts are its other fields."""
    rng = np.random.default_rng(seed)
    sizes = [width(packages) + len(facts.get("traits", ())), *hidden, n_actions(packages)]
    shapes = list(zip(sizes[1:], sizes[:-1], strict=True))
    weights = tuple((rng.normal(size=shape) / np.sqrt(shape[1])).astype(np.float32) for shape in shapes)
    biases = tuple(rng.normal(size=shape[0]).astype(np.float32) for shape in shapes)
    return Policy(**({"name": "pupil", "weights": weights, "biases": biases, "packages": packages} | facts))


def learned(name: str = "learned", persona: str | None = None, packages: int = ROOM, **facts: Any) -> PersonaPlayer:
    """Return a persona that is played by random weights; its traits and drift are those of one of the catalogue."""
    about: dict[str, Any] = {"title": "A pupil", "summary": "Random weights."}
    if persona is not None:
        about = load_persona(persona).model_dump()
    policy = network(packages=packages, **facts)
    return PersonaPlayer(Persona.model_validate(about | {"name": name}), policy)


def rows(n: int, packages: int = 1, seed: int = 1) -> tuple[Any, Any]:
    """Return random observations and masks, each with at least one legal action."""
    rng = np.random.default_rng(seed)
    observations = rng.uniform(-4.0, 4.0, (n, width(packages))).astype(np.float32)
    masks = (rng.random((n, n_actions(packages))) < 0.3).astype(np.int8)
    masks[np.arange(n), rng.integers(n_actions(packages), size=n)] = 1
    return observations, masks


def same(one: Policy, other: Policy) -> bool:
    """Whether two policies are alike in everything that a file keeps."""
    facts = ("name", "activation", "packages", "traits", "temperature", "no_losses", "scenarios", "training")
    arrays = zip(one.weights + one.biases, other.weights + other.biases, strict=True)
    return all(getattr(one, fact) == getattr(other, fact) for fact in facts) and all(
        a.tobytes() == b.tobytes() and a.shape == b.shape for a, b in arrays
    )


def header_of(content: bytes) -> dict[str, Any]:
    """Return the header of a policy file."""
    length = int.from_bytes(content[:8], "little")
    header: dict[str, Any] = json.loads(content[8 : 8 + length])
    return header


def with_header(content: bytes, header: Any) -> bytes:
    """Return a file with another header before the same numbers."""
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + content[8 + int.from_bytes(content[:8], "little") :]
