"""PyTorch in several threads: whoever traces or runs a module leaves PyTorch, and the module, as
they were, for all threads and for the child of a fork."""

from __future__ import annotations

import os
import signal
import threading
import time
import warnings
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from pylstm.convert import from_torch, largest_difference

try:
    import torch
    from torch import nn
except ImportError:
    pytest.skip("it is PyTorch's: pip install 'pylstm[torch]'", allow_module_level=True)

# What torch.fx and the importer replace while a forward pass is traced.
REPLACED = (nn.Module.__call__, nn.Module.__getattr__, torch.zeros)

# Long enough for another thread to come in, if nothing keeps it out.
WHILE = 0.05


class Network(nn.Module):
    """Whose forward pass does something else in the middle."""

    def __init__(self, meanwhile: Callable[[], None] = lambda: time.sleep(WHILE)) -> None:
        super().__init__()
        self.meanwhile = meanwhile
        self.norm = nn.BatchNorm1d(3)
        self.first, self.last = nn.Linear(3, 4), nn.Linear(4, 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = torch.tanh(self.first(self.norm(x)))
        self.meanwhile()
        return torch.sigmoid(self.last(y))


def as_they_were() -> bool:
    return (nn.Module.__call__, nn.Module.__getattr__, torch.zeros) == REPLACED


def in_threads(*actions: Callable[[], object]) -> None:
    """Runs each in a thread of its own, all at once, and raises what one of them has raised."""
    together = threading.Barrier(len(actions))

    def run(action: Callable[[], object]) -> None:
        together.wait()
        action()

    with ThreadPoolExecutor(len(actions)) as pool:
        for done in [pool.submit(run, action) for action in actions]:
            done.result()


def test_modules_of_several_threads_are_traced_one_after_the_other() -> None:
    inside: list[int] = []
    most = []

    def meanwhile() -> None:
        inside.append(1)
        most.append(len(inside))
        time.sleep(WHILE)
        inside.pop()

    networks = [Network(meanwhile) for _ in range(3)]
    in_threads(*(lambda one=one: from_torch(one, axes="BF") for one in networks))
    assert len(most) >= 3
    assert max(most) == 1
    assert as_they_were()
    assert nn.Linear(2, 1)(torch.ones(1, 2)).shape == (1, 1)


def test_a_module_of_several_threads_stays_in_training() -> None:
    network = Network().train()
    layers = from_torch(network, axes="BF")

    def compare() -> None:
        assert largest_difference(layers, network, 2, axes="BF") < 1e-5

    in_threads(compare, compare, lambda: from_torch(network, axes="BF"))
    assert all(one.training for one in network.modules())
    assert as_they_were()


def test_another_thread_runs_modules_while_one_is_traced() -> None:
    other = nn.Sequential(nn.LSTM(3, 4), nn.Identity())
    frames = torch.randn(5, 3)
    expected = other(frames)[0].detach()
    found = []

    def meanwhile() -> None:
        assert not as_they_were()
        thread = threading.Thread(target=lambda: found.append(other(frames)[0].detach()))
        thread.start()
        thread.join()

    from_torch(Network(meanwhile), axes="BF")
    assert found
    assert all(torch.equal(one, expected) for one in found)


def test_an_error_in_one_thread_leaves_the_others_alone() -> None:
    def fail() -> None:
        raise RuntimeError("no forward pass")

    def refused() -> None:
        with pytest.raises(ValueError, match=r"torch\.fx can trace \(no forward pass\)"):
            from_torch(Network(fail), axes="BF")

    network = Network()
    in_threads(refused, refused, lambda: from_torch(network, axes="BF"))
    assert as_they_were()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here: Linux or macOS runs this")
def test_the_child_of_a_fork_has_pytorch_as_it_was() -> None:
    inside = threading.Event()

    def meanwhile() -> None:
        inside.set()
        time.sleep(WHILE)

    network = Network(meanwhile).train()
    tracer = threading.Thread(target=lambda: from_torch(network, axes="BF"))
    tracer.start()
    assert inside.wait(30)
    with warnings.catch_warnings():
        # From Python 3.12 on it says that a fork with threads may hang, which is what is tried.
        warnings.filterwarnings("ignore", message=".*multi-threaded", category=DeprecationWarning)
        child = os.fork()
    if child == 0:
        signal.alarm(30)
        good = as_they_were() and network.training
        network.meanwhile = lambda: None
        good = good and isinstance(from_torch(network, axes="BF"), dict)
        os._exit(0 if good else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    tracer.join()
    assert as_they_were()


def test_the_rows_of_threads_are_those_of_one() -> None:
    torch.manual_seed(3)
    networks = [Network(lambda: None) for _ in range(3)]
    alone = [from_torch(one, axes="BF") for one in networks]
    together: dict[int, object] = {}

    def convert(k: int) -> None:
        for _ in range(4):
            together[k] = from_torch(networks[k], axes="BF")

    in_threads(*(lambda k=k: convert(k) for k in range(3)))
    assert [together[k] for k in range(3)] == alone
    assert np.isfinite(largest_difference(alone[0], networks[0], 5, axes="BF"))
