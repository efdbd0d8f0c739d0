import pytest
import torch
from model_oracles import field, hollow, maps, multiply_adds, parameters
from torch import nn
from torchvision import models

from cnnlab.arithmetic.receptive import receptive_field
from cnnlab.models.inception import GoogLeNet, Inception, ResidualInception, inception_v3

pytestmark = pytest.mark.rows("H03")
B3A = (64, 96, 128, 16, 32, 32)


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_block_3a_has_the_papers_parameters_and_multiply_adds():
    by_hand = 193 * (64 + 96 + 16 + 32) + (96 * 9 + 1) * 128 + (16 * 25 + 1) * 32
    assert parameters(lambda: Inception(192, B3A)) == by_hand == 163_696
    assert multiply_adds(lambda: Inception(192, B3A), 192, 28, 28) == 128_049_152


@pytest.mark.rows("K05")
def test_the_reductions_save_what_the_sheet_says():
    naive = 28 * 28 * 192 * (64 + 9 * 128 + 25 * 32)
    assert naive / 1e6 == pytest.approx(303.5, abs=0.05)
    assert naive / multiply_adds(lambda: Inception(192, B3A), 192, 28, 28) == pytest.approx(2.37, abs=0.005)


def test_the_block_concatenates_its_branches_in_order():
    torch.manual_seed(0)
    block, x = Inception(12, (4, 3, 5, 2, 6, 7)), torch.randn(2, 12, 9, 9, generator=seeded())
    one, (reduce3, three), (reduce5, five), (pool, pooled) = block.branches

    def act(layer, x):
        return torch.relu(layer[0](x))

    by_hand = [act(one, x), act(three, act(reduce3, x)), act(five, act(reduce5, x)), act(pooled, pool(x))]
    torch.testing.assert_close(block(x), torch.cat(by_hand, 1))
    assert [branch.shape[1] for branch in by_hand] == [4, 5, 6, 7] and block.out_channels == 22
    assert five[0].kernel_size == (5, 5) and three[0].kernel_size == (3, 3)


def test_a_residual_block_of_scale_zero_is_the_rectified_identity():
    block, x = ResidualInception(22, (4, 3, 5, 2, 6, 7), scale=0.0), torch.randn(2, 22, 9, 9, generator=seeded())
    torch.testing.assert_close(block(x), x.relu())
    widened = ResidualInception(12, (4, 3, 5, 2, 6, 7), scale=0.0)
    torch.testing.assert_close(widened(x[:, :12]), widened.shortcut(x[:, :12]).relu())


def test_the_residual_goes_with_the_scale():
    torch.manual_seed(0)
    block, x = ResidualInception(22, (4, 3, 5, 2, 6, 7), scale=0.1), 50 + torch.randn(1, 22, 9, 9, generator=seeded())
    small = block(x) - x  # so far from zero that no ReLU cuts it
    block.scale = 0.3
    torch.testing.assert_close(block(x) - x, 3 * small, rtol=1e-3, atol=1e-3)


def test_googlenet_has_the_published_parameters_with_and_without_auxiliary_classifiers():
    blocks = {
        192: [(64, 96, 128, 16, 32, 32)],
        256: [(128, 128, 192, 32, 96, 64)],
        480: [(192, 96, 208, 16, 48, 64)],
        512: [(160, 112, 224, 24, 64, 64), (128, 128, 256, 24, 64, 64), (112, 144, 288, 32, 64, 64)],
        528: [(256, 160, 320, 32, 128, 128)],
        832: [(256, 160, 320, 32, 128, 128), (384, 192, 384, 48, 128, 128)],
    }
    count = (3 * 49 + 1) * 64 + 65 * 64 + (64 * 9 + 1) * 192 + 1025 * 1000
    for channels, rows in blocks.items():
        for one, reduce3, three, reduce5, five, pooled in rows:
            count += (channels + 1) * (one + reduce3 + reduce5 + pooled) + (reduce3 * 9 + 1) * three
            count += (reduce5 * 25 + 1) * five
    assert parameters(GoogLeNet) == count == 6_998_552
    auxiliary = sum((channels + 1) * 128 + (2048 + 1) * 1024 + 1025 * 1000 for channels in (512, 528))
    assert parameters(lambda: GoogLeNet(aux=True)) == count + auxiliary == 13_378_280


