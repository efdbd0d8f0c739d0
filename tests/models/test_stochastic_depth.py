import pytest
import torch
from model_oracles import hollow, parameters

from cnnlab.models.resnet import cifar_resnet
from cnnlab.models.stochastic_depth import stochastic_depth_resnet
from cnnlab.techniques.paths import StochasticDepth

pytestmark = pytest.mark.rows("H17")


def survivals(net) -> list[float]:
    return [1 - module.p for module in net.modules() if isinstance(module, StochasticDepth)]


def test_40_25_of_54_blocks_are_kept_on_average():
    kept = survivals(hollow(stochastic_depth_resnet))
    assert len(kept) == 54 and kept[-1] == 0.5 and kept == sorted(kept, reverse=True)
    assert sum(kept) == pytest.approx((3 * 54 - 1) / 4) and (3 * 54 - 1) / 4 == 40.25


def test_it_is_resnet_110_with_the_same_parameters():
    assert parameters(stochastic_depth_resnet) == parameters(lambda: cifar_resnet(depth=110)) == 1_727_962


def twins(last: float):
    torch.manual_seed(0)
    plain, net = cifar_resnet(depth=14, width=4), stochastic_depth_resnet(depth=14, width=4, last=last)
    net.load_state_dict(dict(zip(net.state_dict(), plain.state_dict().values(), strict=True)))
    return plain, net


@pytest.mark.parametrize("training", [True, False])
def test_with_every_block_kept_it_is_resnet(training):
    plain, net = twins(last=0.0)
    x = torch.randn(2, 3, 8, 8)
    torch.testing.assert_close(net.train(training)(x), plain.train(training)(x))


def test_in_evaluation_each_branch_counts_as_often_as_it_was_kept():
    plain, net = twins(last=0.5)
    for module, (weight, bias, kept) in zip(
        [block[0].branch for stage in plain[1:4] for block in stage],
        [(block[0].branch[4].weight, block[0].branch[4].bias, 1 - block[0].p) for stage in net[1:4] for block in stage],
        strict=True,
    ):
        module[4].weight.data, module[4].bias.data = weight.detach() * kept, bias.detach() * kept
    x = torch.randn(2, 3, 8, 8)
    torch.testing.assert_close(net.eval()(x), plain.eval()(x))


def test_in_training_a_skipped_block_gets_no_gradient():
    torch.manual_seed(0)
    net = stochastic_depth_resnet(3, 4, depth=14, width=4, last=0.9)
    net(torch.randn(4, 3, 8, 8)).square().sum().backward()
    ran = [module.branch[0].weight.grad is not None for module in net.modules() if isinstance(module, StochasticDepth)]
    assert 0 < sum(ran) < len(ran)
