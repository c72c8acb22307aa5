"""Schedules against PyTorch's, and against what they say of themselves."""

import math

import pytest

from pylstm.train.schedules import Constant, Cosine, Plateau, Step


def torch_factors(make, n, values=None):
    """What a scheduler of PyTorch makes of a learning rate of 1."""
    torch = pytest.importorskip(
        "torch", reason="PyTorch is the oracle: pip install 'pylstm[torch]'"
    )
    optimiser = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    scheduler = make(torch.optim.lr_scheduler, optimiser)
    factors = []
    for k in range(n):
        factors.append(optimiser.param_groups[0]["lr"])
        optimiser.step()
        scheduler.step(*(() if values is None else (values[k],)))
    return factors


def test_constant():
    assert {Constant().factor(step, epoch) for step in range(9) for epoch in range(9)} == {1.0}


@pytest.mark.slow
@pytest.mark.parametrize("floor", [0.0, 0.1, 1.0])
def test_cosine_is_that_of_torch(floor):
    expected = torch_factors(lambda m, o: m.CosineAnnealingLR(o, 50, eta_min=floor), 51)
    schedule = Cosine(50, floor=floor)
    assert [schedule.factor(k, 0) for k in range(51)] == pytest.approx(expected, abs=1e-12)


@pytest.mark.slow
def test_warmup_is_that_of_torch():
    expected = torch_factors(lambda m, o: m.LinearLR(o, 1 / 8, total_iters=7), 9)
    schedule = Cosine(1_000_000, warmup_steps=8)
    assert [schedule.factor(k, 0) for k in range(9)] == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("warmup", [0, 1, 7, 19])
@pytest.mark.parametrize("floor", [0.0, 0.25])
def test_cosine_rises_to_one_and_falls_to_the_floor(warmup, floor):
    schedule = Cosine(20, warmup, floor)
    factors = [schedule.factor(k, 3) for k in range(25)]
    up, down = factors[:warmup], factors[warmup:]
    assert up == sorted(up)
    assert down == sorted(down, reverse=True)
    assert max(factors) == down[0] == 1
    assert factors[20:] == [floor] * 5
    assert min(factors) > 0 or floor == 0


@pytest.mark.slow
def test_step_is_that_of_torch():
    expected = torch_factors(lambda m, o: m.StepLR(o, 3, gamma=0.3), 20)
    schedule = Step(every_epochs=3, factor=0.3)
    assert [schedule.factor(7, e) for e in range(20)] == pytest.approx(expected, rel=1e-12)


LOSSES = [3, 2, 2, 1.99999, 2, 1.5, 1.6, math.nan, 1.7, 1.49999, 1.4, 2, 2, 2, 2, 2, 2, 2, math.inf]


@pytest.mark.slow
@pytest.mark.parametrize("patience", [0, 1, 3])
@pytest.mark.parametrize("floor", [0.0, 0.2])
def test_plateau_is_that_of_torch(patience, floor):
    expected = torch_factors(
        lambda m, o: m.ReduceLROnPlateau(o, "min", 0.5, patience, min_lr=floor, eps=0),
        len(LOSSES),
        LOSSES,
    )
    schedule, factors = Plateau(0.5, patience, floor), []
    for loss in LOSSES:
        factors.append(schedule.factor(0, 0))
        schedule.observe(loss)
    assert factors == expected


def test_plateau_waits_for_more_than_patience():
    schedule = Plateau(factor=0.1, patience=2, floor=0.05)
    factors = []
    for loss in [1, 1, 1, 1, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5]:
        schedule.observe(loss)
        factors.append(schedule.factor(0, 0))
    assert factors == pytest.approx([1, 1, 1, 0.1, 0.1, 0.1, 0.1, 0.05, 0.05, 0.05])