def test_googlenet_differs_from_torchvisions_only_where_torchvision_differs_from_the_paper():
    theirs = parameters(lambda: models.googlenet(init_weights=False, aux_logits=False))
    fives = [(16, 32), (32, 96), (16, 48), (24, 64), (24, 64), (32, 64), (32, 128), (32, 128), (48, 128)]
    shorter = sum((25 - 9) * before * after for before, after in fives)  # its 5x5 branch has 3x3
    net = hollow(GoogLeNet)
    normalized = sum(m.out_channels for m in net.modules() if isinstance(m, nn.Conv2d))  # 2 numbers for 1 bias
    assert parameters(GoogLeNet) == theirs + shorter - normalized


def test_the_maps_shrink_as_in_the_paper():
    net = hollow(GoogLeNet)
    assert maps(net, (3, 224, 224), (Inception,)) == [
        *((256, 28, 28), (480, 28, 28), (512, 14, 14), (512, 14, 14), (512, 14, 14)),
        *((528, 14, 14), (832, 14, 14), (832, 7, 7), (1024, 7, 7)),
    ]


def test_the_stem_sees_what_its_kernels_say():
    seen = receptive_field(hollow(GoogLeNet).stem, (1, 3, 224, 224))
    assert (seen.size[0], seen.jump[0]) == field((7, 2), (3, 2), (1, 1), (3, 1), (3, 2)) == (27, 8)


def test_the_first_block_sees_its_5x5():
    net = hollow(GoogLeNet)
    assert receptive_field(nn.Sequential(net.stem, net.blocks["3a"]), (1, 3, 224, 224)).size[0] == 27 + 4 * 8


def test_the_last_block_sees_715_pixels_through_its_5x5():
    stages = [[(7, 2), (3, 2), (1, 1), (3, 1), (3, 2)], [(5, 1)] * 2 + [(3, 2)], [(5, 1)] * 5 + [(3, 2)], [(5, 1)] * 2]
    seen = receptive_field(hollow(GoogLeNet), (1, 3, 224, 224), "blocks.5b")
    assert (seen.size[0], seen.jump[0]) == field(*(layer for stage in stages for layer in stage)) == (715, 32)


def test_inception_v3_sees_1311_pixels():  # the published value of Araujo, Norris and Sim, 2019
    assert receptive_field(hollow(inception_v3), (1, 3, 299, 299), "Mixed_7c#4").size[0] == 1311


def test_the_auxiliary_classifiers_speak_in_training_only():
    net = hollow(lambda: GoogLeNet(aux=True, classes=7))
    x = torch.empty(2, 3, 224, 224, device="meta")
    assert net(x).shape == (2, 7)
    assert [logits.shape for logits in net.train()(x)] == [(2, 7)] * 3


def test_the_auxiliary_gradient_reaches_only_what_lies_before_it():
    net = GoogLeNet(aux=True, classes=5, width=4).train()
    _, late, early = net(torch.randn(1, 3, 224, 224, generator=seeded()))
    early.sum().backward(retain_graph=True)
    assert net.blocks["3a"].branches[0][0].weight.grad is not None
    assert net.blocks["4b"].branches[0][0].weight.grad is None
    late.sum().backward()
    assert net.blocks["4d"].branches[0][0].weight.grad is not None and net.head[2].weight.grad is None


def test_inception_v3_is_torchvisions():
    assert parameters(inception_v3) == 27_161_264
    assert parameters(lambda: inception_v3(aux=False)) == 23_834_568


def test_wrong_sizes_are_refused():
    with pytest.raises(ValueError, match='size "64" is unknown; choose one of: 32, paper'):
        GoogLeNet(size="64")
    with pytest.raises(ValueError, match="takes 2048 features, which images of 224x224 give; got a map of .128, 5, 5."):
        hollow(lambda: GoogLeNet(aux=True)).train()(torch.empty(1, 3, 300, 300, device="meta"))
    with pytest.raises(ValueError, match="takes 2048 features, which images of 32x32 give; got a map of .128, 10, 10."):
        hollow(lambda: GoogLeNet(aux=True, size="32")).train()(torch.empty(1, 3, 64, 64, device="meta"))


def test_the_auxiliary_classifiers_take_the_images_that_their_error_names():
    net = hollow(lambda: GoogLeNet(aux=True, size="32", classes=7)).train()
    assert [logits.shape for logits in net(torch.empty(2, 3, 32, 32, device="meta"))] == [(2, 7)] * 3
