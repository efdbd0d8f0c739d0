import pytest
import torch
from torch import nn

from cnnlab.lending import fresh_randomness, lent, mode

CPU = torch.device("cpu")


def draw(n: int = 2) -> list[float]:
    return torch.rand(n).tolist()


def test_blocks_go_on_from_one_another_as_if_nothing_lay_between():
    torch.manual_seed(5)
    want = draw(4)
    randomness = fresh_randomness(5, CPU)
    torch.manual_seed(6)
    with lent(randomness):
        first = draw()
    draw(9)
    with lent(randomness):
        assert first + draw() == want


def test_the_caller_gets_its_state_back_even_after_an_error():
    torch.manual_seed(7)
    state, deterministic = torch.get_rng_state(), torch.backends.cudnn.deterministic
    with pytest.raises(KeyboardInterrupt), lent(fresh_randomness(1, CPU)):
        draw()
        raise KeyboardInterrupt
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.backends.cudnn.deterministic == deterministic


@pytest.mark.parametrize("training", [True, False])
def test_every_module_gets_its_own_mode_back(training):
    model = nn.Sequential(nn.Dropout(), nn.Sequential(nn.BatchNorm2d(2), nn.ReLU()))
    model[1].eval()
    before = [module.training for module in model.modules()]
    with pytest.raises(ZeroDivisionError), mode(model, training):
        assert all(module.training is training for module in model.modules())
        raise ZeroDivisionError
    assert [module.training for module in model.modules()] == before