@pytest.mark.parametrize("after", range(0, len(LOSSES), 3))
def test_plateau_continues(after):
    first, second = Plateau(0.5, 1), Plateau(0.5, 1)
    for loss in LOSSES[:after]:
        first.observe(loss)
    second.restore(first.state())
    for loss in LOSSES[after:]:
        first.observe(loss)
        second.observe(loss)
        assert first.state() == second.state()
        assert first.factor(0, 0) == second.factor(0, 0)


@pytest.mark.parametrize("schedule", [Constant(), Cosine(10), Step(2, 0.5)], ids=repr)
def test_the_others_remember_nothing(schedule):
    factors = [schedule.factor(k, k) for k in range(12)]
    schedule.observe(math.nan)
    assert schedule.state() == {}
    schedule.restore({})
    assert [schedule.factor(k, k) for k in range(12)] == factors
    with pytest.raises(
        ValueError, match=f"state has 'best'; expected nothing for {type(schedule).__name__}"
    ):
        schedule.restore({"best": 1.0})
    for step, epoch in ((-1, 0), (0, -1)):
        with pytest.raises(ValueError, match="is -1"):
            schedule.factor(step, epoch)
    with pytest.raises(TypeError, match="step is 1"):
        schedule.factor(1.0, 0)


@pytest.mark.parametrize("schedule", [Constant(), Cosine(10, 2), Step(2, 0.5), Plateau()], ids=repr)
def test_repr_makes_the_same(schedule):
    assert repr(eval(repr(schedule))) == repr(schedule)


@pytest.mark.parametrize(
    ("kind", "settings", "error", "message"),
    [
        (Cosine, {"total_steps": 0}, ValueError, "total_steps is 0"),
        (Cosine, {"total_steps": 1.5}, TypeError, "total_steps is 1.5"),
        (Cosine, {"total_steps": 5, "warmup_steps": 5}, ValueError, "warmup_steps is 5; expected"),
        (Cosine, {"total_steps": 5, "warmup_steps": -1}, ValueError, "warmup_steps is -1"),
        (Cosine, {"total_steps": 5, "floor": 1.1}, ValueError, "floor is 1.1; expected 0 to 1"),
        (Cosine, {"total_steps": 5, "floor": math.nan}, ValueError, "floor is nan"),
        (Step, {"every_epochs": 0, "factor": 0.5}, ValueError, "every_epochs is 0"),
        (Step, {"every_epochs": 1, "factor": 0}, ValueError, "factor is 0.0; expected above 0"),
        (Step, {"every_epochs": 1, "factor": 2}, ValueError, "factor is 2"),
        (Plateau, {"factor": 1.0}, ValueError, "factor is 1.0"),
        (Plateau, {"factor": 0.0}, ValueError, "factor is 0.0"),
        (Plateau, {"factor": "0.5"}, TypeError, "factor is '0.5'"),
        (Plateau, {"patience": -1}, ValueError, "patience is -1"),
        (Plateau, {"floor": -0.1}, ValueError, "floor is -0.1"),
    ],
)
def test_settings_refused(kind, settings, error, message):
    with pytest.raises(error) as caught:
        kind(**settings)
    assert str(caught.value).startswith(message)


@pytest.mark.parametrize(
    ("state", "error", "message"),
    [
        ([], TypeError, "state is list"),
        ({}, ValueError, "state has nothing; expected 'factor'"),
        ({"factor": 2.0, "best": 1.0, "without": 0}, ValueError, "'factor' of the state is 2.0"),
        ({"factor": 1.0, "best": math.nan, "without": 0}, ValueError, "'best' of the state is NaN"),
        ({"factor": 1.0, "best": 1.0, "without": -1}, ValueError, "'without' of the state is -1"),
    ],
)
def test_states_refused(state, error, message):
    schedule = Plateau()
    with pytest.raises(error) as caught:
        schedule.restore(state)
    assert str(caught.value).startswith(message)
    assert schedule.state() == Plateau().state()


@pytest.mark.parametrize("value", [None, "1", True, [1.0, 2.0]])
def test_observed_is_a_number(value):
    with pytest.raises(TypeError, match="value is"):
        Plateau().observe(value)
