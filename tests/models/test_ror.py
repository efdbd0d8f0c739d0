import pytest
import torch
from model_oracles import hollow, parameters
from torch import nn
from torch.nn import functional as F

from cnnlab.models.resnet import cifar_resnet
from cnnlab.models.ror import WeightedResidual, elu_resnet, ror, weighted_resnet
from cnnlab.techniques.joins import Residual

pytestmark = pytest.mark.rows("H07")


def test_ror_has_four_shortcuts_more_than_resnet():
    def shortcuts(build):
        return sum(isinstance(module, Residual) for module in hollow(build).modules())

    assert (shortcuts(cifar_resnet), shortcuts(ror)) == (9, 9 + 3 + 1)
    extra = (16 * 32 + 64) + (32 * 64 + 128) + (16 * 64 + 128)  # the first stage's is the identity
    assert parameters(ror) == 269_722 + extra


class Nothing(nn.Module):
    def forward(self, x: torch.Tensor) -> float:
        return 0.0


def test_ror_without_its_extra_shortcuts_is_resnet():
    torch.manual_seed(0)
    plain, net = cifar_resnet(depth=14).eval(), ror(depth=14).eval()
    extra = [net[1], *(group for group in net[1].branch if isinstance(group, Residual))]
    assert [isinstance(residual.shortcut, nn.Identity) for residual in extra] == [False, True, False, False]
    for residual in extra:
        residual.shortcut = Nothing()
    net.load_state_dict(dict(zip(net.state_dict(), plain.state_dict().values(), strict=True)))
    x = torch.randn(2, 3, 16, 16)
    torch.testing.assert_close(net(x), plain(x))


def test_a_root_shortcut_joins_before_the_relu():
    net = hollow(ror)
    assert isinstance(net[2], nn.ReLU)
    assert isinstance(net[1].branch[-1], Residual) and not isinstance(net[1].branch[-1].branch[-1], nn.ReLU)


def test_a_weighted_residual_starts_as_the_identity_and_learns_its_weight():
    block = WeightedResidual(nn.Conv2d(3, 3, 3, padding=1))
    x = torch.randn(2, 3, 5, 5)
    assert torch.equal(block(x), x)
    block(x).square().sum().backward()
    assert block.theta.grad.abs() > 0.01
    assert not block.branch.weight.grad.any()


@pytest.mark.parametrize("theta", [-40.0, -0.5, 0.3, 40.0])
def test_the_weight_stays_between_minus_one_and_one(theta):
    block = WeightedResidual(nn.Identity())
    nn.init.constant_(block.theta, theta)
    x = torch.rand(2, 3, 5, 5)
    weight = torch.tensor(theta).tanh()
    assert -1 <= weight <= 1
    torch.testing.assert_close(block(x), (1 + weight) * x)


def test_a_weighted_net_has_one_parameter_more_a_block_and_its_branches_end_in_relu():
    assert parameters(weighted_resnet) == 269_722 + 9
    blocks = [module for module in hollow(weighted_resnet).modules() if isinstance(module, WeightedResidual)]
    assert len(blocks) == 9 and all(isinstance(block.branch[-1], nn.ReLU) for block in blocks)


def test_an_elu_block_is_conv_elu_conv_norm_and_a_sum():
    block = elu_resnet()[1][1].eval()
    x = torch.randn(2, 16, 6, 6)
    first, _, second, _ = block.branch
    inside = F.conv2d(F.elu(F.conv2d(x, first.weight, padding=1)), second.weight, padding=1)
    torch.testing.assert_close(block(x), x + inside / (1 + 1e-5) ** 0.5)


def test_an_elu_net_saves_a_norm_in_the_stem_and_in_each_block():
    assert parameters(elu_resnet) == 269_722 - 2 * (16 + 3 * (16 + 32 + 64))
