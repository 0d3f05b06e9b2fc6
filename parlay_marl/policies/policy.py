"""Learned policies: a small network that plays from what a seat sees, and its file."""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pydantic import ValidationError

from parlay_marl.catalogue.files import reason_of, reasons, write_whole
from parlay_marl.core.moves import n_actions
from parlay_marl.core.observation import AT, width
from parlay_marl.core.style import MOST_HIDDEN
from parlay_marl.errors import ConfigurationError, PolicyFileError
from parlay_marl.policies.columns import MOST_UNITS
from parlay_marl.policies.losses import write_masks_without_losses
from parlay_marl.policies.network import draw_actions, network_record, packed, write_draws, write_logits
from parlay_marl.policies.policy_file import LARGEST_FILE, TOO_LARGE, Facts, Float32, decode, encode

_KEY = np.uint64(0x70617276_6C61796D)
"""Seed of policies that are asked directly; in a game they draw from its own streams."""


def _none_asked() -> NDArray[np.int64]:
    return np.zeros(1, np.int64)


@dataclass(frozen=True, eq=False)
class Policy:
    """A network that maps an observation to a logit for each discrete action, and how it plays.

    `weights` has an array (outputs, inputs) for each layer, `biases` one of (outputs,), both float32; the last layer
    gives the logits. There are 1 to 3 hidden layers of 1 to 1024 units. Its input is the observation with room for
    `packages`, then the persona's `traits` of those names. At temperature 0 it plays the likeliest legal action, the
    first of equals; otherwise it draws one from softmax(logits / temperature), always the same ones in the same order.
    With `no_losses` it leaves out offers and acceptances that are worth less than nothing to it, unless nothing else is
    legal. `scenarios` and `training` only say where it comes from.

    Raises `ConfigurationError` for a network that does not fit, or holds numbers that are not finite.
    """

    name: str
    weights: tuple[Float32, ...] = field(repr=False)
    biases: tuple[Float32, ...] = field(repr=False)
    activation: str = "relu"
    packages: int = 1
    traits: tuple[str, ...] = ()
    temperature: float = 1.0
    no_losses: bool = False
    scenarios: tuple[str, ...] = ()
    training: Mapping[str, Any] = field(default_factory=dict, repr=False)
    _asked: NDArray[np.int64] = field(default_factory=_none_asked, init=False, repr=False)
    """Rows that it has been asked for: each takes the next draw."""

    def __post_init__(self) -> None:
        facts = self._facts()
        given = {name: getattr(facts, name) for name in Facts.model_fields}
        arrays = {"weights": _frozen(self.weights), "biases": _frozen(self.biases)}
        for name, value in (given | arrays).items():
            object.__setattr__(self, name, value)
        self._check_network()

    def __getstate__(self) -> dict[str, Any]:
        """Return the data for copies and pickles; the kernels' arrays are built again."""
        return {each.name: getattr(self, each.name) for each in dataclasses.fields(self)}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Become the copy; its weights cannot be changed either."""
        arrays = {name: _frozen(state[name]) for name in ("weights", "biases")}
        vars(self).update(state | arrays)

    def _facts(self) -> Facts:
        """Return the facts of the policy, validated."""
        given = {name: getattr(self, name) for name in Facts.model_fields}
        try:
            return Facts.model_validate(given | {"training": dict(self.training)})
        except ValidationError as error:
            raise ConfigurationError(f"policy {self.name!r:.80}: {reasons(error)}") from None

    def _check_network(self) -> None:
        """Refuse layers that do not fit each other, the observation and the actions, or that are not finite."""
        hidden = len(self.weights) - 1
        if not 1 <= hidden <= MOST_HIDDEN or len(self.biases) != hidden + 1:
            self._refuse(f"give 1 to {MOST_HIDDEN} hidden layers and a last one, each with weights and biases")
        inputs = self.inputs
        for i, (weight, bias) in enumerate(zip(self.weights, self.biases, strict=True)):
            outputs = weight.shape[0] if weight.ndim == 2 and i < hidden else self.actions
            if not 1 <= outputs <= MOST_UNITS and i < hidden:
                self._refuse(f"layer {i} has {outputs} units; give 1 to {MOST_UNITS}")
            _check_layer(self, i, weight, (outputs, inputs), "weights")
            _check_layer(self, i, bias, (outputs,), "biases")
            inputs = outputs

    def _refuse(self, reason: str) -> NoReturn:
        raise ConfigurationError(f"policy {self.name!r}: {reason}")

    @property
    def inputs(self) -> int:
        """Number of inputs of the network: those of the observation and the traits."""
        return width(self.packages) + len(self.traits)

    @property
    def actions(self) -> int:
        """Number of discrete actions that it chooses from."""
        return n_actions(self.packages)

    @property
    def hidden(self) -> tuple[int, ...]:
        """Units of each hidden layer."""
        return tuple(len(bias) for bias in self.biases[:-1])

    @functools.cached_property
    def network(self) -> Any:
        """The record of its network for the kernels, an array of one of `NETWORK_DTYPE`."""
        return network_record(self)

    @functools.cached_property
    def packed(self) -> Float32:
        """Its weights and biases as the kernels read them, one array."""
        return packed(self.weights, self.biases)

    def logits(self, observations: ArrayLike, traits: ArrayLike | None = None) -> Float32:
        """Return a logit for every action, legal or not: (n, fields) in, (n, actions) out, float32.

        `traits` are those that the policy names, (n, traits), or (traits,) for all rows. A row's logits do not depend
        on the others', to the bit.
        """
        rows = np.require(self._input(observations, traits), requirements=["C", "A", "W"])
        logits = np.empty((len(rows), self.actions), np.float32)
        with np.errstate(all="ignore"):  # large weights may overflow where this runs as plain Python
            write_logits(self.network, self.packed, rows, logits)
        return logits

    def act(self, observations: NDArray[np.float32], masks: NDArray[np.int8]) -> NDArray[np.int64]:
        """Return a legal discrete action for each row: (n, fields) and (n, actions) in, (n,) out.

        Rows draw one after the other, from one stream for each seat, whatever number of them is asked for at a time.
        """
        logits = self.logits(observations)
        legal = self.legal(observations, masks)
        seats = (np.asarray(observations)[:, AT.seat] > 0.5).astype(np.int64)
        draws, actions = np.empty(len(logits)), np.empty(len(logits), np.int64)
        with np.errstate(all="ignore"):
            write_draws(_KEY, seats, int(self._asked[0]), draws)
            draw_actions(logits, legal, self.temperature, draws, actions)
        self._asked[0] += len(logits)
        return actions

    def probabilities(
        self, observations: NDArray[np.float32], masks: NDArray[np.int8], traits: ArrayLike | None = None
    ) -> NDArray[np.float64]:
        """Return how likely each discrete action is: (n, fields) and (n, actions) in, (n, actions) float64 out.

        Rows add up to 1, and illegal actions have 0. They are softmax(logits / temperature) over what is legal or, at
        temperature 0, 1 for the likeliest action. `act` leaves out those below e^-40 of the likeliest.
        """
        logits = self.logits(observations, traits)
        legal = self.legal(observations, masks)
        allowed = np.where(legal == 1, logits.astype(np.float64), -np.inf)
        most = allowed.max(axis=1, keepdims=True)
        if self.temperature <= 0.0:
            chosen = np.zeros_like(allowed)
            chosen[np.arange(len(chosen)), allowed.argmax(axis=1)] = 1.0
            return chosen
        weights: NDArray[np.float64] = np.exp((allowed - most) / self.temperature)
        return weights / weights.sum(axis=1, keepdims=True)

    def legal(self, observations: ArrayLike, masks: ArrayLike) -> NDArray[np.int8]:
        """Return masks, without losses where the policy leaves them out: (n, fields), (n, actions) in, the latter out.

        Refuses observations and masks of another shape, and masks that allow nothing in a row.
        """
        rows = np.require(self._rows(observations), requirements=["C", "A", "W"])
        legal = np.asarray(masks) != 0
        if legal.shape != (len(rows), self.actions):
            self._refuse(f"masks of shape {legal.shape} do not go with {len(rows)} rows of {self.actions} actions")
        if not legal.any(axis=1).all():
            self._refuse(f"no action is legal in row {int(np.argmin(legal.any(axis=1)))} of the masks")
        allowed = legal.astype(np.int8)
        if self.no_losses:
            write_masks_without_losses(rows, self.packages, allowed, allowed)
        return allowed

    def _input(self, observations: ArrayLike, traits: ArrayLike | None) -> Float32:
        """Return the rows that go into the network."""
        rows = self._rows(observations)
        if traits is None and not self.traits:
            return rows
        if traits is None or not self.traits:
            self._refuse(f"its input is the observation and {len(self.traits)} traits; give exactly these")
        values = np.asarray(traits, dtype=np.float32)
        if values.shape not in ((len(self.traits),), (len(rows), len(self.traits))):
            self._refuse(f"it takes the traits {', '.join(self.traits)}, not an array of shape {values.shape}")
        return np.concatenate([rows, np.broadcast_to(values, (len(rows), len(self.traits)))], axis=1)

    def _rows(self, observations: ArrayLike) -> Float32:
        """Return observations as rows (n, fields); refuse those of another shape."""
        rows = np.asarray(observations, dtype=np.float32)
        if rows.ndim != 2 or rows.shape[1] != width(self.packages):
            self._refuse(
                f"it plays from rows of {width(self.packages)} numbers, the observation with room for {self.packages} "
                f"packages, not from shape {rows.shape}"
            )
        return rows


def _frozen(arrays: Any) -> tuple[Any, ...]:
    """Return read-only arrays: copies of those that can be written."""
    given = [np.asarray(array) for array in arrays]
    copies = [np.array(array, order="C") if array.flags.writeable else np.ascontiguousarray(array) for array in given]
    for array in copies:
        array.flags.writeable = False
    return tuple(copies)


def _check_layer(policy: Policy, layer: int, array: Any, shape: tuple[int, ...], kind: str) -> None:
    """Refuse weights or biases of another shape or type, or that hold something else than numbers."""
    where = f"policy {policy.name!r}: the {kind} of layer {layer}"
    if array.dtype != np.float32 or array.shape != shape:
        raise ConfigurationError(
            f"{where} are {array.dtype} of shape {array.shape}; for {policy.packages} packages and "
            f"{len(policy.traits)} traits they must be float32 of shape {shape}"
        )
    if not np.isfinite(array).all():
        raise ConfigurationError(f"{where} are not all finite; take a policy from before its training diverged")


def read_policy(path: str | Path) -> Policy:
    """Return the policy of a `.safetensors` file; nothing in a file is ever run.

    A file with fewer fields than today's observation, or in another order, plays as it did: its inputs are found by
    name, and `weights[0]` has today's columns, those of fields that the file does not know 0. A file that was read
    before is read again only once it has changed. Each call returns a policy of its own, which draws its actions from
    the start. Raises `PolicyFileError`, also for a field that today's observation does not have.
    """
    return read_with_digest(path)[0]


def read_with_digest(path: str | Path) -> tuple[Policy, str]:
    """Return the policy of a file, as `read_policy` does, and the SHA-256 digest of what it was read from."""
    found = checked_file(path, "a policy file")
    if found.st_size > LARGEST_FILE:
        raise PolicyFileError(f"{path}: {TOO_LARGE}")
    known = (found.st_mtime_ns, found.st_size, found.st_ino)
    policy, digest = _read_cached(str(path), os.path.abspath(path), known)
    return dataclasses.replace(policy), digest


def checked_file(path: str | Path, kind: str) -> os.stat_result:
    """Return what the system knows of a regular file, or refuse what is none or cannot be reached.

    Raises:
        PolicyFileError: asks for the path of the `kind` of file.
    """
    try:
        found = os.stat(path)
    except (OSError, ValueError) as error:
        raise PolicyFileError(f"{path}: cannot be read: {reason_of(error)}; give the path of {kind}") from None
    if not stat.S_ISREG(found.st_mode):
        raise PolicyFileError(f"{path}: not a file; give the path of {kind}")
    return found


@functools.lru_cache(maxsize=64)
def _read_cached(path: str, place: str, known: tuple[int, ...]) -> tuple[Policy, str]:
    """Return the policy of a file and its digest; `place` and `known` tell when the file has changed."""
    try:
        with open(path, "rb") as file:
            content = file.read(LARGEST_FILE + 1)  # one byte more shows that it is too large
    except OSError as error:
        raise PolicyFileError(f"{path}: cannot be read: {reason_of(error)}; give the path of a policy file") from None
    return _policy(path, content), hashlib.sha256(content).hexdigest()


def _policy(path: str | Path, content: bytes) -> Policy:
    """Return the policy that the content of a file holds."""
    try:
        facts, (weights, biases) = decode(content)
        return Policy(weights=weights, biases=biases, **{name: getattr(facts, name) for name in Facts.model_fields})
    except ConfigurationError as error:
        raise PolicyFileError(f"{path}: {error}; train or export it again") from None
    except ValueError as error:
        raise PolicyFileError(f"{path}: not a usable policy file: {error}") from None


def write_policy(path: str | Path, policy: Policy) -> None:
    """Write a policy into a `.safetensors` file, whole or not at all; the same policy gives the same bytes.

    The file names all fields of today's observation, also where the policy was read from a file with fewer. Raises
    `PolicyFileError` where the file cannot be written, or could not be read again.
    """
    content = encode(policy._facts(), (policy.weights, policy.biases))
    _policy(path, content)
    try:
        write_whole(Path(path), content)
    except (OSError, ValueError) as error:
        raise PolicyFileError(f"{path}: cannot be written: {reason_of(error)}; give another path") from None
    _read_cached.cache_clear()  # a clock may be too coarse to tell two writes apart
